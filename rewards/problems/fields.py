"""Reading single values out of a dataset row: every surprise is a `DatasetError` that says where and what.

Messages name types and sizes, never contents: a cell may hold megabytes.
"""

from __future__ import annotations

import ast
import contextlib
import json
import keyword
import math
import warnings
from collections.abc import Mapping
from typing import Any

from ..errors import DatasetError

MAX_DEPTH = 100
MAX_ITEMS = 3_000_000
MAX_INT_BITS = 14_000
"""About 4,200 digits: Python refuses to write longer integers as text."""
_JSON_WRAPPINGS = 4
_ATOMS = (type(None), bool, float, str, bytes, complex)
_BUILTIN = (*_ATOMS, int, list, tuple, set, frozenset, Mapping)
_READING_ERRORS = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)


def present(mapping: Mapping[Any, object]) -> dict[str, Any]:
    """Return the named entries that are there: `datasets` and TRL fill what a row lacks with None."""
    return {key: value for key, value in mapping.items() if isinstance(key, str) and value is not None}


def absent(value: object) -> bool:
    """Say whether a cell of a row is empty: None, or the NaN that pandas writes into what is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain_cell(value: object) -> object:
    """Return a cell in Python's own types: arrays, tensors and their scalars by `tolist`, UTF-8 bytes as text."""
    value = _Conversion().of(value)
    if isinstance(value, bytes):
        with contextlib.suppress(UnicodeDecodeError):
            return value.decode()
    return value


class _Conversion:
    """Converts what can be converted, each object once; what cannot be is left for its reader to refuse."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, Any]] = {}

    def of(self, value: Any, depth: int = MAX_DEPTH) -> Any:
        if type(value) in _ATOMS or type(value) is int or depth == 0:
            return value
        if id(value) not in self._known:
            self._known[id(value)] = value, value  # what holds itself stays as it is
            self._known[id(value)] = value, self._converted(value, depth - 1)
        return self._known[id(value)][1]

    def _converted(self, value: Any, depth: int) -> Any:
        if type(value) is dict:
            return {key: self.of(item, depth) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.of(item, depth) for item in value)
        if not callable(tolist := getattr(value, "tolist", None)):
            return value
        try:
            return self.of(tolist(), depth)
        except Exception:  # noqa: BLE001 - the boundary: the array of any library may refuse in any way
            return value


def unexpected(value: object, wanted: str, what: str) -> DatasetError:
    """Return the error that *what* holds a value of another type than the one wanted."""
    hint = "" if isinstance(value, _BUILTIN) else ": pass Python values"
    return DatasetError(f"{what}: expected {wanted}, found {describe(value)}{hint}")


def describe(value: object) -> str:
    """Return the type and size of *value*, for messages."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, bytes | list | tuple | dict):
        return f"{type(value).__name__} of {len(value)}"
    return "nothing" if value is None else type(value).__name__[:60]


def text_of(value: object, what: str) -> str:
    """Return *value*, which must be text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise unexpected(value, "text", what)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"{what}: the text holds half of a surrogate pair at character {error.start}") from None
    return value


def is_name(text: str) -> bool:
    """Say whether *text* can be the name of a function."""
    return text.isidentifier() and not keyword.iskeyword(text)


def lines_of(value: object, what: str) -> str:
    """Return text given as such or as a list of lines, which APPS has for some inputs."""
    if isinstance(value, list | tuple):
        return "\n".join(scalar_text(line, f"{what}, line {i}") for i, line in enumerate(value, start=1))
    return scalar_text(value, what)


def scalar_text(value: object, what: str) -> str:
    """Return text, or a number as text."""
    if value is not None and absent(value):
        raise DatasetError(f"{what}: expected text, found NaN, which stands for a missing value")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(as_data(value, what))
    return text_of(value, what)


def decoded(value: object, what: str) -> object:
    """Return the value that JSON text, or JSON text inside JSON text, stands for; blank text stands for None.

    Some sets on the hub were written with `str` where `json.dumps` was meant, so Python literals are read, too.
    """
    for _ in range(_JSON_WRAPPINGS):
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        value = _parsed(value, what)
    raise DatasetError(f"{what}: JSON text inside JSON text, more than {_JSON_WRAPPINGS} deep")


def _parsed(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except _READING_ERRORS as error:
        try:
            return python_literal(text)
        except _READING_ERRORS:
            # JSON's own messages quote positions only, never the text.
            raise DatasetError(f"{what}: {describe(text)} is not JSON: {str(error)[:120]}") from None


def python_literal(text: str) -> object:
    """Return the value of a Python literal; raises what `ast.literal_eval` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a dataset's string concerns nobody
        return ast.literal_eval(text.strip())


def value_of_text(value: Any) -> Any:
    """Return what JSON text or a Python literal stands for; anything else is itself."""
    for read in (json.loads, python_literal):
        try:
            return read(value) if isinstance(value, str) else value
        except _READING_ERRORS:
            continue
    return value


def mapping_of(value: object, what: str) -> dict[str, Any]:
    """Return the present entries of a mapping, given as such or as JSON text."""
    value = decoded(value, what)
    if not isinstance(value, Mapping):
        raise unexpected(value, "an object", what)
    return present(value)


def list_of(value: object, what: str) -> list[Any]:
    """Return a list, given as such or as JSON text; blank text is an empty list."""
    if isinstance(value, str) and (value := decoded(value, what)) is None:
        return []
    if not isinstance(value, list | tuple):
        raise unexpected(value, "a list", what)
    return list(value)


def number_of(value: object, what: str, *, above: float, up_to: float) -> float:
    """Return a finite number with *above* < number <= *up_to*."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unexpected(value, "a number", what)
    if not (math.isfinite(value) if isinstance(value, float) else True) or not above < value <= up_to:
        least = "above 0" if above >= 0 else "of at least 0"
        raise DatasetError(f"{what}: expected a number {least} and up to {up_to:.0f}")
    return float(value)


def refuse_unknown(found: Mapping[str, object], known: tuple[str, ...], what: str) -> None:
    """Raise on a key that nobody reads: most often it is another one, misspelt."""
    unknown = [key for key in found if key not in known]
    if unknown:
        names = ", ".join(repr(key[:60]) for key in unknown[:5])
        raise DatasetError(f"{what}: unknown {names}; known: {', '.join(known)}")


def as_data(value: Any, what: str) -> Any:
    """Return *value*, which must be made of builtin types that can be handed to a program."""
    level, items = [value], 0
    for _ in range(MAX_DEPTH):
        if not level:
            return value
        items += len(level)
        if items > MAX_ITEMS:
            raise DatasetError(f"{what}: more than {MAX_ITEMS} items")
        level = [child for item in level for child in _children(item, what)]
    raise DatasetError(f"{what}: nested more than {MAX_DEPTH} deep")


def _children(item: object, what: str) -> list[Any]:
    kind = type(item)
    if kind is dict:
        assert isinstance(item, dict)
        return [*item.keys(), *item.values()]
    if kind in (list, tuple, set, frozenset):
        assert isinstance(item, list | tuple | set | frozenset)
        return list(item)
    if kind is str:
        text_of(item, what)
    elif kind is int:
        assert isinstance(item, int)
        if item.bit_length() > MAX_INT_BITS:
            raise DatasetError(f"{what}: an integer of more than 4,200 digits")
    elif kind not in _ATOMS:
        raise DatasetError(f"{what}: {describe(item)} is not plain data: pass Python values")
    return []
