"""A worker of any kind that goes down in the middle of a job costs a retry, and an honest program never its score."""

from __future__ import annotations

import asyncio
import shutil
import sys

import pytest
from killing import kill_workers

from rewards.cases import AssertTest, CallTest, CellTest, Problem, StdinTest, SuiteTest, TestCase
from rewards.grader.batch import BatchSettings
from rewards.grader.engine import Grader
from rewards.grader.trial import Outcome, Unit
from rewards.grades import Verdict
from rewards.records import (
    AssertStep,
    CallStep,
    CellStep,
    Ended,
    File,
    Job,
    JobResult,
    Program,
    SandboxFailure,
    ScriptStep,
    TestRun,
)
from rewards.sandboxes.canary import CANARY, canary_for, is_canary, is_healthy, song
from rewards.sandboxes.fake import FakeSandbox
from rewards.sandboxes.local import LocalSandbox
from rewards.sandboxes.runner.handshake import Kind
from rewards.toolchains import TOOLCHAINS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

SLOW = "import time\ntime.sleep(0.2)\n"
SQUARE = f"{SLOW}def square(x):\n    return x * x\n"
SUITE = "from solution import square\n\n\ndef test_square():\n    assert square(3) == 9\n"
SLEEPING = "setTimeout(() => console.log('3'), 200)\n"
SHOWN = "import time\ntime.sleep(0.2)\nprint(value + 1)"


def unit(source: str, *tests: TestCase, language: str = "python") -> Unit:
    return Unit(Program(source, language), Problem(tests))


UNITS = {
    Kind.PROGRAMS: unit(f"{SLOW}print(3)\n", StdinTest("", "3\n")),
    Kind.TESTERS: unit(SQUARE, AssertTest("assert square(3) == 9", names=("square",))),
    Kind.PYTEST: unit(SQUARE, SuiteTest(SUITE, "pytest")),
    Kind.COMMANDS: unit(SLEEPING, StdinTest("", "3\n"), language="javascript"),
    Kind.NOTEBOOKS: unit("value = 2", CellTest(SHOWN, "3")),
}
STEPS = {
    "script": ScriptStep("x"),
    "files": ScriptStep(files=(File("a", b"b"),), fetch=("a",)),
    "call": CallStep("f"),
    "assert": AssertStep("assert f()"),
    "pytest": AssertStep("def test_f(): f()", framework="pytest"),
    "unittest": AssertStep("import unittest", framework="unittest"),
}
CALLED = TestRun(Ended.RETURNED, value=1)
DIED = SandboxFailure("died", "the process is gone")


def outcomes_of(sandbox: LocalSandbox | FakeSandbox, *units: Unit) -> list[Outcome]:
    grader = Grader(sandbox, settings=BatchSettings(), breaker=None)
    try:
        return grader.run(units)[0]
    finally:
        grader.close()


def need(kind: Kind) -> None:
    if kind is Kind.COMMANDS and not shutil.which("node"):
        pytest.skip("apt install nodejs")
    if kind is Kind.NOTEBOOKS:
        pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]'")


@pytest.mark.parametrize("kind", UNITS)
def test_a_worker_killed_in_the_middle_of_a_job_costs_a_retry(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    need(kind)
    killed = kill_workers(monkeypatch, kind, times=1)
    (outcome,) = outcomes_of(LocalSandbox(slots=1), UNITS[kind])
    assert len(killed) == 1
    assert [test.verdict for test in outcome.tests] == [Verdict.ACCEPTED], outcome


@pytest.mark.parametrize("kind", UNITS)
def test_an_honest_program_is_not_blamed_where_its_kind_of_worker_always_dies(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(kind)
    kill_workers(monkeypatch, kind, after_s=0.0)
    (outcome,) = outcomes_of(LocalSandbox(slots=1), UNITS[kind])
    assert [test.verdict for test in outcome.tests] == [Verdict.UNJUDGED], outcome


def test_a_program_that_takes_its_tester_down_where_others_live_is_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    kill_workers(monkeypatch, Kind.TESTERS, only=lambda job: b"square(4)" in job)
    guilty = unit(SQUARE, AssertTest("assert square(4) == 16", names=("square",)))
    outcome, other = outcomes_of(LocalSandbox(slots=1), guilty, UNITS[Kind.TESTERS])
    assert outcome.tests[0].verdict is Verdict.RUNTIME_ERROR
    assert "brought down its sandbox twice" in outcome.tests[0].detail
    assert other.tests[0].verdict is Verdict.ACCEPTED


def test_the_canary_of_each_kind_lives_in_a_sandbox_that_works() -> None:
    jobs = [Job(Program(""), (step,)) for step in STEPS.values()] + [Job(Program(""), tuple(STEPS.values()))]
    need(Kind.NOTEBOOKS)
    jobs.append(Job(Program(""), (CellStep(""),)))
    here = LocalSandbox().languages
    jobs += [Job(Program("", name), (ScriptStep("1"),)) for name in ("javascript", "bash", "c") if name in here]
    canaries = [canary_for(job) for job in jobs]

    async def scene() -> list[object]:
        sandbox = LocalSandbox(slots=1)
        answers = [await sandbox.run(canary) for canary in canaries]
        await sandbox.close()
        return [
            (canary, answer) for canary, answer in zip(canaries, answers, strict=True) if not is_healthy(answer, canary)
        ]

    assert asyncio.run(scene()) == []


@pytest.mark.parametrize("name", STEPS)
def test_a_canary_asks_what_the_job_asks_and_is_known_again(name: str) -> None:
    canary = canary_for(Job(Program("anything"), (STEPS[name], STEPS[name])))
    assert [type(step) for step in canary.steps] == [type(STEPS[name])]
    assert is_canary(canary)
    assert is_healthy_only_as_sung(canary)


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_the_canary_of_a_language_is_a_program_of_it(language: str) -> None:
    canary = canary_for(Job(Program("anything", language), (ScriptStep("1"), ScriptStep("2"))))
    assert (canary.program.language, len(canary.steps)) == (language, 1)
    assert is_healthy_only_as_sung(canary)


def is_healthy_only_as_sung(canary: Job) -> bool:
    good = JobResult(song(canary))
    bad = [JobResult(()), JobResult(tuple(TestRun(Ended.EXITED, exit_code=1) for _ in canary.steps)), DIED]
    return is_healthy(good, canary) and not any(is_healthy(answer, canary) for answer in bad)


def test_a_canary_of_another_kind_clears_no_sandbox() -> None:
    """The fake works for everything but asserts, the canary's among them."""

    class WithoutTester(FakeSandbox):
        async def run(self, job, *, keep_going=None):  # type: ignore[no-untyped-def]
            if isinstance(job.steps[0], AssertStep):
                return DIED
            return await super().run(job, keep_going=keep_going)

    units = unit("p", AssertTest("assert f()")), unit("p", CallTest("f", (), 1)), unit("p", StdinTest("", "1"))
    outcomes = outcomes_of(WithoutTester(lambda job: CALLED if job.steps == (CallStep("f"),) else "1"), *units)
    verdicts = [outcome.tests[0].verdict for outcome in outcomes]
    assert verdicts == [Verdict.UNJUDGED, Verdict.ACCEPTED, Verdict.ACCEPTED]
    assert canary_for(Job(Program("p"), (ScriptStep(),))) == CANARY
