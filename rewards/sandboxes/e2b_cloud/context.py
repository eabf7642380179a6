"""One context of a sandbox's code interpreter, into which cells go one after the other.

How much CPU time a cell used is not known: the wall limit decides, and limits of memory and disk are the sandbox's.
After a time-out the kernel is not asked again: for a while it drops cells and says nothing (the server's abort bug), so
the sandbox goes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from ...errors import ConfigurationError
from ...records import CellStep, Ended, TestRun
from .clocks import SLACK_S, OverdueError, within
from .faults import classify
from .heard import Heard
from .losses import LostError
from .machine import Machine
from .notebook import Progress, first_mark_of, hooks, mark_of, read_progress

OPEN_WAIT_S = 20.0
HOME = "/home/user"
"""Where the interpreter's contexts begin."""
BACKSTOP_S = 30.0
HOOK_CHARS = 1 << 16
REFUSED_FILES = ("request", "space")
"""Kinds of faults by which the service says that a file cannot lie where it is to lie."""


class CellContext:
    """A kernel and its directory, in a sandbox that nobody else is in."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._mark = f"code-rewards-{secrets.token_hex(8)}"
        self._file = f".{self._mark}"
        self._context: Any = None
        self._sent = 0

    async def open(self) -> None:
        """Make it; raises `LostError`, or what `classify` knows, where that does not work in this sandbox."""
        sandbox = self.machine.sandbox
        if not hasattr(sandbox, "run_code"):
            raise ConfigurationError(
                "e2b: cells are run by run_code, which this SDK or backend lacks: pip install e2b-code-interpreter"
            )
        opening = sandbox.create_code_context(language="python", request_timeout=OPEN_WAIT_S)
        self._context = await within(OPEN_WAIT_S + SLACK_S, opening, "making a context for cells")
        try:
            wait_s = self.machine.silence_s
            run = await self.run(hooks(self._mark, self._file), output_chars=HOOK_CHARS, wall_s=wait_s)
        except LostError as lost:
            raise LostError(f"the notebook's hooks could not be set: {lost}", cause="hooks", guilty=False) from None
        if run.ended is not Ended.RETURNED:
            raise LostError(f"the notebook's hooks could not be set: {run.stderr}", cause="hooks", guilty=False)

    def leave(self) -> None:
        """Have its kernel ended, and wait for nothing."""
        removal = getattr(self.machine.sandbox, "remove_code_context", None)
        if self._context is not None and removal is not None:
            self.machine.do_aside(removal(self._context))

    async def place(self, cell: CellStep, *, ran_before: bool) -> TestRun | None:
        """Write the files of *cell*; return the run of a cell whose files the program has left no place for."""
        for file in cell.files:
            try:
                await self.machine.upload(f"{HOME}/{file.path}", file.content)
            except Exception as error:
                fault = classify(error, during="run")
                if fault is None or fault.kind not in REFUSED_FILES or not ran_before:
                    raise
                return TestRun(Ended.RAISED, stderr=f"{file.path} could not be put in place: {fault.detail}")
        return None

    async def run(self, source: str, *, output_chars: int, wall_s: float) -> TestRun:
        """Run a cell; raises `LostError`, or what `classify` knows, where its end cannot be told."""
        if not source.strip():
            return TestRun(Ended.RETURNED)  # for a blank cell IPython does nothing, and leaves out the hooks
        number, self._sent = self._sent, self._sent + 1
        heard = Heard(first_mark_of(self._mark, number), mark_of(self._mark, number), output_chars=output_chars)
        began_s = time.monotonic()
        self.machine.count_round_trip()
        # The service's own clock is no help: in some versions it fires at twice the time, in others never.
        asked = self.machine.sandbox.run_code(
            source,
            context=self._context,
            timeout=wall_s + BACKSTOP_S,
            on_stdout=heard.take_stdout,
            on_stderr=heard.take_stderr,
            on_result=heard.show,
        )
        running, flooded = asyncio.ensure_future(asked), asyncio.ensure_future(heard.flooded.wait())
        # It may fail while it is being cancelled, when nobody is left to hear of it.
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait({running, flooded}, timeout=wall_s, return_when=asyncio.FIRST_COMPLETED)
            took_s = time.monotonic() - began_s
            if heard.flooded.is_set():
                return heard.run(Ended.OUTPUT_LIMIT, took_s)
            if not running.done():
                return await self._overdue(heard, number, took_s=took_s)
            return heard.end(running.result(), took_s)
        except Exception as error:
            fault = classify(error, during="run")
            self._sent -= fault is not None and fault.is_refusal  # the kernel has not heard of it, and counts on
            raise
        finally:
            flooded.cancel()
            running.cancel()

    async def _overdue(self, heard: Heard, number: int, *, took_s: float) -> TestRun:
        """Tell a cell that takes too long from a stream that has silently died."""
        end = heard.run(Ended.WALL_LIMIT, took_s)
        try:
            progress = read_progress(await self.machine.download(f"{HOME}/{self._file}"), number)
        except Exception as error:
            if classify(error, during="run") is None and not isinstance(error, OverdueError | AttributeError):
                raise
            raise LostError(
                "a cell took too long, and its kernel could not be asked why", cause="clock", end=end
            ) from None
        if progress is not Progress.BEGAN:
            raise LostError("a cell was not answered, which its kernel was not working on", cause="unanswered", end=end)
        if not heard.has_begun:
            raise LostError("a cell was under way, and not a word of it was heard", cause="unheard", end=end)
        return end
