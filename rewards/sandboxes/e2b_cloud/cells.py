"""Jobs of cells, run by the code interpreter in a context of their own.

There is no wall between the cells of a job and the rest of their sandbox: the kernel is root in there. So a sandbox
runs the cells of one job (`cell_jobs_per_sandbox`; more of them could see and change each other's) and no trip after
it. How much CPU time a cell used is not known: the wall limit decides, and limits of memory and disk are the
sandbox's. After a time-out the kernel is not asked again: for a while it drops cells and says nothing (the server's
abort bug), so the sandbox goes.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from dataclasses import replace
from typing import Any

from ...errors import ConfigurationError
from ...records import CellStep, Ended, Job, JobResult, RichResult, TestRun
from ..base import cells_of
from .clocks import SLACK_S, OverdueError, within
from .faults import classify
from .machine import Machine
from .notebook import Progress, first_mark_of, hooks, mark_of, read_progress
from .tickets import KILLED, Lost, Ticket

CONTEXT_WAIT_S = 20.0
HOME = "/home/user"
"""Where the interpreter's contexts begin."""
BACKSTOP_S = 30.0
STDERR_CHARS = 16 << 10
RICH_CHARS = 16 << 20
"""Of everything that the cells of a job show: plots are some 100 KiB each."""
_FORMATS = ("text", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript", "data")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
REFUSED_FILES = ("request", "space")
"""Kinds of faults by which the service says that a file cannot lie where it is to lie."""
_DEAD_KERNEL = "ContextRestarting"
_SERVER_ERRORS = (_DEAD_KERNEL, "WebSocketError", "UnexpectedEndOfExecution", "ExecutionAborted")
"""Names of errors that the server makes up; the same names without its blank traceback are a program's own."""
OUT_OF_PATIENCE = TestRun(Ended.WALL_LIMIT, stderr="the job's other cells had taken its time")


class _LostError(Exception):
    """Something happened to the sandbox."""

    def __init__(self, detail: str, *, cause: str, end: TestRun = KILLED, guilty: bool = True) -> None:
        super().__init__(detail)
        self.loss = Lost("died", detail, cause=cause, may_be_guilty=guilty, end=end)


class Cells:
    """One job's cells on their way through a sandbox that nobody else is in."""

    def __init__(self, machine: Machine, ticket: Ticket) -> None:
        self.machine = machine
        self.tickets = (ticket,)
        self.doubt = ""
        """Why the sandbox is not to be used again, if it is not."""
        self._mark = f"code-rewards-{secrets.token_hex(8)}"
        self._file = f".{self._mark}"
        self._context: Any = None
        self._number = -1
        self._began_s: float | None = None
        self._loss = Lost("", "")

    async def run(self) -> None:
        """Run the job and settle its ticket."""
        try:
            await self._open()
            self._began_s = time.monotonic()
            runs = await self._run_job(self.tickets[0].job)
        except _LostError as lost:
            self._lose(lost.loss)
        except Exception as error:
            fault = classify(error, during="run")
            if fault is None:
                raise
            detail = f"{fault.kind}: {fault.detail}"
            self._lose(Lost(fault.failure.kind, detail, cause=fault.kind, may_be_guilty=not fault.is_refusal))
        else:
            self.tickets[0].settle(JobResult(runs))

    def settle_lost(self) -> tuple[str, list[Ticket]]:
        """Report the job as lost if it is still open; return what happened, and the job if it was under way then."""
        if self.tickets[0].is_open:
            self._lose(Lost("died", self.doubt or "the cells came to no end"))
        return self._loss.cause, list(self.tickets) if self._loss.may_be_guilty else []

    def _lose(self, loss: Lost) -> None:
        self.doubt = self.doubt or loss.detail
        if self._began_s is None:
            self._loss = replace(loss, may_be_guilty=False)
        else:
            self._loss = replace(loss, lived_s=time.monotonic() - self._began_s)
        self.tickets[0].settle(self._loss)

    async def _open(self) -> None:
        sandbox = self.machine.sandbox
        if not hasattr(sandbox, "run_code"):
            raise ConfigurationError(
                "e2b: cells are run by run_code, which this SDK or backend lacks: pip install e2b-code-interpreter"
            )
        opening = sandbox.create_code_context(language="python", request_timeout=CONTEXT_WAIT_S)
        self._context = await within(CONTEXT_WAIT_S + SLACK_S, opening, "making a context for cells")
        try:
            wait_s = self.machine.silence_s
            run = await self._run_cell(hooks(self._mark, self._file), output_chars=1 << 16, wall_s=wait_s)
        except _LostError as lost:
            raise _LostError(f"the notebook's hooks could not be set: {lost}", cause="hooks", guilty=False) from None
        if run.ended is not Ended.RETURNED:
            raise _LostError(f"the notebook's hooks could not be set: {run.stderr}", cause="hooks", guilty=False)

    async def _run_job(self, job: Job) -> tuple[TestRun, ...]:
        cells = cells_of(job)
        limits, chars = job.limits, job.limits.output_kb * 1024
        runs: list[TestRun] = []
        left_s = limits.job_idle_limit_s
        for cell in cells:
            if left_s <= 0:
                runs.append(OUT_OF_PATIENCE)
                continue
            refused = await self._place(cell, ran_before=bool(runs))
            wall_s = min(limits.wall_limit_s, left_s)
            run = refused or await self._run_cell(cell.source, output_chars=chars, wall_s=wall_s)
            left_s -= run.wall_s
            runs.append(run)
            if run.ended not in (Ended.RETURNED, Ended.RAISED):
                self.doubt = f"a cell ended by {run.ended.value}"
            if self.doubt or (len(runs) == 1 and run.ended is Ended.RAISED):
                # The kernel is gone, or the program was never there: what comes after ends in the same way.
                echo = TestRun(run.ended, signal=run.signal, stderr=run.stderr)
                runs += [echo] * (len(cells) - len(runs))
                break
        return tuple(runs[1:])

    async def _place(self, cell: CellStep, *, ran_before: bool) -> TestRun | None:
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

    async def _run_cell(self, source: str, *, output_chars: int, wall_s: float) -> TestRun:
        if not source.strip():
            return TestRun(Ended.RETURNED)  # for a blank cell IPython does nothing, and leaves out the hooks
        self._number += 1
        marks = first_mark_of(self._mark, self._number), mark_of(self._mark, self._number)
        heard = _Heard(*marks, output_chars=output_chars)
        began_s = time.monotonic()
        self.machine.count_round_trip()
        # The service's own clock is no help: in some versions it fires at twice the time, in others never.
        asked = self.machine.sandbox.run_code(
            source,
            context=self._context,
            timeout=wall_s + BACKSTOP_S,
            on_stdout=lambda message: heard.take(heard.stdout, message),
            on_stderr=lambda message: heard.take(heard.stderr, message),
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
                return await self._overdue(heard, took_s)
            return _ended(running.result(), heard, took_s)
        finally:
            flooded.cancel()
            running.cancel()

    async def _overdue(self, heard: _Heard, took_s: float) -> TestRun:
        """Tell a cell that takes too long from a stream that has silently died."""
        end = heard.run(Ended.WALL_LIMIT, took_s)
        try:
            progress = read_progress(await self.machine.download(f"{HOME}/{self._file}"), self._number)
        except Exception as error:
            if classify(error, during="run") is None and not isinstance(error, OverdueError | AttributeError):
                raise
            raise _LostError(
                "a cell took too long, and its kernel could not be asked why", cause="clock", end=end
            ) from None
        if progress is not Progress.BEGAN:
            raise _LostError(
                "a cell was not answered, which its kernel was not working on", cause="unanswered", end=end
            )
        if not heard.has_begun:
            raise _LostError("a cell was under way, and not a word of it was heard", cause="unheard", end=end)
        return end


class _Heard:
    """What has come of a cell so far, within bounds."""

    def __init__(self, first_mark: str, mark: str, *, output_chars: int) -> None:
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self.results: list[RichResult] = []
        self.flooded = asyncio.Event()
        self.has_begun = self.is_complete = False
        self._first_mark, self._mark = first_mark, mark
        self._chars_left = output_chars
        self._rich_left = RICH_CHARS
        self._most = output_chars

    def take(self, kept: list[str], message: Any) -> None:
        """Keep a chunk, which need not be a line."""
        text = getattr(message, "line", "")
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
            stdout="".join(self.stdout),
            stderr=("".join(self.stderr) + stderr)[-STDERR_CHARS:],
            wall_s=wall_s,
            results=tuple(self.results),
        )


def _ended(execution: Any, heard: _Heard, took_s: float) -> TestRun:
    """Return the run of a cell whose answer has come to its end."""
    error = getattr(execution, "error", None)
    if error is None and heard.is_complete:
        return heard.run(Ended.RETURNED, took_s)
    if error is None:
        raise _LostError("the answer to a cell ended before the cell did", cause="cut off")
    name, traceback = str(error.name), str(error.traceback or "")
    text = COLOURS.sub("", traceback).strip() or f"{name}: {error.value}"
    if heard.is_complete:
        return heard.run(Ended.RAISED, took_s, stderr=text)
    if name == _DEAD_KERNEL:
        end = heard.run(Ended.SIGNALLED, took_s, stderr="the program ended the process of its notebook")
        raise _LostError(f"the kernel has died ({error.value})", cause="kernel", end=end)
    if name in _SERVER_ERRORS:
        raise _LostError(f"the interpreter failed: {text[:500]}", cause="interpreter")
    raise _LostError("the answer to a cell ended behind its error", cause="cut off")


def _rich(result: Any) -> RichResult:
    """Return what was shown, as texts: whatever else is in there came as JSON."""
    found = []
    for name in _FORMATS:
        content = getattr(result, name, None)
        if content is not None:
            found.append((name, content if isinstance(content, str) else json.dumps(content, default=str)))
    return RichResult(tuple(found), is_main=getattr(result, "is_main_result", False) is True)
