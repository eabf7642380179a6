"""Sessions: an interpreter each, in a sandbox that it has to itself from the first call to the last.

Cells are root in their sandbox. So whatever ends a session's interpreter may be the program's own doing, and one that
could have itself left unjudged by that would have found an exit that a policy can learn. What the service says of the
program itself (its kernel died, it takes too long, it prints too much) is the program's end. Anything else that happens
after something of the program's has run is looked into: all that the interpreter has run is run again, as a job of
cells, and where that takes sandbox after sandbox down (`blame`) it was the program, too. What is left to it is what
that cannot show: to end its sandbox by a clock of its own, while nothing runs; by chance; after more than a minute; or
by a server of its own that refuses everything in the service's name. Such an end is a failure, and as rare as it is
laborious.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...errors import ConfigurationError
from ...records import CellStep, Ended, Job, Limits, Program, SandboxFailure, TestRun
from .attempts import pause
from .context import HOME
from .faults import classify
from .lease import Lease, StoppedError, unless
from .leasing import lease_from
from .losses import loss_of
from .opened import OpenPool
from .options import E2BOptions
from .placing import PROBE, place_files
from .sendable import cannot_start, refuse_cell, refuse_command
from .shell import read_file, run_command
from .tickets import CLOSED, Lost

T = TypeVar("T")
LIVES_ON = (Ended.RETURNED, Ended.RAISED)
OUT_OF_PATIENCE = TestRun(Ended.WALL_LIMIT, stderr="the session's other cells had taken its time")
BLAME_S = 300.0
"""How long it is looked into who has ended an interpreter."""
NO_SHELL = "e2b: sandboxes of this backend have no commands, by which a shell is run and files are read"
REFUSED = "rate"
"""The cause of a loss that is none: the same sandbox may be asked again."""
LEFT_NO_PLACE = ("request", "missing")
"""Kinds of faults by which the service says that a command cannot run where others did before."""
SHELL = ("/bin/bash", "-l", "-c")
_PROBE = CellStep("", (PROBE,))
"""Shows whether files can still be brought: nothing of a sandbox without its daemon can be read."""


class E2BSession:
    """One interpreter after the other, each in a sandbox of its own."""

    def __init__(self, pool: OpenPool, options: E2BOptions, limits: Limits) -> None:
        self._pool, self._options, self._limits = pool, options, limits
        self._lease: Lease | None = None
        self._history: list[CellStep] = []
        """What the interpreter has run, by which it can be told who ended it."""
        self._left_s = limits.job_idle_limit_s
        self._is_under_way = False
        """What is to be run next was sent, and may have begun."""
        self._turn = asyncio.Lock()
        self._closed = asyncio.Event()
        self.has_shell = True

    async def begin(self) -> SandboxFailure | None:
        """Open the first interpreter; return why there is none."""
        failure = await self._open()
        if self._lease is not None:
            self.has_shell = hasattr(self._lease.machine.sandbox, "commands")
        return failure

    async def run(self, cell: CellStep) -> TestRun | SandboxFailure:
        """Run *cell*; the contract is that of `Session.run`."""
        return await self._unless_closed(lambda: self._run(cell))

    async def shell(self, command: str) -> TestRun | SandboxFailure:
        """Run *command* in the interpreter's directory; one that is stopped leaves the interpreter as it is.

        Raises `ConfigurationError` where the backend runs no commands.
        """
        if not self.has_shell:
            raise ConfigurationError(NO_SHELL)
        return await self._unless_closed(lambda: self._shell(command))

    async def read(self, path: str, *, limit_bytes: int) -> bytes | SandboxFailure | None:
        """Return the first bytes of a file; None for a path that is absolute or leads upwards, too."""
        if not self.has_shell:
            return SandboxFailure("unsupported", NO_SHELL, retryable=False)
        return await self._unless_closed(lambda: self._read(path, limit_bytes))

    async def close(self) -> None:
        """Give the sandbox back; a call that is under way is answered with a failure."""
        self._closed.set()
        self._drop()

    async def _unless_closed(self, call: Callable[[], Awaitable[T]]) -> T | SandboxFailure:
        async def in_turn() -> T:
            async with self._turn:
                return await call()

        try:
            return await unless(self._closed, in_turn)
        except StoppedError:
            return CLOSED

    @property
    def _wall_s(self) -> float:
        return min(self._limits.wall_limit_s, self._left_s)

    async def _run(self, cell: CellStep) -> TestRun | SandboxFailure:
        async def run(lease: Lease) -> TestRun:
            lease.is_used = True
            if (refused := await place_files(lease.machine, cell.files)) is not None:
                return refused
            self._is_under_way = True
            chars = self._limits.output_kb * 1024
            return await lease.context.run(cell.source, output_chars=chars, wall_s=self._wall_s)

        seen = refuse_cell(cell) or await self._use(run, cell)
        if isinstance(seen, TestRun) and seen.ended not in LIVES_ON:
            self._drop(f"a cell ended by {seen.ended.value}")
        return seen

    async def _shell(self, command: str) -> TestRun | SandboxFailure:
        async def run(lease: Lease) -> TestRun:
            lease.is_used = self._is_under_way = True
            chars = self._limits.output_kb * 1024
            try:
                return await run_command(lease.machine, command, output_chars=chars, wall_s=self._wall_s)
            except Exception as error:
                fault = classify(error, during="run")
                if fault is None or fault.kind not in LEFT_NO_PLACE or not self._history:
                    raise
                return cannot_start(fault.detail)  # such as for want of the directory, which the program had

        return refuse_command(command) or await self._use(run, _as_cell(command))

    async def _read(self, path: str, limit_bytes: int) -> bytes | SandboxFailure | None:
        if self._lease is None:
            return None  # its files have gone with the interpreter
        failures = 0
        while True:
            found = await self._tried(lambda lease: read_file(lease.machine, path, limit_bytes=limit_bytes))
            if not isinstance(found, Lost):
                return found
            if found.cause in LEFT_NO_PLACE and self._history:
                return None
            failures += 1
            if found.cause in ("gone", "dead") or failures > self._options.retries:
                end = await self._end_of(found, self._history)
                return None if isinstance(end, TestRun) else end
            await pause(failures)  # nothing is changed by reading twice

    async def _use(self, run: Callable[[Lease], Awaitable[TestRun]], step: CellStep) -> TestRun | SandboxFailure:
        """Run something of the program's; again only where it certainly has not begun, and nothing is lost by it."""
        failures = 0
        while True:
            if self._left_s <= 0:
                self._drop("its time is up")
                return OUT_OF_PATIENCE
            if (failure := await self._open()) is not None:
                return failure
            self._is_under_way = False
            seen = await self._tried(run)
            if isinstance(seen, SandboxFailure):
                return seen
            if isinstance(seen, TestRun):
                self._left_s -= seen.wall_s
                self._history += [step] if self._is_under_way else []
                return seen
            failures += 1
            has_begun = self._is_under_way and seen.may_be_guilty
            if has_begun or failures > self._options.retries or (self._history and seen.cause != REFUSED):
                steps = [*self._history, step] if has_begun or self._history else []
                return await self._end_of(seen, steps)
            if seen.cause != REFUSED:
                self._drop(seen.detail)
            self._pool.ledger.retries += 1
            await pause(failures)

    async def _tried(self, call: Callable[[Lease], Awaitable[T]]) -> T | Lost | SandboxFailure:
        """Make a call for as long as there is a lease; raises what is no matter of this session's luck."""
        lease = self._lease
        assert lease is not None, "only an open session is called"
        try:
            return await unless(lease.over, lambda: call(lease))
        except StoppedError:
            return lease.stopped()
        except asyncio.CancelledError:
            self._drop("a call was cancelled")
            raise
        except Exception as error:
            loss = loss_of(error)
            if loss is None:
                self._drop("a call failed in an unexpected way")
                raise
            return loss

    async def _end_of(self, loss: Lost, steps: list[CellStep]) -> TestRun | SandboxFailure:
        """Give up the interpreter, and say whether it was the program that ended it, by running *steps* again."""
        self._drop(loss.detail)
        if loss.cause == "kernel":
            return loss.end
        if steps and loss.may_be_guilty and not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BLAME_S):
                    end = await self._pool.attempts.blamed_end(_as_job(steps, self._limits))
                    if end is not None:
                        return end
        return SandboxFailure(loss.kind, loss.detail, retryable=False)

    async def _open(self) -> SandboxFailure | None:
        """Have an interpreter; one that has run something and is over stays, for the next call to find out."""
        if self._lease is not None and (self._history or not self._lease.over.is_set()):
            return None
        self._drop()
        failures = 0
        while True:
            lease = await lease_from(self._pool.dispatcher)
            if isinstance(lease, Lease):
                self._lease = lease
                return None
            if isinstance(lease, SandboxFailure):
                return lease
            failures += 1
            if failures > self._options.retries:
                detail = f"{lease.detail} (the last of {failures} sandboxes that were tried)"
                return SandboxFailure(lease.kind, detail, retryable=False)
            self._pool.ledger.retries += 1
            await pause(failures)

    def _drop(self, doubt: str = "") -> None:
        """Let the interpreter go, if there is one."""
        lease, self._lease, self._history = self._lease, None, []
        if lease is not None:
            lease.end(doubt)


def _as_job(steps: list[CellStep], limits: Limits) -> Job:
    """Return a job that does it all again; its first cell tells it from those of others."""
    digest = hashlib.sha256(repr(steps).encode("utf-8", "surrogatepass")).hexdigest()
    return Job(Program(f"pass  # {digest}"), (*steps, _PROBE), limits)


def _as_cell(command: str) -> CellStep:
    arguments = f"[{SHELL[0]!r}, *{SHELL[1:]!r}, {command!r}], cwd={HOME!r}"
    return CellStep(f"import subprocess\nsubprocess.run({arguments}, stdout=-3, stderr=-3)\n")
