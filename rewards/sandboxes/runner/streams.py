"""What a program prints, and what it reads, while a test looks at the one and has set up the other.

Where both are in one process a test replaces `sys.stdout`, `sys.stdin` or `input` and calls a function. Here the
program's half has streams of its own for the time of the call, and the tester's half is told what was written to them.
"""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

OPEN, CLOSE = "open streams", "close streams"
STREAMED = ("call", "next")
"""What a test does that makes a program print."""
_WORDS = (
    "capsys",
    "capfd",
    "stdout",
    "stderr",
    "stdin",
    ".input",
    ".print",
    '"input"',
    "'input'",
    '"print"',
    "'print'",
)
_ORIGINALS = {"input": input, "print": print}
_KEPT = 1 << 20


def looks_at_streams(sources: Iterable[str]) -> bool:
    """Tell whether test code may replace a stream, or look at what was written."""
    return any(word in source for source in sources for word in _WORDS)


def ask_with_streams(
    ask: Callable[..., tuple[Any, Any]],
    refuse: Callable[[str], BaseException],
    operation: str,
    operands: tuple[object, ...],
) -> tuple[Any, Any]:
    """Return what *ask* answers, and do to this side's streams what the program did to its own."""
    lent = {name: getattr(builtins, name) for name in _ORIGINALS if getattr(builtins, name) is not _ORIGINALS[name]}
    stdin = sys.stdin if isinstance(sys.stdin, io.StringIO) else None
    start = stdin.tell() if stdin is not None else 0
    typed = stdin.read() if stdin is not None else None
    ask(OPEN, lent, typed)
    try:
        return ask(operation, *operands)
    finally:
        match ask(CLOSE):
            case [[str(printed), str(complained), int(consumed)], _]:
                sys.stdout.write(printed)
                sys.stderr.write(complained)
                if stdin is not None and typed is not None:
                    stdin.seek(start + min(max(consumed, 0), len(typed)))
            case _:
                raise refuse("it sent what is no message")


class Streams:
    """The program's half."""

    def __init__(self) -> None:
        self._opened: list[tuple[dict[str, Any], list[Any], list[io.StringIO]]] = []

    def open(self, lent: dict[str, Any], typed: str | None) -> None:
        """Give the program streams to write to, what was typed in, and the test's own functions that it replaced."""
        before = {name: getattr(builtins, name) for name in lent}
        own = [io.StringIO(typed), io.StringIO(), io.StringIO()]
        self._opened.append((before, [sys.stdin, sys.stdout, sys.stderr], own))
        _, sys.stdout, sys.stderr = own
        if typed is not None:
            sys.stdin = own[0]
        vars(builtins).update(lent)

    def close(self) -> list[Any]:
        """Take them back; return what was written to stdout and stderr, and how much of stdin was read."""
        before, streams, (stdin, stdout, stderr) = self._opened.pop()
        sys.stdin, sys.stdout, sys.stderr = streams
        vars(builtins).update(before)
        return [stdout.getvalue()[:_KEPT], stderr.getvalue()[:_KEPT], stdin.tell()]
