"""Checkers: a program judges an output, and neither it nor the program that it judges is believed."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_grader import outcomes_of

from rewards.cases import Checker, Problem, StdinTest
from rewards.comparison import Comparison
from rewards.errors import DatasetError
from rewards.grader.trial import MAX_WAITING_CHARACTERS, Unit
from rewards.grades import Verdict
from rewards.judging import judge
from rewards.judging.checkers import (
    LEAST_CAP_BYTES,
    CheckerAnswer,
    CheckerCase,
    answered_finding,
    checker_answer,
    checker_case,
    checker_job,
)
from rewards.records import Ended, File, Program, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.fake import FakeSandbox

CODEFORCES = Checker("a checker of Codeforces")
TESTLIB = Checker("a checker with testlib", "cpp", "testlib")
TESTLIB_PYTHON = Checker("a checker in Python", "python", "testlib")
TEST = StdinTest("5\n", "2 3\n", checker=CODEFORCES)
PRINTED = TestRun(Ended.EXITED, exit_code=0, stdout="1 4\n")
CRASHED = TestRun(Ended.EXITED, exit_code=1, stderr="Traceback ...\nValueError: no integer")


def said(text: str, code: int = 0, stderr: str = "") -> TestRun:
    return TestRun(Ended.EXITED, exit_code=code, stdout=text, stderr=stderr)


def test_a_checker_of_codeforces_gets_the_input_the_answer_and_the_output_as_files_in_that_order() -> None:
    case = checker_case(TEST, [PRINTED])
    assert isinstance(case, CheckerCase)
    job = checker_job([case])
    assert job.program == Program("a checker of Codeforces", "python")
    [step] = job.steps
    assert isinstance(step, ScriptStep)
    contents = {file.path: file.content for file in step.files}
    assert [contents[name] for name in step.args] == [b"5\n", b"2 3\n", b"1 4\n"]


def test_a_checker_with_testlib_gets_the_output_before_the_answer() -> None:
    case = checker_case(dataclasses.replace(TEST, checker=TESTLIB), [PRINTED])
    assert isinstance(case, CheckerCase)
    step = case.step()
    contents = {file.path: file.content for file in step.files}
    assert [contents[name] for name in step.args] == [b"5\n", b"1 4\n", b"2 3\n"]
    assert checker_job([case]).program.language == "cpp"


def test_a_checker_reads_the_input_from_the_programs_file_where_it_had_it_there() -> None:
    test = dataclasses.replace(TEST, stdin="", files=(File("in.txt", b"5 in a file"),), output_file="out.txt")
    case = checker_case(test, [dataclasses.replace(PRINTED, files=(File("out.txt", b"1 4"),))])
    assert isinstance(case, CheckerCase)
    assert (case.given, case.output) == (b"5 in a file", "1 4")


ANSWERS = [
    pytest.param(CODEFORCES, said("1"), Verdict.ACCEPTED, id="1"),
    pytest.param(CODEFORCES, said(" 1.0\n"), Verdict.ACCEPTED, id="1.0"),
    pytest.param(CODEFORCES, said("100\n"), Verdict.ACCEPTED, id="all of a hundred points"),
    pytest.param(CODEFORCES, said("0\n"), Verdict.WRONG_ANSWER, id="0"),
    pytest.param(CODEFORCES, said("0.99\n"), Verdict.WRONG_ANSWER, id="a share is not the whole"),
    pytest.param(CODEFORCES, said("-1\n"), Verdict.WRONG_ANSWER, id="less than nothing"),
    pytest.param(CODEFORCES, said("1", code=1), None, id="1 and an exit code"),
    pytest.param(CODEFORCES, said("nan"), None, id="not a number"),
    pytest.param(CODEFORCES, said("inf"), None, id="infinity"),
    pytest.param(CODEFORCES, said(""), None, id="silence"),
    pytest.param(CODEFORCES, said("1 1"), None, id="two numbers"),
    pytest.param(CODEFORCES, said("2 3\n1\n"), None, id="an echo before the number"),
    pytest.param(CODEFORCES, said("OK"), None, id="a word"),
    pytest.param(CODEFORCES, said("1" * 5000), None, id="a number without an end"),
    pytest.param(CODEFORCES, TestRun(Ended.RETURNED, value=1), None, id="a report that makes no sense"),
    pytest.param(TESTLIB, said("", 0, "ok 3 numbers"), Verdict.ACCEPTED, id="testlib 0"),
    pytest.param(TESTLIB, said("1", 1, "wrong answer"), Verdict.WRONG_ANSWER, id="testlib 1"),
    pytest.param(TESTLIB, said("", 2), Verdict.WRONG_ANSWER, id="testlib 2"),
    pytest.param(TESTLIB, said("", 4), Verdict.WRONG_ANSWER, id="testlib 4"),
    pytest.param(TESTLIB, said("", 7, "points 0.5"), Verdict.WRONG_ANSWER, id="testlib 7"),
    pytest.param(TESTLIB, said("", 8), Verdict.WRONG_ANSWER, id="testlib 8"),
    pytest.param(TESTLIB_PYTHON, said("", 0), Verdict.ACCEPTED, id="testlib's codes from Python 0"),
    pytest.param(TESTLIB_PYTHON, CRASHED, None, id="testlib's codes from Python 1, which may be a crash"),
    pytest.param(TESTLIB, said("1", 3, "FAIL the jury is wrong"), None, id="testlib 3"),
    pytest.param(TESTLIB, said("", 134), None, id="testlib aborts"),
    *(
        pytest.param(checker, TestRun(ended, stdout="1"), None, id=f"{checker.style} {ended.value}")
        for checker in (CODEFORCES, TESTLIB)
        for ended in (Ended.CPU_LIMIT, Ended.WALL_LIMIT, Ended.MEMORY_LIMIT, Ended.OUTPUT_LIMIT, Ended.SIGNALLED)
    ),
    pytest.param(CODEFORCES, TestRun(Ended.NOT_COMPILED, stderr="error: ;"), Verdict.UNJUDGED, id="does not compile"),
    pytest.param(CODEFORCES, TestRun(Ended.NOT_RUN), Verdict.UNJUDGED, id="left out"),
    pytest.param(CODEFORCES, TestRun(Ended.WALL_LIMIT, starved=True), Verdict.UNJUDGED, id="starved"),
]


@pytest.mark.parametrize(("checker", "run", "verdict"), ANSWERS)
def test_what_a_checker_says_is_read_strictly(checker: Checker, run: TestRun, verdict: Verdict | None) -> None:
    finding = checker_answer(checker, run).finding
    assert (finding and finding[0]) == verdict


@given(
    st.sampled_from([CODEFORCES, TESTLIB, TESTLIB_PYTHON]),
    st.sampled_from(Ended),
    st.text(),
    st.text(),
    st.integers() | st.none(),
)
def test_no_answer_of_a_checker_raises(checker: Checker, ended: Ended, out: str, err: str, code: int | None) -> None:
    answer = checker_answer(checker, TestRun(ended, exit_code=code, stdout=out, stderr=err))
    assert (answer.finding is None) == bool(answer.fault)
    for control in (None, answer, CheckerAnswer((Verdict.ACCEPTED, ""))):
        verdict, _ = answered_finding(answer, control)
        assert verdict is not Verdict.ACCEPTED or answer.finding == (Verdict.ACCEPTED, "")


def test_a_checker_that_cannot_be_is_refused() -> None:
    for wrong in ({"style": "icpc"}, {"source": " \n"}):
        with pytest.raises(DatasetError):
            dataclasses.replace(CODEFORCES, **wrong)


def test_silence_is_wrong_without_a_question() -> None:
    """Checkers written by models read an empty file, find nothing wrong in it, and accept."""
    assert checker_case(TEST, [said(" \n")]) == (Verdict.WRONG_ANSWER, "printed nothing where something was expected")
    assert isinstance(checker_case(dataclasses.replace(TEST, expected=""), [said("")]), CheckerCase)


def test_an_output_that_is_too_long_is_not_handed_on() -> None:
    finding = checker_case(TEST, [said("1" * (LEAST_CAP_BYTES + 1))])
    assert isinstance(finding, tuple)
    assert finding[0] is Verdict.OUTPUT_LIMIT_EXCEEDED
    assert isinstance(checker_case(TEST, [said("1" * LEAST_CAP_BYTES)]), CheckerCase)


@pytest.mark.parametrize("run", [CRASHED, TestRun(Ended.CPU_LIMIT, stdout="1 4\n"), TestRun(Ended.NOT_COMPILED)])
def test_a_program_that_did_not_end_well_needs_no_checker(run: TestRun) -> None:
    assert checker_case(TEST, [run]) is None
    assert judge(TEST, [run], Comparison()).verdict in (Verdict.RUNTIME_ERROR, Verdict.TIME_LIMIT_EXCEEDED)


# The engine.

SAYS_YES = "1"


class Asked(FakeSandbox):
    """Programs print their own source; the checker is a function of the output that it is given."""

    def __init__(self, check, **options):
        def answer(job):
            if job.program.source != CODEFORCES.source:
                return job.program.source
            return [check(*(dict((f.path, f.content.decode()) for f in s.files)[n] for n in s.args)) for s in job.steps]

        super().__init__(answer, **options)

    @property
    def checked(self) -> int:
        return sum(len(job.steps) for job in self.jobs if job.program.source == CODEFORCES.source)


def by_sum(given: str, expected: str, output: str) -> TestRun:
    return said("1" if sum(map(int, output.split())) == int(given) else "0")


def unit(source: str, *tests: StdinTest) -> Unit:
    return Unit(Program(source), Problem(tests or (TEST,)))


def verdicts(sandbox, units, **settings):
    return [[test.verdict for test in outcome.tests] for outcome in outcomes_of(sandbox, units, **settings)[0]]


def test_a_checker_decides_after_the_program_has_run():
    sandbox = Asked(by_sum)
    assert verdicts(sandbox, [unit("1 4"), unit("1 5")]) == [[Verdict.ACCEPTED], [Verdict.WRONG_ANSWER]]
    assert [len(job.steps) for job in sandbox.jobs] == [1, 1, 1, 1]


def test_the_same_question_is_asked_once_a_batch():
    sandbox = Asked(by_sum, latency_s=0.001)
    other = dataclasses.replace(TEST, weight=2.0)
    units = [unit("1 4", TEST, other), unit("1 4\n"), unit("1  4"), unit("1 4", TEST, TEST, TEST)]
    expected = [[Verdict.ACCEPTED] * 2, [Verdict.ACCEPTED], [Verdict.ACCEPTED], [Verdict.ACCEPTED] * 3]
    assert verdicts(sandbox, units) == expected
    assert sandbox.checked == 3


def test_all_questions_of_a_program_to_one_checker_are_one_job():
    sandbox = Asked(by_sum)
    tests = [StdinTest(f"{n}\n", "?", checker=CODEFORCES) for n in range(20)]
    assert verdicts(sandbox, [unit("3 4", *tests)])[0].count(Verdict.ACCEPTED) == 1
    assert [len(job.steps) for job in sandbox.jobs] == [20, 20]


def test_a_checker_that_has_to_be_compiled_answers_the_questions_of_many_programs_in_one_job():
    def answer(job):
        return "7 7" if job.program.language == "python" else [said("", len(step.stdin)) for step in job.steps]

    sandbox = FakeSandbox(answer, latency_s=0.02, capacity=16)
    tests = [dataclasses.replace(TEST, stdin=f"{n}\n", checker=TESTLIB) for n in range(8)]
    found = verdicts(sandbox, [unit(f"program {n}", test) for n, test in enumerate(tests)])
    assert found == [[Verdict.ACCEPTED]] * 8
    sizes = [len(job.steps) for job in sandbox.jobs if job.program.language == "cpp"]
    assert sum(sizes) == 8
    assert len(sizes) <= 3


def breaks_on(words: str, run: TestRun):
    def check(given, expected, output):
        return run if any(word in output for word in words.split()) else by_sum(given, expected, output)

    return check


FAULTS = [
    pytest.param(CRASHED, id="a crash"),
    pytest.param(TestRun(Ended.CPU_LIMIT), id="a loop"),
    pytest.param(TestRun(Ended.WALL_LIMIT), id="a wait"),
    pytest.param(TestRun(Ended.SIGNALLED, signal=11), id="a fault in memory"),
    pytest.param(TestRun(Ended.MEMORY_LIMIT), id="out of memory"),
    pytest.param(said("1 1 1"), id="an answer that is none"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_output_that_breaks_its_checker_is_wrong_and_never_unjudged(fault):
    """An unjudged completion is an exit that a policy can learn to take."""
    sandbox = Asked(breaks_on("evil", fault))
    [outcome], _ = outcomes_of(sandbox, [unit("evil")])
    assert outcome.tests[0].verdict is Verdict.WRONG_ANSWER
    assert outcome.tests[0].detail.startswith("the checker can read the expected output, but on this one it")
    assert sandbox.checked == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checker_that_breaks_on_the_expected_output_says_nothing_about_any_program(fault):
    sandbox = Asked(lambda *files: fault)
    [outcome, same], _ = outcomes_of(sandbox, [unit("1 4"), unit("2 3\n")])
    for found in (outcome, same):
        assert found.tests[0].verdict is Verdict.UNJUDGED
        assert "the checker fails on the expected output, too" in found.tests[0].detail
    assert sandbox.checked == 2  # the control of the one is the question of the other


def test_a_program_that_breaks_checker_after_checker_does_not_use_up_the_batch():
    sandbox = Asked(breaks_on("evil", TestRun(Ended.CPU_LIMIT)))
    tests = [StdinTest("5\n", f"{n} {5 - n}\n", checker=CODEFORCES) for n in range(100)]
    assert verdicts(sandbox, [unit("evil", *tests)]) == [[Verdict.WRONG_ANSWER] * 100]
    assert sandbox.checked < 70


def test_what_one_program_breaks_is_not_held_against_another():
    """A job in which one output brought the sandbox down twice is taken apart."""
    evil, good = "evil", "2 3"

    class Fragile(Asked):
        async def run(self, job, *, keep_going=None):
            if any(b"evil" in file.content for step in job.steps for file in getattr(step, "files", ())):
                return SandboxFailure("died", "gone")
            return await super().run(job, keep_going=keep_going)

    tests = [dataclasses.replace(TEST, stdin="5\n"), dataclasses.replace(TEST, stdin="6\n")]
    sandbox = Fragile(by_sum)
    found = verdicts(sandbox, [unit(evil, *tests), unit(good, *tests)])
    assert found == [[Verdict.WRONG_ANSWER] * 2, [Verdict.ACCEPTED, Verdict.WRONG_ANSWER]]


def test_an_output_on_which_the_checker_loops_takes_no_time_from_the_outputs_of_others():
    """On a busy machine the waiting for a CPU adds up, until a sandbox leaves out what is left of a job."""

    def answer(job):
        if job.program.language == "python":
            return job.program.source
        outputs = [dict((f.path, f.content) for f in step.files)["output.txt"] for step in job.steps]
        looping = [output == b"loop" for output in outputs]
        loops = TestRun(Ended.CPU_LIMIT, cpu_s=10.0, wall_s=60.0)
        runs = [loops if loop else said("", 0) for loop in looping]
        left_out = TestRun(Ended.WALL_LIMIT, stderr="the job's other tests had waited for too long")
        return [left_out if any(looping[:i]) else run for i, run in enumerate(runs)]

    test = dataclasses.replace(TEST, checker=TESTLIB)
    found = verdicts(FakeSandbox(answer, latency_s=0.02, capacity=16), [unit(w, test) for w in ("loop", "1", "4 1")])
    assert found == [[Verdict.WRONG_ANSWER], [Verdict.ACCEPTED], [Verdict.ACCEPTED]]


def test_a_sandbox_that_fails_under_the_checker_is_nobodys_wrong_answer():
    failures = []

    class Failing(Asked):
        async def run(self, job, *, keep_going=None):
            if job.program.source == CODEFORCES.source:
                failures.append(job)
                return SandboxFailure("transport", "no line")
            return await super().run(job, keep_going=keep_going)

    [outcome], figures = outcomes_of(Failing(by_sum), [unit("1 4")], retries=1)
    assert outcome.tests[0].verdict is Verdict.UNJUDGED
    assert "no line" in outcome.tests[0].detail
    assert (len(failures), figures.retries) == (2, 1)


def test_a_checker_that_was_killed_once_is_asked_again():
    killed = []

    def check(given, expected, output):
        if not killed:
            killed.append(output)
            return TestRun(Ended.SIGNALLED, signal=9)
        return by_sum(given, expected, output)

    assert verdicts(Asked(check), [unit("1 4")]) == [[Verdict.ACCEPTED]]


def test_a_starved_checker_is_given_another_chance_alone():
    starved = []

    def check(given, expected, output):
        if not starved:
            starved.append(output)
            return TestRun(Ended.WALL_LIMIT, starved=True)
        return by_sum(given, expected, output)

    [outcome], figures = outcomes_of(Asked(check), [unit("1 4")])
    assert (outcome.tests[0].verdict, figures.rescued) == (Verdict.ACCEPTED, 1)


def test_a_wrong_verdict_of_a_checker_stops_where_that_was_asked_for():
    sandbox = Asked(by_sum)
    tests = [StdinTest(f"{n}\n", "?", checker=CODEFORCES) for n in (5, 6, *range(100, 130))]
    [found] = verdicts(sandbox, [unit("1 4", *tests)], stop_at_first_failure=True)
    assert found == [Verdict.ACCEPTED, Verdict.WRONG_ANSWER, *([Verdict.SKIPPED] * 30)]
    assert sandbox.checked == 2


def test_what_a_checker_cannot_say_does_not_stop_the_search_for_a_failure():
    def check(given, expected, output):
        return CRASHED if given == "6\n" else by_sum(given, expected, output)

    tests = [StdinTest(f"{n}\n", "?", checker=CODEFORCES) for n in (5, 6, 7, 8)]
    [found] = verdicts(Asked(check), [unit("1 4", *tests)], stop_at_first_failure=True)
    assert found == [Verdict.ACCEPTED, Verdict.UNJUDGED, Verdict.WRONG_ANSWER, Verdict.SKIPPED]


def test_the_deadline_leaves_a_test_unjudged_whose_checker_has_not_answered():
    def latency(job):
        return float("inf") if job.program.source == CODEFORCES.source else 0.0

    test = StdinTest("", "1 4")
    [outcome], _ = outcomes_of(Asked(by_sum, latency_s=latency), [unit("1 4", test, TEST)], batch_deadline_s=0.2)
    assert [grade.verdict for grade in outcome.tests] == [Verdict.ACCEPTED, Verdict.UNJUDGED]


def test_outputs_that_wait_for_their_checkers_do_not_fill_our_memory():
    text = "1 " * (1 << 20)
    sandbox = FakeSandbox(lambda job: text if job.program.source == "flood" else "1")
    tests = [StdinTest(f"{n}\n", "?", checker=CODEFORCES) for n in range(12)]
    [found] = verdicts(sandbox, [unit("flood", *tests)])
    assert found.count(Verdict.ACCEPTED) == MAX_WAITING_CHARACTERS // len(text)
    assert found[-1] is Verdict.OUTPUT_LIMIT_EXCEEDED


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.booleans())
def test_any_output_gets_a_verdict(outputs, stops):
    texts = [output.decode(errors="replace") for output in outputs]
    sandbox = FakeSandbox(lambda job: "1" if job.program.source == CODEFORCES.source else list(map(said, texts)))
    [found] = verdicts(sandbox, [unit("p", *[TEST] * len(texts))], stop_at_first_failure=stops)
    blank = [i for i, text in enumerate(texts) if not text.strip()]
    for i, verdict in enumerate(found):
        after = stops and blank and i > blank[0]
        wanted = Verdict.SKIPPED if after else Verdict.WRONG_ANSWER if i in blank else Verdict.ACCEPTED
        assert verdict is wanted


def test_two_batches_on_one_loop_do_not_share_answers():
    sandbox = Asked(by_sum)
    for _ in range(2):
        assert verdicts(Asked(by_sum), [unit("1 4")]) == [[Verdict.ACCEPTED]]
    asyncio.run(sandbox.close())
