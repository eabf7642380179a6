"""How near an output comes to the expected one: partial credit, for rewards that want a slope rather than a step.

A number is near by its relative error, a list by the items that it shares, lines and words by what stands in both in
the same order. Whatever is printed beyond what is expected costs as much as what is missing, so printing every answer
is worth next to nothing. Only an output that is equal but for white space gets 1.0. Time and memory are bounded: of
long outputs the beginning is looked at, and the rest counts as wrong.
"""

from __future__ import annotations

import ast
import json
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any

NEAREST = 0.99
"""What differs is never worth 1.0, however little it differs."""
MAX_CHARS = 1 << 18
MAX_TOKENS = 512
"""Words or lines of each side that are aligned: the time grows with the product."""
MAX_LIST_CHARS = 10_000
_NUMBER_STEPS = ((0.0, NEAREST), (0.001, 0.95), (0.01, 0.9), (0.1, 0.7), (1.0, 0.0))
"""Relative error and credit, linear between."""


def similarity(expected: str, actual: str) -> float:
    """Return a number from 0.0 to 1.0; the order of the arguments matters only for numbers."""
    if _same_words(expected, actual):
        return 1.0
    if not expected.strip() or not actual.strip():
        return 0.0
    for rule in (_number_credit, _list_credit):
        credit = rule(expected, actual)
        if credit is not None:
            return min(NEAREST, credit)
    words = _shared(_words(expected), _words(actual))
    if "\n" not in expected.strip() and "\n" not in actual.strip():
        return min(NEAREST, words)
    return min(NEAREST, (words + _shared(_lines(expected), _lines(actual))) / 2)


def _same_words(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    if max(len(expected), len(actual)) <= MAX_CHARS:
        return expected.split() == actual.split()
    return expected.strip() == actual.strip()  # a list of words would take many times the memory of such a text


def _number_credit(expected: str, actual: str) -> float | None:
    wanted, found = _number(expected), _number(actual)
    if wanted is None or found is None:
        return None
    if wanted == found:
        return NEAREST
    if wanted == 0:
        return 0.0
    error = abs(found / wanted - 1)
    for (low, high_credit), (high, low_credit) in pairwise(_NUMBER_STEPS):
        if error <= high:
            return high_credit + (low_credit - high_credit) * (error - low) / (high - low)
    return 0.0


def _number(text: str) -> float | None:
    """Return the finite number that the whole text is."""
    text = text.strip()
    try:
        number = float(text) if len(text) <= 64 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _list_credit(expected: str, actual: str) -> float | None:
    """Return half of what items in their places are worth, and half of what they are in any order."""
    wanted, found = _listed(expected), _listed(actual)
    if wanted is None or found is None:
        return None
    longer = max(len(wanted), len(found))
    if not longer:
        return NEAREST
    in_place = sum(x == y for x, y in zip(wanted, found, strict=False))
    anywhere = (Counter(wanted) & Counter(found)).total()
    return (in_place / longer + 2 * anywhere / (len(wanted) + len(found))) / 2


def _listed(text: str) -> list[Hashable] | None:
    """Return the items of a list as Python or JSON writes it, each as something to compare; None for other texts."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]") and len(text) <= MAX_LIST_CHARS):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            items = read(text)
            return [_key(item) for item in items] if isinstance(items, list) else None
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def _key(item: Any) -> Hashable:
    """Return what stands for *item*: a number for itself, so that 2 is 2.0, and anything else by its text."""
    is_number = isinstance(item, int) or (isinstance(item, float) and math.isfinite(item))
    return item if is_number and not isinstance(item, bool) else repr(item)


def _words(text: str) -> list[str]:
    return _padded(text[:MAX_CHARS].split(), text)


def _lines(text: str) -> list[str]:
    return _padded([" ".join(line.split()) for line in text.strip()[:MAX_CHARS].split("\n")], text)


def _padded(parts: list[str], text: str) -> list[str]:
    """Return *parts* with as many empty ones behind as the rest of *text*, which was not looked at, may have had."""
    if len(text) <= MAX_CHARS:
        return parts
    return parts + [""] * (len(parts) * (len(text) - MAX_CHARS) // MAX_CHARS + 1)


def _shared(expected: Sequence[str], actual: Sequence[str]) -> float:
    """Return the share of both sides that stands in both in the same order: 2 * common / (length + length)."""
    common = _longest_common(expected[:MAX_TOKENS], actual[:MAX_TOKENS])
    return 2 * common / (len(expected) + len(actual))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, in rows, so that memory does not grow with the product."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = row
        row = [0]
        for j, other in enumerate(second):
            row.append(before[j] + 1 if word == other else max(before[j + 1], row[j]))
    return row[-1]
