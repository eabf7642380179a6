"""TRL's PPOTrainer with the reward's figures in its log; importing this needs a TRL that has PPO."""

from __future__ import annotations

import gc
import time
from typing import Any

from accelerate.utils import gather_object
from trl.experimental.ppo import PPOTrainer

from rewards import ConfigurationError

from . import RewardModel
from .metrics import mean_log, means_of


class RewardPPOTrainer(PPOTrainer):  # type: ignore[misc]  # trl is not type-checked here
    """`PPOTrainer` for a `RewardModel`, whose metrics arrive in the log as they do from the other trainers.

    The metrics are means over all ranks; a log is the mean of the steps since the last one, and comes each
    `logging_steps`, which TRL's own overlooks. `reward` is the mean of the scores that were given, without the KL and
    end-of-text penalties; evaluations log theirs with `eval_` before.
    """

    def __init__(self, args: Any, processing_class: Any, *, reward_model: RewardModel, **options: Any) -> None:
        super().__init__(args, processing_class, reward_model=reward_model, **options)
        self._judge = reward_model.judge
        self._judge.trainer_state = self.state
        self._window: list[dict[str, float]] = []
        self._stepped_s = time.monotonic()

    def train(self, resume_from_checkpoint: Any = None) -> None:
        """Train; raises `ConfigurationError` when asked to resume, which PPOTrainer cannot."""
        if resume_from_checkpoint:
            raise ConfigurationError("resume_from_checkpoint: TRL's PPOTrainer cannot resume; RLOO and GRPO can")
        self._stepped_s = time.monotonic()
        gc.freeze()  # TRL collects garbage twice a step, a third of it for a small model, amid what lives all along
        try:
            super().train()
        finally:
            gc.unfreeze()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Take the figures of one step, and log those of all since the last log when it is time."""
        now_s = time.monotonic()
        self._window.append({**logs, **self._drained(), "step_time": now_s - self._stepped_s})
        self._stepped_s = now_s
        step, every = self.state.global_step, max(1, round(self.state.logging_steps))
        if step % every == 0 or step == self.state.max_steps or (step == 1 and self.args.logging_first_step):
            super().log(mean_log(self._window), start_time)
            self._window.clear()

    def generate_completions(self, sampling: bool = False) -> None:
        """Show sampled completions of evaluation rows, as PPOTrainer does, and log what the reward found in them."""
        super().generate_completions(sampling)
        found = {f"eval_{name}": value for name, value in self._drained().items()}
        if found:
            super().log(found)
        self._stepped_s = time.monotonic()

    def _drained(self) -> dict[str, float]:
        return means_of(gather_object([self._judge.metrics.drain()]))
