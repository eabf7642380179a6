"""Jobs whose answers are known: where one fails, the sandbox is at fault and not the program before it.

A sandbox may be broken for one kind of job alone: its tester, its notebooks, one compiler. So a program is only held to
have brought its sandbox down where a job of the same kind comes to its end.
"""

from __future__ import annotations

import functools

from ..records import (
    AssertStep,
    CallStep,
    CellStep,
    Ended,
    File,
    Job,
    JobResult,
    Limits,
    Program,
    SandboxFailure,
    ScriptStep,
    Step,
    TestRun,
)
from ..toolchains import TOOLCHAINS

WORDS = "still singing"

_SINGER = Program(
    "def sing(words):\n    return words\n\n\ntry:\n    print(sing(input()))\nexcept EOFError:\n    pass\n"
)
_NOTEBOOK = Program(f"words = {WORDS!r}\n")
_SONG = File("song.txt", WORDS.encode())
_VERSE = f"assert sing({WORDS!r}) == {WORDS!r}\n"
_SUITES = {
    "": AssertStep(_VERSE, names=("sing",)),
    "pytest": AssertStep(f"from solution import sing\n\n\ndef test_song():\n    {_VERSE}", framework="pytest"),
    "unittest": AssertStep(
        "import unittest\n\nfrom solution import sing\n\n\n"
        f"class TestSong(unittest.TestCase):\n    def test_song(self):\n        {_VERSE}",
        framework="unittest",
    ),
}
_LIMITS = Limits(cpu_s=5.0, job_cpu_s=5.0)
_PATIENT = Limits(cpu_s=20.0, wall_s=90.0, job_cpu_s=60.0)
"""For what starts more than an interpreter: compilers, notebooks, frameworks of tests."""

CANARY = Job(_SINGER, (ScriptStep(WORDS + "\n"),), _LIMITS)


def canary_for(job: Job) -> Job:
    """Return a job that asks of a sandbox each kind of thing that *job* asks, with a program known to be good."""
    return _canary(job.program.language, tuple(dict.fromkeys(map(_kind, job.steps))))


def is_healthy(answer: JobResult | SandboxFailure, canary: Job = CANARY) -> bool:
    """Say whether *answer* is what *canary* gets from a sandbox that works."""
    if isinstance(answer, SandboxFailure) or len(answer.runs) != len(canary.steps):
        return False
    return all(_essence(run) == _essence(good) for run, good in zip(answer.runs, song(canary), strict=True))


def is_canary(job: Job) -> bool:
    """Say whether *job* is one of the jobs of this module."""
    return job.limits in (_LIMITS, _PATIENT) and bool(job.steps) and job == canary_for(job)


def song(canary: Job) -> tuple[TestRun, ...]:
    """Return what is seen of *canary* in a sandbox that works."""
    return tuple(map(_sung, canary.steps))


@functools.cache
def _canary(language: str, kinds: tuple[tuple[type[Step], str], ...]) -> Job:
    if language in TOOLCHAINS:
        return Job(Program(TOOLCHAINS[language].hello, language), (ScriptStep(),), _PATIENT)
    steps = tuple(_step(*kind) for kind in kinds) or CANARY.steps
    is_quick = all(kind in ((ScriptStep, ""), (CallStep, ""), (AssertStep, "")) for kind in kinds)
    return Job(_NOTEBOOK if (CellStep, "") in kinds else _SINGER, steps, _LIMITS if is_quick else _PATIENT)


def _kind(step: Step) -> tuple[type[Step], str]:
    if isinstance(step, AssertStep):
        return AssertStep, step.framework
    if isinstance(step, ScriptStep) and (step.files or step.fetch):
        return ScriptStep, "files"
    return type(step), ""


def _step(kind: type[Step], detail: str) -> Step:
    if kind is AssertStep:
        return _SUITES[detail]
    if kind is CallStep:
        return CallStep("sing", (WORDS,))
    if kind is CellStep:
        return CellStep("print(words)\n")
    return ScriptStep(WORDS + "\n", files=(_SONG,), fetch=(_SONG.path,)) if detail else CANARY.steps[0]


def _sung(step: Step) -> TestRun:
    if isinstance(step, ScriptStep):
        words = WORDS if step.stdin else "ok"
        return TestRun(Ended.EXITED, exit_code=0, stdout=f"{words}\n", files=(_SONG,) if step.fetch else ())
    if isinstance(step, CallStep):
        return TestRun(Ended.RETURNED, value=WORDS)
    return TestRun(Ended.RETURNED, stdout=f"{WORDS}\n" if isinstance(step, CellStep) else "")


def _essence(run: TestRun) -> tuple[object, ...]:
    value = run.value if run.value is None or type(run.value) is str else False
    return run.ended, run.exit_code or 0, run.stdout.strip(), value, run.files
