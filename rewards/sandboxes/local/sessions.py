"""Sessions: interpreters that keep their state from cell to cell, each with a zygote and a scratch directory alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from ...errors import ConfigurationError, DatasetError
from ...records import CellStep, Ended, File, Limits, SandboxFailure, TestRun
from ..runner.encoding import TooLarge
from ..runner.notebook import read_cell
from ..runner.session import FOUND, pack_cell, pack_read
from .beside import beside_the_loop
from .calling import ANSWERED, LARGE_BYTES
from .cells import CellOutputs, check_files
from .outcomes import Sizes
from .session_child import BEFORE, SessionChild
from .worker import Worker, WorkerDiedError

T = TypeVar("T")
CLOSED = SandboxFailure("closed", "the session was closed", retryable=False)
OUT_OF_CPU_TIME = TestRun(Ended.CPU_LIMIT, stderr="the session has used up its CPU time")
ALIVE = TestRun(Ended.RETURNED)


class Zygotes(Protocol):
    """Where sessions get their zygotes from, and give them back to."""

    turns: asyncio.Semaphore
    """The places of the sandbox, of which one is held while a cell runs."""

    async def take(self, limits: Limits) -> Worker:
        """Return one that nobody else uses; raises `WorkerDiedError`."""

    async def give_back(self, worker: Worker) -> None:
        """Take one back whose child is gone."""

    async def drop(self, worker: Worker) -> None:
        """End one that is in doubt."""


class LocalSession:
    """An interpreter in the local sandbox; the contract is that of `Session`."""

    has_shell = False

    def __init__(self, worker: Worker, limits: Limits, zygotes: Zygotes) -> None:
        """Made by `LocalSandbox.open_session`."""
        self._worker: Worker | None = worker
        self._limits, self._zygotes, self._left_s = limits, zygotes, limits.job_cpu_s
        self._child: SessionChild | None = None
        self._lost: TestRun | None = None
        """The end of an interpreter that nobody has been told of."""
        self._one_by_one = asyncio.Lock()
        self._stopping: asyncio.Task[None] | None = None
        self._closed = False

    async def run(self, cell: CellStep) -> TestRun | SandboxFailure:
        """Run *cell*; raises `ConfigurationError` for files that the disk limit has no room for."""
        check_files(self._limits, [cell])
        try:
            request = pack_cell(cell.source, [(file.path, file.content) for file in cell.files])
        except TooLarge as size:
            return SandboxFailure("unsupported", f"a cell of more than {size} bytes", retryable=False)
        lost, self._lost = self._lost, None
        return await self._ask(request, self._run_of) if lost is None else lost

    async def shell(self, command: str) -> TestRun | SandboxFailure:
        """Raise `ConfigurationError`: a confined process starts no other programs."""
        raise ConfigurationError("sessions of the local sandbox have no shell: use cells, or E2B")

    async def read(self, path: str, *, limit_bytes: int) -> bytes | SandboxFailure | None:
        """Have the interpreter's own process read a file: the content is the program's word in any case."""
        try:
            request = pack_read(File(path, b"").path, limit_bytes)
        except (DatasetError, TooLarge):
            return None
        if self._child is None and not self._closed:
            return None  # no cell has run, or the files went with the interpreter
        answer = await self._ask(request, _content)
        if isinstance(answer, TestRun):
            self._lost = None if self._child else replace(answer, stderr=f"{answer.stderr}\n{BEFORE}".strip())
            return None
        return answer

    async def _ask(self, request: bytes, read: Callable[[bytes], Awaitable[T]]) -> T | TestRun | SandboxFailure:
        """Return what *read* makes of the answer, or the run in which the interpreter has ended."""
        async with self._one_by_one:
            if self._stopping is not None:
                await self._stopping
            turns = self._zygotes.turns
            await turns.acquire()
            try:
                answer = await self._answer(request, read)
            except (WorkerDiedError, OSError) as error:
                await self._lose_worker()
                turns.release()
                return CLOSED if self._closed else SandboxFailure(getattr(error, "kind", "transport"), str(error))
            except BaseException:
                self._stopping = asyncio.create_task(self._stop(turns))
                raise
            turns.release()
            return answer

    async def _answer(self, request: bytes, read: Callable[[bytes], Awaitable[T]]) -> T | TestRun | SandboxFailure:
        if self._closed:
            return CLOSED
        if self._left_s <= 0:
            return OUT_OF_CPU_TIME
        if self._worker is None:
            self._worker = await self._zygotes.take(self._limits)
        if self._child is None:
            self._child = SessionChild(self._worker, self._limits, left_s=self._left_s)
        began = asyncio.get_running_loop().time()
        frame = await self._child.ask(request)
        answer = frame if isinstance(frame, TestRun) else await read(frame)
        if isinstance(answer, TestRun):  # by our clock: whoever waits sums it up, and the program would say 0
            answer = replace(answer, wall_s=asyncio.get_running_loop().time() - began)
        if isinstance(answer, TestRun) and answer.ended not in ANSWERED:
            await self._end_child()
        else:
            self._worker.files.empty()
        return CLOSED if self._closed else answer

    async def _run_of(self, frame: bytes) -> TestRun:
        assert self._worker is not None
        assert self._child is not None
        reply = await beside_the_loop(read_cell, frame) if len(frame) > LARGE_BYTES else read_cell(frame)
        run = CellOutputs(self._worker, Sizes.of(self._limits), ALIVE).run_of(reply)
        if reply.kind == "malformed":  # what it says next would be no answer to what it is asked
            run = replace(run, ended=Ended.SIGNALLED)
        self._child.told_cpu_s += run.cpu_s
        return run

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            self._left_s -= (await child.end()).cpu_s

    async def _stop(self, turns: asyncio.Semaphore) -> None:
        """End what a cancelled call has left; its place is held until then."""
        try:
            await self._end_child()
        except WorkerDiedError:
            await self._lose_worker()
        finally:
            self._stopping = None
            turns.release()

    async def _lose_worker(self) -> None:
        worker, self._worker = self._worker, None
        if self._child is not None:
            with contextlib.suppress(WorkerDiedError):
                await self._end_child()
        if worker is not None:
            await self._zygotes.drop(worker)

    async def close(self) -> None:
        """End the interpreter; its zygote is kept for another session."""
        self._closed = True
        if self._worker is not None and self._child is not None:
            self._worker.kill_program()
        async with self._one_by_one:
            if self._stopping is not None:
                await self._stopping
            try:
                await self._end_child()
            except WorkerDiedError:
                await self._lose_worker()
            worker, self._worker = self._worker, None
            if worker is not None:
                await self._zygotes.give_back(worker)


async def _content(frame: bytes) -> bytes | None:
    return frame[len(FOUND) :] if frame.startswith(FOUND) else None
