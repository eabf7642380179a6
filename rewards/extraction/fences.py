"""The fenced blocks of a Markdown text, found by a CommonMark parser."""

from __future__ import annotations

from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import blockquote as commonmark_quote
from markdown_it.rules_block import fence as commonmark_fence

from .info_strings import language_of_info


@dataclass(frozen=True)
class Fence:
    """One fenced block."""

    language: str
    """Canonical; "" when the block names none."""
    source: str
    closed: bool


def read_fences(text: str, *, containers: bool = True) -> tuple[Fence, ...]:
    """Return the fenced blocks of *text*, whose lines end in "\\n" alone, in order; in time linear in its length.

    Without `containers`, list items and quotes are taken for plain lines: a block that was opened inside a list item
    and goes on at the margin is left unclosed by CommonMark, and is whole in this reading.
    """
    tokens = (_BLOCKS if containers else _FLAT_BLOCKS).parse(text)
    return tuple(
        Fence(language_of_info(token.info), token.content, bool(token.meta["closed"]))
        for token in tokens
        if token.type == "fence"
    )


def _fence_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Wrap CommonMark's own rule to note what its token does not say: whether the closing marker was there."""
    if not commonmark_fence(state, start_line, end_line, silent):
        return False
    if not silent:
        token, last = state.tokens[-1], state.line - 1
        line = state.src[state.bMarks[last] + state.tShift[last] : state.eMarks[last]].rstrip(" \t")
        closes = len(line) >= len(token.markup) and not line.strip(token.markup[0])
        token.meta["closed"] = last > start_line and closes and not state.is_code_block(last)
    return True


def _quote_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Let CommonMark's own rule see no line without a marker.

    Lazy continuations cannot hold a fence, and a text of quoted fences with a plain line after each would have the rule
    look through the rest of the text at every one of them.
    """
    end = start_line
    while end < end_line and state.src.startswith(">", state.bMarks[end] + state.tShift[end]):
        end += 1
    return commonmark_quote(state, start_line, max(end, start_line + 1), silent)


def _block_parser(*, containers: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["block"])  # inline parsing costs time that can grow with the square of the text
    parser.block.ruler.at("fence", _fence_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.block.ruler.at("blockquote", _quote_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    # an HTML block would swallow the fence below a line such as <answer>; the other two say nothing of fences
    parser.block.ruler.disable(["html_block", "reference", "lheading"])
    if not containers:
        parser.block.ruler.disable(["list", "blockquote"])
    return parser


_BLOCKS = _block_parser(containers=True)
_FLAT_BLOCKS = _block_parser(containers=False)
