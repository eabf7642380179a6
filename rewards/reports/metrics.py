"""Grades as the numbers and table columns that are logged, in forms that no logger of a training run chokes on.

Numbers are floats, finite, under the same names for every batch. Columns are text that can be encoded, one entry for
each completion, of bounded length. TRL stops a run over anything else: a None, a short column, a lone surrogate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..grades import BatchFigures, BatchGrade, Grade, TestGrade, Verdict
from .suspicion import Suspicion, suspicions

_LOGGED_VERDICTS = tuple(verdict for verdict in Verdict if verdict is not Verdict.SKIPPED)
"""A test can be skipped, a completion cannot."""

_LONGEST_PROGRAM = 20_000
_LONGEST_DETAIL = 1_000


def summarize(batch: BatchGrade) -> dict[str, float]:
    """Return the figures of *batch* by name, the same names for every batch.

    Shares are of the completions, except `tests_passed`, of the tests that were counted, `suspicious/...`, of the
    programs, and `backend/...`, of the jobs that were run. `usage/...` are totals since the start of the process.
    """
    grades = batch.grades
    figures = {verdict.value: _share(grade.verdict is verdict for grade in grades) for verdict in _LOGGED_VERDICTS}
    figures["duplicates"] = _share(grade.duplicate for grade in grades)
    figures["tests_passed"] = _share(test.verdict is Verdict.ACCEPTED for test in _counted_tests(grades))
    figures |= _timings(batch.figures)
    figures |= _backend_shares(grades, batch.figures.sandboxes)
    figures |= {f"usage/{name}": value for name, value in batch.figures.usage}
    figures |= _suspicious_shares(grades)
    return {name: float(value) if math.isfinite(value) else 0.0 for name, value in figures.items()}


def table_columns(grades: Sequence[Grade]) -> dict[str, list[str]]:
    """Return the columns `program`, `verdict` and `detail`, one entry for each grade."""
    return {
        "program": [_loggable(grade.program.source if grade.program else "", _LONGEST_PROGRAM) for grade in grades],
        "verdict": [grade.verdict.value for grade in grades],
        "detail": [_loggable(grade.detail, _LONGEST_DETAIL) for grade in grades],
    }


def _counted_tests(grades: Iterable[Grade]) -> list[TestGrade]:
    return [test for grade in grades for test in grade.tests if test.verdict is not Verdict.UNJUDGED]


def _timings(figures: BatchFigures) -> dict[str, float]:
    ordered = sorted(figures.latencies_s)
    return {
        "seconds/wall": figures.wall_s,
        "seconds/queue": figures.queue_s,
        "seconds/cpu": figures.cpu_s,
        "job_latency/p50": _quantile(ordered, 0.5),
        "job_latency/p95": _quantile(ordered, 0.95),
        "retries": float(figures.retries),
        "rescued_timeouts": float(figures.rescued),
    }


def _backend_shares(grades: Sequence[Grade], sandboxes: Sequence[str]) -> dict[str, float]:
    run = [grade.sandbox for grade in grades if grade.sandbox and not grade.duplicate]
    return {f"backend/{name}": _share(sandbox == name for sandbox in run) for name in sandboxes}


def _suspicious_shares(grades: Sequence[Grade]) -> dict[str, float]:
    programs = [grade.program for grade in grades if grade.program]
    looked_at = {program: suspicions(program.source, program.language) for program in set(programs)}
    return {
        f"suspicious/{suspicion.value}": _share(suspicion in looked_at[program] for program in programs)
        for suspicion in Suspicion
    }


def _share(claims: Iterable[bool]) -> float:
    answers = list(claims)
    return sum(answers) / len(answers) if answers else 0.0


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _loggable(text: str, longest: int) -> str:
    """Return *text* cut to *longest* characters, with what cannot be encoded as UTF-8 replaced."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")
