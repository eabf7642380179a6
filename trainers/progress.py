"""A progress bar with a table above it, in which each logged step is a row."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm
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
        """Write a row, where the log is about a reward; an evaluation's says so in the place of the step."""
        if self.training_bar is None or not logs:
            return
        prefix = next((prefix for prefix in ("", "eval_") if f"{prefix}reward" in logs), None)
        if prefix is None:
            return
        if not self._has_head:
            self._has_head = True
            self.training_bar.write("  ".join(["  step", *(f"{name:>12}" for name in self._columns)]))
        cells = [_cell(logs.get(prefix + key)) for key in self._columns.values()]
        step = "  eval" if prefix else f"{state.global_step:6d}"
        self.training_bar.write("  ".join([step, *(f"{cell:>12}" for cell in cells)]))
        if getattr(args, "log_completions", False):
            self.training_bar.clear()  # TRL prints its table of completions next, from the middle of the bar's line


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def show_reward_table(trainer: Any, *, reward_name: str) -> None:
    """Put the table in the place of the trainer's own progress bar, if it has one (`disable_tqdm` takes it away)."""
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(RewardTable(reward_name))


@contextmanager
def logs_above_bar() -> Iterator[None]:
    """Have what is logged to the terminal written above a progress bar, and not into its line."""
    with logging_redirect_tqdm([logging.getLogger(), logging.getLogger("transformers")]):
        yield
