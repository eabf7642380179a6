"""How many lanes are worth having: a sandbox that comes when the work is done is paid for and does nothing."""

from __future__ import annotations

import math

_WEIGHT = 0.3
"""Of the newest measurement in the running mean."""
PATIENCE = 3.0
"""Births, or full trips, that a job may wait for before the estimate is held to be wrong: the jobs of now may be
longer than those before."""
PAYBACK = 2.0
"""Births that a lane has to be busy for, of which the first is over when its sandbox comes."""
TRIP_WORTH_S = 0.4
"""What a trip should take, at least: the command that carries it costs some hundredths of a second at both ends."""


class Pace:
    """Running means of how long a job takes a lane, and of how long a sandbox takes to come."""

    def __init__(self) -> None:
        self.job_s: float | None = None
        self.birth_s: float | None = None

    def record_trip(self, seconds: float, jobs: int) -> None:
        """Count a trip that held a lane for so long."""
        self.job_s = _mean(self.job_s, seconds / jobs)

    def record_birth(self, seconds: float) -> None:
        """Count a sandbox that took so long from its create call until it could be used."""
        self.birth_s = _mean(self.birth_s, seconds)

    def lanes_worth_having(self, jobs: int, *, longest_wait_s: float, trip_jobs: int) -> float:
        """Return how many lanes *jobs* would keep busy for longer than a sandbox takes to come and to pay for that."""
        if self.job_s is None or self.birth_s is None:
            return math.inf
        if longest_wait_s > PATIENCE * max(self.birth_s, self.job_s * trip_jobs):
            return math.inf
        return max(1.0, jobs * self.job_s / max(PAYBACK * self.birth_s, 1e-3))

    def jobs_worth_a_trip(self) -> int:
        """Return how many jobs should travel together, at least, where so many wait and can run at once."""
        return 1 if self.job_s is None else math.ceil(TRIP_WORTH_S / max(self.job_s, 1e-3))


def _mean(so_far: float | None, seconds: float) -> float:
    return seconds if so_far is None else (1 - _WEIGHT) * so_far + _WEIGHT * seconds
