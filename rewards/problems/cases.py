"""Tests as lists of cases or as parallel lists: `verification_info`, APPS's and TACO's `input_output`, DeepCoder's.

    {"language": "python", "test_cases": [{"type": "stdin_stdout", "input": "1 2\\n", "output": "3\\n"},
                                          {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": [3]}]}
    {"inputs": ["1 2\\n"], "outputs": ["3\\n"]}
    {"fn_name": "add", "inputs": [[1, 2]], "outputs": [[3]]}

rStar-Coder has `inputs` and `outputs` as columns, collinear a list of `{"input", "output"}` in `tests`.

Any part may be JSON text. A case's `type` may be called `testtype`; `functional` is LiveCodeBench's word for a call
whose arguments stand one a line. Without a type, a case with a function name is a call. An expected output of `""`
means that nothing may be printed; a missing one is an error. Where `starter_code` is a `class Solution`, calls go to
`Solution().name`, and the imports that LeetCode makes for its users stand before the program.

The official rule for `verification_info` compares line by line (`rules.LINE_BY_LINE`), and so do we. For APPS and TACO
it has several tiers, the last of which takes the same set of tokens in any order: not followed, the default holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..cases import StdinTest, TestCase
from ..comparison import Comparison
from ..errors import DatasetError
from .calls import Call, call_tests, entry_point_of, function_name, preamble_for, read_call, read_call_lines
from .contents import Contents
from .fields import decoded, describe, lines_of, list_of, mapping_of, present, text_of
from .rules import LINE_BY_LINE

_STDIN_TYPES = ("stdin_stdout", "stdin", "stdio")
_CALL_TYPES = ("function_call", "call")
_LINE_CALL_TYPES = ("functional",)


def read_verification_info(row: Mapping[str, Any]) -> Contents:
    """Read the column `verification_info` of open-r1's and PrimeIntellect's sets."""
    value = decoded(row["verification_info"], "column 'verification_info'")
    if value is None:
        return Contents(())
    info = mapping_of(value, "column 'verification_info'")
    if "test_cases" not in info and "inputs" not in info:
        keys = ", ".join(repr(key[:40]) for key in list(info)[:8]) or "nothing"
        raise DatasetError(f"column 'verification_info': no 'test_cases'; it holds {keys}")
    cases = decoded(info.get("test_cases", info), "verification_info, test_cases")
    language = text_of(info["language"], "verification_info, language") if "language" in info else None
    return read_cases(cases, row, fn_name=info.get("fn_name"), language=language, official=LINE_BY_LINE)


def read_input_output(row: Mapping[str, Any]) -> Contents:
    """Read the column `input_output` of APPS and TACO; blank text, which APPS has, means no tests."""
    cases = decoded(row["input_output"], "column 'input_output'")
    if isinstance(cases, list | tuple):
        raise DatasetError(f"column 'input_output': expected an object, found {describe(cases)}")
    return read_cases(cases, row)


def read_inputs_and_outputs(row: Mapping[str, Any]) -> Contents:
    """Read the columns `inputs` and `outputs` of rStar-Coder."""
    name = row.get("func_name") or row.get("fn_name")
    return read_cases({"inputs": row["inputs"], "outputs": row["outputs"]}, row, fn_name=name)


def read_collinear(row: Mapping[str, Any]) -> Contents:
    """Read the column `tests` of collinear's sets."""
    return read_cases(list_of(row["tests"], "column 'tests'"), row)


def read_cases(
    cases: object,
    row: Mapping[str, Any],
    *,
    fn_name: object = None,
    language: str | None = None,
    official: Comparison | None = None,
    may_be_wrapped: bool = True,
) -> Contents:
    """Read a list of cases, or an object with `inputs` and `outputs`.

    *may_be_wrapped*: in this set, a call's output may stand in a list of one, and its evaluator takes both.
    """
    if cases is None:
        return Contents((), language=language)
    if isinstance(cases, Mapping):
        tests, parallel = _parallel(present(cases), row, fn_name), True
    else:
        tests, parallel = _listed(list_of(cases, "test cases"), row, fn_name), False
    calls = [test for test in tests if isinstance(test, Call)]
    graded = iter(call_tests(calls, keys_were_integers=parallel, may_be_wrapped=may_be_wrapped))
    functions = [call.function for call in calls]
    return Contents(
        tuple(next(graded) if isinstance(test, Call) else test for test in tests),
        entry_point=entry_point_of(functions),
        code_prompt=preamble_for(functions),
        language=language,
        official=official,
    )


def _parallel(cases: dict[str, Any], row: Mapping[str, Any], fn_name: object) -> list[TestCase | Call]:
    inputs = list_of(cases.get("inputs"), "inputs")
    outputs = list_of(cases.get("outputs"), "outputs")
    if len(inputs) != len(outputs):
        raise DatasetError(f"{len(inputs)} inputs, but {len(outputs)} outputs")
    name = cases.get("fn_name") or fn_name
    pairs = enumerate(zip(inputs, outputs, strict=True), start=1)
    if not name:
        return [_stdin_test(given, output, f"test {i}") for i, (given, output) in pairs]
    function = function_name(name, row.get("starter_code"), "fn_name")
    return [read_call(function, given, output, f"test {i}") for i, (given, output) in pairs]


def _listed(cases: list[Any], row: Mapping[str, Any], fn_name: object) -> list[TestCase | Call]:
    tests: list[TestCase | Call] = []
    for i, found in enumerate(cases, start=1):
        case = mapping_of(found, f"test case {i}")
        tests.append(_one_case(case, row, fn_name, f"test case {i}"))
    return tests


def _one_case(case: dict[str, Any], row: Mapping[str, Any], fn_name: object, what: str) -> TestCase | Call:
    name = case.get("fn_name") or fn_name or _name_in(case.get("metadata")) or _name_in(row.get("metadata"))
    kind = case.get("type") or case.get("testtype") or ("function_call" if name else "stdin_stdout")
    kind = text_of(kind, f"{what}, type")
    if kind in _STDIN_TYPES:
        return _stdin_test(given_input(case, what), case.get("output"), what)
    if kind not in _CALL_TYPES + _LINE_CALL_TYPES:
        known = ", ".join(_STDIN_TYPES[:1] + _CALL_TYPES[:1] + _LINE_CALL_TYPES)
        raise DatasetError(f"{what}: unknown type {kind[:40]!r}; known: {known}")
    if not name:
        raise DatasetError(f"{what}: a call without the name of a function (fn_name)")
    if case.get("output") is None:
        raise DatasetError(f"{what}: no expected output")
    function = function_name(name, row.get("starter_code"), f"{what}, fn_name")
    read = read_call if kind in _CALL_TYPES else read_call_lines
    return read(function, case.get("input"), case["output"], what)


def _stdin_test(given: object, output: object, what: str) -> StdinTest:
    if output is None:
        raise DatasetError(f"{what}: no expected output; to expect that nothing is printed, say so with empty text")
    return StdinTest(lines_of(given, f"{what}, input"), lines_of(output, f"{what}, output"))


def given_input(case: Mapping[str, Any], what: str) -> Any:
    """Return the input of a case, "" where it has none; raises DatasetError where it seems to be called otherwise."""
    if "input" in case:
        return case["input"]
    others = difflib.get_close_matches("input", case, n=1) or [name for name in ("stdin", "args") if name in case]
    if others:
        raise DatasetError(f"{what}: no 'input', but {others[0]!r}")
    return ""


def _name_in(metadata: object) -> object:
    """Return LiveCodeBench's and DeepCoder's `func_name`, where the metadata are an object that has one."""
    try:
        value = decoded(metadata, "metadata")
    except DatasetError:
        return None
    return value.get("func_name") if isinstance(value, Mapping) else None
