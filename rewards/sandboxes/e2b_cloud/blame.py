"""When a program, and not the service, is guilty of the end of its sandbox.

A program that may take its sandbox down and then counts as unjudged has found an exit that a policy can learn. A
program that is blamed for what the service did gets a wrong score. So a program is guilty only once it died alone in
its sandbox so often in a row that chance would explain it less often than one time in a million.

Chance is the share of the pool's other trips that died, of the same cause: where streams are often cut off, a kernel
that dies again and again is still no chance. A death counts for it once everyone who was in that sandbox has been
cleared: a batch of hostile programs does not make the service look so bad that none of them can be blamed.
"""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...records import Job, TestRun

CHANCE = 1e-6
"""How seldom chance alone may explain what a program is blamed for."""
PRIOR_DEATHS, PRIOR_TRIPS = 1, 100
"""What is held of a service of which nothing is known: one trip in a hundred dies."""
LEAST_DEATHS = 3
"""However well the service has worked: it may have stopped doing so a moment ago."""
MOST_REMEMBERED = 4096
REMEMBERED_S = 600.0
"""How long a guilty program is known again: nobody is infallible, and a verdict that was wrong is not for ever."""


@dataclass(eq=False)
class Suspect:
    """A job, and the deaths that it was there for."""

    solo_deaths: Counter[str] = field(default_factory=Counter)
    """How often its sandbox died while it was alone in there, by cause, since it was last answered."""
    incidents: list[Incident] = field(default_factory=list)


@dataclass(eq=False)
class Incident:
    """The death of a sandbox, for as long as it is open whose fault it was."""

    cause: str
    pending: set[Suspect]


class Blame:
    """Counts the pool's trips and deaths, and says who is guilty."""

    def __init__(self) -> None:
        self._deaths: Counter[str] = Counter()
        self._trips = PRIOR_TRIPS

    def death_rate(self, cause: str) -> float:
        """Return how often a trip dies of *cause* by chance."""
        return (PRIOR_DEATHS + self._deaths[cause]) / self._trips

    def deaths_needed(self, cause: str) -> int:
        """Return how many deaths of *cause* alone in a sandbox, one after the other, chance does not explain."""
        rate = self.death_rate(cause)
        needed = math.floor(math.log(CHANCE) / math.log(rate)) + 1 if rate < 1 else MOST_REMEMBERED
        return max(needed, LEAST_DEATHS)

    def record_survival(self) -> None:
        """Count a trip whose sandbox lived."""
        self._trips += 1

    def record_death(self, cause: str, suspects: Iterable[Suspect], *, alone: bool) -> None:
        """Count a death with *suspects* under way; with nobody, it is the service's at once.

        *alone*: nothing else was in the sandbox, whose death is then the program's or the service's.
        """
        incident = Incident(cause, set(suspects))
        for suspect in incident.pending:
            suspect.incidents.append(incident)
            suspect.solo_deaths[cause] += alone
        if not incident.pending:
            self._count_death(cause)

    def clear(self, suspect: Suspect) -> None:
        """Hold that *suspect* was innocent of every death it was there for: it was answered, or nothing is known."""
        for incident in suspect.incidents:
            incident.pending.discard(suspect)
            if not incident.pending:
                self._count_death(incident.cause)
        suspect.incidents = []
        suspect.solo_deaths.clear()

    def convict(self, suspect: Suspect) -> None:
        """Hold that *suspect* was guilty: the deaths that it was there for say nothing of the service or of others."""
        for incident in suspect.incidents:
            for other in incident.pending - {suspect}:
                other.incidents.remove(incident)
            incident.pending.clear()
        suspect.incidents = []

    def is_guilty(self, suspect: Suspect) -> bool:
        """Say whether *suspect* has died alone, of one cause, too often for chance."""
        return any(times >= self.deaths_needed(cause) for cause, times in suspect.solo_deaths.items())

    def _count_death(self, cause: str) -> None:
        self._deaths[cause] += 1
        self._trips += 1


class Convicts:
    """The programs that take their sandbox down, so that one that is asked for again costs no more sandboxes."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: OrderedDict[str, list[_Verdict]] = OrderedDict()

    def remember(self, job: Job, end: TestRun) -> None:
        """Remember for `REMEMBERED_S` that the program of *job* ends like that."""
        verdicts = self._standing(job)
        verdicts.append(_Verdict(job, end, self._now() + REMEMBERED_S))
        self._known[job.program.source] = verdicts
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def end_of(self, job: Job) -> TestRun | None:
        """Return how *job* ends, if it is known."""
        for verdict in self._standing(job):
            if verdict.job is job or _is_same(verdict.job, job):
                return verdict.end
        return None

    def _standing(self, job: Job) -> list[_Verdict]:
        verdicts = self._known.pop(job.program.source, [])
        standing = [verdict for verdict in verdicts if verdict.until_s > self._now()]
        if standing:
            self._known[job.program.source] = standing
        return standing


@dataclass(frozen=True)
class _Verdict:
    job: Job
    end: TestRun
    until_s: float


def _is_same(known: Job, job: Job) -> bool:
    try:
        return bool(known == job)
    except Exception:  # noqa: BLE001 - the boundary: arguments may be arrays, which refuse to be compared
        return False
