"""Our own schema: every kind of test, and every field of one."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from asking import fenced, make
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
)
from rewards.comparison import Comparison
from rewards.errors import ConfigurationError, DatasetError
from rewards.problems import read_problem
from rewards.records import Ended, File, ScriptStep, TestRun
from rewards.sandboxes.fake import FakeSandbox

SUITE = "from solution import f\n\ndef test_f():\n    assert f() == 1\n"
UNITTEST = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertTrue(1)\n"
KINDS: list[tuple[dict[str, Any], object]] = [
    (
        {"type": "stdin", "input": "1", "output": "2", "accepted": ["3", ["4", "5"]]},
        StdinTest("1", "2", accepted=("3", "4\n5")),
    ),
    (
        {"type": "stdin", "files": {"a/in.txt": "1"}, "output_file": "out.txt", "output": "2"},
        StdinTest("", "2", files=(File("a/in.txt", b"1"),), output_file="out.txt"),
    ),
    (
        {"type": "stdin", "output": "2", "checker": {"source": "check()"}},
        StdinTest("", "2", checker=Checker("check()", "python", "codeforces")),
    ),
    (
        {"type": "stdin", "output": "2", "checker": {"source": "c;", "language": "C++", "style": "testlib"}},
        StdinTest("", "2", checker=Checker("c;", "cpp", "testlib")),
    ),
    ({"type": "output", "output": "2", "accepted": ["3"]}, OutputTest("2", accepted=("3",))),
    (
        {"type": "call", "function": "f", "expected": 1, "accepted": [2, None]},
        CallTest("f", (), 1, accepted=(2, None)),
    ),
    ({"type": "suite", "source": SUITE}, SuiteTest(SUITE, "pytest")),
    ({"type": "suite", "source": UNITTEST, "framework": "unittest"}, SuiteTest(UNITTEST, "unittest")),
    ({"type": "file", "path": "a/b.csv"}, FileTest("a/b.csv")),
    ({"type": "file", "path": "b.csv", "content": ""}, FileTest("b.csv", "")),
    (
        {
            **{"type": "file", "path": "b", "content": "x", "input": "7", "comparison": "exact"},
            "files": {"p.bin": {"base64": "/w=="}, "q": ["1", "2"]},
        },
        FileTest(*("b", "x", Comparison("exact")), stdin="7", files=(File("p.bin", b"\xff"), File("q", b"1\n2"))),
    ),
]


@pytest.mark.parametrize(("item", "test"), KINDS)
def test_each_kind_is_read_as_it_is_written(item: dict[str, Any], test: object) -> None:
    for column in ([item], json.dumps([item]), json.dumps({"tests": [item]}), [json.dumps(item)]):
        assert read_problem({"tests": column}).tests == (test,)


def test_what_all_kinds_share_is_read_for_all_of_them() -> None:
    items = [item | {"weight": 2, "name": "n", "group": "g"} for item, _ in KINDS]
    for test in read_problem({"tests": items}).tests:
        assert (test.weight, test.name, test.group) == (2.0, "n", "g")


def test_cells_are_read_and_stand_alone() -> None:
    cell = {"type": "cell", "source": "x = f()", "output": "1", "files": {"d.csv": "1"}, "comparison": "lines"}
    [test] = read_problem({"tests": [cell]}).tests
    assert test == CellTest("x = f()", "1", Comparison("lines"), files=(File("d.csv", b"1"),))
    with pytest.raises(DatasetError, match="beside tests of other kinds"):
        read_problem({"tests": [cell, {"type": "output", "output": "1"}]})


def test_columns_that_datasets_filled_with_none_are_read_alike() -> None:
    keys = {key for item, _ in KINDS for key in item}
    for item, test in KINDS:
        if None not in item.get("accepted", ()):
            assert read_problem({"tests": [dict.fromkeys(keys) | item]}).tests == (test,)


BAD = [
    pytest.param({"type": "suite", "source": " "}, "empty suite", id="an empty suite"),
    pytest.param({"type": "suite", "source": "x = 1"}, "no test in it", id="a suite without tests"),
    pytest.param(
        {"type": "suite", "source": SUITE, "framework": "unittest"},
        "unittest looks for methods",
        id="functions for unittest",
    ),
    pytest.param({"type": "suite", "source": "def test("}, "not Python", id="a suite that is no Python"),
    pytest.param({"type": "suite", "source": SUITE, "framework": "nose"}, "'nose'", id="an unknown framework"),
    pytest.param({"type": "suite"}, "no 'source'", id="a suite without source"),
    pytest.param({"type": "cell", "source": "1"}, "no 'output'", id="a cell without output"),
    pytest.param({"type": "file"}, "no 'path'", id="a file without a path"),
    pytest.param({"type": "file", "path": ""}, "names no file", id="an empty path"),
    pytest.param({"type": "file", "path": "/etc/passwd"}, "relative", id="an absolute path"),
    pytest.param({"type": "file", "path": "a/../../b"}, "relative", id="a path that climbs out"),
    pytest.param({"type": "file", "path": "a", "comparison": "exact"}, "nothing|no 'content'", id="a rule for nothing"),
    pytest.param({"type": "stdin", "output": "", "output_file": "../x"}, "relative", id="an output file elsewhere"),
    pytest.param({"type": "stdin", "output": "", "files": {"../x": ""}}, "relative", id="a file elsewhere"),
    pytest.param({"type": "stdin", "output": "", "files": {"x": {"base64": "?"}}}, "base64", id="no base64"),
    pytest.param({"type": "stdin", "output": "", "files": {"x": {"hex": "00"}}}, "'hex'", id="an unknown encoding"),
    pytest.param({"type": "stdin", "output": "", "files": ["x"]}, "an object", id="a list of files"),
    pytest.param({"type": "stdin", "output": "", "checker": "x"}, "JSON", id="a checker that is text"),
    pytest.param({"type": "stdin", "output": "", "checker": {}}, "no 'source'", id="a checker without source"),
    pytest.param({"type": "stdin", "output": "", "checker": {"source": ""}}, "empty checker", id="an empty checker"),
    pytest.param(
        {"type": "stdin", "output": "", "checker": {"source": "x", "style": "y"}}, "'y'", id="an unknown style"
    ),
    pytest.param(
        {"type": "stdin", "output": "", "checker": {"source": "x", "language": "klingon"}}, "klingon", id="no language"
    ),
    pytest.param(
        {"type": "stdin", "output": "", "checker": {"source": "x", "limit": 1}}, "'limit'", id="an unknown key"
    ),
    pytest.param(
        {"type": "stdin", "output": "", "checker": {"source": "x"}, "accepted": ["1"]}, "decides", id="two judges"
    ),
    pytest.param({"type": "stdin", "output": "", "accepted": "1"}, "a list", id="accepted is no list"),
    pytest.param({"type": "call", "function": "f", "expected": 1, "checker": {}}, "'checker'", id="a call's checker"),
    pytest.param({"type": "output", "output": "", "group": 1}, "text", id="a group that is no text"),
    pytest.param({"type": "appended", "source": " "}, "empty appended", id="no code behind"),
    pytest.param({"type": "interactive"}, "unknown type", id="an unknown kind"),
]


@pytest.mark.parametrize(("item", "match"), BAD)
def test_a_mistake_is_named(item: dict[str, Any], match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        read_problem({"tests": [item]})


@given(st.sampled_from([item for item, _ in KINDS]), st.data())
def test_no_field_of_any_type_raises_anything_else(item: dict[str, Any], data: st.DataObject) -> None:
    values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    nested = st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
    key = data.draw(st.sampled_from(sorted({*item, "files", "checker", "accepted", "output_file", "group"})))
    with contextlib.suppress(DatasetError):
        read_problem({"tests": [item | {key: data.draw(nested)}]})


APPENDED = {"tests": {"tests": [{"type": "appended", "source": "console.assert(f() === 1);"}], "language": "js"}}


def test_test_code_behind_the_program_is_in_its_language() -> None:
    problem = read_problem(APPENDED)
    [test] = problem.tests
    assert isinstance(test, AppendedTest)
    assert problem.language == "javascript"
    assert "beforeExit" in test.epilogue
    assert test.token in test.epilogue
    assert test.token not in test.source
    assert read_problem(APPENDED) == problem
    assert read_problem(APPENDED["tests"] | {"tests": APPENDED["tests"]["tests"], "language": "js"}).tests == (test,)


def test_tests_in_the_programs_own_process_are_refused_until_they_are_asked_for_by_name() -> None:
    def answer(job: Any) -> str:
        printed = re.findall("[0-9a-f]{32}", job.steps[0].append)
        return printed[0] if job.program.source.strip() == "good" else ""

    rows = {key: [value, value] for key, value in APPENDED.items()}
    completions = [fenced("good", "js"), fenced("process.exit(0)", "js")]
    with make(FakeSandbox(answer), name="split") as reward:
        with pytest.raises(DatasetError, match="trust='shared'"):
            reward(completions=completions, **rows)
        with pytest.raises(DatasetError, match="trust='shared'"):
            reward.check([APPENDED])
    with make(FakeSandbox(answer), name="shared", trust="shared") as reward:
        assert reward(completions=completions, **rows) == [1.0, 0.0]
        assert "ended before its tests did" in reward.explain(completions[1], **APPENDED)
    with pytest.raises(ConfigurationError, match="trust"):
        make(trust="full")


@pytest.mark.parametrize("kind", ["call", "assert", "suite", "cell"])
def test_programs_in_other_languages_are_tested_by_what_they_print_and_write(kind: str) -> None:
    items = {
        "call": {"type": "call", "function": "f", "expected": 1},
        "assert": {"type": "assert", "source": "assert f() == 1"},
        "suite": {"type": "suite", "source": SUITE},
        "cell": {"type": "cell", "source": "f()", "output": "1"},
    }
    with pytest.raises(DatasetError, match="need programs in Python"):
        read_problem({"tests": [items[kind]], "language": "cpp"})
    for item in (KINDS[0][0], KINDS[4][0], KINDS[8][0]):
        assert read_problem({"tests": [item], "language": "cpp"}).language == "cpp"


def test_a_checker_in_a_language_that_the_sandbox_does_not_run_is_a_bad_row() -> None:
    class OnlyPython(FakeSandbox):
        languages = frozenset({"python"})  # type: ignore[assignment]

    with make(OnlyPython({}, otherwise="1"), name="only") as reward:
        with pytest.raises(DatasetError, match="its checker is cpp"):
            reward.check([{"tests": [KINDS[3][0]]}])
        reward.check([{"tests": [KINDS[2][0]]}])


def test_every_kind_is_graded_from_what_a_fake_sandbox_reports() -> None:
    """What users' own tests need: each kind of test, right and wrong, without running anything."""

    def answer(job: Any) -> Any:
        if job.program.source.strip() == "check()":
            return "1"
        right = job.program.source.strip() == "right"
        written = tuple(File(path, b"2" if right else b"1") for step in job.steps for path in fetched(step))
        return [TestRun(Ended.EXITED, exit_code=0, stdout="2" if right else "", files=written)] * len(job.steps)

    def fetched(step: Any) -> tuple[str, ...]:
        return step.fetch if isinstance(step, ScriptStep) else ()

    tests = [KINDS[i][0] for i in (0, 1, 2, 4)] + [{"type": "file", "path": "b", "content": "2"}]
    with make(FakeSandbox(answer), scoring="fraction_passed", name="kinds") as reward:
        rows = {"tests": [tests, tests]}
        assert reward(completions=[fenced("right"), fenced("wrong")], **rows) == [1.0, 0.0]
    passed, failed = TestRun(Ended.RETURNED), TestRun(Ended.FAILED, stderr="1 of 2 passed")
    suite = [{"type": "suite", "source": SUITE}]
    cell = [{"type": "cell", "source": "f()", "output": "1"}]
    with make(FakeSandbox({"right": passed, "wrong": failed, "1": "1"}), name="suites") as reward:
        found = reward(completions=[fenced("right"), fenced("wrong"), fenced("1")], tests=[suite, suite, cell])
        assert found == [1.0, 0.0, 1.0]


def test_assert_tests_are_as_before() -> None:
    [test] = read_problem({"tests": [{"type": "assert", "source": "assert f(1) == 2"}]}).tests
    assert isinstance(test, AssertTest)
    assert test.condition == "_0 == 2"
