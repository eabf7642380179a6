"""What a reward tells those who follow a run: each batch that a trainer had graded, whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..grades import BatchGrade


@dataclass(frozen=True)
class GradedBatch:
    """One call of a reward, with what came in and what was found out; nothing in it is a copy."""

    prompts: Sequence[Any]
    """As the trainer has passed them; empty where it has passed none."""
    completions: Sequence[Any]
    columns: Mapping[str, Any]
    """Columns of the dataset, and `trainer_state` where the trainer passes it."""
    grade: BatchGrade
    began_s: float
    """By `time.monotonic`."""
    ended_s: float

    @property
    def step(self) -> int | None:
        """Return the trainer's step, as far as the caller says which it is."""
        found: int | None = getattr(self.columns.get("trainer_state"), "global_step", None)
        return found


Listener = Callable[[GradedBatch], None]
