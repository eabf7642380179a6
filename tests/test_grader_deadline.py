"""The end of a batch's time: what was judged counts, and what the sandbox has not reported is not known."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from asking import fenced, prints, starved
from test_grader import outcomes_of, unit, verdicts_of

from rewards import CodeReward, Limits
from rewards.grader.batch import BatchSettings
from rewards.grader.engine import Grader
from rewards.grades import Verdict
from rewards.records import Ended, SandboxFailure, TestRun
from rewards.sandboxes.fake import FakeSandbox

OUT_OF_TIME = TestRun(Ended.CPU_LIMIT)


def hanging(**options) -> FakeSandbox:
    return FakeSandbox({}, otherwise="1\n", latency_s=float("inf"), **options)


def test_a_batch_ends_in_time_although_the_sandbox_hangs():
    began = time.monotonic()
    outcomes, _ = outcomes_of(hanging(capacity=1), [unit("p"), unit("q")], batch_deadline_s=0.1)
    assert time.monotonic() - began < 2
    assert [outcome.tests[0].verdict for outcome in outcomes] == [Verdict.UNJUDGED] * 2
    assert "within its own limits" in outcomes[0].detail
    assert "not started" in outcomes[1].detail


class Slowing(FakeSandbox):
    """Reports one run, and then nothing more."""

    async def run(self, job, *, keep_going=None):
        keep_going(0, self.otherwise)
        await asyncio.Event().wait()


def test_the_time_that_a_sandbox_reported_nothing_is_not_the_programs():
    """It may have been the queue's, or a sandbox's that hangs: the sandbox enforces the limits and reports them."""
    used_up, still_allowed = unit("p", cpu_s=1, wall_s=0.05), unit("q", cpu_s=1, wall_s=60)
    assert verdicts_of(hanging(), [used_up, still_allowed], batch_deadline_s=0.2) == [[Verdict.UNJUDGED]] * 2


def test_a_program_that_was_seen_to_use_its_time_up_made_itself_late():
    """Were the rest unjudged, running out the clock of the whole batch would be a way out for a policy."""
    (outcome,), _ = outcomes_of(Slowing({}, otherwise=OUT_OF_TIME), [unit("p", "1", "1", "1")], batch_deadline_s=0.1)
    assert [test.verdict for test in outcome.tests] == [Verdict.TIME_LIMIT_EXCEEDED] * 3
    assert outcome.tests[2].detail == "not run before the batch's deadline: an earlier test had used up its time"


def test_what_one_attempt_used_up_says_nothing_of_the_next():
    class Dying(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            if keep_going is None:
                return await super().run(job)
            if not self.jobs:
                self.jobs.append(job)
                keep_going(0, OUT_OF_TIME)
                return SandboxFailure("died", "gone")
            await asyncio.Event().wait()

    assert verdicts_of(Dying({}), [unit("p", "1", "1")], batch_deadline_s=0.2) == [[Verdict.UNJUDGED] * 2]


def test_no_time_counts_as_used_up_on_a_machine_that_starves():
    sandbox = FakeSandbox(
        lambda job: [starved()], latency_s=lambda job: float("inf") if job.program.source == "p" else 0.0
    )
    units = [unit("p", cpu_s=1, wall_s=0.05), unit("q")]
    assert verdicts_of(sandbox, units, batch_deadline_s=0.2) == [[Verdict.UNJUDGED]] * 2


def test_what_was_judged_before_the_deadline_counts():
    assert verdicts_of(Slowing({}, otherwise=prints("wrong")), [unit("p", "1", "1")], batch_deadline_s=0.1) == [
        [Verdict.WRONG_ANSWER, Verdict.UNJUDGED]
    ]


def test_a_sandbox_that_does_not_even_start_in_time_leaves_everything_unjudged():
    class Sleepy(FakeSandbox):
        async def start(self):
            await asyncio.Event().wait()

    assert verdicts_of(Sleepy({}), [unit()], batch_deadline_s=0.1) == [[Verdict.UNJUDGED]]


def test_a_sandbox_that_blocks_its_loop_cannot_block_the_caller(caplog):
    class Blocking(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            if job.program.source == "blocker":
                time.sleep(6.0)  # the defect under test
            return await super().run(job, keep_going=keep_going)

    settings = BatchSettings(batch_deadline_s=0.1, guard_s=0.2)
    grader = Grader(Blocking({}, otherwise="1\n"), settings=settings, breaker=None)
    began = time.monotonic()
    outcomes, _ = grader.run([unit("blocker", cpu_s=1, wall_s=0.01), unit("p", cpu_s=1, wall_s=0.01)])
    assert time.monotonic() - began < 5.0
    assert [outcome.tests[0].verdict for outcome in outcomes] == [Verdict.UNJUDGED] * 2
    assert "blocks its event loop" in caplog.text
    outcomes, _ = grader.run([unit("other")])
    assert outcomes[0].tests[0].verdict is Verdict.ACCEPTED
    grader.close()


# Right programs that wait behind others


QUICK = Limits(cpu_s=1, wall_s=0.05)
"""A test of a right program may take this long; in the queues below it waits longer."""


def test_many_calls_on_one_slot_never_score_the_waiting_ones_zero():
    async def eight_batches(reward):
        calls = [reward.acall(completions=[fenced(f"print({i})")], expected_output=["1"]) for i in range(8)]
        return await asyncio.gather(*calls)

    sandbox = FakeSandbox({}, otherwise="1\n", latency_s=0.2, capacity=1)
    with CodeReward(sandbox=sandbox, limits=QUICK, batch_deadline_s=0.5, breaker=None) as reward:
        scores = [score for (score,) in asyncio.run(eight_batches(reward))]
    assert set(scores) == {1.0, None}


def test_a_reward_behind_another_one_in_their_sandbox_is_unjudged():
    begun = threading.Event()

    def latency(job):
        begun.set()
        return float("inf") if "slow" in job.program.source else 0.0

    sandbox = FakeSandbox({}, otherwise="1\n", latency_s=latency, capacity=1)
    with (
        CodeReward(sandbox=sandbox, batch_deadline_s=1.5) as slow,
        CodeReward(sandbox=sandbox, batch_deadline_s=0.3, limits=QUICK) as quick,
    ):
        thread = threading.Thread(
            target=slow, kwargs={"completions": [fenced("print('slow')")], "expected_output": ["1"]}
        )
        thread.start()
        begun.wait(5)
        assert quick(completions=[fenced("print(1)")], expected_output=["1"]) == [None]
        thread.join()
        assert quick(completions=[fenced("print(1)")], expected_output=["1"]) == [1.0]


@pytest.mark.parametrize(
    ("batch_deadline_s", "said"),
    [
        pytest.param(5.0, 1, id="longer than the batch"),
        pytest.param(60.0, 0, id="shorter"),
        pytest.param(None, 0, id="no deadline"),
    ],
)
def test_a_limit_longer_than_the_batch_is_said_once(caplog, batch_deadline_s, said):
    settings = BatchSettings(batch_deadline_s=batch_deadline_s)
    grader = Grader(FakeSandbox({}, otherwise="1\n"), settings=settings, breaker=None)
    for _ in range(2):
        grader.run([unit("p"), unit("q", wall_s=10.0)])
    grader.close()
    assert caplog.text.count("program that is too slow will be None") == said
