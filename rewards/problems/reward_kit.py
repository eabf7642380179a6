"""reward-kit: `test_cases` with `input` and `expected_output`, or one `ground_truth`.

    {"test_cases": [{"input": "1 2", "expected_output": "3"}], "function_to_call": None}
    {"ground_truth": "3"}

With `function_to_call` or `target_function`, `input` is a list of arguments, or one argument, as JSON or as itself, and
the value is compared with what `expected_output` says as JSON, or with its text. The official rule compares text
without regard to white space, which is the rule here; its credit for similar text is what the message rewards give.
`ground_truth` holds an expected output, or a list of such cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import CallTest, OutputTest, StdinTest, TestCase
from ..errors import DatasetError
from .calls import entry_point_of, function_name
from .cases import given_input
from .contents import Contents
from .fields import as_data, decoded, lines_of, list_of, mapping_of, scalar_text, value_of_text
from .rules import REWARD_KIT

_EXPECTED = ("expected_output", "output", "expected")


def read_reward_kit(row: Mapping[str, Any]) -> Contents:
    """Read the column `test_cases`."""
    return _read_cases(list_of(row["test_cases"], "column 'test_cases'"), row)


def read_ground_truth(row: Mapping[str, Any]) -> Contents:
    """Read the column `ground_truth`: cases, or the text that the program must print."""
    cell = row["ground_truth"]
    if isinstance(cell, str) and cell.lstrip().startswith("[{"):
        cell = decoded(cell, "column 'ground_truth'")
    if isinstance(cell, list | tuple):
        return _read_cases(list(cell), row)
    return Contents((OutputTest(scalar_text(cell, "column 'ground_truth'")),), official=REWARD_KIT)


def _read_cases(found: list[Any], row: Mapping[str, Any]) -> Contents:
    name = row.get("function_to_call") or row.get("target_function")
    function = function_name(name, row.get("starter_code"), "column 'function_to_call'") if name else ""
    tests: list[TestCase] = []
    for i, item in enumerate(found, start=1):
        case = mapping_of(item, f"test case {i}")
        expected = next((case[key] for key in _EXPECTED if key in case), None)
        if expected is None:
            raise DatasetError(f"test case {i}: no 'expected_output'")
        given = given_input(case, f"test case {i}")
        tests.append(_call(function, given, expected, f"test case {i}") if function else _script(given, expected, i))
    return Contents(tuple(tests), entry_point=entry_point_of([function]) if function else None, official=REWARD_KIT)


def _script(given: object, expected: object, i: int) -> StdinTest:
    return StdinTest(lines_of(given, f"test case {i}, input"), lines_of(expected, f"test case {i}, expected_output"))


def _call(function: str, given: object, expected: object, what: str) -> CallTest:
    value = value_of_text(given)
    args = value if isinstance(value, list | tuple) else () if given == "" else (value,)
    as_data(list(args), f"{what}, input")
    accepted = (expected,) if isinstance(expected, str) else ()
    wanted = as_data(value_of_text(expected), f"{what}, expected_output")
    return CallTest(function, tuple(args), wanted, accepted=accepted)
