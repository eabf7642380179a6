"""What has come of a cell so far, and what the end of its answer means."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from ...records import Ended, RichResult, TestRun
from .losses import LostError

STDERR_CHARS = 16 << 10
RICH_CHARS = 16 << 20
"""Of everything that a cell shows: plots are some 100 KiB each."""
_FORMATS = ("text", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript", "data")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_DEAD_KERNEL = "ContextRestarting"
_SERVER_ERRORS = (_DEAD_KERNEL, "WebSocketError", "UnexpectedEndOfExecution", "ExecutionAborted")
"""Names of errors that the server makes up; the same names without its blank traceback are a program's own."""


class Heard:
    """What has come of a cell, within bounds."""

    def __init__(self, first_mark: str, mark: str, *, output_chars: int) -> None:
        self.results: list[RichResult] = []
        self.flooded = asyncio.Event()
        self.has_begun = self.is_complete = False
        self._first_mark, self._mark = first_mark, mark
        self._stdout: list[str] = []
        self._stderr: list[str] = []
        self._chars_left = output_chars
        self._rich_left = RICH_CHARS

    def take_stdout(self, message: Any) -> None:
        """Keep a chunk, which need not be a line; called by the SDK, so it must not raise."""
        self._take(self._stdout, getattr(message, "line", ""))

    def take_stderr(self, message: Any) -> None:
        """Keep a chunk of the other stream."""
        self._take(self._stderr, getattr(message, "line", ""))

    def _take(self, kept: list[str], text: object) -> None:
        if not isinstance(text, str) or self.flooded.is_set():
            return
        kept.append(text[: max(self._chars_left, 0)])
        self._chars_left -= len(text)
        if self._chars_left < 0:
            self.flooded.set()

    def show(self, result: Any) -> None:
        """Keep what was shown, and see the marks that say that the cell has begun and that it is over."""
        rich = _rich(result)
        if ("text", self._mark) in rich.data:
            self.is_complete = True
            return
        if ("text", self._first_mark) in rich.data:
            self.has_begun = True
            return
        self._rich_left -= sum(len(content) for _, content in rich.data)
        if self._rich_left < 0:
            self.flooded.set()
        elif not self.flooded.is_set():
            self.results.append(rich)

    def run(self, ended: Ended, wall_s: float, *, stderr: str = "") -> TestRun:
        """Return the run of the cell."""
        return TestRun(
            ended,
            stdout="".join(self._stdout),
            stderr=("".join(self._stderr) + stderr)[-STDERR_CHARS:],
            wall_s=wall_s,
            results=tuple(self.results),
        )

    def end(self, execution: Any, took_s: float) -> TestRun:
        """Return the run of a cell whose answer has come to its end; raises `LostError` where the cell has not."""
        error = getattr(execution, "error", None)
        if error is None and self.is_complete:
            return self.run(Ended.RETURNED, took_s)
        if error is None:
            raise LostError("the answer to a cell ended before the cell did", cause="cut off")
        name, traceback = str(error.name), str(error.traceback or "")
        text = COLOURS.sub("", traceback).strip() or f"{name}: {error.value}"
        if self.is_complete:
            return self.run(Ended.RAISED, took_s, stderr=text)
        if name == _DEAD_KERNEL:
            end = self.run(Ended.SIGNALLED, took_s, stderr="the program ended the process of its notebook")
            raise LostError(f"the kernel has died ({error.value})", cause="kernel", end=end)
        if name in _SERVER_ERRORS:
            raise LostError(f"the interpreter failed: {text[:500]}", cause="interpreter")
        raise LostError("the answer to a cell ended behind its error", cause="cut off")


def _rich(result: Any) -> RichResult:
    """Return what was shown, as texts: whatever else is in there came as JSON."""
    found = []
    for name in _FORMATS:
        content = getattr(result, name, None)
        if content is not None:
            found.append((name, content if isinstance(content, str) else json.dumps(content, default=str)))
    return RichResult(tuple(found), is_main=getattr(result, "is_main_result", False) is True)
