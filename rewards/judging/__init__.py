"""From what was seen of a program to a verdict: pure functions on our side of the sandbox's wall.

Nothing here runs anything, and nothing that a program printed, returned or exited with is believed before it was
compared. A verdict is `UNJUDGED` only for what the program cannot have caused. Where a checker program decides,
`checkers` says what has to be run, and reads what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..cases import AppendedTest, AssertTest, CallTest, CellTest, FileTest, OutputTest, StdinTest, SuiteTest, TestCase
from ..comparison import Comparison
from ..grades import TestGrade, Verdict
from ..records import Ended, TestRun
from .cells import cell_finding
from .comparison import compare_output
from .conditions import ConditionError, evaluate_condition
from .endings import Finding, early_end
from .excerpts import last_line
from .scripts import appended_finding, file_finding, script_finding
from .values import compare_values

__all__ = ["compare_output", "compare_values", "evaluate_condition", "grade_of", "judge"]

LONGEST_STDERR = 2_000
"""Characters kept of a failed test: the end of a traceback says what was raised and where."""


def judge(test: TestCase, runs: Sequence[TestRun], comparison: Comparison) -> TestGrade:
    """Return the grade of *test* after the runs of its steps; *comparison* holds where the test has none of its own."""
    verdict, detail = _finding(test, runs, comparison)
    grade = grade_of(
        test, verdict, detail, cpu_s=sum(run.cpu_s for run in runs), wall_s=sum(run.wall_s for run in runs)
    )
    written = next((run.stderr for run in reversed(runs) if run.stderr), "")
    return replace(grade, stderr=written[-LONGEST_STDERR:]) if written and verdict is not Verdict.ACCEPTED else grade


def grade_of(
    test: TestCase, verdict: Verdict, detail: str = "", *, cpu_s: float = 0.0, wall_s: float = 0.0
) -> TestGrade:
    """Return the grade that says this *verdict* about *test*."""
    return TestGrade(verdict, detail, test.weight, test.name, cpu_s, wall_s, test.group)


def _finding(test: TestCase, runs: Sequence[TestRun], comparison: Comparison) -> Finding:
    steps = len(test.calls) or 1 if isinstance(test, AssertTest) else 1
    if len(runs) != steps:
        return Verdict.UNJUDGED, f"the sandbox reported {len(runs)} runs for {steps} steps"
    match test:
        case StdinTest() | OutputTest():
            return script_finding(test, runs[0], comparison)
        case FileTest():
            return file_finding(test, runs[0], comparison)
        case AppendedTest():
            return appended_finding(test, runs[0])
        case CellTest():
            return cell_finding(test, runs[0], comparison)
        case CallTest() | AssertTest() | SuiteTest():
            return _answer_finding(test, runs)


def _answer_finding(test: CallTest | AssertTest | SuiteTest, runs: Sequence[TestRun]) -> Finding:
    stops = [stop for run in runs if (stop := early_end(run, Ended.RETURNED)) is not None]
    if stops:
        return min(stops, key=_rank)
    if isinstance(test, CallTest):
        return _call_finding(test, runs[0].value)
    if isinstance(test, AssertTest) and test.calls:
        return _condition_finding(test, [run.value for run in runs])
    return Verdict.ACCEPTED, ""  # test code in the tester has finished, hence passed


def _rank(finding: Finding) -> int:
    """A failure settles a test of several calls, whatever is not known about the others; the first one is told."""
    return {Verdict.UNJUDGED: 1, Verdict.SKIPPED: 2}.get(finding[0], 0)


def _call_finding(test: CallTest, value: object) -> Finding:
    right = [test.expected, *([[test.expected]] if test.wrapped else []), *test.accepted]
    reasons = []
    for expected in right:
        reason = compare_values(expected, value, from_json=test.from_json)
        if reason is None:
            return Verdict.ACCEPTED, ""
        reasons.append(reason)
    others = f"; nor is it any of the {len(test.accepted)} others that are right" if test.accepted else ""
    return Verdict.WRONG_ANSWER, f"{reasons[0]}{others}"


def _condition_finding(test: AssertTest, values: Sequence[object]) -> Finding:
    try:
        if evaluate_condition(test.condition, values):
            return Verdict.ACCEPTED, ""
    except ConditionError as error:
        return Verdict.WRONG_ANSWER, f"{last_line(str(error))}, in: {last_line(test.source)}"
    return Verdict.WRONG_ANSWER, f"does not hold: {last_line(test.source)}"
