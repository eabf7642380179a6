"""A sandbox that somebody has to themselves until they give it back: the place of a session.

It comes out of the same fleet as those of jobs, and is counted, renewed and killed in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ...records import Job, Program, SandboxFailure
from .context import CellContext
from .losses import loss_of
from .machine import Machine
from .tickets import Lost, Place, Ticket

T = TypeVar("T")
_NO_JOB = Job(Program(""), ())


class StoppedError(Exception):
    """What a call was made for is over."""


@dataclass(eq=False)
class LeaseTicket(Ticket):
    """A session that waits for a sandbox; its report stays open until the session or its sandbox has come to an end."""

    job: Job = _NO_JOB
    granted: asyncio.Future[Lease] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def place(self) -> Place:
        """Return that it needs a sandbox of its own, for as long as it likes."""
        return Place.LEASE


class Lease:
    """A sandbox with an open context, from when it is found until it is given back."""

    def __init__(self, machine: Machine, ticket: LeaseTicket) -> None:
        self.machine = machine
        self.tickets: tuple[Ticket] = (ticket,)
        self.context = CellContext(machine)
        self.over = asyncio.Event()
        """It has ended: what still runs in there is of no use."""
        self.is_used = False
        """Something of the program's has run in there, or may have."""
        self.doubt = ""
        """Why the sandbox is not to be used again, if it is not."""
        self._ticket = ticket
        self._had_agent = False

    def board(self) -> None:
        """Enter the sandbox, which nobody else can use from now on."""
        self._had_agent, self.machine.bare = not self.machine.bare, True
        self.machine.cell_jobs += 1

    def alight(self) -> None:
        """Leave the sandbox; one in which nothing of the program's has run is as good as before."""
        if not (self.is_used or self.doubt or self.machine.retired):
            self.machine.bare = not self._had_agent
            self.machine.cell_jobs -= 1
            self.context.leave()

    async def run(self) -> None:
        """Make the context, and hold the sandbox until the lease is over."""
        try:
            await self.context.open()
            if not self._ticket.granted.done():
                self._ticket.granted.set_result(self)
                await self.over.wait()
        except Exception as error:
            loss = loss_of(error)
            if loss is None:
                raise
            self.doubt = loss.detail
            self._ticket.settle(loss)
        finally:
            self.over.set()

    def end(self, doubt: str = "") -> None:
        """Give the sandbox back; with a *doubt* it is killed."""
        self.doubt = self.doubt or doubt
        self.over.set()
        if not self._ticket.report.done():
            self._ticket.report.cancel()

    def stopped(self) -> Lost | SandboxFailure:
        """Return why it is over; raises what is no matter of luck, such as a budget that is used up."""
        report = self._ticket.report
        if report.done() and not report.cancelled():
            told = report.result()
            if isinstance(told, Lost | SandboxFailure):
                return told
        detail = self.doubt or self.machine.retired or "its sandbox was given up"
        return Lost("died", detail, cause="gone", may_be_guilty=True)

    def settle_lost(self) -> tuple[str, list[Ticket]]:
        """Return that nothing is to be counted: whose fault a session's end is, is found out by its session."""
        return "", []


async def unless(over: asyncio.Event, call: Callable[[], Awaitable[T]]) -> T:
    """Return what *call* returns; raises `StoppedError`, and cancels it, where *over* is set before."""
    if over.is_set():
        raise StoppedError
    task, stopped = asyncio.ensure_future(call()), asyncio.ensure_future(over.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise StoppedError
        return task.result()
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            # It may fail while it is being cancelled, when nobody is left to hear of it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait({task})
