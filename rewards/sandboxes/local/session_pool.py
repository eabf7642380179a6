"""The zygotes of sessions, kept when a session has ended: starting one takes a thousand times as long as a fork."""

from __future__ import annotations

import asyncio
import weakref

from ...records import Limits, SandboxFailure
from ..runner.handshake import Kind
from .launch import Launcher
from .sessions import CLOSED, LocalSession
from .worker import Worker, WorkerDiedError


class SessionPool:
    """All sessions of a sandbox, and the zygotes that they use or have used: as many as were open at once."""

    def __init__(self, launcher: Launcher) -> None:
        """Sessions wait for places of `turns`, which belongs to an event loop and is set when that is known."""
        self.turns = asyncio.Semaphore(1)
        self._launcher = launcher
        self._all: set[Worker] = set()
        self._idle: list[Worker] = []
        self._sessions: weakref.WeakSet[LocalSession] = weakref.WeakSet()
        """Thousands are opened and closed in a run: those that are gone are not kept."""
        self._starting: set[asyncio.Future[None]] = set()
        self._closed = False

    async def open(self, limits: Limits) -> LocalSession | SandboxFailure:
        """Return a session with a zygote that is ready; starting one takes a place, as a program does."""
        try:
            worker = await self._kept(limits)
            if worker is None:
                async with self.turns:
                    worker = await self.take(limits)
        except (WorkerDiedError, OSError) as error:
            return CLOSED if self._closed else SandboxFailure("start", str(error))
        session = LocalSession(worker, limits, self)
        self._sessions.add(session)
        return session

    async def take(self, limits: Limits) -> Worker:
        """Return a zygote that nobody else uses; raises `WorkerDiedError`."""
        kept = await self._kept(limits)
        if kept is not None:
            return kept
        started = asyncio.get_running_loop().create_future()
        self._starting.add(started)  # `close` waits for it
        try:
            self._refuse_when_closed()
            worker = await self._launcher.start_worker(Kind.SESSIONS)
            if self._closed:
                await worker.close()
            self._refuse_when_closed()
        finally:
            self._starting.discard(started)
            started.set_result(None)
        self._all.add(worker)
        return worker

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise WorkerDiedError("the sandbox was closed")

    async def _kept(self, limits: Limits) -> Worker | None:
        self._launcher.make_room(limits)
        while self._idle:
            worker = self._idle.pop()
            if self._launcher.fits(limits, worker):
                return worker
            await self.drop(worker)
        return None

    async def give_back(self, worker: Worker) -> None:
        """Keep a zygote whose child is gone."""
        if self._closed or worker not in self._all:
            await self.drop(worker)
        else:
            self._idle.append(worker)

    async def drop(self, worker: Worker) -> None:
        """End a zygote."""
        self._all.discard(worker)
        await worker.close()

    async def close(self) -> None:
        """End all sessions and all zygotes."""
        self._closed = True
        ending = [session.close() for session in list(self._sessions)]
        await asyncio.gather(*ending, *self._starting, return_exceptions=True)
        workers, self._all, self._idle = self._all, set(), []
        await asyncio.gather(*(worker.close() for worker in workers))

    def close_now(self) -> None:
        """End all zygotes from outside their event loop."""
        for worker in self._all:
            worker.close_now()

    def abandon(self) -> None:
        """Let go of all zygotes in a fork of the process that started them."""
        for worker in self._all:
            worker.abandon()
        self._all.clear()
