"""Our own schema: a column `tests` with JSON text, either a list of tests or an object around one.

    [{"type": "stdin",  "input": "1 2\\n", "output": "3\\n"},
     {"type": "output", "output": "hello"},
     {"type": "call",   "function": "add", "args": [1, 2], "kwargs": {}, "expected": 3},
     {"type": "assert", "source": "assert add(1, 2) == 3"}]

    {"tests": [...], "entry_point": "add", "setup": "import math", "comparison": "float:1e-4", "language": "python",
     "code_prompt": "", "limits": {"cpu_s": 2, "memory_mb": 256}}

Every test may have a `weight` (above 0, default 1) and a `name`; `stdin` and `output` tests a `comparison`, too, as
`Comparison.parse` reads it. `input` may be left out; `args` and `kwargs` as well. `function` is a global name or
`Class().method`. `setup` is Python that runs after the program and before every `assert`. `output: ""` means that
nothing may be printed. `expected: null` means that None must be returned, if the column is JSON text; in a column of
lists and objects, where `datasets` writes None for whatever a test lacks, it means that it was forgotten, and is an
error; so is NaN. Keys that are not in this list are errors.

Lists of cases and parallel lists as in `cases.py` are understood in this column as well (DeepCoder has them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..records import AssertTest, CallTest, OutputTest, StdinTest, TestCase
from .asserts import lower_tests
from .calls import entry_point_of, function_name
from .cases import read_cases
from .contents import Contents
from .fields import absent, as_data, decoded, lines_of, list_of, mapping_of, number_of, present, refuse_unknown, text_of
from .row_limits import limits_of_object

_TOP_KEYS = ("tests", "limits", "comparison", "setup", "entry_point", "language", "code_prompt")
_ALONE = "column 'tests': expected a list of tests, found one object: put it into a list"
_SHARED_KEYS = ("type", "weight", "name")


def read_canonical(row: Mapping[str, Any]) -> Contents:
    """Read the column `tests`."""
    column = row["tests"]
    value = decoded(column, "column 'tests'")
    if value is None:
        return Contents(())
    if isinstance(value, Mapping) and not {"tests", "inputs", "outputs"} & value.keys():
        raise DatasetError(_ALONE)
    if isinstance(value, Mapping) and "tests" not in value:
        return read_cases(value, row)
    top = mapping_of(value, "column 'tests'") if isinstance(value, Mapping) else {"tests": value}
    refuse_unknown(top, _TOP_KEYS, "column 'tests'")
    if isinstance(top.get("tests"), Mapping):
        raise DatasetError(_ALONE)
    found = list_of(top.get("tests"), "column 'tests'")
    if _is_foreign(found):
        return read_cases(found, row)
    setup = text_of(top.get("setup", ""), "column 'tests', setup")
    reader = _Reader(null_is_a_value=isinstance(column, str), setup=setup)
    tests: list[TestCase] = []
    for i, item in enumerate(found, start=1):
        tests += reader.read(item, f"test {i}")
    return Contents(
        tuple(tests),
        entry_point=text_of(top["entry_point"], "entry_point") if "entry_point" in top else _entry_point(tests),
        code_prompt=text_of(top.get("code_prompt", ""), "code_prompt"),
        language=text_of(top["language"], "language") if "language" in top else None,
        comparison=text_of(top["comparison"], "comparison") if "comparison" in top else None,
        limits=limits_of_object(mapping_of(top["limits"], "limits"), "limits") if "limits" in top else {},
    )


def comparison_of(value: object, what: str) -> Comparison:
    """Return the comparison rule that text names."""
    try:
        return Comparison.parse(text_of(value, what))
    except ConfigurationError as error:
        raise DatasetError(f"{what}: {error}") from None


def _is_foreign(tests: list[Any]) -> bool:
    """Tell cases of other sets by their first: none of their types is one of ours, and ours always has a type."""
    if not tests or not isinstance(tests[0], Mapping):
        return False
    first = present(tests[0])
    return "testtype" in first or first.get("type") in ("stdin_stdout", "function_call", "functional")


def _entry_point(tests: list[TestCase]) -> str | None:
    functions = [test.function for test in tests if isinstance(test, CallTest)]
    functions += [call.function for test in tests if isinstance(test, AssertTest) for call in test.calls]
    return entry_point_of(functions)


class _Reader:
    """Reads one test after the other, under what the whole column says."""

    def __init__(self, *, null_is_a_value: bool, setup: str) -> None:
        self._null_is_a_value = null_is_a_value
        self._setup = setup
        self._kinds: dict[str, Callable[[dict[str, Any], str], list[TestCase]]] = {
            "stdin": self._stdin,
            "output": self._output,
            "call": self._call,
            "assert": self._assert,
        }

    def read(self, item: object, what: str) -> list[TestCase]:
        item = decoded(item, what)
        fields = mapping_of(item, what)
        kind = text_of(fields.get("type"), f"{what}, type")
        if kind not in self._kinds:
            raise DatasetError(f"{what}: unknown type {kind[:40]!r}; known: {', '.join(self._kinds)}")
        if kind == "call" and self._null_is_a_value and isinstance(item, Mapping) and "expected" in item:
            fields["expected"] = item["expected"]
        weight = number_of(fields.get("weight", 1.0), f"{what}, weight", above=0, up_to=1e9)
        name = text_of(fields.get("name", ""), f"{what}, name")
        return [replace(test, weight=weight, name=name) for test in self._kinds[kind](fields, what)]

    def _stdin(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("output",), optional=("input", "comparison"))
        stdin = lines_of(fields.get("input", ""), f"{what}, input")
        return [StdinTest(stdin, lines_of(fields["output"], f"{what}, output"), _own_comparison(fields, what))]

    def _output(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("output",), optional=("comparison",))
        return [OutputTest(lines_of(fields["output"], f"{what}, output"), _own_comparison(fields, what))]

    def _call(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("function", "expected"), optional=("args", "kwargs"))
        function = function_name(fields["function"], None, f"{what}, function")
        if absent(fields["expected"]) and not self._null_is_a_value:
            raise DatasetError(f"{what}, expected: found NaN, which stands for a missing value")
        args = as_data(list_of(fields.get("args", []), f"{what}, args"), f"{what}, args")
        kwargs = decoded(fields.get("kwargs", {}), f"{what}, kwargs")
        if not isinstance(kwargs, Mapping) or not all(isinstance(key, str) and key.isidentifier() for key in kwargs):
            raise DatasetError(f"{what}, kwargs: expected an object whose keys are names")
        as_data(dict(kwargs), f"{what}, kwargs")
        expected = as_data(fields["expected"], f"{what}, expected")
        return [CallTest(function, tuple(args), expected, tuple(kwargs.items()))]

    def _assert(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("source",), optional=())
        source = text_of(fields["source"], f"{what}, source")
        if not source.strip():
            raise DatasetError(f"{what}: an empty assert would accept every program")
        return list(lower_tests([source], setup=self._setup))


def _demand(fields: Mapping[str, Any], what: str, *, needed: tuple[str, ...], optional: tuple[str, ...]) -> None:
    refuse_unknown(fields, (*_SHARED_KEYS, *needed, *optional), what)
    for key in needed:
        if key not in fields:
            raise DatasetError(f"{what}: no {key!r}")


def _own_comparison(fields: Mapping[str, Any], what: str) -> Comparison | None:
    return comparison_of(fields["comparison"], f"{what}, comparison") if "comparison" in fields else None
