"""The warm local sandbox: a pool of slots, each a confined process that forks a fresh child for every program.

What it protects against, and what it does not, depends on the level that this machine allows and is what `describe()`
returns. At every level the kernel is shared: a program that can exploit an error in it through the calls that are left
gets out. Where that matters, run jobs in a virtual machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...records import CellStep, Job, JobResult, Limits, Program, SandboxFailure, TestRun
from ..base import KeepGoing, SandboxDescription, has_cells
from ..runner.encoding import TooLarge
from .capacity import default_slots
from .commands import reason_against
from .launch import Launcher, probe_level
from .levels import gaps, protections
from .options import check_slots, read_options
from .session_pool import SessionPool
from .sessions import LocalSession
from .slot import Slot
from .tools import languages_here
from .worker import WorkerDiedError

CLOSED = SandboxFailure("closed", "the sandbox was closed", retryable=False)


class _ClosedMeanwhileError(Exception):
    """The sandbox was closed while a slot was being started or waited for."""


class LocalSandbox:
    """Runs programs on this machine, confined by the kernel. Used from one event loop at a time.

    Python is run by the interpreter of this process; other languages by the tools that are installed for all users of
    the machine, at level A only.

    `slots` programs run at once; unset, one more than this rank's share of the usable cores. `level` is `A`
    (namespaces), `B` (Landlock and seccomp) or `auto`, the best that works here; `SandboxUnavailable` where none does,
    unless `allow_unprotected`. `preload` names modules that are imported once, before any program runs;
    `site_packages` lists directories that programs may import from (True: those of this interpreter). `environment` is
    all that programs find there beside a few fixed values. Cells of notebooks run where IPython is installed for this
    interpreter (`pip install 'code-rewards[notebook]'`), and may import whatever is.

    Options with an underscore are for tests.
    """

    name = "local"
    session_capacity = None
    sessions_have_shell = False

    def __init__(
        self,
        *,
        slots: int | None = None,
        level: str = "auto",
        allow_unprotected: bool = False,
        preload: Sequence[str] = (),
        site_packages: Sequence[str | Path] | bool = (),
        environment: Mapping[str, str] | None = None,
        _landlock_abi: int | None = None,
        _own_uid: bool = True,
    ) -> None:
        check_slots(slots)
        self._slots = slots
        self._options = read_options(
            level=level,
            allow_unprotected=allow_unprotected,
            preload=preload,
            site_packages=site_packages,
            environment=environment,
            landlock_abi=_landlock_abi,
            own_uid=_own_uid,
        )
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._launcher = Launcher(self._options)
        self._all: set[Slot] = set()
        self._idle: list[Slot] = []
        self._turns = asyncio.Semaphore(1)
        self._sessions = SessionPool(self._launcher)
        self._starting = asyncio.Lock()
        self._launching: set[asyncio.Future[None]] = set()
        self._recovering: set[asyncio.Task[None]] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Return the options alone: a copy starts slots of its own."""
        return {"slots": self._slots, "options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._slots, self._options, self._closed = state["slots"], state["options"], False
        self._forget()

    @property
    def capacity(self) -> int:
        """Return how many programs run at once."""
        if self._slots is None:
            self._slots = default_slots()
        return self._slots

    @property
    def languages(self) -> frozenset[str]:
        """Return Python and what this machine has the tools for; the others need level A."""
        return languages_here()

    @property
    def holds_other_languages(self) -> bool:
        """Whether the level here, which must be known, is enough for programs that are not Python."""
        strategy = self._launcher.strategy
        return strategy is not None and strategy.level == "A" and self._launcher.greeting.counts_processes

    async def start(self) -> None:
        """Start the first slot, which shows what this machine allows; the others follow when they are needed."""
        self._enter_loop()
        async with self._starting:
            if self._launcher.strategy is None and not self._closed:
                with contextlib.suppress(_ClosedMeanwhileError):
                    self._idle.append(await self._new_slot())

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():  # a fork of the process that started the slots: they are the parent's
            self._abandon()
            self._forget()
        elif self._loop is not None and self._loop is not loop:
            if not self._loop.is_closed():
                raise ConfigurationError("this LocalSandbox is in use by another event loop, which still runs")
            for slot in self._all:
                slot.close_now()
            self._sessions.close_now()
            self._forget()
        if self._loop is None:
            self._loop = loop
            self._turns = self._sessions.turns = asyncio.Semaphore(self.capacity)

    def _abandon(self) -> None:
        for slot in self._all:
            slot.abandon()
        self._sessions.abandon()
        self._all.clear()

    async def _new_slot(self) -> Slot:
        started = asyncio.get_running_loop().create_future()
        self._launching.add(started)  # `close` waits for it
        try:
            slot = await self._launcher.start_slot()
            if self._closed:
                await slot.close()
                raise _ClosedMeanwhileError
        finally:
            self._launching.discard(started)
            started.set_result(None)
        self._all.add(slot)
        return slot

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        """Run *job* when a slot is free; the contract is that of `Sandbox.run`."""
        if self._closed:
            return CLOSED
        against = reason_against(job, self.languages)
        if against:
            return SandboxFailure("unsupported", against, retryable=False)
        has_cells(job)  # or a mixture, which is refused
        began = time.monotonic()
        await self.start()
        if self._closed:
            return CLOSED
        self._launcher.check(job)
        await self._turns.acquire()
        try:
            slot = await self._take_slot(job)
        except _ClosedMeanwhileError:
            self._turns.release()
            return CLOSED
        except (WorkerDiedError, OSError) as error:
            self._turns.release()
            return SandboxFailure("start", str(error))
        except BaseException:
            self._turns.release()
            raise
        return await self._run_in_slot(slot, job, keep_going, began)

    async def open_session(self, limits: Limits) -> LocalSession | SandboxFailure:
        """Return a fresh interpreter, which is IPython's; the contract is that of `Interactive`.

        Each takes 30 MB and 7 descriptors while it is open. Raises `ConfigurationError` without IPython.
        """
        if not self._closed:
            await self.start()
        if self._closed:
            return CLOSED
        self._launcher.check(Job(Program(""), (CellStep(""),), limits))
        return await self._sessions.open(limits)

    async def _take_slot(self, job: Job) -> Slot:
        if self._closed:
            raise _ClosedMeanwhileError
        slot = self._idle.pop() if self._idle else await self._new_slot()
        if not self._launcher.fits(job.limits, slot.programs):
            await self._drop(slot)
            slot = await self._new_slot()
        return slot

    async def _run_in_slot(
        self, slot: Slot, job: Job, keep_going: KeepGoing | None, began: float
    ) -> JobResult | SandboxFailure:
        started = time.monotonic()
        try:
            runs: tuple[TestRun, ...] | SandboxFailure = await slot.run(job, keep_going)
        except WorkerDiedError as error:
            try:
                await self._drop(slot)
            finally:
                self._turns.release()
            return CLOSED if self._closed else SandboxFailure(error.kind, str(error))
        except TooLarge as size:
            runs = SandboxFailure("unsupported", f"arguments of more than {size} bytes", retryable=False)
        except BaseException:
            self._recover(slot)
            raise
        self._idle.append(slot)
        self._turns.release()
        if isinstance(runs, SandboxFailure):
            return runs
        return JobResult(runs, self.name, queue_s=started - began, wall_s=time.monotonic() - started)

    async def _drop(self, slot: Slot) -> None:
        self._all.discard(slot)
        await slot.close()

    def _recover(self, slot: Slot) -> None:
        """Take a slot back once the program of a cancelled job is gone; its place in the queue is kept until then."""
        task = asyncio.get_running_loop().create_task(self._wait_until_idle(slot))
        self._recovering.add(task)
        task.add_done_callback(self._recovering.discard)

    async def _wait_until_idle(self, slot: Slot) -> None:
        try:
            await slot.idle()
            self._idle.append(slot)
        except WorkerDiedError:
            await self._drop(slot)
        finally:
            self._turns.release()

    def describe(self) -> SandboxDescription:
        """Say what holds here; starts a slot for a moment when none was started yet."""
        if self._launcher.strategy is None:
            with ThreadPoolExecutor(max_workers=1) as thread:
                thread.submit(probe_level, self._launcher).result()
        strategy, greeting = self._launcher.strategy, self._launcher.greeting
        assert strategy is not None
        return SandboxDescription(
            self.name, strategy.name, protections(strategy, greeting), gaps(strategy, greeting), self.capacity
        )

    def usage(self) -> dict[str, float]:
        """Return nothing: it costs nothing."""
        return {}

    async def close(self) -> None:
        """End every slot and what runs in it."""
        self._closed = True
        if self._pid != os.getpid():
            self._abandon()
            return
        await asyncio.gather(self._sessions.close(), self._close_slots())

    async def _close_slots(self) -> None:
        await asyncio.gather(*self._recovering, *self._launching, return_exceptions=True)
        slots, self._all, self._idle = self._all, set(), []
        await asyncio.gather(*(slot.close() for slot in slots))
