"""Whatever a row holds, reading it gives a problem or a `DatasetError`."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_rows import EXAMPLES

from rewards.cases import Problem
from rewards.errors import DatasetError
from rewards.problems import SCHEMA_COLUMNS, SCHEMAS, read_problem

CALL = {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": [3]}
OURS: list[dict[str, Any]] = [
    {"expected_output": "3", "comparison": "float:1e-6", "language": "python", "cpu_s": 2, "memory_mb": 512},
    {"verification_info": {"language": "python", "test_cases": [CALL, {"input": "1", "output": "2", "type": "stdin"}]}},
    {"verification_info": json.dumps({"language": "python", "test_cases": json.dumps([CALL])})},
    {"input_output": {"inputs": ["1", ["2", "3"]], "outputs": ["1", "5"]}, "time_limit": "2 seconds"},
    {"input_output": json.dumps({"fn_name": "f", "inputs": [[{"1": 2}]], "outputs": [[1]]}),
     "starter_code": "class Solution:"},
    {"test_list": ["assert f(1) == 2", "assert f([1]) in {2: 3}"], "test_setup_code": "x = 1", "test_imports": ["re"]},
    {"test": "def check(candidate):\n    assert candidate(1) == 2\n", "entry_point": "f", "prompt": "def f(x):\n"},
    {"tests": [{"type": "stdin", "input": "1", "output": "1", "weight": 2.0, "comparison": "lines", "name": "a"}]},
    {"tests": {"tests": [{"type": "call", "function": "f", "args": [1], "kwargs": {"a": 1}, "expected": 2}],
               "limits": {"cpu_s": 1}, "setup": "", "comparison": "exact", "entry_point": "f"}},
    {"tests": json.dumps([{"type": "assert", "source": "assert f(1) == 2"}, {"type": "output", "output": ""}])},
    {"tests": [{"testtype": "functional", "input": "1\n[2]", "output": "3"}], "metadata": '{"func_name": "f"}'},
]  # fmt: skip
VALID = OURS + [row for _, row in EXAMPLES.values()]
WORDS = sorted(
    {key for row in VALID for key in row}
    | {
        "type",
        "input",
        "output",
        "inputs",
        "outputs",
        "fn_name",
        "test_cases",
        "function",
        "args",
        "expected",
        "source",
    }
    | {"memory_limit", "memory_limit_bytes", "code_prompt", "prompts", "seconds", "nanos", "limits", "setup"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.binary(max_size=5)
    | st.sampled_from(["\ud800", "null", "[]", "{}", '"[1]"', "assert f(", "NaN", "1e999", "def f(:"])
    | st.sampled_from(
        ["stdin_stdout", "function_call", "functional", "stdin", "call", "assert", "output", "f", "A().f"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def as_text(value: Any) -> Any:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return value


def outcome(row: Any, **options: Any) -> Problem | None:
    """Return the problem, None for a row that was refused in so many words; any other exception fails the test."""
    try:
        problem = read_problem(row, **options)
    except DatasetError as error:
        if not 0 < len(str(error)) < 3000:
            raise
        return None
    for test in problem.tests:
        assert test.steps()
    pickle.dumps(problem)
    return problem


@pytest.mark.parametrize("row", VALID)
def test_the_valid_rows_are_valid(row: dict[str, Any]) -> None:
    problem = outcome(row)
    assert problem is not None
    assert problem.tests
    assert outcome({**row, "something_else": None, "another": [1]}) == problem


@given(st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), VALUES, max_size=6))
def test_any_row_is_read_or_refused(row: dict[str, Any]) -> None:
    outcome(row)


@given(st.sampled_from(SCHEMAS), VALUES, VALUES, st.booleans())
def test_any_cell_is_read_or_refused(schema: str, first: Any, second: Any, encoded: bool) -> None:
    cell = as_text(first) if encoded else first
    beside = ["entry_point", "test_setup_code", "metadata", "starter_code", "task_id", "plus_input", "test_info"]
    for needed in SCHEMA_COLUMNS[schema]:
        outcome({**dict.fromkeys(beside, second), **dict.fromkeys(needed, second), needed[0]: cell}, schema=schema)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) below *value*."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found = [(value, key) for key in keys]
    return found + [place for container, key in found for place in places(container[key])]


@settings(max_examples=300)
@given(st.sampled_from(VALID), st.integers(0, 10**6), VALUES, st.sampled_from(["replace", "remove", "text", "wrap"]))
def test_any_change_to_a_valid_row_is_read_or_refused(row: dict[str, Any], where: int, value: Any, how: str) -> None:
    row = copy.deepcopy(row)
    found = places(row)
    container, key = found[where % len(found)]
    if how == "remove":
        container.pop(key)
    else:
        container[key] = {"replace": value, "text": as_text(container[key]), "wrap": [container[key]]}[how]
    outcome(row, max_tests=1)


@given(st.sampled_from([row for row in OURS if "tests" in row or "verification_info" in row]), st.data())
def test_cut_off_json_is_refused(row: dict[str, Any], data: st.DataObject) -> None:
    name = next(iter(row))
    text = row[name] if isinstance(row[name], str) else json.dumps(row[name])
    cut = data.draw(st.integers(1, len(text) - 1))
    assert outcome({**row, name: text[:cut]}) is None


@pytest.mark.parametrize("depth", [90, 500, 5_000, 100_000])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_deep_nesting_is_read_or_refused(depth: int, schema: str) -> None:
    [columns, *_] = SCHEMA_COLUMNS[schema]
    value: Any = 1
    for _ in range(depth):
        value = [value]
    call = {"type": "call", "function": "f", "expected": value, "input": value, "output": value}
    parallel = {"fn_name": "f", "inputs": [value], "outputs": [value]}
    for cell in (value, "[" * depth + "]" * depth, [call], parallel, {"ground_truth": value}, {"tests": parallel}):
        outcome(dict.fromkeys(columns, cell), schema=schema)


def test_a_cycle_is_refused() -> None:
    cycle: list[Any] = []
    cycle.extend([cycle, cycle])
    with pytest.raises(DatasetError, match=r"items|deep"):
        read_problem({"tests": [{"type": "call", "function": "f", "expected": cycle}]})
