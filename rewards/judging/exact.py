"""Which numbers may meet: a Decimal or Fraction takes quadratic time beside a long integer, and to be added up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .limits import check

MAX_EXACT = 20_000
MAX_BESIDE_BITS = 1 << 12
MAX_SUM_BITS = 1 << 17
MAX_KEYS = 20_000

_EXACT = (Decimal, Fraction)
_PLAIN = {bool, int, float, complex, str, bytes, type(None)}
_HASHED: tuple[Any, ...] = (set, frozenset, type({}.keys()))
_GROUPS = (list, tuple, set, frozenset, deque)


def bits_of(number: Any) -> int:
    """Return how long a number is, in bits."""
    if isinstance(number, Fraction):
        return max(number.numerator.bit_length(), number.denominator.bit_length())
    return number.bit_length() if isinstance(number, int) else 64


def check_numbers(items: Iterable[Any]) -> None:
    """Refuse numbers that take long to compare or add, two at a time."""
    kinds: dict[type, int] = {}
    longest = 0
    for item in items:
        kinds[type(item)] = kinds.get(type(item), 0) + 1
        if type(item) is int:
            longest = max(longest, item.bit_length())
    _check_mixture(sum(kinds.get(kind, 0) for kind in _EXACT), longest)


def check_sum(items: Sequence[Any]) -> None:
    """Refuse numbers that take long to add up: the denominators of Fractions are multiplied."""
    check_numbers(items)
    bits = sum(item.denominator.bit_length() for item in items if type(item) is Fraction)
    check(bits <= MAX_SUM_BITS, "the fractions are too long")


def check_values(values: Sequence[object]) -> None:
    """Refuse values that, at any depth, hold numbers or keys that take long to compare with one another."""
    exact = longest = keyed = 0
    left: list[Any] = [values]
    while left:
        group = left.pop()
        keyed += isinstance(group, _HASHED) and len(group) > MAX_KEYS
        kinds = set(map(type, group))
        if int in kinds:
            longest = max(longest, *(item.bit_length() for item in group if type(item) is int))
        if not kinds <= _PLAIN:
            exact += sum(type(item) in _EXACT for item in group)
            for item in group:
                left.extend(_groups_in(item))
    _check_mixture(exact, longest)
    check(keyed <= 1, "more than one large dict or set")


def _groups_in(item: Any) -> Sequence[Any]:
    if isinstance(item, dict):
        return (item.keys(), item.values())
    if isinstance(item, _GROUPS):
        return (item,)
    items = getattr(item, "items", None)  # of the stand-ins for iterators and arrays
    return (items,) if isinstance(items, tuple) else ()


def _check_mixture(exact: int, longest: int) -> None:
    check(exact <= MAX_EXACT, "too many Decimals and Fractions")
    check(not exact or longest <= MAX_BESIDE_BITS, "long integers beside Decimals or Fractions")
