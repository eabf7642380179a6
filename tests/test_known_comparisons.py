"""Outputs that Kattis's own validator accepts or rejects."""

import json
from pathlib import Path
from typing import Any

import pytest

from rewards.comparison import Comparison
from rewards.judging import compare_output

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "kattis_compare.jsonl"


def rule_of(flags: list[str]) -> Comparison:
    """Return our rule for the validator's flags; without any, case does not matter and numbers are text."""
    ignore_case = "case_sensitive" not in flags
    if "space_change_sensitive" in flags:
        return Comparison("exact", ignore_case=ignore_case)
    tolerances = [float(flag) for flag in flags if flag[0].isdigit()]
    return Comparison(
        tolerance=max(tolerances, default=0.0),
        floats_everywhere=bool(tolerances),
        absolute="float_absolute_tolerance" in flags,
        ignore_case=ignore_case,
    )


def rows() -> list[dict[str, Any]]:
    if not FILE.exists():
        pytest.skip(f"needs {FILE.name} of the shared evaluation data, beside the repository in shared/data")
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def test_outputs_are_accepted_that_kattis_accepts() -> None:
    """One row is lost: its outputs were bytes that are no text, and are the same text after they were made one."""
    lost = [
        row["id"] for row in rows() if row["expected"] == "reject" and row["expected_output"] == row["actual_output"]
    ]
    assert lost == ["kattis-compare/test_long_binary_wa"]
    for row in rows():
        if row["id"] not in lost:
            reason = compare_output(row["expected_output"], row["actual_output"], rule_of(row["flags"]))
            assert (reason is None) == (row["expected"] == "accept"), row["id"]
