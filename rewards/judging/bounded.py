"""Operators and functions on data from a program, each with a bound on its work: an adversary chooses that data."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_BITS = 1 << 18
MAX_ITEMS = 1_000_000
MAX_DIGITS = 5000
_MAX_SAME_HASH = 64
_MAX_PLACES = 400

_PLAIN_NUMBERS = (bool, int, float, complex)
_NUMBERS = (*_PLAIN_NUMBERS, Decimal, Fraction)
_SEQUENCES = (str, bytes, list, tuple)


class UnboundedError(ValueError):
    """The operation is not for values like these, or would take too long on them."""


def binary(op: type[ast.operator], left: Any, right: Any) -> Any:
    """Return what the operator makes of two values."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        _check(_bits_needed(op, left, right) <= MAX_BITS, "the numbers are too large")
    elif op is ast.Add:
        _check(type(left) is type(right) and type(left) in _SEQUENCES, "only numbers and sequences of a kind are added")
    elif op is ast.Mult:
        _check(_repeated_length(left, right) <= MAX_ITEMS, "a sequence repeated too often")
    else:
        both_sets = isinstance(left, set | frozenset) and isinstance(right, set | frozenset)
        _check(both_sets and op in (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor), "no such operation on these values")
    return _OPERATORS[op](left, right)


def _bits_needed(op: type[ast.operator], left: Any, right: Any) -> Any:
    bits = [value.bit_length() if isinstance(value, int) else 64 for value in (left, right)]
    if op is ast.Pow:
        if type(left) not in _PLAIN_NUMBERS or type(right) not in _PLAIN_NUMBERS:
            return math.inf
        return bits[0] * max(abs(right), 1) if isinstance(left, int) and isinstance(right, int) else 64
    if op is ast.LShift:
        return bits[0] + max(right, 0) if isinstance(right, int) else math.inf
    return max(bits)


def _repeated_length(left: Any, right: Any) -> Any:
    for sequence, times in ((left, right), (right, left)):
        if type(sequence) in _SEQUENCES and type(times) in (int, bool):
            return len(sequence) * max(times, 0)
    return math.inf


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise UnboundedError(what)


def _bounded(value: Any) -> Any:
    """Return *value*; of all data only a range can be longer than the bytes that it came in."""
    _check(type(value) is not range or len(value) <= MAX_ITEMS, "a range too long")
    return value


def _listed(values: Iterable[Any]) -> list[Any]:
    items: list[Any] = []
    for item in values:
        _check(len(items) < MAX_ITEMS, "too many items")
        items.append(item)
    return items


def contains(container: Any, item: Any) -> bool:
    """Return whether *item* is in *container*; a range looks through all its numbers for what is no integer."""
    _check(type(container) is not range or type(item) in (int, bool) or len(container) <= MAX_ITEMS, "a range too long")
    return item in container


def hashable(values: Iterable[Any]) -> list[Any]:
    """Return *values* as a list that a set takes in reasonable time: a program can choose integers of equal hash."""
    items = _listed(values)
    same: dict[int, list[Any]] = {}
    for item in items:
        bucket = same.setdefault(hash(item), [])
        if item not in bucket:
            bucket.append(item)
            _check(len(bucket) <= _MAX_SAME_HASH, "too many keys of the same hash")
    return items


def _pairs(*args: Any) -> dict[Any, Any]:
    if not args:
        return {}
    pairs = [tuple(pair) for pair in (args[0].items() if isinstance(args[0], dict) else _listed(args[0]))]
    hashable(key for key, _ in pairs)
    return dict(pairs)


def _sum(values: Iterable[Any], start: Any = 0) -> Any:
    items = [start, *_listed(values)]
    _check(all(type(item) in _NUMBERS for item in items), "only numbers are summed up")
    return sum(items[1:], start)


def _round(value: Any, places: Any = None) -> Any:
    _check(type(value) in _NUMBERS, "only numbers are rounded")
    if places is None:
        return round(value)
    _check(type(places) is int and abs(places) <= _MAX_PLACES, "rounded to too many places")
    return round(value, places)


def _int(value: Any = 0) -> int:
    _check(type(value) in _NUMBERS or (isinstance(value, str) and len(value) <= MAX_DIGITS), "no short number")
    return int(value)


def _range(*bounds: Any) -> range:
    numbers = range(*bounds)
    _check(len(numbers) <= MAX_ITEMS, "a range too long")
    return numbers


def _zip(*sources: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(_listed(source) for source in sources), strict=False)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "all": lambda values: all(_bounded(values)),
    "any": lambda values: any(_bounded(values)),
    "bool": bool,
    "complex": complex,
    "dict": _pairs,
    "divmod": lambda left, right: (binary(ast.FloorDiv, left, right), binary(ast.Mod, left, right)),
    "enumerate": lambda values, start=0: list(enumerate(_listed(values), start)),
    "float": float,
    "frozenset": lambda values=(): frozenset(hashable(values)),
    "int": _int,
    "isinstance": isinstance,
    "len": len,
    "list": lambda values=(): _listed(values),
    "max": lambda *values, **options: max(*map(_bounded, values), **options),
    "min": lambda *values, **options: min(*map(_bounded, values), **options),
    "range": _range,
    "reversed": lambda values: list(reversed(_bounded(values))),
    "round": _round,
    "set": lambda values=(): set(hashable(values)),
    "sorted": lambda values, **options: sorted(_bounded(values), **options),
    "sum": _sum,
    "tuple": lambda values=(): tuple(_listed(values)),
    "type": lambda value: type(value),
    "zip": _zip,
}
MATH_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(math, name) for name in ("isclose", "isnan", "isinf", "isfinite", "floor", "ceil", "sqrt", "fabs")
}
MATH_CONSTANTS = {name: getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")}
