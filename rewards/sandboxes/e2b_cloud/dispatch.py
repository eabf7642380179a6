"""Who goes where: waiting jobs into free lanes, more sandboxes where lanes are missing, fewer where nobody waits.

All decisions are made in `look`, which runs after everything that could change one, decides from what is there, and
awaits nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence

from ...errors import BudgetExceeded, RewardError
from ...records import SandboxFailure
from .blame import Blame
from .faults import Fault
from .fleet import Fleet
from .idle import free_lanes, overdue
from .lease import Lease
from .ledger import Ledger
from .machine import Machine
from .options import E2BOptions
from .rides import Ride, go, judge, single_ride
from .throttle import line_up_again
from .tickets import CLOSED, NOTEBOOKS, Place, Ticket, WaitingLine
from .trip import Trip

CONNECTIONS_KEPT_FREE = 20
"""For creations, renewals and kills, beside the streams of what is under way."""


class Dispatcher:
    """The waiting line of one pool, and its sandboxes."""

    def __init__(self, options: E2BOptions, ledger: Ledger, *, max_connections: int) -> None:
        self.fleet: Fleet
        """Set right after the construction: each needs the other."""
        self.trip_blame, self.cell_blame = Blame(), Blame()
        self.on_spent: Callable[[BudgetExceeded], None] = lambda error: None
        """Hears that the budget is used up."""
        self.wanted_at_first = 0
        """Sandboxes that the pool's start asks for, whether a job waits for them or not."""
        self._options, self._ledger = options, ledger
        self._most_streams = max(1, max_connections - CONNECTIONS_KEPT_FREE)
        self._line = WaitingLine()
        self._rides: dict[asyncio.Task[None], Ride] = {}
        self._wake_up: asyncio.TimerHandle | None = None
        self._has_worked = False
        self._is_closed = False

    def blame_for(self, ticket: Ticket) -> Blame:
        """Return the counts that *ticket* belongs to: cells and trips die of different things."""
        return self.cell_blame if ticket.place in NOTEBOOKS else self.trip_blame

    def add(self, ticket: Ticket) -> None:
        """Let *ticket* wait for a place."""
        self._line.add(ticket)
        self.look()

    def withdraw(self, ticket: Ticket) -> None:
        """Nobody waits for *ticket* any more: its sandbox is given up, and at once where nobody else is in it."""
        for task, ride in list(self._rides.items()):
            if ticket in ride.tickets:
                self.fleet.retire(ride.machine, "a job was cancelled")
                if not any(other.is_open for other in ride.tickets):
                    task.cancel()
        self.look()

    def tell_everybody(
        self, outcome: SandboxFailure | RewardError, *, under_way: bool = False, places: Sequence[Place] = tuple(Place)
    ) -> None:
        """Answer all who wait for a sandbox, and on request those who are under way, in the same way."""
        tickets = [ticket for place in places for ticket in self._line.take(place, self._line.count(place))]
        if under_way:
            tickets += [ticket for ride in self._rides.values() for ticket in ride.tickets]
        for ticket in tickets:
            if isinstance(outcome, SandboxFailure):
                ticket.settle(outcome)
            else:
                ticket.refuse(outcome)

    def look(self) -> None:
        """Make every decision that can be made now."""
        if self._is_closed:
            self.tell_everybody(CLOSED)
        if self._is_closed or not self._has_budget():
            return
        self._drop_the_aged()
        if not self.fleet.throttle.left_s:
            self._place_single(Place.ALONE)
            self._place_single(Place.CELLS)
            self._place_single(Place.LEASE)
            self._place_shared()
            self._grow()
        self._set_alarm(self._trim())

    def _has_budget(self) -> bool:
        try:
            self._ledger.check_budget()
        except BudgetExceeded as error:
            self.tell_everybody(error, under_way=True)
            for task in self._rides:
                task.cancel()
            self.fleet.give_up("the budget is used up")
            self.on_spent(error)
            return False
        return True

    def _drop_the_aged(self) -> None:
        for machine in list(self.fleet.ready):
            if machine.is_idle and not machine.has_time:
                self.fleet.retire(machine, "it has not much time to live")
        for lease in self._leases:
            if lease.machine.retired:
                lease.end(lease.machine.retired)

    @property
    def most_leases(self) -> int:
        """Return how many sessions can be open at once."""
        return max(1, min(self.fleet.share.max_sessions, self._most_streams - 1))

    @property
    def _leases(self) -> list[Lease]:
        return [ride for ride in self._rides.values() if isinstance(ride, Lease)]

    @property
    def _has_streams(self) -> bool:
        return len(self._rides) < self._most_streams

    def _count_waiting(self, *places: Place) -> int:
        """Return how many wait for such places and may have one, should it be there."""
        most = {Place.LEASE: self.most_leases - len(self._leases)}
        return sum(min(waiting := self._line.count(place), most.get(place, waiting)) for place in places)

    def _place_single(self, place: Place) -> None:
        while self._has_streams and self._count_waiting(place) > 0:
            idle = [machine for machine in self.fleet.ready if machine.is_idle]
            if place is Place.ALONE:
                idle = [machine for machine in idle if not machine.bare]
            elif not self._cells_may_take_agents():
                idle = [machine for machine in idle if machine.bare]
            if not idle:
                return
            machine = max(idle, key=lambda machine: machine.bare)  # one with an agent has more uses
            self._ride(single_ride(machine, self._line.take(place)[0]))

    def _cells_may_take_agents(self) -> bool:
        """Say whether cells may have, and spoil, a sandbox that programs could run in."""
        if not self._line.count(Place.ALONE) + self._line.count(Place.SHARED):
            return True
        # Where there is no room for a sandbox of their own, cells get one out of two.
        can_wait = self.fleet.room > 0 or self.fleet.coming(bare=True)
        return not can_wait and self._count(bare=True) < max(1, self.fleet.share.max_sandboxes // 2)

    def _place_shared(self) -> None:
        waiting = self._line.count(Place.SHARED)
        machines = [m for m in self.fleet.ready if not m.bare and not m.retired and m.has_time]
        lanes = sum(machine.lanes for machine in machines)
        ahead = 0 if self.fleet.room > 0 or self.fleet.coming(bare=False) else 1
        for turn in range(1 + ahead):
            while waiting and self._has_streams:
                open_to_all = self._unreserved(machines)
                machine = max(open_to_all, key=free_lanes, default=None)
                if machine is None or free_lanes(machine) + turn <= 0:
                    break
                # One's share of what waits: eight in a trip save commands, few in a trip spread the last jobs out.
                share = max(math.ceil(waiting / lanes), min(self.fleet.pace.jobs_worth_a_trip(), machine.lanes))
                share = min(share, self._options.trip_jobs)
                self._ride(Trip(machine, self._line.take(Place.SHARED, share)))
                waiting = self._line.count(Place.SHARED)

    def _unreserved(self, machines: list[Machine]) -> list[Machine]:
        """Return the sandboxes that any job may go to: the emptiest are left to those who need one to themselves."""
        single = self._line.count(Place.ALONE)
        single += self._count_waiting(*NOTEBOOKS) if self._cells_may_take_agents() else 0
        if not single or self.fleet.room > 0:
            return machines
        reserved = min(single, max(1, len(machines) // 2))
        by_riders = sorted(machines, key=lambda machine: (len(machine.riders), machine.sandbox_id))
        return by_riders[reserved:]

    def _ride(self, ride: Ride) -> None:
        ahead_s = sum(other.budget_s for other in ride.machine.riders if isinstance(other, Trip))
        now_s = time.monotonic()
        for ticket in ride.tickets:
            ticket.started_s = now_s
        ride.machine.riders.add(ride)
        if not isinstance(ride, Trip):
            ride.board()  # at once: the next trip to be placed must not find an agent there
        self._has_worked = True
        task = asyncio.ensure_future(go(ride, ahead_s=ahead_s))
        self._rides[task] = ride
        task.add_done_callback(self._has_arrived)

    def _has_arrived(self, task: asyncio.Task[None]) -> None:
        ride = self._rides.pop(task)
        machine = ride.machine
        machine.let_out(ride)
        if isinstance(ride, Trip) and ride.throttled is not None and not task.cancelled():
            self._line_up_again(ride, ride.throttled)
            return
        error = None if task.cancelled() else task.exception()
        if error is not None:
            for ticket in ride.tickets:
                ticket.refuse(error if isinstance(error, Exception) else RuntimeError(str(error)))
        doubt = ride.doubt or ("cancelled" if task.cancelled() else "") or (str(error) if error else "")
        if doubt:
            machine.doubt()
        if isinstance(ride, Trip) and not ride.doubt and not task.cancelled() and error is None:
            self.fleet.pace.record_trip(ride.wall_s, len(ride.tickets))
            self.fleet.throttle.ease()
        judge(ride, self.blame_for(ride.tickets[0]))
        self._let_go(machine, ride, doubt)
        self.look()

    def _let_go(self, machine: Machine, ride: Ride, doubt: str) -> None:
        if isinstance(ride, Lease):
            ride.alight()
        worn = not isinstance(ride, Trip) and machine.cell_jobs >= self._options.cell_jobs_per_sandbox
        if doubt or worn or machine.retired:
            self.fleet.retire(machine, doubt or "its cells have run")

    def _line_up_again(self, trip: Trip, fault: Fault) -> None:
        """Let the jobs of a trip that was not let in wait for their turn; the sandbox is as good as before."""
        self.fleet.throttle.hear(fault)
        line_up_again(trip.tickets, self._line, fault)
        if trip.machine.retired:
            self.fleet.retire(trip.machine, trip.machine.retired)
        self.look()

    def _grow(self) -> None:
        """Ask for the sandboxes that those who still wait need; give up those that nobody needs any more."""
        lanes = self.fleet.lanes or self._options.jobs_per_sandbox or 2
        free = sum(max(free_lanes(m), 0) for m in self.fleet.ready if not m.bare and not m.retired)
        shared = math.ceil(max(min(self._line.count(Place.SHARED) - free, self._lanes_missing(lanes)), 0) / lanes)
        shared = max(shared, self.wanted_at_first)
        wanted = {False: shared + self._line.count(Place.ALONE), True: self._count_waiting(*NOTEBOOKS)}
        for bare, number in wanted.items():
            self.fleet.call_off(max(self.fleet.coming(bare=bare) - number, 0), bare=bare)
        room = self.fleet.room
        while room > 0:
            missing = {bare: wanted[bare] - self.fleet.coming(bare=bare) for bare in wanted}
            bare = max(missing, key=lambda bare: missing[bare] / (1 + self._count(bare)))
            if missing[bare] <= 0:
                return
            self.fleet.start_one(bare=bare)
            room -= 1
        self._make_room(wanted)

    def _lanes_missing(self, lanes: int) -> float:
        """Return how many more lanes would be of use by the time that they come; those on their way are not there."""
        riding = [ride for ride in self._rides.values() if not isinstance(ride, Lease)]
        under_way = sum(ticket.is_open for ride in riding for ticket in ride.tickets)
        worth = self.fleet.pace.lanes_worth_having(
            self._line.count(Place.SHARED) + under_way,
            longest_wait_s=self._line.longest_wait_s(Place.SHARED),
            trip_jobs=self._options.trip_jobs,
        )
        there = sum(machine.lanes for machine in self.fleet.ready if not machine.bare and not machine.retired)
        return min(worth, float(self._line.count(Place.SHARED))) if not there else worth - there

    def _count(self, bare: bool) -> int:
        return sum(machine.bare is bare for machine in self.fleet.ready) + self.fleet.coming(bare=bare)

    def _make_room(self, wanted: dict[bool, int]) -> None:
        """Kill idle sandboxes that can do nothing for those who wait."""
        if wanted[False] and not self.fleet.coming(bare=False):
            for machine in [m for m in self.fleet.ready if m.bare and m.is_idle][: wanted[False]]:
                self.fleet.bury(machine)

    def _trim(self) -> float | None:
        """Kill sandboxes that were idle for long; return the seconds until the next one is due."""
        idle_s, keep_warm = self._options.idle_s, self.fleet.share.keep_warm
        over, due_s = overdue(self.fleet.ready, keep_warm=keep_warm, idle_s=idle_s, has_worked=self._has_worked)
        for machine in over:
            self.fleet.bury(machine)
        return due_s

    def _set_alarm(self, trim_s: float | None) -> None:
        """Look again when something is due by time alone."""
        if self._wake_up is not None:
            self._wake_up.cancel()
        spent_s = self._ledger.spent_in_s()
        times = [] if trim_s is None else [trim_s]
        times += [1.0] if self._line.count(Place.SHARED) else []  # patience comes to its end by time alone
        times += [self.fleet.throttle.left_s] if self.fleet.throttle.left_s else []
        times += [] if spent_s is None else [spent_s]
        self._wake_up = asyncio.get_running_loop().call_later(min(times), self.look) if times else None

    async def close(self) -> None:
        """Stop everything that is under way."""
        self._is_closed = True
        if self._wake_up is not None:
            self._wake_up.cancel()
        for task in list(self._rides):
            task.cancel()
        if self._rides:
            await asyncio.wait(set(self._rides), timeout=5.0)
        await self.fleet.close()
