"""PPO, which TRL has had up to 1.12: a reward callable as its reward model, and the trainer of a run.

A reward model sees token ids alone. What it is asked about, the row and the place where the response begins, is found
again by the prompt's ids, which must therefore be known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig

from rewards import ConfigurationError

from ..ingredients import Ingredients
from .judge import Judge

MISSING = (
    "the installed TRL has no PPOTrainer, which 1.12 was the last to have: pip install 'trl==1.12.0' requests in an "
    "environment of its own, or run the same YAML without its part for PPO alone by scripts/train_rloo.py"
)


@dataclass(frozen=True)
class _Output:
    """What `get_reward` reads of a transformer's output; which of the two depends on TRL's version."""

    last_hidden_state: torch.Tensor
    hidden_states: tuple[torch.Tensor, ...]


class _Backbone(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """Stands where a reward model has its transformer: its hidden states are the scores."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self.judge = judge
        # DeepSpeed and others ask a model for its parameters; nothing reads or trains this one.
        self.place = nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **ignored: Any) -> _Output:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        scores = self.judge.score(input_ids, mask)
        hidden = scores[:, None, None].expand(-1, input_ids.shape[1], 1)
        return _Output(hidden, (hidden,))


class RewardModel(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """Any reward callable as the `reward_model` of TRL's `PPOTrainer`: what `get_reward` asks for, and no weights.

    *reward* is called as by `GRPOTrainer`, by keyword and once a batch; async ones are refused. *rows* is a
    `datasets.Dataset`, or a sequence of mappings, of all that is trained and evaluated on: `input_ids` as the trainer
    gets them, the reward's columns, and `prompt`, text or messages, where the reward should see more than the decoded
    ids (`tokenized` adds `input_ids` to rows with a `prompt`). *tokenizer* is the trainer's.

    PPO knows no missing score. A None or NaN becomes `unjudged_value`; when that is None, the mean of the scores that
    the same batch did get, or of the last batch that got any (0.0 before), so that a program which nobody could judge
    is neither punished nor praised. An infinite score is an error.

    Scores are float32 whatever the policy's dtype, the same for each token of a sequence: (batch, sequence, 1).
    Raises `ConfigurationError` or `DatasetError` where rows cannot be told apart by their prompts' ids: when one
    prompt begins another, or two rows with one prompt have different columns.
    """

    base_model_prefix = "backbone"

    def __init__(
        self, reward: Callable[..., Any], rows: Sequence[Any], *, tokenizer: Any, unjudged_value: float | None = None
    ) -> None:
        super().__init__()
        self.config = PretrainedConfig(num_labels=1)  # TRL's set-up for DeepSpeed looks for sizes in it
        self.backbone = _Backbone(Judge(reward, rows, tokenizer=tokenizer, unjudged_value=unjudged_value))
        self.score = nn.Identity()

    @property
    def judge(self) -> Judge:
        """Return what asks the reward; its `metrics` are what the reward has logged, its `trainer_state` the step."""
        found: Judge = self.backbone.judge
        return found


def config_class() -> type[Any]:
    """Return the dataclass of training arguments: TRL's and those of ours that are for PPO alone.

    Raises `ConfigurationError` where the installed TRL has no PPO.
    """
    try:
        from .config import PPORunConfig
    except ImportError as error:
        raise ConfigurationError(f"{MISSING} ({error})") from error
    return PPORunConfig


def check(ingredients: Ingredients, functions: Sequence[Callable[..., Any]]) -> None:
    """Raise `ConfigurationError` or `DatasetError` for rows and rewards that PPO cannot train on."""
    config_class()
    from .run import check_ppo

    check_ppo(ingredients, functions)


def build(ingredients: Ingredients) -> Any:
    """Return the trainer; raises `ConfigurationError` where the arguments do not fit each other."""
    config_class()
    from .run import build_ppo_trainer

    return build_ppo_trainer(ingredients)
