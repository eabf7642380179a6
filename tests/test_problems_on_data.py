"""Real rows, turned into what a dataset of their kind looks like, are read without an error. Nothing is run."""

import ast
import gzip
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rewards.cases import AssertTest, CallTest, StdinTest
from rewards.errors import DatasetError
from rewards.problems import read_problem

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def rows_of(name: str) -> Iterator[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared evaluation data, beside the repository in shared/data")
    data = path.read_bytes()
    lines = gzip.decompress(data) if path.suffix == ".gz" else data
    yield from map(json.loads, lines.decode().splitlines())


def humaneval_rows() -> dict[str, dict[str, Any]]:
    return {row["task_id"]: row for row in rows_of("datasets/HumanEval.jsonl.gz")}


def apps_row(row: dict[str, Any]) -> dict[str, Any]:
    tests = row["tests"]
    return {"input_output": json.dumps({key + "s": [test[key] for test in tests] for key in ("input", "output")})}


def call_row(row: dict[str, Any]) -> dict[str, Any]:
    cases = {"inputs": [t["args"] for t in row["tests"]], "outputs": [t["output"] for t in row["tests"]]}
    return {
        "input_output": json.dumps({"fn_name": row["entry_point"], **cases}),
        "starter_code": row["starter_code"],
        "difficulty": row["difficulty"],
    }


def our_row(row: dict[str, Any]) -> dict[str, Any]:
    rule = {"trim": "lines"}.get(row["compare"], row["compare"])
    tests = [{"type": "stdin", "input": t["input"], "output": t["output"], "name": t["name"]} for t in row["tests"]]
    limits = {"cpu_s": row["timeout_s"]}
    return {"tests": json.dumps({"tests": tests, "comparison": rule, "limits": limits}), "language": row["language"]}


def asserts_row(row: dict[str, Any]) -> dict[str, Any]:
    """The asserts and the examples in the question are the tests."""
    lines = [line.strip() for line in row["messages"][0]["content"].splitlines()]
    sources = [line for line in lines if line.startswith("assert ")]
    for line, answer in pairwise(lines):
        sources += [f"assert {line[4:]} == {answer}"] if line.startswith(">>> ") else []
    tests = [{"type": "assert", "source": source} for source in sources if is_python(source)]
    return {"tests": json.dumps(tests), "prompt": row["messages"]}


def is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


Convert = Callable[[dict[str, Any]], dict[str, Any]]
NATURAL: list[Any] = [
    pytest.param("llm_check.jsonl", 959, dict, AssertTest, id="llm_check as HumanEval"),
    pytest.param("datasets/HumanEval.jsonl.gz", 164, dict, AssertTest, id="HumanEval"),
    pytest.param("datasets/mbpp.jsonl", 974, dict, AssertTest, id="MBPP"),
    pytest.param("llm_lcb.jsonl", 219, apps_row, StdinTest, id="llm_lcb stdio as APPS"),
    pytest.param("llm_lcb.jsonl", 169, call_row, CallTest, id="llm_lcb calls as APPS"),
    pytest.param("kattis_stdio.jsonl", 151, our_row, StdinTest, id="kattis_stdio as our own"),
]


@pytest.mark.parametrize(("name", "count", "convert", "kind"), NATURAL)
def test_real_rows_are_read(name: str, count: int, convert: Convert, kind: type) -> None:
    wanted = {apps_row: "stdio", call_row: "leetcode"}.get(convert)
    rows = [row for row in rows_of(name) if wanted is None or row["kind"] == wanted]
    rows = [row for row in rows if "test" not in row or is_python(row["test"])]
    assert len(rows) == count
    for row in rows:
        problem = read_problem(convert(row))
        assert problem.tests, row.get("id")
        assert all(isinstance(test, kind) and test.steps() for test in problem.tests)
        assert problem.language == "python"


def test_tests_that_are_no_python_are_refused() -> None:
    """Eight rows of TransCoder have `0000` or a zero byte for a value: no program could ever pass them."""
    broken = [row for row in rows_of("llm_check.jsonl") if not is_python(row["test"])]
    assert len(broken) == 8
    assert {row["expected"] for row in broken} == {"fail"}
    for row in broken:
        with pytest.raises(DatasetError, match="not Python"):
            read_problem(row)


def test_real_replies_to_humaneval_find_their_rows() -> None:
    problems = humaneval_rows()
    for row in rows_of("llm_humaneval.jsonl"):
        problem = read_problem({**problems[row["task_id"]], "completion": row["completion"]})
        assert problem.tests
        assert problem.code_prompt == problems[row["task_id"]]["prompt"]


def test_reward_kit_rows_are_read() -> None:
    problems = [read_problem(asserts_row(row)) for row in rows_of("datasets/CODING_DATASET.jsonl")]
    assert len(problems) == 201
    assert sum(bool(problem.tests) for problem in problems) > 100


def test_methods_of_solution_are_called_as_such() -> None:
    rows = [row for row in rows_of("llm_lcb.jsonl") if row["kind"] == "leetcode"]
    for row in rows:
        problem = read_problem(call_row(row))
        assert {test.function for test in problem.tests if isinstance(test, CallTest)} == {
            f"Solution().{row['entry_point']}"
        }
        assert problem.entry_point == "Solution"
