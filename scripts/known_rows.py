"""Rows with a known verdict, in the neutral form of `scripts/agreement.py`'s data, as the rows of public sets."""

import json
from typing import Any

Row = dict[str, Any]
_RULES = {"trim": "lines"}
_STARTER = "class Solution:\n"


def stdio_row(row: Row) -> Row:
    """Return programs that read and write, with the rule that the row names."""
    tests = [{"type": "stdin", "input": test["input"], "output": test["output"]} for test in row["tests"]]
    rule = row.get("compare") or "trim"
    return {"tests": json.dumps(tests), "comparison": _RULES.get(rule, rule)}


def leetcode_row(row: Row) -> Row:
    """Return a problem of LiveCodeBench whose answers are a `class Solution`."""
    cases = [
        {
            "input": "\n".join(map(json.dumps, test["args"])),
            "output": json.dumps(test["output"]),
            "testtype": "functional",
        }
        for test in row["tests"]
    ]
    metadata = json.dumps({"func_name": row["entry_point"]})
    return {"public_test_cases": json.dumps(cases), "metadata": metadata, "starter_code": _STARTER}


def call_row(row: Row) -> Row:
    """Return calls in the form of APPS."""
    cases = {"inputs": [test["args"] for test in row["tests"]], "outputs": [test["output"] for test in row["tests"]]}
    return {"input_output": json.dumps({"fn_name": row["entry_point"], **cases})}


def assert_row(row: Row) -> Row:
    """Return asserts in the form of AceCode."""
    return {"test_cases": row["tests"]}


def append_row(row: Row) -> Row:
    """Return test source behind a program in the form of code-r1."""
    return {"reward_model": {"ground_truth": json.dumps({"functional": row["tests"]})}}


def suite_row(row: Row) -> Row:
    """Return a file of pytest's in the form of KodCode."""
    return {"test_code": row["tests"]}


def run_row(row: Row) -> Row:
    """Return a program that is only run; what it prints is known where it ends well."""
    return {"expected_output": ""}


def multipl_e_row(row: Row) -> Row:
    """Return test source behind a program in the form of MultiPL-E; a chat reply is a whole program."""
    return {"tests": row["tests"], "stop_tokens": []}


READERS = {
    "stdio": stdio_row,
    "leetcode": leetcode_row,
    "call": call_row,
    "assert": assert_row,
    "append": append_row,
    "pytest": suite_row,
    "run": run_row,
    "multipl-e": multipl_e_row,
}


def columns_of(row: Row) -> Row:
    """Return the dataset columns of a row, by its kind."""
    columns = {"language": row.get("language", "python"), "cpu_s": row.get("timeout_s") or 10}
    return columns | READERS[row["kind"]](row)


def completion_of(row: Row) -> str:
    """Return the completion; a bare program in another language than Python stands in a block, to be known as one."""
    if row.get("completion_form") == "code" and row.get("language", "python") != "python":
        return in_block(row["language"], row["completion"])
    return str(row["completion"])


def in_block(language: str, source: str) -> str:
    """Return *source* as a reply that is one block."""
    return f"````{language}\n{source}\n````"


def with_all_columns(rows: list[Row]) -> list[Row]:
    """Return rows that have each other's columns, as a data set's rows do."""
    names = {name for row in rows for name in row}
    return [{name: row.get(name) for name in names} for row in rows]
