"""Is this output the expected one?

Tokens are what lies between white space, and there must be as many as expected. Where the expected token is a number
written with a point or an exponent (`1.5`, `1e-3`), the printed one may be any finite decimal number within the
tolerance, absolute or relative to the expected value; where it is `nan` or an infinity, the printed one must be the
same, in whatever spelling. Every other token must be the same text: with `7` expected, `7.0` is wrong, because most
problems that want an integer want it written as one. `float:<tolerance>` allows it, as it treats every expected
number as above.

Everything takes time linear in the output, and little memory beside it: it runs in the process that trains.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, zip_longest

from ..comparison import Comparison
from .excerpts import quoted

_CHUNK = 1 << 16
_MAX_NUMBER = 4096
"""Characters; a longer run of digits is compared as text, for reading it as a number takes more than linear time."""
_SPACE = re.compile(r"\s")
_TOKEN = re.compile(r"\S+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NON_FINITE = re.compile(r"([+-]?)(?:(nan)|inf(?:inity)?)", re.IGNORECASE)


def compare_output(expected: str, actual: str, comparison: Comparison) -> str | None:
    """Return None when *actual* is accepted, else the reason, with the first difference in it."""
    if expected == actual:
        return None
    if comparison.kind == "tokens" and comparison.keeps_lines:
        return _compare_token_lines(expected.strip(), actual.strip(), comparison)
    if comparison.kind == "tokens":
        return _compare_tokens(expected, actual, comparison)
    if comparison.kind == "lines":
        return _compare_lines(expected.rstrip(), actual.rstrip(), comparison.ignore_case)
    return _compare_exact(expected, actual, comparison.ignore_case)


def _compare_tokens(expected: str, actual: str, comparison: Comparison) -> str | None:
    pairs = zip_longest(_tokens(expected), _tokens(actual))
    for i, (wanted, found) in enumerate(pairs):
        if wanted == found:
            continue
        if wanted is None:
            return f"{i} tokens expected, but more were printed: {quoted(found)}"
        if found is None:
            return f"only {i} tokens were printed, expected {quoted(wanted)} next"
        if not _same_token(wanted, found, comparison):
            line = _line_of_token(expected, i)
            return (
                f"token {i + 1} (line {line} of the expected output): expected {quoted(wanted)}, found {quoted(found)}"
            )
    return None


def _compare_token_lines(expected: str, actual: str, comparison: Comparison) -> str | None:
    for i, (wanted, found) in enumerate(zip_longest(_lines(expected), _lines(actual)), start=1):
        if wanted is None:
            return f"{i - 1} lines expected, but more were printed: {quoted(found)}"
        if found is None:
            return f"only {i - 1} lines were printed, expected {quoted(wanted)} next"
        reason = _compare_tokens(wanted, found, comparison)
        if reason is not None:
            return f"line {i}: {reason}"
    return None


def _tokens(text: str) -> Iterator[str]:
    """Split at white space as `str.split` does, a piece of the text at a time."""
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _CHUNK)
        end = space.end() if space else len(text)
        yield from text[start:end].split()
        start = end


def _line_of_token(text: str, index: int) -> int:
    token = next(islice(_TOKEN.finditer(text), index, None))
    return text.count("\n", 0, token.start()) + 1


def _same_token(wanted: str, found: str, comparison: Comparison) -> bool:
    if comparison.ignore_case and wanted.casefold() == found.casefold():
        return True
    number = _finite(wanted)
    if number is None:
        special = _non_finite(wanted)
        return special is not None and special == _non_finite(found)
    if not (comparison.floats_everywhere or any(character in wanted for character in ".eE")):
        return False
    value = _finite(found)
    if value is None:
        return False
    if comparison.absolute or comparison.tolerance == 0:  # floats would take long integers that differ for the same
        return abs(Decimal(wanted) - Decimal(found)) <= comparison.tolerance
    return abs(number - value) <= comparison.tolerance * max(1.0, abs(number))


def _finite(token: str) -> float | None:
    if len(token) > _MAX_NUMBER or not _NUMBER.fullmatch(token):
        return None
    value = float(token)
    return value if math.isfinite(value) else None


def _non_finite(token: str) -> str | None:
    match = _NON_FINITE.fullmatch(token)
    if match is None:
        return None
    return "nan" if match[2] else "-inf" if match[1] == "-" else "inf"


def _compare_lines(expected: str, actual: str, ignore_case: bool) -> str | None:
    for i, (wanted, found) in enumerate(zip_longest(_lines(expected), _lines(actual)), start=1):
        if wanted == found or (ignore_case and wanted and found and wanted.casefold() == found.casefold()):
            continue
        if wanted is None:
            return f"{i - 1} lines expected, but more were printed: {quoted(found)}"
        if found is None:
            return f"only {i - 1} lines were printed, expected {quoted(wanted)} next"
        return f"line {i}: expected {quoted(wanted)}, found {quoted(found)}"
    return None


def _lines(text: str) -> Iterator[str]:
    """Yield the lines without white space at their ends; nothing at all for an empty text."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].rstrip()
        start = end + 1


def _compare_exact(expected: str, actual: str, ignore_case: bool) -> str | None:
    if ignore_case:
        expected, actual = expected.casefold(), actual.casefold()
        if expected == actual:
            return None
    i = _first_difference(expected, actual)
    line = expected.count("\n", 0, i) + 1
    column = i - expected.rfind("\n", 0, i)
    wanted, found = (quoted(text[i:]) if i < len(text) else "the end" for text in (expected, actual))
    return f"line {line}, column {column}: expected {wanted}, found {found}"


def _first_difference(expected: str, actual: str) -> int:
    shorter = min(len(expected), len(actual))
    for start in range(0, shorter, _CHUNK):
        left, right = expected[start : start + _CHUNK], actual[start : start + _CHUNK]
        if left != right:
            same = (a == b for a, b in zip(left, right, strict=False))
            return start + next((i for i, equal in enumerate(same) if not equal), min(len(left), len(right)))
    return shorter
