"""What an option may be, checked where it is given: a run must not find out at its first batch."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ConfigurationError

MOST = 2**30
"""More of anything is a mistake: as seconds a thread could hardly wait for it, as megabytes no kernel counts to it."""
_LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Rule:
    """One kind of value, and how to say so."""

    fits: Callable[[Any], bool]
    wanted: str


def check_options(found: Mapping[str, object], rules: Mapping[str, Rule], *, owner: str = "") -> None:
    """Raise `ConfigurationError` for the first option that its rule does not fit."""
    for name, rule in rules.items():
        if not rule.fits(found[name]):
            raise ConfigurationError(f"{owner}{name} must be {rule.wanted}, found {shown(found[name])}")


def shown(value: object) -> str:
    """Return a value for a message: short, and never an error of its own."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the boundary: an object of any type may refuse to be shown
        return type(value).__name__
    return text if len(text) <= 80 else f"{type(value).__name__} {text[:80]}..."


def or_none(rule: Rule) -> Rule:
    """Return the rule that fits None, too."""
    return Rule(lambda value: value is None or rule.fits(value), f"{rule.wanted}, or None")


def one_of(names: Collection[str]) -> Rule:
    """Return the rule of an option that is one of *names*."""
    return Rule(lambda value: isinstance(value, str) and value in names, f"one of {', '.join(map(repr, names))}")


def instance_of(*types: type, wanted: str) -> Rule:
    """Return the rule of an option that is an object of one of *types*."""
    return Rule(lambda value: isinstance(value, types), wanted)


def number(wanted: str, fits: Callable[[float], bool] = lambda value: True) -> Rule:
    """Return the rule of a number for which *fits* holds; NaN, the infinities and booleans are none."""
    return Rule(lambda value: _is_finite(value) and fits(value), wanted)


def whole(least: int, most: int = MOST) -> Rule:
    """Return the rule of a whole number within bounds."""
    return Rule(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def as_whole(value: Any) -> Any:
    """Return 512 for 512.0, which YAML and JSON may write; anything else as it is."""
    return int(value) if _is_finite(value) and abs(value) <= MOST and value % 1 == 0 else value


def _is_finite(value: Any) -> bool:
    """Say whether *value* is a number that a float can hold; NaN is above and below nothing."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and bool(abs(value) <= _LARGEST)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_finite, value)) and value[0] <= value[1]


FLAG = instance_of(bool, wanted="True or False")
FINITE = number("a finite number")
SECONDS = number(f"a positive number of seconds, {MOST} at most", lambda value: 0 < value <= MOST)
PAIR = Rule(_is_pair, "a pair of finite numbers (least, greatest)")
WORD = Rule(lambda value: isinstance(value, str) and value.split() == [value], "a text without spaces, not empty")
