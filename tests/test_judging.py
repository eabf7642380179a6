"""From what was seen to a verdict."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.cases import AssertTest, CallTest, OutputTest, StdinTest, TestCase
from rewards.comparison import Comparison
from rewards.grades import TestGrade, Verdict
from rewards.judging import LONGEST_STDERR, judge
from rewards.records import CallStep, Ended, TestRun

STDIN = StdinTest("1 2\n", "3\n", weight=2.0, name="sample")
OUTPUT = OutputTest("3\n")
CALL = CallTest("add", (1, 2), 3)
LOWERED = AssertTest("assert f(1) + f(2) == 3", (CallStep("f", (1,)), CallStep("f", (2,))), "_0 + _1 == 3")
SPLIT = AssertTest("assert Box(3).n == 3")
ONE_STEP = [STDIN, OUTPUT, CALL, SPLIT]


def verdict_on(test: TestCase, *runs: TestRun) -> TestGrade:
    return judge(test, runs, Comparison())


def good_run(test: TestCase) -> TestRun:
    if isinstance(test, StdinTest | OutputTest):
        return TestRun(Ended.EXITED, exit_code=0, stdout="3\n")
    return TestRun(Ended.RETURNED, value=3)


ENDS = [
    pytest.param(TestRun(Ended.CPU_LIMIT), Verdict.TIME_LIMIT_EXCEEDED, id="CPU time"),
    pytest.param(TestRun(Ended.WALL_LIMIT), Verdict.TIME_LIMIT_EXCEEDED, id="time by the clock"),
    pytest.param(TestRun(Ended.WALL_LIMIT, starved=True), Verdict.UNJUDGED, id="starved by other work"),
    pytest.param(TestRun(Ended.CPU_LIMIT, starved=True), Verdict.TIME_LIMIT_EXCEEDED, id="nobody starves at full CPU"),
    pytest.param(TestRun(Ended.MEMORY_LIMIT), Verdict.MEMORY_LIMIT_EXCEEDED, id="memory"),
    pytest.param(TestRun(Ended.OUTPUT_LIMIT), Verdict.OUTPUT_LIMIT_EXCEEDED, id="output"),
    pytest.param(TestRun(Ended.DISK_LIMIT), Verdict.OUTPUT_LIMIT_EXCEEDED, id="disk"),
    pytest.param(TestRun(Ended.SIGNALLED, signal=11), Verdict.RUNTIME_ERROR, id="a crash"),
    pytest.param(TestRun(Ended.SIGNALLED, signal=9), Verdict.RUNTIME_ERROR, id="killed by itself"),
    pytest.param(TestRun(Ended.RAISED), Verdict.RUNTIME_ERROR, id="an exception"),
    pytest.param(TestRun(Ended.EXITED, exit_code=1), Verdict.RUNTIME_ERROR, id="an exit with an error"),
    pytest.param(TestRun(Ended.NOT_RUN), Verdict.SKIPPED, id="left out"),
]


@pytest.mark.parametrize("test", ONE_STEP)
@pytest.mark.parametrize(("run", "verdict"), ENDS)
def test_the_end_of_a_run_decides_before_its_answer(test: TestCase, run: TestRun, verdict: Verdict) -> None:
    right = dataclasses.replace(run, stdout="3\n", value=3)
    assert verdict_on(test, right).verdict is verdict


@pytest.mark.parametrize("test", ONE_STEP)
def test_a_right_answer_is_accepted(test: TestCase) -> None:
    assert verdict_on(test, good_run(test)).verdict is Verdict.ACCEPTED


def test_a_wrong_answer_says_what_was_wrong() -> None:
    grade = verdict_on(STDIN, TestRun(Ended.EXITED, exit_code=0, stdout="4\n", cpu_s=0.25, wall_s=0.5))
    assert grade == TestGrade(
        Verdict.WRONG_ANSWER,
        "token 1 (line 1 of the expected output): expected '3', found '4'",
        weight=2.0,
        name="sample",
        cpu_s=0.25,
        wall_s=0.5,
    )
    assert verdict_on(CALL, TestRun(Ended.RETURNED, value=4)).detail == "expected 3, returned 4"


def test_a_failed_test_keeps_the_end_of_its_stderr_and_a_passed_one_nothing() -> None:
    said = "Traceback\n" + "x" * 5_000 + "\nKeyError: 1\n"
    failed = verdict_on(STDIN, TestRun(Ended.EXITED, exit_code=1, stderr=said))
    assert failed.stderr.endswith("KeyError: 1\n")
    assert len(failed.stderr) == LONGEST_STDERR
    assert verdict_on(STDIN, TestRun(Ended.EXITED, exit_code=0, stdout="3\n", stderr=said)).stderr == ""


@pytest.mark.parametrize("test", [CALL, SPLIT])
@pytest.mark.parametrize("code", [0, 1])
def test_an_exit_before_the_answer_is_no_answer(test: TestCase, code: int) -> None:
    """`sys.exit(0)` before the assertions run is the oldest trick of all."""
    grade = verdict_on(test, TestRun(Ended.EXITED, exit_code=code, stdout="3\n", value=3))
    assert grade.verdict is Verdict.RUNTIME_ERROR
    assert "before it answered" in grade.detail


@pytest.mark.parametrize("test", [STDIN, OUTPUT])
@pytest.mark.parametrize(
    "run",
    [
        TestRun(Ended.RETURNED, stdout="3\n"),
        TestRun(Ended.FAILED, stdout="3\n"),
        TestRun(Ended.EXITED, exit_code=None, stdout="3\n"),
    ],
)
def test_a_report_that_makes_no_sense_is_not_held_against_the_program(test: TestCase, run: TestRun) -> None:
    assert verdict_on(test, run).verdict is Verdict.UNJUDGED


@pytest.mark.parametrize("runs", [[], [TestRun(Ended.RETURNED, value=3)] * 3])
@pytest.mark.parametrize("test", [*ONE_STEP, LOWERED])
def test_a_wrong_number_of_runs_is_unjudged(test: TestCase, runs: list[TestRun]) -> None:
    assert verdict_on(test, *runs).verdict is Verdict.UNJUDGED


def test_the_tests_own_comparison_goes_first() -> None:
    run = TestRun(Ended.EXITED, exit_code=0, stdout="YES")
    assert verdict_on(StdinTest("", "yes"), run).verdict is Verdict.WRONG_ANSWER
    test = StdinTest("", "yes", comparison=Comparison.parse("tokens-nocase"))
    assert verdict_on(test, run).verdict is Verdict.ACCEPTED
    assert judge(StdinTest("", "yes"), [run], Comparison.parse("lines-nocase")).verdict is Verdict.ACCEPTED


def test_an_empty_expectation_is_silence_not_indulgence() -> None:
    assert verdict_on(OutputTest(""), TestRun(Ended.EXITED, exit_code=0, stdout="hi")).verdict is Verdict.WRONG_ANSWER
    assert verdict_on(OutputTest(""), TestRun(Ended.EXITED, exit_code=0)).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("value", "accepted"), [(3, True), ([3], True), ((3,), True), ([[3]], False), ([3, 3], False), (None, False)]
)
def test_an_output_that_may_be_wrapped_is_right_either_way(value: object, accepted: bool) -> None:
    grade = verdict_on(CallTest("f", (), 3, wrapped=True), TestRun(Ended.RETURNED, value=value))
    assert (grade.verdict is Verdict.ACCEPTED) is accepted
    assert (verdict_on(CallTest("f", (), 3), TestRun(Ended.RETURNED, value=value)).verdict is Verdict.ACCEPTED) is (
        value == 3
    )


def test_values_that_are_python_are_compared_exactly() -> None:
    run = TestRun(Ended.RETURNED, value=(1, 2))
    assert verdict_on(CallTest("f", (), [1, 2], from_json=False), run).verdict is Verdict.WRONG_ANSWER
    assert verdict_on(CallTest("f", (), [1, 2]), run).verdict is Verdict.ACCEPTED


def returned(value: object) -> TestRun:
    return TestRun(Ended.RETURNED, value=value, cpu_s=0.5)


def test_a_lowered_assert_is_decided_on_what_its_calls_returned() -> None:
    assert verdict_on(LOWERED, returned(1), returned(2)).verdict is Verdict.ACCEPTED
    grade = verdict_on(LOWERED, returned(1), returned(3))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert LOWERED.source in grade.detail
    assert grade.cpu_s == 1.0
    grade = verdict_on(LOWERED, returned(None), returned(3))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert grade.detail.endswith(f"in: {LOWERED.source}"), "an assert that would raise does not hold"


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        pytest.param(TestRun(Ended.RAISED), Verdict.RUNTIME_ERROR, id="a failure beside an unknown is a failure"),
        pytest.param(TestRun(Ended.NOT_RUN), Verdict.UNJUDGED, id="an unknown one is not a skipped one"),
        pytest.param(TestRun(Ended.RETURNED, value=1), Verdict.UNJUDGED, id="nor is it a good one"),
    ],
)
def test_a_test_of_several_calls_takes_the_verdict_that_settles_it(other: TestRun, verdict: Verdict) -> None:
    starved = TestRun(Ended.WALL_LIMIT, starved=True)
    assert verdict_on(LOWERED, starved, other).verdict is verdict
    assert verdict_on(LOWERED, other, starved).verdict is verdict


def test_an_assertion_that_failed_in_the_tester_is_a_wrong_answer() -> None:
    grade = verdict_on(SPLIT, TestRun(Ended.FAILED, stderr="Traceback\nAssertionError: 4 != 3\n"))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert grade.detail == "the assertion failed: AssertionError: 4 != 3"


@pytest.mark.parametrize(
    ("run", "detail"),
    [
        (
            TestRun(Ended.EXITED, exit_code=1, stderr="Traceback\n  File ...\nZeroDivisionError: division by zero\n\n"),
            "exited with code 1: ZeroDivisionError: division by zero",
        ),
        (TestRun(Ended.SIGNALLED, signal=11), "killed by SIGSEGV"),
        (TestRun(Ended.SIGNALLED, signal=250), "killed by signal 250"),
        (TestRun(Ended.EXITED, exit_code=3, stderr="\x1b[31m\x00\ud800red"), "exited with code 3: [31m  red"),
    ],
)
def test_an_error_is_told_in_its_own_words(run: TestRun, detail: str) -> None:
    assert verdict_on(STDIN, run).detail == detail


RUNS = st.builds(
    TestRun,
    st.sampled_from(Ended),
    exit_code=st.none() | st.integers(-1, 255),
    signal=st.none() | st.integers(-5, 300),
    value=st.none() | st.integers() | st.text() | st.lists(st.floats()),
    stdout=st.text(st.characters(), max_size=20),
    stderr=st.text(st.characters(), max_size=200),
    starved=st.booleans(),
)


@given(st.sampled_from([*ONE_STEP, LOWERED]), st.lists(RUNS, max_size=3))
def test_every_report_gets_a_verdict_and_a_detail_that_can_be_stored(test: TestCase, runs: list[TestRun]) -> None:
    grade = judge(test, runs, Comparison())
    assert grade.detail.isprintable()
    assert len(grade.detail) < 400
    if grade.verdict is Verdict.UNJUDGED:
        causes = [run.starved or run.exit_code is None or run.ended in (Ended.RETURNED, Ended.FAILED) for run in runs]
        assert len(runs) != len(test.steps()) or any(causes)
