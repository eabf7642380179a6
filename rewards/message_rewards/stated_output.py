"""What a conversation says that the program should print.

Only what users and systems say counts: a response that may state its own expected output is always right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..extraction.fences import read_fences
from .conversation import ASKING, Message, text_of

_OUTPUT_BLOCKS = ("output", "expected", "expected_output", "expected-output", "stdout")
_MAX_CHARS = 1 << 16
_MAX_BLOCK_CHARS = 1 << 14
_MAX_STATEMENTS = 32
_ANNOUNCED = re.compile(
    r"\b(?:expected\s{1,8}(?:output|result)|output\s{1,8}(?:should|must)\s{1,8}be|should\s{1,8}(?:output|print))"
    r"(?:\s{1,8}is)?[ \t]{0,8}(?P<colon>[*_`]{0,3}:)?[*_]{0,3}",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[ \t]\((?:for|when|given|with|if|as|since|because|where|e\.g\.|i\.e\.)(?!\w).*\Z", re.IGNORECASE)
_LITERAL = re.compile(
    r"(?:[+-]?\d(?:[\d.,_eE+-]*\d)?|True|False|None|true|false|null|`[^`\n]+`|\"[^\"\n]*\"|'[^'\n]*'"
    r"|\[[^\n\[\]]*(?:\[[^\n\[\]]*\][^\n\[\]]*)*\]|\{[^\n{}]*\}|\([^\n()]*\))"
)
_AFTER_LITERAL = re.compile(r"[.;!]?[ \t]*(?:\Z|\(|for\s+(?:the\s+)?(?:input|list|array|string|[a-z]\b|[^\w\s]|\d))")
"""`should print 1 if ...` and `should output 3 numbers` are rules, and no output."""


@dataclass(frozen=True)
class Stated:
    """An expected output, and who said so."""

    text: str
    source: str


def stated_output(messages: Iterable[Message]) -> Stated | None:
    """Return what the last message that states an output says, None when none does or one contradicts itself.

    Understood are "expected output: ...", "the output should be ..." and "should print ...", each with a value on the
    line or in the block below it, and a fenced block whose language is `output` or `expected_output`. Without a colon
    only a literal counts ("the output should be sorted" states none).
    """
    for message in reversed([message for message in messages if message.role in ASKING]):
        found = set(_outputs(text_of(message)[:_MAX_CHARS]))
        if found:
            return Stated(found.pop(), f"the {message.role} message") if len(found) == 1 else None
    return None


def _outputs(text: str) -> Iterator[str]:
    text = text.replace("\r\n", "\n")
    for fence in read_fences(text):
        if fence.closed and fence.language in _OUTPUT_BLOCKS:
            yield fence.source.strip("\n")
    for match in islice(_ANNOUNCED.finditer(text), _MAX_STATEMENTS):
        value = _announced(text[match.end() :], with_colon=bool(match["colon"]))
        if value is not None:
            yield value


def _announced(rest: str, *, with_colon: bool) -> str | None:
    """Return the value that *rest* begins with, on its first line or below it."""
    line, _, below = rest.partition("\n")
    line = line.strip()
    if not line:
        return _below(below, with_colon=with_colon)
    if with_colon:
        return _unquoted(_ASIDE.sub("", line).strip())
    literal = _LITERAL.match(line)
    return _unquoted(literal[0]) if literal and _AFTER_LITERAL.match(line, literal.end()) else None


def _below(text: str, *, with_colon: bool) -> str | None:
    """Return the fenced block that comes next or, behind a colon, the lines up to an empty one."""
    text = text[:_MAX_BLOCK_CHARS].lstrip("\n")
    if text.lstrip().startswith(("```", "~~~")):
        fences = read_fences(text)
        return fences[0].source.strip("\n") if fences and fences[0].closed else None
    return text.partition("\n\n")[0].strip() or None if with_colon else None


def _unquoted(value: str) -> str:
    """Return *value* without the marks that set it off from the sentence around it."""
    bare = value[:-1] if len(value) > 1 and value.endswith(".") and _LITERAL.fullmatch(value[:-1]) else value
    for quote in ("`", '"', "'"):
        if len(bare) >= 2 and bare[0] == bare[-1] == quote and quote not in bare[1:-1]:
            return bare[1:-1]
    return bare
