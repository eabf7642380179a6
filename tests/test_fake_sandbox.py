"""The fake sandbox answers as a real one would, so that a test against it says something."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from asking import prints

from rewards.errors import ConfigurationError
from rewards.records import CellStep, Ended, Job, JobResult, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.canary import CANARY, is_healthy
from rewards.sandboxes.fake import FakeSandbox

THREE_STEPS = Job(Program("print(1)\n"), (ScriptStep("a"), ScriptStep("b"), ScriptStep("c")))


def run(sandbox: FakeSandbox, job: Job = THREE_STEPS, keep_going=None):
    return asyncio.run(sandbox.run(job, keep_going=keep_going))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("1\n", id="text is printed at every step"),
        pytest.param([prints("1\n")] * 3, id="runs stand for themselves"),
        pytest.param(JobResult((prints("1\n"),) * 3), id="a whole result"),
        pytest.param(prints("1\n"), id="one run stands for all"),
    ],
)
def test_every_form_of_answer_gives_one_run_a_step(answer):
    result = run(FakeSandbox({"print(1)": answer}))
    assert [r.stdout for r in result.runs] == ["1\n"] * 3
    assert result.sandbox == "fake"


def test_a_function_of_the_job_may_answer():
    result = run(FakeSandbox(lambda job: [prints(step.stdin) for step in job.steps]))
    assert [r.stdout for r in result.runs] == ["a", "b", "c"]


def test_a_cell_that_prints_has_returned():
    cells = Job(Program("p"), (CellStep("print(1)"), CellStep("1")))
    assert [r.ended for r in run(FakeSandbox({"p": "1\n"}), cells).runs] == [Ended.RETURNED] * 2


def test_steps_after_enough_was_seen_are_not_run():
    result = run(FakeSandbox({}, otherwise="1\n"), keep_going=lambda i, run: i < 1)
    assert [r.ended for r in result.runs] == [Ended.EXITED, Ended.EXITED, Ended.NOT_RUN]


def test_an_unknown_program_is_a_mistake_of_the_test():
    with pytest.raises(ConfigurationError, match="no answer for this program"):
        run(FakeSandbox({}))


def test_failures_come_first_and_in_order():
    sandbox = FakeSandbox({}, otherwise="1\n", failures=[SandboxFailure("died", "one"), SandboxFailure("start", "two")])
    assert [getattr(run(sandbox), "detail", "answered") for _ in range(3)] == ["one", "two", "answered"]


def test_canaries_tell_a_healthy_fake_from_a_sick_one():
    assert is_healthy(run(FakeSandbox({}), CANARY))
    assert not is_healthy(run(FakeSandbox({}, healthy=False), CANARY))


def test_no_more_jobs_at_once_than_its_capacity():
    sandbox = FakeSandbox({}, otherwise="1\n", capacity=2, latency_s=0.001)

    async def many():
        await asyncio.gather(*(sandbox.run(THREE_STEPS) for _ in range(7)))

    asyncio.run(many())
    assert sandbox.most_at_once == 2
    assert len(sandbox.jobs) == 7


def test_a_closed_fake_fails_like_a_closed_sandbox():
    sandbox = FakeSandbox({}, otherwise="1\n")
    asyncio.run(sandbox.close())
    assert run(sandbox).kind == "closed"


def test_a_pickled_copy_answers_the_same_and_has_seen_nothing():
    sandbox = FakeSandbox({"print(1)": "1\n"}, failures=[SandboxFailure("died", "once")])
    run(sandbox)
    copy = pickle.loads(pickle.dumps(sandbox))
    assert copy.jobs == []
    assert run(copy).detail == "once"
    assert run(copy).runs == run(sandbox).runs
