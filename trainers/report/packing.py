"""Samples as the data of a page: visible characters only, bounded in all, and unable to end the element around them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .content import Sample, SampleTest

MOST_CHARACTERS = 24_000_000
"""Of a page's samples, as JSON: what a browser opens without a pause."""
_WIDTHS = (20_000, 8_000, 4_000, 2_000, 1_000, 500)
"""How long a text may be, tried in this order until everything fits."""
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_CONTROL_PICTURES = 0x2400


@dataclass(frozen=True)
class PackedSamples:
    """The samples as JSON, and what had to be left out."""

    json: str
    longest_text: int
    n_cut: int
    """Samples of which some text is cut."""
    n_left_out: int


def pack_samples(samples: Sequence[Sample], *, most_characters: int = MOST_CHARACTERS) -> PackedSamples:
    """Return *samples* as JSON that may stand in a script element, of at most *most_characters*.

    Long texts are cut first; where that is not enough, samples are left out evenly. What a reader could not see, or
    what would turn the text around it, is replaced by a visible sign.
    """
    kept = list(samples)
    while True:
        for longest in _WIDTHS:
            if longest != _WIDTHS[-1] and _least_characters(kept, longest) > most_characters:
                continue  # without writing it all: hostile text is slow to write
            packer = _Packer(longest)
            packed = packer.pack(kept)
            if len(packed) <= most_characters or not kept:
                return PackedSamples(packed, longest, packer.n_cut, len(samples) - len(kept))
        keep_n = min(len(kept) - 1, int(len(kept) * most_characters / len(packed)))
        kept = [kept[i * len(kept) // keep_n] for i in range(keep_n)]


def _least_characters(samples: Sequence[Sample], longest: int) -> int:
    """Return fewer characters than *samples* take; their prompts may be shared and count for nothing."""
    texts = (text for sample in samples for text in _texts_of(sample))
    return sum(min(len(text), longest) for text in texts)


def _texts_of(sample: Sample) -> Iterator[str]:
    yield from (sample.completion, sample.program or "", sample.detail)
    for test in sample.tests:
        yield from (test.name, test.detail, test.stderr)


def visible(text: str) -> str:
    """Return *text* with a visible sign for each character that shows nothing or changes the direction of writing."""
    return _HIDDEN.sub(_sign, text.replace("\r\n", "\n"))


def script_safe(value: Any) -> str:
    """Return *value* as JSON in ASCII without any character that HTML reads."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else f"⟨U+{code:04X}⟩"


class _Packer:
    """Writes samples with texts of at most *longest* characters; a prompt that several share is written once."""

    def __init__(self, longest: int) -> None:
        self.n_cut = 0
        self._longest = longest
        self._prompts: dict[str, int] = {}
        self._cuts = 0

    def pack(self, samples: Sequence[Sample]) -> str:
        rows = [self._row(sample) for sample in samples]
        return script_safe({"prompts": list(self._prompts), "samples": rows})

    def _row(self, sample: Sample) -> dict[str, Any]:
        before = self._cuts
        prompt = self._text(sample.prompt)
        row = {
            "prompt": self._prompts.setdefault(prompt, len(self._prompts)),
            "completion": self._text(sample.completion),
            "program": None if sample.program is None else self._text(sample.program),
            "verdict": sample.verdict,
            "score": sample.score if sample.score is None or math.isfinite(sample.score) else None,
            "step": sample.step,
            "detail": self._text(sample.detail),
            "tests": [self._test(test) for test in sample.tests],
            "n_tests": max(sample.n_tests, len(sample.tests)),
            "n_passed": sample.n_passed,
            "labels": {visible(name): visible(value) for name, value in sample.labels},
        }
        self.n_cut += self._cuts > before
        return row

    def _test(self, test: SampleTest) -> list[Any]:
        texts = (self._text(text) for text in (test.name, test.detail, test.stderr))
        return [test.verdict, *texts, test.cpu_s, test.wall_s]

    def _text(self, text: str) -> str:
        if len(text) <= self._longest:
            return visible(text)
        self._cuts += 1
        return f"{visible(text[: self._longest])}\n… {len(text) - self._longest:,} more characters"
