"""A progress bar with a table above it, in which each logged step is a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers.trainer_callback import ProgressCallback


class RewardTable(ProgressCallback):  # type: ignore[misc]  # transformers is not type-checked here
    """The progress bar of transformers, with a table of the reward's figures instead of printed dictionaries."""

    def __init__(self, reward_name: str = "code") -> None:
        super().__init__()
        self._columns = {
            "reward": "reward",
            "accepted": f"{reward_name}/accepted",
            "tests passed": f"{reward_name}/tests_passed",
            "no program": f"{reward_name}/no_program",
            "unjudged": f"{reward_name}/unjudged",
            "tokens": "completions/mean_length",
            "s/step": "step_time",
            "s grading": f"{reward_name}/seconds/wall",
        }
        self._has_head = False

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Write a row, where the log is about a reward."""
        if self.training_bar is None or not logs or "reward" not in logs:
            return
        if not self._has_head:
            self._has_head = True
            self.training_bar.write("  ".join(["  step", *(f"{name:>12}" for name in self._columns)]))
        cells = [_cell(logs.get(key)) for key in self._columns.values()]
        self.training_bar.write("  ".join([f"{state.global_step:6d}", *(f"{cell:>12}" for cell in cells)]))


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def show_reward_table(trainer: Any, *, reward_name: str) -> None:
    """Put the table in the place of the trainer's own progress bar, if it has one (`disable_tqdm` takes it away)."""
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(RewardTable(reward_name))
