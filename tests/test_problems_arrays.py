"""Cells as numpy, torch and `datasets` with a format hand them over."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.cases import OutputTest
from rewards.errors import DatasetError
from rewards.problems import read_problem

datasets = pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to test its formats")
numpy = pytest.importorskip("numpy", reason="pip install 'code-rewards[dev]' to test arrays")
torch = pytest.importorskip("torch", reason="pip install 'code-rewards[train]' to test tensors")

ROWS: dict[str, list[dict[str, Any]]] = {
    "tests": [
        {
            "tests": [
                {"type": "stdin", "input": "7", "output": "49"},
                {"type": "call", "function": "f", "args": [1, 2], "expected": 1},
            ]
        },
        {"tests": [{"type": "output", "output": "x"}]},
    ],
    "test_list": [{"test_list": ["assert f(1) == 1", "assert f(2) == 2"]}],
    "expected_output": [{"expected_output": 3, "time_limit": 1.5}, {"expected_output": 4, "time_limit": None}],
    "input_output": [{"input_output": {"inputs": ["1", "2"], "outputs": ["3", "4"]}}],
}


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_format_of_datasets_changes_nothing(name: str, kind: str) -> None:
    dataset = datasets.Dataset.from_list(ROWS[name])
    assert [read_problem(row) for row in dataset.with_format(kind)] == [read_problem(row) for row in dataset]


@pytest.mark.parametrize("value", [numpy.int64(3), numpy.str_("3"), numpy.array("3"), torch.tensor(3)], ids=repr)
def test_a_scalar_is_the_value_in_it(value: Any) -> None:
    assert read_problem({"expected_output": value}).tests == (OutputTest("3"),)


class Refuses:
    def tolist(self) -> object:
        raise RuntimeError("on another device")


class Endless:
    def tolist(self) -> object:
        return self


@pytest.mark.parametrize(
    "value",
    [Refuses(), Endless(), numpy.datetime64("2020-01-01"), numpy.array([1, 2])],
    ids=lambda each: type(each).__name__,
)
def test_what_cannot_be_read_as_python_values_is_the_datasets_fault(value: object) -> None:
    with pytest.raises(DatasetError, match="expected text, found"):
        read_problem({"expected_output": value})


def test_a_column_that_nobody_reads_is_left_alone() -> None:
    class Heavy:
        def tolist(self) -> object:
            raise AssertionError("it was converted")

    assert read_problem({"expected_output": "3", "image": Heavy()}).tests == (OutputTest("3"),)
