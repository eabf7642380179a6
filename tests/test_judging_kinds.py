"""Verdicts on the kinds of test that look at files, cells, suites and test code behind the program."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.cases import (
    AppendedTest,
    AssertTest,
    CallTest,
    CellTest,
    Checker,
    FileTest,
    OutputTest,
    StdinTest,
    SuiteTest,
    TestCase,
)
from rewards.comparison import Comparison
from rewards.grades import TestGrade, Verdict
from rewards.judging import judge
from rewards.records import AssertStep, Ended, File, RichResult, ScriptStep, TestRun

TOKEN = "5ecre7"
STDIN = StdinTest("1 2\n", "3\n", accepted=("three\n", "III"))
IN_FILE = StdinTest("", "3\n", files=(File("in.txt", b"1 2\n"),), output_file="out.txt")
FILE = FileTest("made.csv", "a,b\n1,2\n")
EXISTS = FileTest("plots/plot.png")
CELL = CellTest("f(1)", "3")
APPENDED = AppendedTest("assert(f(1) === 3);", f"print {TOKEN}", TOKEN)
SUITE = SuiteTest("def test_f(): assert f(1) == 3")
ALL: list[TestCase] = [
    *(STDIN, IN_FILE, OutputTest("3\n"), FILE, EXISTS, CELL, APPENDED, SUITE, CallTest("f", (1,), 3)),
    AssertTest("assert f(1) == 3"),
]


def verdict_on(test: TestCase, run: TestRun) -> TestGrade:
    return judge(test, [run], Comparison())


def exited(stdout: str = "", *files: File, code: int = 0, stderr: str = "") -> TestRun:
    return TestRun(Ended.EXITED, exit_code=code, stdout=stdout, stderr=stderr, files=files)


def shown(text: str | None, stdout: str = "", *others: RichResult) -> TestRun:
    main = () if text is None else (RichResult((("html", "<b>"), ("text", text)), is_main=True),)
    return TestRun(Ended.RETURNED, stdout=stdout, results=(*others, *main))


@pytest.mark.parametrize("test", ALL)
def test_what_does_not_compile_is_the_programs_fault_and_says_why(test: TestCase) -> None:
    stderr = "main.cpp: In function 'int main()':\nmain.cpp:3:5: error: 'x' was not declared\n   3 | x;\n"
    grade = verdict_on(test, TestRun(Ended.NOT_COMPILED, stderr=stderr, stdout="3\n", value=3))
    assert grade.verdict is Verdict.RUNTIME_ERROR
    assert grade.detail == "does not compile: main.cpp:3:5: error: 'x' was not declared"


@pytest.mark.parametrize("test", ALL)
@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (TestRun(Ended.CPU_LIMIT), Verdict.TIME_LIMIT_EXCEEDED),
        (TestRun(Ended.WALL_LIMIT, starved=True), Verdict.UNJUDGED),
        (TestRun(Ended.MEMORY_LIMIT), Verdict.MEMORY_LIMIT_EXCEEDED),
        (TestRun(Ended.DISK_LIMIT), Verdict.OUTPUT_LIMIT_EXCEEDED),
        (TestRun(Ended.SIGNALLED, signal=9), Verdict.RUNTIME_ERROR),
        (TestRun(Ended.RAISED), Verdict.RUNTIME_ERROR),
        (TestRun(Ended.EXITED, exit_code=1), Verdict.RUNTIME_ERROR),
        (TestRun(Ended.NOT_RUN), Verdict.SKIPPED),
    ],
)
def test_the_end_of_a_run_decides_before_everything_it_left_behind(
    test: TestCase, run: TestRun, verdict: Verdict
) -> None:
    files = (File("out.txt", b"3\n"), File("made.csv", b"a,b\n1,2\n"), File("plots/plot.png", b"PNG"))
    results = (RichResult((("text", "3"),), is_main=True),)
    full = dataclasses.replace(run, stdout=f"3\n{TOKEN}\n", value=3, files=files, results=results)
    assert verdict_on(test, full).verdict is verdict


@pytest.mark.parametrize("output", ["3", "three", "III\n"])
def test_each_of_several_outputs_is_right(output: str) -> None:
    assert verdict_on(STDIN, exited(output)).verdict is Verdict.ACCEPTED


def test_a_wrong_output_is_compared_with_the_expected_one_in_words_and_with_the_others_in_passing() -> None:
    grade = verdict_on(STDIN, exited("4"))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert grade.detail.endswith("expected '3', found '4'; nor is it any of the 2 others that are right")


def test_a_call_may_have_several_right_values() -> None:
    test = CallTest("f", (), [1, 2], accepted=([2, 1],))
    for value, verdict in [([1, 2], Verdict.ACCEPTED), ([2, 1], Verdict.ACCEPTED), ([2, 2], Verdict.WRONG_ANSWER)]:
        assert verdict_on(test, TestRun(Ended.RETURNED, value=value)).verdict is verdict


def test_an_output_file_is_judged_and_not_what_was_printed() -> None:
    assert verdict_on(IN_FILE, exited("4", File("out.txt", b"3"))).verdict is Verdict.ACCEPTED
    assert verdict_on(IN_FILE, exited("3", File("out.txt", b"4"))).verdict is Verdict.WRONG_ANSWER


@pytest.mark.parametrize("test", [IN_FILE, FILE, EXISTS])
def test_a_file_that_is_not_there_is_a_wrong_answer_that_says_so(test: TestCase) -> None:
    grade = verdict_on(test, exited("3", File("other.txt", b"3")))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert "wrote no file" in grade.detail


def test_a_file_is_asked_for_by_its_path_and_compared() -> None:
    [step] = FILE.steps()
    assert isinstance(step, ScriptStep)
    assert step.fetch == ("made.csv",)
    assert verdict_on(FILE, exited("", File("made.csv", b"a,b\n1,2"))).verdict is Verdict.ACCEPTED
    grade = verdict_on(FILE, exited("", File("made.csv", b"a,b\n1,3\n")))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert grade.detail.startswith("in the file 'made.csv': ")


def test_existence_is_enough_where_nothing_more_is_expected() -> None:
    assert verdict_on(EXISTS, exited("", File("plots/plot.png", b""))).verdict is Verdict.ACCEPTED


def test_a_file_that_is_no_text_equals_no_text() -> None:
    grade = verdict_on(FileTest("f", "\N{REPLACEMENT CHARACTER}"), exited("", File("f", b"\xff")))
    assert grade.verdict is Verdict.WRONG_ANSWER
    assert "no UTF-8" in grade.detail


@given(st.binary(), st.text())
def test_no_file_raises(content: bytes, expected: str) -> None:
    grade = verdict_on(FileTest("f", expected), exited("", File("f", content)))
    assert grade.verdict in (Verdict.ACCEPTED, Verdict.WRONG_ANSWER)


@pytest.mark.parametrize(
    ("expected", "run", "accepted"),
    [
        pytest.param("5", shown("5"), True, id="the value"),
        pytest.param("5", shown("6", stdout="5\n"), False, id="the value goes before the print"),
        pytest.param("5", shown(None, stdout="5\n"), True, id="what was printed, where there is no value"),
        pytest.param("5", shown(None), False, id="neither"),
        pytest.param("5", shown(None, "", RichResult((("text", "5"),))), False, id="what was displayed is no value"),
        pytest.param("abc", shown("'abc'"), True, id="text without its quotes"),
        pytest.param("'abc'", shown("'abc'"), True, id="text in its quotes"),
        pytest.param('"abc"', shown("'abc'"), True, id="text in other quotes"),
        pytest.param("a b", shown(json.dumps("a b")), True, id="text of two words"),
        pytest.param("line 1\nline 2", shown(r"'line 1\nline 2'"), True, id="text of two lines"),
        pytest.param("abc", shown("'abcd'"), False, id="other text"),
        pytest.param("5", shown("'5'"), True, id="a number as text shows as that number"),
        pytest.param("'5'", shown("5"), False, id="a number is no text in quotes"),
        pytest.param("abc", shown("'abc' + 'd'"), False, id="an expression is no literal"),
        pytest.param("abc", shown("'abc"), False, id="an open quote"),
        pytest.param("", shown("''"), True, id="empty text"),
        pytest.param("[1, 2]", shown("[1, 2]"), True, id="a list"),
        pytest.param("0.30000000000000004", shown("0.3"), True, id="a float within the tolerance"),
        pytest.param(
            "5", TestRun(Ended.RETURNED, results=(RichResult((("text/plain", "5"),), True),)), True, id="MIME"
        ),
        pytest.param(
            "5", TestRun(Ended.RETURNED, stdout="5", results=(RichResult((("png", "x"),), True),)), True, id="no text"
        ),
    ],
)
def test_a_cell_is_judged_by_its_value_or_else_by_what_it_printed(expected: str, run: TestRun, accepted: bool) -> None:
    assert (verdict_on(CellTest("x", expected), run).verdict is Verdict.ACCEPTED) is accepted


@given(st.text(), st.text())
def test_no_value_of_a_cell_raises(expected: str, value: str) -> None:
    verdict_on(CellTest("x", expected), shown(value))
    assert verdict_on(CellTest("x", value), shown(repr(value))).verdict is Verdict.ACCEPTED


def test_a_cell_that_raised_has_no_value() -> None:
    run = dataclasses.replace(shown("3"), ended=Ended.RAISED, stderr="Traceback\nZeroDivisionError: division by zero")
    grade = verdict_on(CELL, run)
    assert grade.verdict is Verdict.RUNTIME_ERROR
    assert grade.detail == "raised: ZeroDivisionError: division by zero"


def test_a_suite_runs_in_the_tester_and_passes_when_it_finishes() -> None:
    assert SUITE.steps() == (AssertStep(SUITE.source, framework="pytest"),)
    assert verdict_on(SUITE, TestRun(Ended.RETURNED)).verdict is Verdict.ACCEPTED
    grade = verdict_on(SUITE, TestRun(Ended.FAILED, stderr="1 of 2 tests passed: test_f failed"))
    assert (grade.verdict, grade.detail) == (
        Verdict.WRONG_ANSWER,
        "the assertion failed: 1 of 2 tests passed: test_f failed",
    )


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        pytest.param(exited(f"hi\n{TOKEN}\n"), Verdict.ACCEPTED, id="the token last"),
        pytest.param(exited(f"hi\n{TOKEN}\n\n \n"), Verdict.ACCEPTED, id="blank lines behind it"),
        pytest.param(exited(f"{'x' * 10_000}\n{TOKEN}\r\n"), Verdict.ACCEPTED, id="after a flood"),
        pytest.param(exited(""), Verdict.WRONG_ANSWER, id="an early exit with code 0"),
        pytest.param(exited("PASSED\nall tests passed\n"), Verdict.WRONG_ANSWER, id="a claim"),
        pytest.param(exited(f"{TOKEN}\nmore"), Verdict.WRONG_ANSWER, id="more behind the token"),
        pytest.param(exited(f"x{TOKEN}"), Verdict.WRONG_ANSWER, id="the token in another line"),
        pytest.param(exited(TOKEN, code=1), Verdict.RUNTIME_ERROR, id="a crash after the token"),
        pytest.param(
            exited(stderr="AssertionError [ERR_ASSERTION]: 4 == 3\n    at f\n\nNode.js v22\n", code=1),
            Verdict.WRONG_ANSWER,
            id="a failed assertion",
        ),
        pytest.param(exited(stderr="TypeError: f\n  at f\n", code=1), Verdict.RUNTIME_ERROR, id="another error"),
    ],
)
def test_test_code_behind_the_program_has_to_come_to_its_end(run: TestRun, verdict: Verdict) -> None:
    assert verdict_on(APPENDED, run).verdict is verdict


def test_details_name_the_error_and_not_the_version_of_node() -> None:
    stderr = "/tmp/main.js:1\nboom\n^\n\nTypeError: x is not a function\n    at f (main.js:1)\n\nNode.js v22.1.0\n"
    assert verdict_on(APPENDED, exited(stderr=stderr, code=1)).detail.endswith(": TypeError: x is not a function")
    assert verdict_on(APPENDED, exited("", stderr="")).detail == "the program ended before its tests did"


@given(st.text(), st.text())
def test_nothing_but_the_token_is_accepted(stdout: str, stderr: str) -> None:
    last = stdout.rstrip().splitlines()
    grade = verdict_on(APPENDED, exited(stdout, stderr=stderr))
    assert (grade.verdict is Verdict.ACCEPTED) == bool(last and last[-1].strip() == TOKEN)


def test_a_test_with_a_checker_waits_for_it() -> None:
    grade = verdict_on(StdinTest("", "3\n", checker=Checker("c")), exited("3\n"))
    assert grade.verdict is Verdict.UNJUDGED


@pytest.mark.parametrize("test", ALL)
def test_a_grade_tells_the_subtask(test: TestCase) -> None:
    grouped = dataclasses.replace(test, group="small inputs", weight=2.0, name="n")
    grade = verdict_on(grouped, TestRun(Ended.CPU_LIMIT))
    assert (grade.group, grade.weight, grade.name) == ("small inputs", 2.0, "n")
