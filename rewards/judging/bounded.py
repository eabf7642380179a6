"""Operators and functions on data from a program, each with a bound on its work: an adversary chooses that data."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .exact import bits_of, check_numbers, check_sum
from .hashing import hashable
from .limits import MAX_ITEMS, check, listed

MAX_BITS = 1 << 18
MAX_DIGITS = 5000
_MAX_PLACES = 400

_MAX_SET_ITEMS = 20_000

_PLAIN_NUMBERS = (bool, int, float, complex)
_NUMBERS = (*_PLAIN_NUMBERS, Decimal, Fraction)
_SEQUENCES = (str, bytes, list, tuple)


def binary(op: type[ast.operator], left: Any, right: Any) -> Any:
    """Return what the operator makes of two values."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        check(_bits_needed(op, left, right) <= MAX_BITS, "the numbers are too large")
    elif op is ast.Add:
        check(type(left) is type(right) and type(left) in _SEQUENCES, "only numbers and sequences of a kind are added")
    elif op is ast.Mult:
        check(_repeated_length(left, right) <= MAX_ITEMS, "a sequence repeated too often")
    else:
        both_sets = isinstance(left, set | frozenset) and isinstance(right, set | frozenset)
        check(both_sets and op in (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor), "no such operation on these values")
        # A program can choose its sets so that their union takes quadratic time.
        check(len(left) + len(right) <= _MAX_SET_ITEMS, "sets too large to combine")
    return _OPERATORS[op](left, right)


def _bits_needed(op: type[ast.operator], left: Any, right: Any) -> Any:
    check_numbers((left, right))
    bits = [bits_of(left), bits_of(right)]
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


def _bounded(value: Any) -> Any:
    """Return *value*; of all data only a range can be longer than the bytes that it came in."""
    check(type(value) is not range or len(value) <= MAX_ITEMS, "a range too long")
    return value


def _ordered(arguments: tuple[Any, ...]) -> list[Any]:
    """Return the arguments of a function that orders things, the one of a call with one as a list of its items."""
    if len(arguments) > 1:
        check_numbers(arguments)
        return list(arguments)
    items = [listed(argument) for argument in arguments]
    for argument in items:
        check_numbers(argument)
    return items


def truth(value: Any) -> bool:
    """Return whether *value* is true; what a method returns for "not for me" is no truth, though Python takes it."""
    check(value is not NotImplemented, "NotImplemented has no truth value")
    return bool(value)


def contains(container: Any, item: Any) -> bool:
    """Return whether *item* is in *container*; a range looks through all its numbers for what is no integer."""
    check(type(container) is not range or type(item) in (int, bool) or len(container) <= MAX_ITEMS, "a range too long")
    return item in container


def _pairs(*args: Any) -> dict[Any, Any]:
    if not args:
        return {}
    pairs = [tuple(pair) for pair in (args[0].items() if isinstance(args[0], dict) else listed(args[0]))]
    hashable(key for key, _ in pairs)
    return dict(pairs)


def _sum(values: Iterable[Any], start: Any = 0) -> Any:
    items = [start, *listed(values)]
    check(all(type(item) in _NUMBERS for item in items), "only numbers are summed up")
    check_sum(items)
    return sum(items[1:], start)


def _round(value: Any, places: Any = None) -> Any:
    check(type(value) in _NUMBERS, "only numbers are rounded")
    if places is None:
        return round(value)
    check(type(places) is int and abs(places) <= _MAX_PLACES, "rounded to too many places")
    return round(value, places)


def _int(value: Any = 0) -> int:
    check(type(value) in _NUMBERS or (isinstance(value, str) and len(value) <= MAX_DIGITS), "no short number")
    return int(value)


def _range(*bounds: Any) -> range:
    numbers = range(*bounds)
    check(len(numbers) <= MAX_ITEMS, "a range too long")
    return numbers


def _zip(*sources: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(listed(source) for source in sources), strict=False)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "all": lambda values: all(map(truth, _bounded(values))),
    "any": lambda values: any(map(truth, _bounded(values))),
    "bool": lambda value=False: truth(value),
    "complex": complex,
    "dict": _pairs,
    "divmod": lambda left, right: (binary(ast.FloorDiv, left, right), binary(ast.Mod, left, right)),
    "enumerate": lambda values, start=0: list(enumerate(listed(values), start)),
    "float": float,
    "frozenset": lambda values=(): frozenset(dict.fromkeys(hashable(values))),
    "int": _int,
    "isinstance": isinstance,
    "len": len,
    "list": lambda values=(): listed(values),
    "max": lambda *values, **options: max(*_ordered(values), **options),
    "min": lambda *values, **options: min(*_ordered(values), **options),
    "range": _range,
    "reversed": lambda values: list(reversed(_bounded(values))),
    "round": _round,
    "set": lambda values=(): set(dict.fromkeys(hashable(values))),
    "sorted": lambda values, **options: sorted(*_ordered((values,)), **options),
    "sum": _sum,
    "tuple": lambda values=(): tuple(listed(values)),
    "type": lambda value: type(value),
    "zip": _zip,
}
MATH_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(math, name) for name in ("isclose", "isnan", "isinf", "isfinite", "floor", "ceil", "sqrt", "fabs")
}
MATH_CONSTANTS = {name: getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")}
