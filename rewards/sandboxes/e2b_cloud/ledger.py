"""What a pool has used, what that costs, and when it is enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import BudgetExceeded


@dataclass(frozen=True)
class Figures:
    """What has been used until a moment."""

    sandbox_s: float
    """Seconds of all sandboxes together, from the answer to `create` until the kill, idle or not."""
    cost_usd: float
    """An estimate: sandbox-seconds times the price that was given."""
    creates: int
    alive: int
    peak_alive: int
    round_trips: int
    """Calls that reached into a sandbox."""
    refusals: int
    """Create calls that came back with an error, such as 429, and were or were not repeated."""
    retries: int
    """Jobs that had to be run again, in another sandbox."""
    deaths: int
    """Sandboxes that ended or were discarded before their time."""

    def __str__(self) -> str:
        return (
            f"{self.sandbox_s:.0f} sandbox-seconds (about ${self.cost_usd:.4f}), {self.creates} sandboxes created, "
            f"{self.peak_alive} at once, {self.round_trips} round trips, {self.refusals} refusals, "
            f"{self.retries} retries, {self.deaths} deaths"
        )


class Ledger:
    """Counts for one pool, on one event loop."""

    def __init__(
        self,
        price_per_s: float,
        max_sandbox_seconds: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.creates = 0
        self.peak_alive = 0
        self.round_trips = 0
        self.refusals = 0
        self.retries = 0
        self.deaths = 0
        self._price_per_s = price_per_s
        self._most_s = max_sandbox_seconds
        self._clock = clock
        self._began: dict[str, float] = {}
        self._ended_s = 0.0

    def started(self, sandbox_id: str) -> None:
        """Count a sandbox from now on; it is paid for until `stopped`.

        One that is counted already is not counted again: two create calls under one key have one sandbox.
        """
        if sandbox_id in self._began:
            return
        self.creates += 1
        self._began[sandbox_id] = self._clock()
        self.peak_alive = max(self.peak_alive, len(self._began))

    def stopped(self, sandbox_id: str) -> None:
        """Stop counting a sandbox; one that is not counted, or not any more, is no mistake."""
        began = self._began.pop(sandbox_id, None)
        if began is not None:
            self._ended_s += self._clock() - began

    @property
    def sandbox_s(self) -> float:
        """Return the seconds of all sandboxes together, until now."""
        now = self._clock()
        return self._ended_s + sum(now - began for began in list(self._began.values()))  # other threads may ask

    def check_budget(self) -> None:
        """Raise `BudgetExceeded` when the sandbox-seconds that were allowed are used up."""
        used_s = self.sandbox_s
        if self._most_s is not None and used_s >= self._most_s:
            raise BudgetExceeded(
                f"e2b: {used_s:.0f} sandbox-seconds (about ${used_s * self._price_per_s:.2f}) are used, and "
                f"max_sandbox_seconds leaves {self._most_s:.0f} to this rank: raise it, or lower keep_warm and idle_s, "
                f"which pay for idle sandboxes"
            )

    def seconds_left(self) -> float | None:
        """Return how many sandbox-seconds are left, or None when there is no bound."""
        return None if self._most_s is None else max(self._most_s - self.sandbox_s, 0.0)

    def spent_in_s(self) -> float | None:
        """Return after how many seconds with the sandboxes of this moment the budget is used up, or None for never."""
        left_s = self.seconds_left()
        return None if left_s is None or not self._began else left_s / len(self._began) + 0.01

    def figures(self) -> Figures:
        """Return everything until now."""
        used_s = self.sandbox_s
        return Figures(
            sandbox_s=used_s,
            cost_usd=used_s * self._price_per_s,
            creates=self.creates,
            alive=len(self._began),
            peak_alive=self.peak_alive,
            round_trips=self.round_trips,
            refusals=self.refusals,
            retries=self.retries,
            deaths=self.deaths,
        )
