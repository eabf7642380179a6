"""Sandboxes that break their contract, and kills that nobody ordered: no number comes of either."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import subprocess
import sys

import pytest
from asking import prints
from test_grader import outcomes_of, unit

from rewards import ConfigurationError, SandboxUnavailable
from rewards.grades import Verdict
from rewards.records import Ended, JobResult, SandboxFailure, TestRun
from rewards.sandboxes.canary import CANARY
from rewards.sandboxes.fake import FakeSandbox

RIGHT = prints("1")
KILLED = TestRun(Ended.SIGNALLED, signal=signal.SIGKILL)


class Broken(FakeSandbox):
    """Does what *act* does for its first *times* jobs, and works then."""

    def __init__(self, act, *, times=1000):
        super().__init__({}, otherwise="1\n")
        self.act, self.times = act, times

    async def run(self, job, *, keep_going=None):
        if job == CANARY or self.times == 0:
            return await super().run(job, keep_going=keep_going)
        self.times -= 1
        return self.act(job, keep_going)


def raises(error):
    def act(job, keep_going):
        raise error

    return act


FAULTS = {
    "raises": raises(ZeroDivisionError("a defect")),
    "has no descriptors left": raises(OSError(24, "Too many open files")),
    "times out": raises(TimeoutError()),
    "returns nothing": lambda job, keep_going: None,
    "returns text": lambda job, keep_going: "1",
    "loses a run": lambda job, keep_going: JobResult((RIGHT,)),
    "invents a run": lambda job, keep_going: JobResult((RIGHT,) * 3),
    "reports no runs": lambda job, keep_going: JobResult(("1", "1")),
    "reports no output": lambda job, keep_going: JobResult((dataclasses.replace(RIGHT, stdout=None),) * 2),
    "reports no CPU time": lambda job, keep_going: JobResult((dataclasses.replace(RIGHT, cpu_s=None),) * 2),
    "reports no ending": lambda job, keep_going: JobResult((TestRun(None),) * 2),
    "reports no run in between": lambda job, keep_going: keep_going(0, "1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sandbox_that_breaks_its_contract_is_not_a_wrong_program(fault):
    (outcome,), figures = outcomes_of(Broken(FAULTS[fault]), [unit("p", "1", "1")], retries=1)
    assert [test.verdict for test in outcome.tests] == [Verdict.UNJUDGED] * 2
    assert "sandbox failure (transport)" in outcome.detail
    assert figures.retries == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sandbox_that_breaks_its_contract_once_is_asked_again(fault):
    (outcome,), figures = outcomes_of(Broken(FAULTS[fault], times=1), [unit("p", "1", "1")])
    assert [test.verdict for test in outcome.tests] == [Verdict.ACCEPTED] * 2
    assert figures.retries == 1


def test_what_a_sandbox_raised_is_in_the_log_with_its_traceback(caplog):
    sandbox = Broken(FAULTS["raises"])
    outcomes_of(sandbox, [unit("p", "1", "1")], retries=0)
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError: a defect" in caplog.text
    assert sandbox.closed


@pytest.mark.parametrize("error", [ConfigurationError("no such image"), SandboxUnavailable("no user namespaces")])
def test_what_is_wrong_with_the_set_up_stays_an_exception(error):
    with pytest.raises(type(error), match=str(error)):
        outcomes_of(Broken(raises(error)), [unit("p")])


@pytest.mark.parametrize("swallows", [False, True], ids=["passed on by the sandbox", "swallowed by the sandbox"])
def test_a_defect_in_our_judging_is_no_failure_of_the_sandbox(swallows):
    """A test without an expected output cannot come from a row; it stands for a defect of ours."""

    def act(job, keep_going):
        try:
            keep_going(0, RIGHT)
        except Exception:
            if not swallows:
                raise
        return SandboxFailure("died", "what it makes of it")

    with pytest.raises((TypeError, AttributeError)):
        outcomes_of(Broken(act), [unit("p", None)])


def test_a_sandbox_without_capacity_is_refused():
    class Empty(FakeSandbox):
        capacity = 0

    with pytest.raises(ConfigurationError, match="runs 0 jobs at once"):
        outcomes_of(Empty({}), [unit("p")])


# Kills


def test_a_program_that_was_killed_once_is_run_again_and_judged():
    (outcome,), figures = outcomes_of(
        Broken(lambda job, keep_going: JobResult((RIGHT, KILLED)), times=1), [unit("p", "1", "1")], retries=0
    )
    assert [test.verdict for test in outcome.tests] == [Verdict.ACCEPTED] * 2
    assert figures.retries == 1


def test_a_program_that_is_killed_twice_has_killed_itself():
    sandbox = FakeSandbox({}, otherwise=[KILLED])
    (outcome,), figures = outcomes_of(sandbox, [unit("p")])
    assert outcome.tests[0].verdict is Verdict.RUNTIME_ERROR
    assert len(sandbox.jobs) == 2
    assert figures.retries == 1


def test_other_signals_are_the_programs_own():
    sandbox = FakeSandbox({}, otherwise=[TestRun(Ended.SIGNALLED, signal=signal.SIGSEGV)])
    (outcome,), _ = outcomes_of(sandbox, [unit("p")])
    assert outcome.tests[0].verdict is Verdict.RUNTIME_ERROR
    assert len(sandbox.jobs) == 1


def test_a_killed_program_whose_second_run_does_not_end_is_unjudged():
    class Once(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            self.jobs.append(job)
            if len(self.jobs) == 1:
                keep_going(0, KILLED)
                return JobResult((KILLED,))
            await asyncio.Event().wait()

    (outcome,), _ = outcomes_of(Once({}), [unit("p")], batch_deadline_s=0.2)
    assert outcome.tests[0].verdict is Verdict.UNJUDGED


NO_DESCRIPTORS = """
import os, resource
from rewards import SandboxUnavailable
from rewards.grader.loop import background_loop

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0), hard))
try:
    background_loop()
except SandboxUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
background_loop()
"""


def test_a_process_without_descriptors_is_told_so_and_can_go_on_when_it_has_some():
    done = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTORS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr  # where asyncio grumbles about the loop that it could not make
    assert "no event loop can be made" in done.stdout
    assert "ulimit -n" in done.stdout
