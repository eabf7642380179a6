"""A job that waits for a place in a sandbox, and what is reported of it."""

from __future__ import annotations

import asyncio
import enum
import time
from collections import deque
from dataclasses import dataclass, field

from ...records import Ended, Job, JobResult, SandboxFailure, TestRun
from ..agent.trips import StepsBlob
from .blame import Suspect

CLOSED = SandboxFailure("closed", "the sandbox was closed", retryable=False)
KILLED = TestRun(Ended.SIGNALLED, signal=9)


@dataclass(frozen=True)
class Lost:
    """An attempt that came to no result, because something happened to its sandbox."""

    kind: str
    """As in `SandboxFailure`."""
    detail: str
    cause: str = ""
    """What happened, in a word: deaths of the same cause are compared with each other."""
    may_be_guilty: bool = False
    """The program was under way when it happened."""
    end: TestRun = KILLED
    """How the program has ended, should it turn out that it is to blame."""
    lived_s: float = 0.0
    """How long the program had been under way."""


class Place(enum.Enum):
    """What a job needs to itself."""

    SHARED = "shared"
    """A lane: other jobs run in the same sandbox."""
    ALONE = "alone"
    """A whole sandbox with an agent: what happens to it is then nobody else's fault or harm."""
    CELLS = "cells"
    """A whole sandbox with a notebook, in which a program is root."""
    LEASE = "lease"
    """The same, for as long as a session lasts."""


NOTEBOOKS = (Place.CELLS, Place.LEASE)


Report = JobResult | SandboxFailure | Lost


@dataclass(eq=False)
class Ticket:
    """One attempt to run one job."""

    job: Job
    blob: StepsBlob | None = None
    """The job's steps as they travel; None for cells, which travel one by one."""
    suspect: Suspect | None = None
    alone: bool = False
    report: asyncio.Future[Report] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    asked_s: float = field(default_factory=time.monotonic)
    started_s: float | None = None
    """The moment, of `time.monotonic`, when it left the queue."""

    @property
    def place(self) -> Place:
        """Return what kind of place it needs."""
        if self.blob is None:
            return Place.CELLS
        return Place.ALONE if self.alone else Place.SHARED

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for its report."""
        return not self.report.done()

    @property
    def has_result(self) -> bool:
        """Whether the job came to its end, whichever that was."""
        report = self.report
        is_answer = report.done() and not report.cancelled() and report.exception() is None
        return is_answer and isinstance(report.result(), JobResult)

    def settle(self, report: Report) -> None:
        """Give the report, unless there is one already or nobody waits."""
        if not self.report.done():
            self.report.set_result(report)

    def refuse(self, error: Exception) -> None:
        """Raise *error* at whoever waits: it is no matter of this job's luck."""
        if not self.report.done():
            self.report.set_exception(error)


class WaitingLine:
    """The tickets that have no place yet; those that nobody waits for any more drop out."""

    def __init__(self) -> None:
        self._lines: dict[Place, deque[Ticket]] = {place: deque() for place in Place}

    def add(self, ticket: Ticket) -> None:
        """Let *ticket* wait."""
        self._lines[ticket.place].append(ticket)

    def count(self, place: Place) -> int:
        """Return how many wait for such a place."""
        line = self._lines[place]
        if not all(ticket.is_open for ticket in line):
            still = [ticket for ticket in line if ticket.is_open]
            line.clear()
            line.extend(still)
        return len(line)

    def longest_wait_s(self, place: Place) -> float:
        """Return how long the first one has waited for such a place."""
        line = self._lines[place]
        return time.monotonic() - line[0].asked_s if line else 0.0

    def take(self, place: Place, most: int = 1) -> list[Ticket]:
        """Return the first *most* tickets for such a place; they do not wait any more."""
        line, taken = self._lines[place], list[Ticket]()
        while line and len(taken) < most:
            ticket = line.popleft()
            if ticket.is_open:
                taken.append(ticket)
        return taken
