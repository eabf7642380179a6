"""Verdicts on tests, grades of completions, and what one call found out about its batch."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .records import Program

if TYPE_CHECKING:
    import torch


class Verdict(enum.Enum):
    """What our side decided about one test, in the words of programming contests."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong_answer"
    RUNTIME_ERROR = "runtime_error"
    TIME_LIMIT_EXCEEDED = "time_limit_exceeded"
    MEMORY_LIMIT_EXCEEDED = "memory_limit_exceeded"
    OUTPUT_LIMIT_EXCEEDED = "output_limit_exceeded"
    NO_PROGRAM = "no_program"
    SKIPPED = "skipped"
    """Not run, because an earlier test had failed and the reward stops there: never a pass."""
    UNJUDGED = "unjudged"
    """Nothing is known about the program: the sandbox failed, or the row has no tests."""


@dataclass(frozen=True)
class TestGrade:
    """The verdict on one test, and what a person needs to understand it."""

    __test__: ClassVar[bool] = False
    verdict: Verdict
    detail: str = ""
    weight: float = 1.0
    name: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    group: str = ""
    """The subtask that the test belongs to, where it belongs to one."""
    stderr: str = ""
    """The end of what the program wrote to stderr, where the test was not accepted; as it was, hence not printable."""


@dataclass(frozen=True)
class Grade:
    """What one completion got."""

    score: float | None
    verdict: Verdict
    """`ACCEPTED` when every test was; else the first verdict that was not."""
    tests: tuple[TestGrade, ...] = ()
    program: Program | None = None
    detail: str = ""
    sandbox: str = ""
    duplicate: bool = False
    """The result was shared with an identical program for the same problem in this batch."""


def overall_verdict(tests: Sequence[TestGrade]) -> Verdict:
    """Return the first failure, else what is not accepted, else `ACCEPTED`; no tests are `UNJUDGED`."""
    bad = [test.verdict for test in tests if test.verdict is not Verdict.ACCEPTED]
    failures = [verdict for verdict in bad if verdict not in (Verdict.UNJUDGED, Verdict.SKIPPED)]
    if failures:
        return failures[0]
    return bad[0] if bad else (Verdict.ACCEPTED if tests else Verdict.UNJUDGED)


@dataclass(frozen=True)
class BatchFigures:
    """How a batch went, apart from its grades."""

    wall_s: float = 0.0
    queue_s: float = 0.0
    """Mean seconds that a job waited for a place in the sandbox, since the batch began."""
    cpu_s: float = 0.0
    """CPU seconds of all programs together."""
    latencies_s: tuple[float, ...] = ()
    """Seconds from start to result of every job that was answered."""
    retries: int = 0
    rescued: int = 0
    """Jobs whose wall time-out came from a busy machine, and which a second run, alone, could judge."""
    sandboxes: tuple[str, ...] = ()
    """The sandboxes that the reward may use, whether this batch did or not."""
    usage: tuple[tuple[str, float], ...] = ()
    """Running totals of what sandboxes that are paid for have used, by name."""
    moves: int = 0
    """How often the reward had changed its sandbox before this batch."""
    failures: tuple[tuple[str, int], ...] = ()
    """How often the sandbox failed in each way, also where another try could judge the program."""
    first_failure: str = ""
    """What the sandbox said of the first one."""


@dataclass(frozen=True)
class BatchGrade:
    """One grade for each completion, in order."""

    grades: tuple[Grade, ...]
    figures: BatchFigures = BatchFigures()

    @property
    def scores(self) -> list[float | None]:
        """Return one score for each completion; None is an unjudged one."""
        return [grade.score for grade in self.grades]

    def tensor(self, device: Any = None) -> torch.Tensor:
        """Return the scores as a float32 tensor of shape (completions,), NaN for unjudged ones."""
        try:
            import torch
        except ImportError as error:
            raise ImportError("BatchGrade.tensor needs torch: pip install 'code-rewards[train]'") from error
        values = [float("nan") if score is None else score for score in self.scores]
        return torch.tensor(values, dtype=torch.float32, device=device)
