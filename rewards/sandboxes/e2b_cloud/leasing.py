"""Waiting for a sandbox that is to be had for as long as a session lasts."""

from __future__ import annotations

import asyncio
from typing import Any

from ...records import SandboxFailure
from .dispatch import Dispatcher
from .lease import Lease, LeaseTicket
from .tickets import Lost


async def lease_from(dispatcher: Dispatcher) -> Lease | Lost | SandboxFailure:
    """Return a lease when there is a place for it; cancelled, it leaves nothing behind.

    Raises what the pool raises at everybody who waits, such as `BudgetExceeded`.
    """
    ticket = LeaseTicket()
    # What is told to one who holds a lease and never asks again is heard by nobody.
    ticket.report.add_done_callback(lambda done: done.cancelled() or done.exception())
    dispatcher.add(ticket)
    try:
        both: set[asyncio.Future[Any]] = {ticket.report, ticket.granted}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        ticket.report.cancel()
        dispatcher.withdraw(ticket)
        raise
    if ticket.granted.done():
        return ticket.granted.result()
    report = ticket.report.result()
    assert isinstance(report, Lost | SandboxFailure), "a lease is no job"
    return report
