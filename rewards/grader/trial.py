"""One attempt to run one program against one problem, judged step by step while the results come in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..cases import AppendedTest, Problem
from ..grades import TestGrade, Verdict
from ..judging import grade_of, judge
from ..judging.checkers import CheckerCase, checker_case
from ..judging.endings import Finding
from ..records import Ended, File, Job, JobResult, Program, RichResult, SandboxFailure, TestRun

MAX_WAITING_CHARACTERS = 16 << 20
"""Of one program's outputs that wait for a checker, beyond four times what was expected: they are held on our side."""

_PASSING_BY = (Verdict.ACCEPTED, Verdict.UNJUDGED)


@dataclass(frozen=True)
class Unit:
    """A program and the problem it is graded against. Equal units of a batch run once."""

    program: Program
    problem: Problem

    def job(self) -> Job:
        """Return all tests of the problem as one job."""
        tests = self.problem.tests
        steps = tuple(step for test in tests for step in test.steps())
        behind = next((test for test in tests if isinstance(test, AppendedTest)), None)
        program = self.program if behind is None else behind.opened(self.program)
        return Job(program, steps, self.problem.limits)


@dataclass(frozen=True)
class Outcome:
    """What became of a unit: one grade for each test, whatever happened."""

    tests: tuple[TestGrade, ...]
    detail: str = ""
    """Why tests are unjudged, where they are."""
    sandbox: str = ""
    cpu_s: float = 0.0
    queue_s: float = 0.0
    latency_s: float | None = None
    """Seconds from start to result; None when no result came."""
    starved: bool = False
    """A test ran out of time because the machine was busy elsewhere."""
    runs: tuple[TestRun, ...] = ()
    """What was seen of the program, where the batch keeps it: of each test that was judged by what its program did."""


class Trial:
    """Judges each test as soon as its last step has run, and lets go of what the program printed."""

    def __init__(self, unit: Unit, *, stop_at_first_failure: bool, keep_runs: bool = False) -> None:
        self.starved = False
        self.fault: Exception | None = None
        """What judging raised inside `keep_going`: ours, whatever the sandbox that called it makes of it."""
        self._tests = unit.problem.tests
        self._comparison = unit.problem.comparison
        self._step_counts = [len(test.steps()) for test in self._tests]
        self.stops_at_first_failure = stop_at_first_failure
        self._cases: dict[int, CheckerCase] = {}
        self._waiting_characters = 0
        self._grades: list[TestGrade] = []
        self._held: list[TestRun] = []
        self._kept: list[TestRun] | None = [] if keep_runs else None
        self._seen = 0
        self._stopped = False
        self._cpu_s = 0.0
        self._began = time.monotonic()

    def keep_going(self, i: int, run: TestRun) -> bool:
        """Take the run of step *i*; False once the rest need not be run."""
        if not is_run(run):
            raise TypeError(f"step {i} was reported as {run!r:.200}, which is no run")  # the sandbox's fault, not ours
        if i == self._seen and not self._stopped:
            try:
                self._take(run)
            except Exception as error:
                self.fault = error
                raise
        return not self._stopped

    def judge_rest(self, result: JobResult) -> Mapping[int, CheckerCase]:
        """Judge what `keep_going` has not seen, and return the questions to checkers, by the number of the test."""
        for run in result.runs[self._seen :]:
            if self._stopped:
                break
            self._take(run)
        return self._cases

    def settle(self, number: int, finding: Finding, *, starved: bool = False) -> None:
        """Put in what the checker of a test has found."""
        verdict, detail = finding
        self._grades[number] = replace(self._grades[number], verdict=verdict, detail=detail)
        self.starved = self.starved or starved

    def complete(self, result: JobResult, *, waited_s: float) -> Outcome:
        """Return the outcome after `judge_rest` and the checkers. *waited_s* is what went by before the start."""
        failed = [number for number, grade in enumerate(self._grades) if grade.verdict not in _PASSING_BY]
        if self.stops_at_first_failure and failed:
            del self._grades[failed[0] + 1 :]  # those had run already when a checker said no
        return Outcome(
            self._filled(Verdict.SKIPPED, "an earlier test had failed"),
            sandbox=result.sandbox,
            cpu_s=self._cpu_s,
            queue_s=waited_s + result.queue_s,
            latency_s=max(0.0, time.monotonic() - self._began - result.queue_s),
            starved=self.starved,
            runs=tuple(self._kept or ()),
        )

    def unjudged(self, failure: SandboxFailure) -> Outcome:
        """Return the outcome when the sandbox has failed for good: tests already judged stay judged."""
        detail = f"sandbox failure ({failure.kind}): {failure.detail}"
        runs = tuple(self._kept or ())  # what was judged may be looked at
        return Outcome(self._filled(Verdict.UNJUDGED, detail), detail=detail, cpu_s=self._cpu_s, runs=runs)

    def killed_its_sandbox(self, failure: SandboxFailure) -> Outcome:
        """Return the outcome when the program, and nothing but this program, ended its sandbox time and again."""
        detail = f"the program brought down its sandbox twice, which then ran another program well: {failure.detail}"
        return Outcome(self._filled(Verdict.RUNTIME_ERROR, detail), cpu_s=self._cpu_s)

    def at_deadline(self) -> Outcome:
        """Return the outcome when the batch's time is up before the sandbox has answered.

        The sandbox enforces the program's limits and reports them, so what it has not reported is not known: the time
        may have gone by in its queue. A program that was seen to use up its time on an earlier test made itself late.
        """
        runs = tuple(self._kept or ())
        if any(grade.verdict is Verdict.TIME_LIMIT_EXCEEDED for grade in self._grades):
            detail = "not run before the batch's deadline: an earlier test had used up its time"
            return Outcome(self._filled(Verdict.TIME_LIMIT_EXCEEDED, detail), cpu_s=self._cpu_s, runs=runs)
        detail = "waiting or still running, within its own limits, at the batch's deadline"
        return Outcome(self._filled(Verdict.UNJUDGED, detail), detail=detail, cpu_s=self._cpu_s, runs=runs)

    def _take(self, run: TestRun) -> None:
        self._seen += 1
        self._cpu_s += run.cpu_s
        self._held.append(run)
        if self._kept is not None:
            self._kept.append(run)
        number = len(self._grades)
        if len(self._held) < self._step_counts[number]:
            return
        grade = self._grade(number)
        self._held = []
        self._grades.append(grade)
        self._stopped = self.stops_at_first_failure and grade.verdict not in _PASSING_BY

    def _grade(self, number: int) -> TestGrade:
        grade = judge(self._tests[number], self._held, self._comparison)
        asked = checker_case(self._tests[number], self._held)
        if isinstance(asked, CheckerCase):
            asked = self._put_aside(number, asked)
        if asked is not None:
            return replace(grade, verdict=asked[0], detail=asked[1])
        self.starved = self.starved or (grade.verdict is Verdict.UNJUDGED and any(run.starved for run in self._held))
        return grade

    def _put_aside(self, number: int, case: CheckerCase) -> Finding | None:
        """Keep *case* until the job is done, if that does not fill our memory."""
        self._waiting_characters += max(0, len(case.output) - 4 * len(case.expected))
        if self._waiting_characters > MAX_WAITING_CHARACTERS:
            return Verdict.OUTPUT_LIMIT_EXCEEDED, "printed more than checkers are asked to read, all tests together"
        self._cases[number] = case
        return None

    def _filled(self, verdict: Verdict, detail: str) -> tuple[TestGrade, ...]:
        missing = self._tests[len(self._grades) :]
        return (*self._grades, *(grade_of(test, verdict, detail) for test in missing))


def is_run(run: object) -> bool:
    """Say whether *run* is what a sandbox has to report of a step, in the types that judging relies on."""
    return (
        isinstance(run, TestRun)
        and isinstance(run.ended, Ended)
        and isinstance(run.stdout, str)
        and isinstance(run.stderr, str)
        and isinstance(run.cpu_s, int | float)
        and isinstance(run.wall_s, int | float)
        and all(isinstance(file, File) and isinstance(file.content, bytes) for file in run.files)
        and all(isinstance(result, RichResult) for result in run.results)
    )
