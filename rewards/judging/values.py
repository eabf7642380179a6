"""Is this returned value the expected one?

*Exact* is Python's own `==` on data, as an assert would use it, hence `True == 1` and `2 == 2.0`.

*From JSON*, the expected value has been through JSON, and four things are forgiven, at any depth: a tuple is a list;
a mapping's keys are compared as the text that JSON makes of them; where a float is expected, a number within 1e-6 of
it, absolute or relative, will do; and an expected nan is met by a nan. Everything else is `==`, so True still equals
1, as it does for the evaluators of the sets in question. A set is no list, and an opaque placeholder is nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .excerpts import shown

TOLERANCE = 1e-6
_NUMBERS = (bool, int, float, Decimal, Fraction)
_MAX_KEY_BITS = 1 << 13
_NO_KEY = object()

Path = tuple["Path", object] | None


def compare_values(expected: object, actual: object, *, from_json: bool) -> str | None:
    """Return None when *actual* is accepted, else the reason. Never raises, whatever a program returned."""
    if _equal(expected, actual):
        return None
    return _compare_nested(expected, actual) if from_json else _difference(expected, actual, None)


def _compare_nested(expected: object, actual: object) -> str | None:
    """Walk through both values side by side, with a list of what is left to compare in place of recursion."""
    left: list[tuple[object, object, Path]] = [(expected, actual, None)]
    while left:
        wanted, found, path = left.pop()
        if isinstance(wanted, list | tuple) and type(found) in (list, tuple):
            pairs = _paired_items(wanted, found)
        elif isinstance(wanted, dict) and type(found) is dict:
            pairs = _paired_values(wanted, found)
        elif _same_leaf(wanted, found):
            continue
        else:
            return _difference(wanted, found, path)
        if pairs is None:
            return _difference(wanted, found, path)
        left.extend((a, b, (path, key)) for key, a, b in reversed(pairs))
    return None


def _paired_items(wanted: Sequence[Any], found: Any) -> list[tuple[object, object, object]] | None:
    if len(wanted) != len(found):
        return None
    return [(i, a, b) for i, (a, b) in enumerate(zip(wanted, found, strict=True))]


def _paired_values(wanted: Mapping[Any, Any], found: Any) -> list[tuple[object, object, object]] | None:
    if len(wanted) != len(found):  # first: whoever knows the seed of the texts' hashes can choose them
        return None
    by_key = {_key(key): value for key, value in found.items()}
    if len(by_key) != len(found):
        return None
    pairs = [(key, value, by_key.get(_key(key), _NO_KEY)) for key, value in wanted.items()]
    return None if any(value is _NO_KEY for _, _, value in pairs) else pairs


def _key(key: object) -> object:
    """Return what JSON makes of a key; a key that JSON cannot have is itself."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int) and key.bit_length() > _MAX_KEY_BITS:  # its digits would take quadratic time
        return key
    return repr(key) if isinstance(key, int | float) else key


def _same_leaf(wanted: object, found: object) -> bool:
    if isinstance(wanted, float) and isinstance(found, _NUMBERS):
        return _close(wanted, found)
    return _equal(wanted, found)


def _close(wanted: float, found: Any) -> bool:
    try:
        number = float(found)
    except (ArithmeticError, ValueError):  # too large for a float, or a signalling nan
        return False
    if not (math.isfinite(wanted) and math.isfinite(number)):
        return wanted == number or (math.isnan(wanted) and math.isnan(number))
    return abs(wanted - number) <= TOLERANCE * max(1.0, abs(wanted))


def _equal(expected: object, actual: object) -> bool:
    try:
        return bool(expected == actual)
    except Exception:  # noqa: BLE001 - the boundary to a program's value, which may raise, or warn where a warning raises
        return False


def _difference(wanted: object, found: object, path: Path) -> str:
    keys: list[object] = []
    while path is not None and len(keys) < 8:
        path, key = path
        keys.append(key)
    place = "".join(f"[{shown(key)}]" for key in reversed(keys))
    where = f"at {'...' if path is not None else ''}{place}: " if place else ""
    return f"{where}expected {shown(wanted)}, returned {shown(found)}"
