"""The training arguments of a PPO run; importing this needs a TRL that has PPO."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from accelerate import PartialState
from trl.experimental.ppo import PPOConfig

from rewards import ConfigurationError


@dataclass
class PPORunConfig(PPOConfig):  # type: ignore[misc]  # trl is not type-checked here
    """TRL's `PPOConfig`, what its trainer lacks beside the others, and their names for two of its options.

    By those names, a file for PPO without its part for PPO alone is one for RLOO.
    """

    _VALID_DICT_FIELDS = [*PPOConfig._VALID_DICT_FIELDS, "model_init_kwargs"]  # noqa: RUF012 - as TRL writes it

    stop_token: Literal["eos"] | None = field(
        default="eos",
        metadata={"help": "eos: a response ends there, as in the other trainers; unset: it is graded with the rest."},
    )
    unjudged_value: float | None = field(
        default=None,
        metadata={"help": "The score of a program that no sandbox could judge; unset: the mean of its batch's others."},
    )
    value_model: str | None = field(
        default=None, metadata={"help": "The checkpoint that the value model starts from; unset: the policy's."}
    )
    max_completion_length: int | None = field(
        default=None, metadata={"help": "What RLOO and GRPO call response_length; goes first where both are given."}
    )
    beta: float | None = field(
        default=None, metadata={"help": "What RLOO and GRPO call kl_coef; goes first where both are given."}
    )
    model_init_kwargs: dict[str, Any] | str | None = field(
        default=None, metadata={"help": "Further arguments of from_pretrained, for all models."}
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "Run the code that comes with a model on the Hub, for all models."}
    )
    reward_weights: list[float] | None = field(
        default=None, metadata={"help": "The weights of the rewards that combine_rewards adds up."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_completion_length is not None:
            self.response_length: int = self.max_completion_length
        if self.beta is not None:
            self.kl_coef: float = self.beta
        self.max_completion_length = self.response_length
        self.world_size: int = PartialState().num_processes  # as TRL's trainer will find it
        self._count_episodes()
        if self.unjudged_value is not None and not math.isfinite(self.unjudged_value):
            raise ConfigurationError(
                f"unjudged_value={self.unjudged_value} would break the policy: use a finite number"
            )
        if self.resume_from_checkpoint is not None:
            raise ConfigurationError("resume_from_checkpoint: TRL's PPOTrainer cannot resume; RLOO and GRPO can")

    @property
    def episodes_per_step(self) -> int:
        """Return how many responses, each to another prompt, all ranks together learn from in a step."""
        return int(self.per_device_train_batch_size * self.gradient_accumulation_steps * self.world_size)

    def _count_episodes(self) -> None:
        """Let `max_steps` count as in the other trainers, where TRL's PPO counts episodes and overlooks it."""
        if self.max_steps > 0:
            self.total_episodes: int | None = self.max_steps * self.episodes_per_step
        elif self.total_episodes:
            self.max_steps: int = math.ceil(self.total_episodes / self.episodes_per_step)
