"""EvalPlus: HumanEval+ and MBPP+, as its own files and as the sets on the hub write them.

    {"base_input": [[1, 2]], "plus_input": [[3, 4]], "canonical_solution": "    return a + b\\n", "atol": 0,
     "prompt": "def add(a, b):\\n", "entry_point": "add"}

The sets on the hub have a column `test` instead, see `pairs.py`, and are read as HumanEval and MBPP are.

EvalPlus's own files have no expected values; there the reference solution computes them, in the tester. Of MBPP+ these
files cannot be read, for JSON has made lists of the tuples and sets in its inputs; the hub's version has them right.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from ..cases import AssertTest
from ..errors import DatasetError
from .asserts import parse_test
from .contents import Contents
from .fields import as_data, decoded, is_name, list_of, number_of, text_of
from .humaneval import source_before

_REFERENCE = """\
import copy as _copy
import json as _json

_reference_names = {{}}
exec({source!r}, _reference_names)
_reference = _reference_names[{name!r}]


def _is_close(found, wanted, tolerance):
    if isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(found) == len(wanted) and all(_is_close(a, b, tolerance) for a, b in zip(found, wanted))
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        return found == wanted or abs(found - wanted) <= tolerance + 1e-7 * abs(wanted)
    return found == wanted


def _is_right(found, arguments):
    if {name!r} == "find_zero":  # any zero of the polynomial will do
        return isinstance(found, float) and abs(sum(c * found**i for i, c in enumerate(arguments[0]))) <= {tolerance!r}
    wanted = _reference(*arguments)
    return found == wanted or _is_close(found, wanted, {tolerance!r})
"""
_ASKED = """\
_arguments = _json.loads({arguments!r})
assert _is_right({name}(*_copy.deepcopy(_arguments)), _arguments)
"""


def read_evalplus(row: Mapping[str, Any]) -> Contents:
    """Read `base_input` and `plus_input` of EvalPlus's HumanEval+, with the reference that tells what is right."""
    name = text_of(row["entry_point"], "column 'entry_point'").strip()
    if not is_name(name):
        raise DatasetError(f"column 'entry_point': {name[:60]!r} is no name of a function")
    if str(row.get("task_id", ""))[:4].lower() == "mbpp":
        raise DatasetError("EvalPlus's own file of MBPP+ has lost the types of its inputs: take evalplus/mbppplus")
    prompt = text_of(row.get("code_prompt", ""), "column 'code_prompt'") or source_before(row, name)
    source = prompt + text_of(row["canonical_solution"], "column 'canonical_solution'")
    if not any(isinstance(node, ast.FunctionDef) and node.name == name for node in parse_test(source).body):
        raise DatasetError(f"no {name}() in prompt and canonical solution: put the prompt into a column 'code_prompt'")
    tolerance = number_of(row.get("atol", 0) or 0, "column 'atol'", above=-5e-324, up_to=1.0) or 1e-6
    setup = _REFERENCE.format(source=source, name=name, tolerance=tolerance)
    inputs = [item for column in ("base_input", "plus_input") for item in _inputs(row.get(column), column)]
    tests = [AssertTest(_ASKED.format(arguments=text, name=name), setup=setup, names=(name,)) for text in inputs]
    return Contents(tuple(tests), entry_point=name, code_prompt=prompt)


def _inputs(cell: object, column: str) -> list[str]:
    texts = []
    for i, arguments in enumerate(list_of(decoded(cell or [], f"column {column!r}"), f"column {column!r}"), start=1):
        what = f"{column}, input {i}"
        as_data(found := list_of(arguments, what), what)
        try:
            texts.append(json.dumps(found))
        except (TypeError, ValueError):
            raise DatasetError(f"{what}: not made of what JSON has") from None
    return texts
