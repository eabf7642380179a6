"""Function-call tests as the big public sets write them: arguments, wrapped outputs, LeetCode's `class Solution`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cases import CallTest
from ..errors import DatasetError
from .fields import as_data, decoded, describe, is_name, text_of, value_of_text

SOLUTION_PREAMBLE = """\
from typing import *
from bisect import *
from collections import *
from copy import *
from functools import *
from heapq import *
from itertools import *
from math import *
from operator import *
from string import *
import bisect, collections, copy, datetime, functools, heapq, itertools, math, operator, random, re, string, sys
from builtins import *
"""
"""LeetCode answers rely on names that the site imports for them.

The modules follow what they contain, so that `copy` is a module, and `builtins` comes last, so that `pow` stays `pow`.
"""

_METHOD = re.compile(r"([^\W\d]\w*)\(\)\.([^\W\d]\w*)")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,30}")


@dataclass(frozen=True)
class Call:
    """One call and the output that the row gives for it, as the row gives it."""

    function: str
    args: tuple[Any, ...]
    output: Any
    kwargs: tuple[tuple[str, Any], ...] = ()


def function_name(value: object, starter_code: object, what: str) -> str:
    """Return the name to call: `name`, or `Solution().name` where the starter code is a `class Solution`."""
    name = text_of(value, what).strip()
    method = _METHOD.fullmatch(name)
    if method and is_name(method[1]) and is_name(method[2]):
        return name
    if not is_name(name):
        raise DatasetError(f"{what}: {name[:60]!r} is neither a function's name nor of the form 'Class().method'")
    if isinstance(starter_code, str) and re.search(r"^\s*class\s+Solution\b", starter_code, re.MULTILINE):
        return f"Solution().{name}"
    return name


def entry_point_of(functions: Sequence[str]) -> str | None:
    """Return the one function or class that all calls go to, if it is one."""
    names = {function.partition("(")[0] for function in functions}
    return names.pop() if len(names) == 1 else None


def preamble_for(functions: Sequence[str]) -> str:
    """Return the source that LeetCode answers expect before them, for calls to `Solution().method` only."""
    return SOLUTION_PREAMBLE if functions and all(name.startswith("Solution()") for name in functions) else ""


def read_call(function: str, given: object, output: object, what: str) -> Call:
    """Return one call: a list holds the positional arguments, an object the named ones.

    Where the arguments are JSON text, so is the output; what does not parse is the text itself.
    """
    if isinstance(given, str):
        given = [] if not given.strip() else decoded(given, f"{what}, input")
        output = value_of_text(output)
    as_data(output, f"{what}, output")
    if isinstance(given, Mapping):
        return Call(function, (), output, _named(given, what))
    if not isinstance(given, list | tuple):
        raise DatasetError(f"{what}: the input of a call must be a list of arguments, found {describe(given)}")
    return Call(function, tuple(as_data(list(given), f"{what}, input")), output)


def read_call_lines(function: str, given: object, output: object, what: str) -> Call:
    """Return one call in LiveCodeBench's form: one argument a line, each as JSON, and the output as JSON."""
    lines = [line for line in text_of(given, f"{what}, input").splitlines() if line.strip()]
    args = [decoded_once(line, f"{what}, argument {i}") for i, line in enumerate(lines, start=1)]
    return Call(function, tuple(args), as_data(value_of_text(output), f"{what}, output"))


def decoded_once(text: str, what: str) -> Any:
    """Return the JSON or Python value of *text*; a string stays one."""
    value = value_of_text(text)
    if value is text:
        raise DatasetError(f"{what}: {describe(text)} is neither JSON nor a Python literal")
    return as_data(value, what)


def call_tests(
    calls: Sequence[Call], *, keys_were_integers: bool = False, may_be_wrapped: bool = True
) -> list[CallTest]:
    """Return the tests of a row's calls.

    Some sets put every output into a list of one and some do not, and none says which. A row in which every output
    is a list of one may be either, so both readings are right there, as for the sets' own evaluators.
    """
    wrapped = may_be_wrapped and all(isinstance(call.output, list | tuple) and len(call.output) == 1 for call in calls)
    tests = []
    for i, call in enumerate(calls, start=1):
        if call.output is None:
            raise DatasetError(f"call {i}: no expected output")
        args = tuple(_integer_keys(arg) for arg in call.args) if keys_were_integers else call.args
        expected = call.output[0] if wrapped else call.output
        tests.append(CallTest(call.function, args, expected, call.kwargs, wrapped=wrapped))
    return tests


def _named(given: Mapping[Any, Any], what: str) -> tuple[tuple[str, Any], ...]:
    named = dict(given)
    for name in named:
        if not (isinstance(name, str) and name.isidentifier()):
            raise DatasetError(f"{what}: a key of the input ({describe(name)}) is no name of an argument")
    as_data(named, f"{what}, input")
    return tuple(named.items())


def _integer_keys(value: Any) -> Any:
    """Undo what JSON did to a mapping from integers, as the evaluators of APPS and LiveCodeBench do."""
    if isinstance(value, dict) and value and all(isinstance(key, str) and _INTEGER.fullmatch(key) for key in value):
        return {int(key): item for key, item in value.items()}
    return value
