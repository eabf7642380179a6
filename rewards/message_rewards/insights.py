"""Whether an analysis has come to what was expected of it: phrases and numbers in what it showed, and a plot."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DatasetError
from ..options import shown
from ..records import RichResult, TestRun

MAX_CHARS = 20_000
"""What is read of a report. Beyond that a program is not reporting but trying its luck."""
_TEXTS = ("text", "text/plain", "markdown", "text/markdown", "latex", "text/latex")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"(?<![\w.,])[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])")
"""`1,200` may be one number or two: both readings count."""
_MARKS = str.maketrans("", "", "$€£%")
_IMAGES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True)
class Insight:
    """What should be found: any one of some phrases or numbers."""

    alternatives: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the insight for a message."""
        return " or ".join(self.alternatives)

    def is_in(self, report: Report) -> bool:
        """Say whether the report has it: a number as a number, a phrase whatever its case and spacing."""
        return any(report.holds(alternative) for alternative in self.alternatives)


class Report:
    """What an analysis printed and showed, as it is searched."""

    def __init__(self, runs: Sequence[TestRun]) -> None:
        text = "\n".join(part for run in runs for part in (run.stdout, *_texts(run.results)))[:MAX_CHARS]
        self.text = _plain(text)
        self.has_plot = any(_is_plot(result) for run in runs for result in run.results)
        self._numbers = [float(found) for found in _NUMBER.findall(text)]
        self._numbers += [float(found.replace(",", "")) for found in _THOUSANDS.findall(text)]

    def holds(self, wanted: str) -> bool:
        """Say whether *wanted* is there.

        A number is there if one of equal value is, rounded to as many decimals as it has itself. A phrase that begins
        or ends with a digit is not found inside a longer number.
        """
        number = _as_number(wanted)
        if number is not None:
            value, decimals = number
            slack = 0.5 * 10.0**-decimals * (1 + 1e-9) if decimals else 1e-9 * max(1.0, abs(value))
            return any(abs(found - value) <= slack for found in self._numbers)
        phrase = _plain(wanted)
        before = r"(?<![\d.])" if phrase[:1].isdigit() else ""
        behind = r"(?!\d)(?!\.\d)" if phrase[-1:].isdigit() else ""
        return re.search(before + re.escape(phrase) + behind, self.text) is not None


def read_insights(entries: Iterable[Any]) -> tuple[Insight, ...]:
    """Return the insights; each is a phrase, a number, or a list of those of which one is enough."""
    return tuple(_insight(entry, i) for i, entry in enumerate(entries, start=1))


def _insight(entry: Any, number: int) -> Insight:
    alternatives = entry if isinstance(entry, list | tuple) else [entry]
    texts = tuple(str(each).strip() for each in alternatives if isinstance(each, str | int | float))
    is_finite = all(math.isfinite(each) for each in alternatives if isinstance(each, float))
    if not texts or len(texts) != len(alternatives) or not all(texts) or not is_finite:
        raise DatasetError(f"insight {number} must be a phrase, a number or a list of them, found {shown(entry)}")
    return Insight(texts)


def _texts(results: Iterable[RichResult]) -> list[str]:
    return [content for result in results for name, content in result.data if name in _TEXTS]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _as_number(text: str) -> tuple[float, int] | None:
    """Return the number that *text* is and how many decimals it has, None where it is none."""
    bare = text.strip().translate(_MARKS).strip()
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    if _NUMBER.fullmatch(bare) is None:
        return None
    return float(bare), 0 if "e" in bare.lower() else len(bare.partition(".")[2])


def _is_plot(result: RichResult) -> bool:
    """Say whether an image was shown, by its first bytes: what a program calls an image need not be one."""
    for name, content in result.data:
        kind = name.removeprefix("image/").removesuffix("+xml")
        if kind == "svg" and "<svg" in content[:2000]:
            return True
        if kind in _IMAGES and _head(content).startswith(_IMAGES[kind]):
            return True
    return False


def _head(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content[:64].split())[:40])
    except (binascii.Error, ValueError):
        return b""
