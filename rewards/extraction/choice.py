"""Which of several blocks is the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .python_source import MAX_PARSED_CHARS, Outline, joined_source, outline

Choice = Callable[[Sequence[str], str, str | None, str], str]
"""(blocks, at least one; language; entry point, where known; code prompt) -> the block."""


def first(blocks: Sequence[str], language: str, entry_point: str | None, code_prompt: str) -> str:
    """Choose the first block."""
    return blocks[0]


def last(blocks: Sequence[str], language: str, entry_point: str | None, code_prompt: str) -> str:
    """Choose the last block."""
    return blocks[-1]


def longest(blocks: Sequence[str], language: str, entry_point: str | None, code_prompt: str) -> str:
    """Choose the longest block, the later one of equals."""
    return max(reversed(blocks), key=lambda block: len(block.strip()))


def auto(blocks: Sequence[str], language: str, entry_point: str | None, code_prompt: str) -> str:
    """Choose the last block that is a program in its own right; of a language that is not parsed here, the longest.

    A Python block that defines the entry point goes before one that does not; a block that only uses what an earlier
    block defines is an example of its use, not the answer; a block that does not parse is nobody's first choice.
    """
    if len(blocks) == 1 or language != "python":
        return longest(blocks, language, entry_point, code_prompt)
    readings = _outlines(blocks, code_prompt)
    name = (entry_point or "").partition("(")[0].partition(".")[0]
    claims: tuple[Callable[[int, Outline], bool], ...] = (
        lambda i, reading: name in reading.bound,
        lambda i, reading: reading.acts and not reading.depends_on(_definitions(readings[:i])),
        lambda i, reading: True,
    )
    for claim in claims:
        for i in reversed(range(len(blocks))):
            reading = readings[i]
            if reading is not None and claim(i, reading):
                return blocks[i]
    return blocks[-1]


CHOICES: dict[str, Choice] = {"auto": auto, "first": first, "last": last, "longest": longest}


def _definitions(readings: Sequence[Outline | None]) -> frozenset[str]:
    return frozenset().union(*(reading.definitions for reading in readings if reading is not None))


def _outlines(blocks: Sequence[str], code_prompt: str) -> list[Outline | None]:
    """Outline the last blocks, as many as fit into one parse, so that a flood of blocks takes no longer than one."""
    readings: list[Outline | None] = []
    chars = 0
    for block in reversed(blocks):
        chars += len(block) + len(code_prompt)
        reading = None
        if chars <= MAX_PARSED_CHARS:
            reading = outline(block)
            if reading is None and code_prompt:
                reading = outline(joined_source(block, code_prompt))
        readings.append(reading)
    return readings[::-1]
