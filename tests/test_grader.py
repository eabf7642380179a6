"""The batch engine: what runs, what runs again, and in how much memory."""

from __future__ import annotations

import time

import pytest
from asking import prints, starved

from rewards.cases import OutputTest, Problem, StdinTest
from rewards.grader.batch import BatchSettings
from rewards.grader.engine import Grader
from rewards.grader.trial import Unit
from rewards.grades import Verdict
from rewards.records import Ended, Limits, Program, SandboxFailure, TestRun
from rewards.sandboxes.fake import FakeSandbox

DIED = SandboxFailure("died", "the process is gone")
START = SandboxFailure("start", "no process to be had")


def unit(source: str = "print(1)", *expected: str, **limits: float) -> Unit:
    tests = tuple(StdinTest("", text) for text in expected or ("1",))
    return Unit(Program(source), Problem(tests, limits=Limits(**limits)))


def outcomes_of(sandbox, units, **settings):
    grader = Grader(sandbox, settings=BatchSettings(**settings), breaker=None)
    try:
        return grader.run(units)
    finally:
        grader.close()


def verdicts_of(sandbox, units, **settings):
    outcomes, _ = outcomes_of(sandbox, units, **settings)
    return [[test.verdict for test in outcome.tests] for outcome in outcomes]


def test_all_tests_of_a_program_are_one_job():
    sandbox = FakeSandbox({}, otherwise="1\n")
    assert verdicts_of(sandbox, [unit("p", "1", "2", "1")]) == [
        [Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.ACCEPTED]
    ]
    assert [len(job.steps) for job in sandbox.jobs] == [3]


def test_outcomes_come_in_the_order_of_the_units_whatever_finishes_first():
    def latency(job):
        return 0.0005 * (20 - int(job.program.source))

    sandbox = FakeSandbox(lambda job: job.program.source, latency_s=latency, capacity=20)
    outcomes, _ = outcomes_of(sandbox, [unit(str(i), str(i)) for i in range(20)])
    assert all(outcome.tests[0].verdict is Verdict.ACCEPTED for outcome in outcomes)


def test_as_many_jobs_at_once_as_the_sandbox_takes_and_no_more():
    sandbox = FakeSandbox({}, otherwise="1\n", latency_s=0.001, capacity=5)
    outcomes_of(sandbox, [unit(str(i)) for i in range(40)])
    assert sandbox.most_at_once == 5
    assert len(sandbox.jobs) == 40


def test_after_the_first_failure_nothing_more_is_run_where_that_was_asked_for():
    sandbox = FakeSandbox({}, otherwise="1\n")
    units = [unit("p", "1", "2", "1", "1")]
    assert verdicts_of(sandbox, units, stop_at_first_failure=True) == [
        [Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.SKIPPED, Verdict.SKIPPED]
    ]


def test_a_sandbox_that_runs_everything_anyway_changes_no_verdict():
    class Deaf(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            return await super().run(job)

    units = [unit("p", "1", "2", "1")]
    assert verdicts_of(Deaf({}, otherwise="1\n"), units, stop_at_first_failure=True) == [
        [Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.SKIPPED]
    ]


# What failed, and whose fault it was


def test_a_dead_sandbox_is_not_a_wrong_program():
    sandbox = FakeSandbox({}, otherwise="1\n", failures=[DIED])
    outcomes, figures = outcomes_of(sandbox, [unit()])
    assert outcomes[0].tests[0].verdict is Verdict.ACCEPTED
    assert figures.retries == 1
    assert sandbox.canaries == 1


def test_a_program_that_kills_two_sandboxes_while_others_live_is_at_fault():
    def answers(job):
        return DIED if job.program.source == "killer" else "1\n"

    killer, other = outcomes_of(FakeSandbox(answers), [unit("killer", "1", "1"), unit("other")])[0]
    assert [test.verdict for test in killer.tests] == [Verdict.RUNTIME_ERROR] * 2
    assert "brought down its sandbox twice" in killer.tests[0].detail
    assert other.tests[0].verdict is Verdict.ACCEPTED


def test_a_program_is_not_at_fault_while_the_canary_dies_too():
    outcomes, _ = outcomes_of(FakeSandbox({}, otherwise=DIED, healthy=False), [unit()], retries=1)
    assert outcomes[0].tests[0].verdict is Verdict.UNJUDGED
    assert "died" in outcomes[0].detail


@pytest.mark.parametrize(
    ("failure", "retries", "jobs"),
    [
        pytest.param(START, 2, 3, id="tried again as often as allowed"),
        pytest.param(START, 0, 1, id="not at all where that is asked for"),
        pytest.param(SandboxFailure("unsupported", "no R here", retryable=False), 2, 1, id="nor where it is useless"),
    ],
)
def test_what_never_ran_is_unjudged(failure, retries, jobs):
    sandbox = FakeSandbox({}, otherwise=failure)
    outcomes, _ = outcomes_of(sandbox, [unit("p", "1", "1")], retries=retries)
    assert [test.verdict for test in outcomes[0].tests] == [Verdict.UNJUDGED] * 2
    assert len(sandbox.jobs) == jobs


def test_tests_judged_before_the_sandbox_failed_stay_judged():
    class Fading(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            keep_going(0, prints("wrong"))
            return SandboxFailure("transport", "the line is dead", retryable=False)

    assert verdicts_of(Fading({}), [unit("p", "1", "1")]) == [[Verdict.WRONG_ANSWER, Verdict.UNJUDGED]]


# Time-outs of a busy machine


def test_a_starved_program_is_run_again_alone_and_judged():
    first = {"slow", "slower"}
    sandbox = FakeSandbox({}, latency_s=0.001)

    def answers(job):
        if job.program.source in first:
            first.discard(job.program.source)
            return [starved()]
        assert sandbox._at_once == 1 or job.program.source == "quick"
        return "1\n"

    sandbox.answers = answers
    outcomes, figures = outcomes_of(sandbox, [unit("slow"), unit("quick"), unit("slower")])
    assert [outcome.tests[0].verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 3
    assert figures.rescued == 2


def test_a_program_that_starves_again_is_unjudged_and_one_that_failed_elsewhere_is_not():
    runs = {"a": [starved(), prints("1")], "b": [starved(), prints("wrong")]}
    (a, b), figures = outcomes_of(FakeSandbox(runs), [unit("a", "1", "1"), unit("b", "1", "1")])
    assert [test.verdict for test in a.tests] == [Verdict.UNJUDGED, Verdict.ACCEPTED]
    assert [test.verdict for test in b.tests] == [Verdict.UNJUDGED, Verdict.WRONG_ANSWER]
    assert figures.rescued == 0


def test_running_the_starved_again_takes_a_tenth_of_the_time_at_most():
    calls = []

    def latency(job):
        calls.append(job)
        return 0.0 if len(calls) == 1 else float("inf")

    began = time.monotonic()
    outcomes, _ = outcomes_of(FakeSandbox({}, otherwise=[starved()], latency_s=latency), [unit()], batch_deadline_s=8.0)
    assert outcomes[0].tests[0].verdict is Verdict.UNJUDGED
    assert time.monotonic() - began < 5.0


# Memory


def test_what_programs_print_is_dropped_as_soon_as_it_is_judged():
    """Two thousand programs of ten megabytes would be twenty gigabytes; never more is alive than runs at once."""
    Counted.alive = Counted.most = 0

    def answers(job):
        return [TestRun(Ended.OUTPUT_LIMIT, exit_code=0, stdout=Counted("x"))]

    problem = Problem((OutputTest("1"),))
    units = [Unit(Program(str(i)), problem) for i in range(2000)]
    outcomes, _ = outcomes_of(FakeSandbox(answers, capacity=4), units)
    assert {outcome.tests[0].verdict for outcome in outcomes} == {Verdict.OUTPUT_LIMIT_EXCEEDED}
    assert Counted.most <= 12
    assert Counted.alive <= 4


class Counted(str):
    """A text that knows how many of its kind are alive."""

    alive = most = 0

    def __new__(cls, text: str) -> Counted:
        cls.alive += 1
        cls.most = max(cls.most, cls.alive)
        return super().__new__(cls, text)

    def __del__(self) -> None:
        Counted.alive -= 1
