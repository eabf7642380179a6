"""From what was seen of a program to a verdict: pure functions on our side of the sandbox's wall.

Nothing here runs anything, and nothing that a program printed, returned or exited with is believed before it was
compared. A verdict is `UNJUDGED` only for what the program cannot have caused.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

from ..comparison import Comparison
from ..grades import TestGrade, Verdict
from ..records import AssertTest, CallTest, Ended, OutputTest, StdinTest, TestCase, TestRun
from .comparison import compare_output
from .conditions import ConditionError, evaluate_condition
from .excerpts import last_line
from .values import compare_values

__all__ = ["compare_output", "compare_values", "evaluate_condition", "judge"]

Finding = tuple[Verdict, str]

_STOPPED = {
    Ended.CPU_LIMIT: Verdict.TIME_LIMIT_EXCEEDED,
    Ended.WALL_LIMIT: Verdict.TIME_LIMIT_EXCEEDED,
    Ended.MEMORY_LIMIT: Verdict.MEMORY_LIMIT_EXCEEDED,
    Ended.OUTPUT_LIMIT: Verdict.OUTPUT_LIMIT_EXCEEDED,
    Ended.DISK_LIMIT: Verdict.OUTPUT_LIMIT_EXCEEDED,
    Ended.NOT_RUN: Verdict.SKIPPED,
}
_WORDS = {
    Ended.CPU_LIMIT: "out of CPU time",
    Ended.WALL_LIMIT: "out of time by the clock",
    Ended.MEMORY_LIMIT: "out of memory",
    Ended.OUTPUT_LIMIT: "printed or returned too much",
    Ended.DISK_LIMIT: "wrote too much to disk",
    Ended.NOT_RUN: "not run",
}


def judge(test: TestCase, runs: Sequence[TestRun], comparison: Comparison) -> TestGrade:
    """Return the grade of *test* after the runs of its steps; *comparison* holds where the test has none of its own."""
    verdict, detail = _finding(test, runs, comparison)
    return TestGrade(
        verdict,
        detail,
        weight=test.weight,
        name=test.name,
        cpu_s=sum(run.cpu_s for run in runs),
        wall_s=sum(run.wall_s for run in runs),
    )


def _finding(test: TestCase, runs: Sequence[TestRun], comparison: Comparison) -> Finding:
    steps = len(test.calls) or 1 if isinstance(test, AssertTest) else 1
    if len(runs) != steps:
        return Verdict.UNJUDGED, f"the sandbox reported {len(runs)} runs for {steps} steps"
    if isinstance(test, StdinTest | OutputTest):
        return _script_finding(test, runs[0], test.comparison or comparison)
    stops = [stop for run in runs if (stop := _early_end(run, Ended.RETURNED)) is not None]
    if stops:
        return min(stops, key=_rank)
    if isinstance(test, CallTest):
        return _answer(_compare_returned(test, runs[0]))
    return _assert_finding(test, runs)


def _rank(finding: Finding) -> int:
    """A failure settles a test of several calls, whatever is not known about the others; the first one is told."""
    return {Verdict.UNJUDGED: 1, Verdict.SKIPPED: 2}.get(finding[0], 0)


def _script_finding(test: StdinTest | OutputTest, run: TestRun, comparison: Comparison) -> Finding:
    stop = _early_end(run, Ended.EXITED)
    return _answer(compare_output(test.expected, run.stdout, comparison)) if stop is None else stop


def _compare_returned(test: CallTest, run: TestRun) -> str | None:
    reason = compare_values(test.expected, run.value, from_json=test.from_json)
    if (
        reason is not None
        and test.wrapped
        and compare_values([test.expected], run.value, from_json=test.from_json) is None
    ):
        return None
    return reason


def _assert_finding(test: AssertTest, runs: Sequence[TestRun]) -> Finding:
    """Judge a test whose calls all returned; test code that ran in a tester has finished, hence passed."""
    if not test.calls:
        return Verdict.ACCEPTED, ""
    try:
        if evaluate_condition(test.condition, [run.value for run in runs]):
            return Verdict.ACCEPTED, ""
    except ConditionError as error:
        return Verdict.WRONG_ANSWER, f"{last_line(str(error))}, in: {last_line(test.source)}"
    return Verdict.WRONG_ANSWER, f"does not hold: {last_line(test.source)}"


def _answer(reason: str | None) -> Finding:
    return (Verdict.ACCEPTED, "") if reason is None else (Verdict.WRONG_ANSWER, reason)


def _early_end(run: TestRun, wanted: Ended) -> Finding | None:
    """Return the verdict on a run that did not end as a right one does, None for one that did."""
    if run.ended is Ended.WALL_LIMIT and run.starved:
        return Verdict.UNJUDGED, "out of time, because other work kept the CPU from the program"
    if run.ended in _STOPPED:
        return _STOPPED[run.ended], _WORDS[run.ended]
    if run.ended is wanted and run.ended is not Ended.EXITED:
        return None
    explain = _EXPLAINED.get(run.ended)
    if explain is None or (run.ended is Ended.FAILED and wanted is Ended.EXITED):
        return Verdict.UNJUDGED, f"the sandbox reported {run.ended.value!r}, which this step cannot end as"
    return explain(run, wanted)


def _exited(run: TestRun, wanted: Ended) -> Finding | None:
    if run.exit_code is None:
        return Verdict.UNJUDGED, "the sandbox reported an exit without an exit code"
    if wanted is Ended.EXITED and run.exit_code == 0:
        return None
    before = "" if wanted is Ended.EXITED else " before it answered"
    return Verdict.RUNTIME_ERROR, _joined(f"exited with code {run.exit_code}{before}", run)


def _raised(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.RUNTIME_ERROR, _joined("raised", run)


def _failed(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.WRONG_ANSWER, _joined("the assertion failed", run)


def _signalled(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.RUNTIME_ERROR, _joined(f"killed by {_signal_name(run.signal)}", run)


_EXPLAINED: dict[Ended, Callable[[TestRun, Ended], Finding | None]] = {
    Ended.EXITED: _exited,
    Ended.RAISED: _raised,
    Ended.FAILED: _failed,
    Ended.SIGNALLED: _signalled,
}


def _signal_name(number: int | None) -> str:
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def _joined(what: str, run: TestRun) -> str:
    line = last_line(run.stderr)
    return f"{what}: {line}" if line else what
