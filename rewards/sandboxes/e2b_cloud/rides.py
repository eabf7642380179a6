"""Whoever is under way in a sandbox: a few programs, a job of cells, or a session."""

from __future__ import annotations

from .blame import Blame
from .cells import Cells
from .lease import Lease, LeaseTicket
from .machine import Machine
from .tickets import Place, Ticket
from .trip import Trip

Ride = Trip | Cells | Lease


def single_ride(machine: Machine, ticket: Ticket) -> Ride:
    """Return the ride of a ticket that wants *machine* to itself."""
    if isinstance(ticket, LeaseTicket):
        return Lease(machine, ticket)
    return Cells(machine, ticket) if ticket.place is Place.CELLS else Trip(machine, [ticket])


async def go(ride: Ride, *, ahead_s: float) -> None:
    """Go all the way; *ahead_s* is what the sandbox's other programs may take before those of a trip."""
    if isinstance(ride, Trip):
        await ride.travel(ahead_s=ahead_s)
    else:
        await ride.run()


def judge(ride: Ride, blame: Blame) -> None:
    """Count the end of a ride for what it says of the service and of those who were on it."""
    cause, lost = ride.settle_lost()
    if lost:
        alone = ride.tickets[0].place is not Place.SHARED
        blame.record_death(cause, (ticket.suspect for ticket in lost if ticket.suspect is not None), alone=alone)
    elif any(ticket.has_result for ticket in ride.tickets):
        blame.record_survival()
