"""Outputs that only a checker program can judge: what has to be run for them, and what its run says.

A checker is run like a program that nobody trusts, in a sandbox of its own, after the program has ended well. It gets
files: the input, the expected output and the output. Three things keep it from being a way out for a policy:

- Silence where something is expected is wrong without a question: checkers written by models often accept it.
- Where a checker fails on an output (a crash, a time-out, an answer that is none), it is run on the expected output,
  too. If it works there, the output is at fault: one crafted to break its checker must not become unjudged. A checker
  that fails on both is broken, and says nothing about any program.
- An output of more than `most_bytes` is not handed on.

Codeforces' `generated_checker` (open-r1) prints a number: 1 is right, and nothing less. testlib's checkers end with an
exit code: 0 is right, 1, 2, 4 and 8 are kinds of wrong, 7 is a share of the points, which is not all of them; 3 means
that the jury's own answer is bad, and counts as a failure of the checker, as does every other one. The crash of an
interpreter looks like a verdict there (Python's ends with 1, Go's with 2): unless a checker is written in C or C++, its
"wrong" is believed only if it calls the expected output right.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..cases import Checker, StdinTest, TestCase
from ..grades import Verdict
from ..records import Ended, File, Job, Limits, Program, ScriptStep, TestRun
from .endings import Finding, early_end
from .excerpts import error_line, first_error_line, last_line, quoted
from .scripts import answered_output

LEAST_CAP_BYTES = 4 << 20
_FILES = ("input.txt", "answer.txt", "output.txt")
_STEP_CPU_S = 10.0
_OUTPUT_KB = 64
_THE_CHECKER = "the checker "
_EXIT_CODES_MEANT = ("c", "cpp")
"""Languages in which nothing but the checker itself ends it with a small exit code."""
_TESTLIB_WRONG = {
    1: "wrong answer",
    2: "presentation error",
    4: "presentation error: more than the answer",
    7: "only a share of the points",
    8: "unexpected end of the output",
}


@dataclass(frozen=True)
class CheckerCase:
    """One question to a checker. Equal ones have one answer."""

    checker: Checker
    given: bytes
    expected: str
    output: str

    @property
    def digest(self) -> bytes:
        """Return what stands for the question where the texts in it would be held for too long."""
        digest = hashlib.blake2b(digest_size=32)
        checker = (self.checker.source, self.checker.language, self.checker.style)
        for part in (*map(_encoded, (*checker, self.expected, self.output)), self.given):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    @property
    def control(self) -> CheckerCase:
        """Return the question whether the expected output is right, which every checker has to have an answer to."""
        return replace(self, output=self.expected)

    def step(self) -> ScriptStep:
        """Return the run of the checker that answers the question."""
        contents = (self.given, _encoded(self.expected), _encoded(self.output))
        given, answer, output = _FILES
        order = (given, output, answer) if self.checker.style == "testlib" else (given, answer, output)
        files = tuple(File(name, content) for name, content in zip(_FILES, contents, strict=True))
        return ScriptStep(files=files, args=order)


def checker_case(test: TestCase, runs: Sequence[TestRun]) -> CheckerCase | Finding | None:
    """Return the question to the checker that decides on *test* after these runs.

    A finding where it need not be asked; None where no checker decides, or the program has not come to an answer.
    """
    if not isinstance(test, StdinTest) or test.checker is None or len(runs) != 1:
        return None
    output = answered_output(test, runs[0])
    if not isinstance(output, str):
        return None
    if not output.strip() and test.expected.strip():
        return Verdict.WRONG_ANSWER, "printed nothing where something was expected"
    if len(output) > most_bytes(test.expected) or len(_encoded(output)) > most_bytes(test.expected):
        return Verdict.OUTPUT_LIMIT_EXCEEDED, "printed more than a checker is asked to read"
    return CheckerCase(test.checker, _input_of(test), test.expected, output)


def most_bytes(expected: str) -> int:
    """Return how long an output may be that a checker reads."""
    return max(LEAST_CAP_BYTES, 4 * len(_encoded(expected)))


def checker_job(cases: Sequence[CheckerCase]) -> Job:
    """Return the job that answers *cases*, which ask one checker: compiled once, and run on each in a fresh place."""
    checker, steps = cases[0].checker, tuple(case.step() for case in cases)
    largest = max(sum(len(file.content) for file in step.files) for step in steps)
    limits = Limits(
        cpu_s=_STEP_CPU_S,
        output_kb=_OUTPUT_KB,
        disk_mb=max(Limits().disk_mb, 2 * largest >> 20),
        job_cpu_s=_STEP_CPU_S * len(cases),  # nothing that one output does takes time from another one's check
    )
    return Job(Program(checker.source, checker.language), steps, limits)


@dataclass(frozen=True)
class CheckerAnswer:
    """What a checker says about an output."""

    finding: Finding | None = None
    """None: it failed, in a way that the output may have led it to."""
    fault: str = ""
    """How it failed."""
    starved: bool = False
    """Other work kept the CPU from it."""
    failed: bool = False
    """The sandbox has failed: nothing was found out."""


def checker_answer(checker: Checker, run: TestRun) -> CheckerAnswer:
    """Return what the checker has said in *run*."""
    if run.ended is Ended.NOT_COMPILED:
        line = first_error_line(run.stderr)
        return CheckerAnswer((Verdict.UNJUDGED, f"the checker does not compile: {line}"))
    if run.ended is Ended.WALL_LIMIT and run.starved:
        reason = "the checker ran out of time, because other work kept the CPU from it"
        return CheckerAnswer((Verdict.UNJUDGED, reason), starved=True)
    if run.ended is Ended.NOT_RUN:
        return CheckerAnswer((Verdict.UNJUDGED, "the sandbox did not run the checker"))
    if run.ended is Ended.EXITED and run.exit_code is not None:
        finding = _testlib_finding(run) if checker.style == "testlib" else _codeforces_finding(run)
        if finding is not None and _may_be_a_crash(checker, finding):
            return CheckerAnswer(fault=finding[1].removeprefix(_THE_CHECKER))
        if finding is not None:
            return CheckerAnswer(finding)
    return CheckerAnswer(fault=_fault_in(run))


def answered_finding(answer: CheckerAnswer, control: CheckerAnswer | None) -> Finding:
    """Return the verdict that follows from what a checker said, and, where it failed, from its *control*.

    No control means that there is none: the program has printed the expected output itself.
    """
    if answer.finding is not None:
        return answer.finding
    if control is None or control.finding is None:
        return Verdict.UNJUDGED, f"the checker fails on the expected output, too: it {answer.fault}"
    if control.finding[0] is Verdict.UNJUDGED:
        return control.finding
    return Verdict.WRONG_ANSWER, f"the checker can read the expected output, but on this one it {answer.fault}"


def _may_be_a_crash(checker: Checker, finding: Finding) -> bool:
    has_crashes = checker.style == "testlib" and checker.language not in _EXIT_CODES_MEANT
    return has_crashes and finding[0] is not Verdict.ACCEPTED


def _testlib_finding(run: TestRun) -> Finding | None:
    if run.exit_code == 0:
        return Verdict.ACCEPTED, ""
    if run.exit_code not in _TESTLIB_WRONG:
        return None
    line = error_line(run.stderr) or last_line(run.stdout)
    return Verdict.WRONG_ANSWER, _said(_TESTLIB_WRONG[run.exit_code], line)


def _codeforces_finding(run: TestRun) -> Finding | None:
    points = _number(run.stdout)
    if run.exit_code != 0 or points is None:
        return None
    if points >= 1:
        return Verdict.ACCEPTED, ""
    return Verdict.WRONG_ANSWER, _said(f"{points:g} of 1", last_line(run.stderr))


def _said(what: str, line: str) -> str:
    return f"{_THE_CHECKER}says {what}: {line}" if line else f"{_THE_CHECKER}says {what}"


def _number(printed: str) -> float | None:
    """Return the number that was printed, which has to be all that was."""
    text = printed.strip()
    try:
        number = float(text) if len(text) < 100 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _fault_in(run: TestRun) -> str:
    stop = early_end(run, Ended.EXITED)
    if stop is not None:
        return f"failed ({stop[1]})"
    line = error_line(run.stderr)
    return f"printed no number but {quoted(run.stdout.strip())}{f': {line}' if line else ''}"


def _input_of(test: StdinTest) -> bytes:
    """Return the input that a checker reads: what the program had on stdin, or else in its only file."""
    if not test.stdin and len(test.files) == 1:
        return test.files[0].content
    return _encoded(test.stdin)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # half of a surrogate pair, which no program can have printed
