from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.errors import DatasetError
from rewards.judging import bounded
from rewards.judging.conditions import ConditionError, evaluate_condition
from rewards.problems import lowering
from rewards.problems.asserts import lower_assert, lower_tests, read_check
from rewards.records import AssertStep, CallStep

DATASETS = Path(__file__).parent.parent.parent / "shared" / "data" / "datasets"


def _asked(source: str, **options: Any) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    test = lower_assert(source, **options)
    assert test is not None
    return [(call.function, call.args, dict(call.kwargs)) for call in test.calls]


@pytest.mark.parametrize(
    ("source", "calls", "condition"),
    [
        pytest.param("assert f(1) == 2", [("f", (1,), {})], "_0 == 2", id="equality"),
        pytest.param("assert f(1) == 2, 'message'", [("f", (1,), {})], "_0 == 2", id="a message is dropped"),
        pytest.param(
            "assert Split('a') == []", [("Split", ("a",), {})], "_0 == []", id="a function named like a class"
        ),
        pytest.param("assert 2 == f(1)", [("f", (1,), {})], "2 == _0", id="the call on the right"),
        pytest.param("assert not f([], k=1)", [("f", ([],), {"k": 1})], "not _0", id="truth"),
        pytest.param("assert f() is None", [("f", (), {})], "_0 is None", id="identity with a singleton"),
        pytest.param("assert f(-1) in (1, 2)", [("f", (-1,), {})], "_0 in (1, 2)", id="membership"),
        pytest.param("assert f(1) == f(2)", [("f", (1,), {}), ("f", (2,), {})], "_0 == _1", id="two calls"),
        pytest.param("assert f(1) and f(2)", [("f", (1,), {}), ("f", (2,), {})], "_0 and _1", id="both must hold"),
        pytest.param("assert 0 < f(1) < f(2)", [("f", (1,), {}), ("f", (2,), {})], "0 < _0 < _1", id="a chain"),
        pytest.param("assert abs(f(1.5) - 0.5) < 1e-6", [("f", (1.5,), {})], "abs(_0 - 0.5) < 1e-06", id="a tolerance"),
        pytest.param("assert math.isclose(f(), math.pi)", [("f", (), {})], "math.isclose(_0, math.pi)", id="isclose"),
        pytest.param("assert sorted(f()) == [1]", [("f", (), {})], "sorted(_0) == [1]", id="a builtin around the call"),
        pytest.param("assert f()[0]['a'] == 1", [("f", (), {})], "_0[0]['a'] == 1", id="an index"),
        pytest.param("assert isinstance(f(), (int, str))", [("f", (), {})], "isinstance(_0, (int, str))", id="a type"),
        pytest.param("assert all(x > 0 for x in f())", [("f", (), {})], "all((x > 0 for x in _0))", id="all of them"),
        pytest.param("assert C().m(1) == 2", [("C().m", (1,), {})], "_0 == 2", id="a method"),
        pytest.param("assert f(int, ['a'] * 2)", [("f", (int, ["a", "a"]), {})], "_0", id="a type as an argument"),
        pytest.param("assert f(*[1, 2]) == 3", [("f", (1, 2), {})], "_0 == 3", id="arguments in a list"),
        pytest.param("assert (f(2) ** 2) == 4", [("f", (2,), {})], "_0 ** 2 == 4", id="arithmetic"),
    ],
)
def test_an_assert_is_split_into_calls_and_a_condition(
    source: str, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]], condition: str
) -> None:
    assert _asked(source) == calls
    test = lower_assert(source)
    assert test is not None
    assert test.condition == condition
    assert test.source == source


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("3 * 19 * 19", 1083),
        ("'ab' + 'c' * 2", "abcc"),
        ("1.0 / 3", 1.0 / 3),
        ("0 ** 0", 1),
        ("-0", 0),
        ("set()", set()),
        ("set([1, 2])", {1, 2}),
        ("frozenset({1})", frozenset({1})),
        ("tuple([1])", (1,)),
        ("list(range(3))", [0, 1, 2]),
        ("dict(a=1)", {"a": 1}),
        ("float('inf')", math.inf),
        ("complex(1, 2)", 1 + 2j),
        ("1 + 2j", 1 + 2j),
        ("math.pi", math.pi),
        ("{1: (2, [3])}", {1: (2, [3])}),
        ("[*[1], 2]", [1, 2]),
        ("None", None),
        ("b'a'", b"a"),
    ],
)
def test_arguments_are_read_not_run(argument: str, value: object) -> None:
    assert _asked(f"assert f({argument})") == [("f", (value,), {})]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("assert f(x) == 1", id="a variable"),
        pytest.param("assert f(g(1)) == 1", id="a call as an argument"),
        pytest.param("assert f(1) == 1 or f(2) == 2", id="a call that Python may skip"),
        pytest.param("assert not (f(1) and f(2))", id="a call that Python may skip, negated"),
        pytest.param("assert [f(1) for _ in range(3)]", id="a call in a loop"),
        pytest.param("assert f(1) == g(2)", id="two functions, which may return objects that compare"),
        pytest.param("assert len(Stack()) == 0", id="an object of a class"),
        pytest.param("assert Point(1) == Point(1)", id="objects of a class"),
        pytest.param("assert Point(1) < 3", id="the order of an object"),
        pytest.param("assert str(f(1)) == '1'", id="the text of what may be an object"),
        pytest.param("assert f(1) if f(2) else 1", id="a choice"),
        pytest.param("assert f(1) is 5", id="identity of a number"),
        pytest.param("assert f(1).strip() == ''", id="a method of the value"),
        pytest.param("assert f(lambda x: x)", id="a function as an argument"),
        pytest.param("assert f(10 ** 10 ** 10)", id="a number that takes for ever"),
        pytest.param("assert f([0] * 10 ** 9)", id="a list that takes all memory"),
        pytest.param("assert f(range(10 ** 20))", id="a range that is too long"),
        pytest.param("assert f(1 / 0)", id="a division by zero"),
        pytest.param("assert f({[]: 1})", id="an impossible key"),
        pytest.param("assert f(**{'a': 1})", id="arguments in a dict"),
        pytest.param("assert f(1) == sys.maxsize", id="an attribute of a module"),
        pytest.param("assert sorted(f(1), key=len) == []", id="a key function"),
        pytest.param("assert eval('f(1)') == 1", id="a builtin that is not listed"),
        pytest.param("assert open('x')", id="a builtin with effects"),
        pytest.param("assert True", id="no call"),
        pytest.param("assert f(f'{1}')", id="a formatted text"),
        pytest.param("assert '%.2f' % f(1) == '0.50'", id="a text that is filled in"),
        pytest.param("x = f(1)", id="no assert"),
        pytest.param("assert f(1)\nassert f(2)", id="two asserts"),
        pytest.param("assert f(", id="no Python"),
        pytest.param("assert [x for _0 in f()]", id="a name that the conditions use"),
    ],
)
def test_what_does_not_fit_is_left_to_the_tester(source: str) -> None:
    assert lower_assert(source) is None


def test_a_builtin_is_the_programs_only_where_it_is_named() -> None:
    assert _asked("assert f(1) == sum([1])") == [("f", (1,), {})]
    assert _asked("assert sum(1, 2) == 3", names=["sum"]) == [("sum", (1, 2), {})]
    assert lower_assert("assert sum(1, 2) == 3") is None


def test_a_function_of_the_tests_own_is_not_asked_of_the_program() -> None:
    assert lower_assert("assert close(1, 2)", taken=["close"]) is None
    setup = "def close(a, b):\n    return abs(a - b) < 1\n"
    own, other = lower_tests(["assert close(1, 2)", "assert f(1) == 2"], setup=setup)
    assert own.steps() == (AssertStep("assert close(1, 2)", setup, ()),)
    assert other.steps() == (CallStep("f", (1,)),)


def test_only_asserts_that_need_the_setup_run_in_the_tester() -> None:
    tests = lower_tests(["assert f(root) == 1", "assert f(None) == 0"], setup="root = Node(1)")
    assert [bool(test.calls) for test in tests] == [False, True]
    assert tests[0].setup == "root = Node(1)"


def test_a_task_to_write_a_builtin_is_recognised() -> None:
    tests = lower_tests(["assert sum(10, 15) == 6", "assert sum(100, 150) == 93"])
    assert [test.calls[0].function for test in tests] == ["sum", "sum"]
    assert lower_tests(["assert len(x) == 1"])[0].names == ()


SLIPS = ["f(1) == 2", "assert (f(1) == 2, 'wrong')", "assert True", "pass"]


@pytest.mark.parametrize("source", ["def test_f():\n    assert f(1) == 2\n", "", "import f", "X = 1", *SLIPS])
def test_a_test_that_runs_nothing_is_a_dataset_error(source: str) -> None:
    with pytest.raises(DatasetError, match="only defines"):
        lower_tests([source])


@pytest.mark.parametrize("source", ["assert f(", "assert 0777 == f()", "a\0b", "(" * 5000])
def test_a_test_that_is_not_python_is_a_dataset_error(source: str) -> None:
    with pytest.raises(DatasetError):
        lower_tests([source])
    with pytest.raises(DatasetError):
        read_check(source, "f")


def test_a_check_of_asserts_becomes_one_test_for_each() -> None:
    source = (
        "METADATA = {'author': 'x'}\n\n"
        "def check(candidate):\n"
        "    '''Doc.'''\n"
        "    assert True, 'fine'\n"
        "    print('checking')\n"
        "    assert candidate(1) == candidate(2), 'message'\n"
        "    pass\n"
        "    assert abs(candidate(3) - 1) < 0.1\n"
    )
    first, second = read_check(source, "f")
    assert [call.args for call in first.calls] == [(1,), (2,)]
    assert (second.calls[0].function, second.condition) == ("f", "abs(_0 - 1) < 0.1")


@pytest.mark.parametrize(
    "body",
    [
        "for x in range(3):\n        assert candidate(x) == x",
        "y = candidate(1)\n    assert y == 1",
        "assert helper(candidate(1))",
        "assert candidate(1) == 1\n    assert candidate(helper(1)) == 1",
    ],
)
def test_a_check_with_more_in_it_runs_as_a_whole_in_the_tester(body: str) -> None:
    source = f"def helper(x):\n    return x\n\ndef check(candidate):\n    {body}\n"
    (test,) = read_check(source, "f")
    assert test.calls == ()
    assert test.source.endswith("\ncheck(f)\n")
    assert test.names == ("f",)


def test_a_check_that_is_called_already_is_not_called_twice() -> None:
    (test,) = read_check("def check(candidate):\n    for x in []: pass\ncheck(f)\n", "f")
    assert test.source.count("check(") == 2


def test_a_test_without_a_check_function_is_a_dataset_error() -> None:
    with pytest.raises(DatasetError, match="check"):
        read_check("assert f(1) == 1", "f")


def test_whatever_is_lowered_can_be_evaluated() -> None:
    assert set(lowering.FUNCTIONS) == set(bounded.FUNCTIONS)
    assert set(lowering.MATH_FUNCTIONS) == set(bounded.MATH_FUNCTIONS)
    assert set(lowering.MATH_CONSTANTS) == set(bounded.MATH_CONSTANTS)


atoms = st.sampled_from(["f(1)", "f([1, 2])", "3", "-1", "[1, 2]", "'a'", "None", "1.5", "{1: 2}", "x", "int"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["==", "<", "in", "is", "and", "or", "+", "*", "%"]), inner).map(
            lambda parts: "({} {} {})".format(*parts)
        ),
        inner.map("not {}".format),
        st.tuples(st.sampled_from(["abs", "len", "sorted", "sum", "set", "list", "max", "all"]), inner).map(
            lambda parts: "{}({})".format(*parts)
        ),
        st.tuples(inner, inner).map(lambda parts: "[{} for x in {}]".format(*parts)),
        st.just("f([1, 2])[0]"),
    ),
    max_leaves=8,
)
answers = st.sampled_from([0, 1, -1, 1.5, [1, 2], "ab", None, {1: 2}, (1, 2), True])


@given(expressions, answers, answers)
def test_a_lowered_assert_decides_as_the_assert_itself(expression: str, of_one: object, of_others: object) -> None:
    """With functions that always return, so that calls which Python would have skipped make no difference."""
    test = lower_assert(f"assert {expression}")
    if test is None:
        return

    def function(argument: object) -> object:
        return of_one if argument == 1 else of_others

    try:
        decided = evaluate_condition(test.condition, [function(*call.args) for call in test.calls])
    except ConditionError:
        decided = False
    try:
        truth = bool(eval(expression, {"f": function}))
    except (TypeError, ValueError, ArithmeticError, LookupError, NameError):
        truth = False
    assert decided == truth


def _rows(name: str) -> list[dict[str, Any]]:
    path = DATASETS / name
    if not path.exists():
        pytest.skip(f"{path} is not there: these figures need the datasets beside the repository")
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.splitlines()]


def test_nearly_all_of_mbpp_is_lowered() -> None:
    rows = _rows("mbpp.jsonl")
    tests = [test for row in rows for test in lower_tests(row["test_list"], setup=row["test_setup_code"])]
    assert len(tests) == 2922
    assert sum(bool(test.calls) for test in tests) == 2910


def test_nearly_all_of_humaneval_is_lowered() -> None:
    checks = [read_check(row["test"], row["entry_point"]) for row in _rows("HumanEval.jsonl.gz")]
    assert sum(bool(check[0].calls) for check in checks) == 158
