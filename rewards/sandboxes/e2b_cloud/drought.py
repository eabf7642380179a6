"""When it has to be said that no sandbox can be had: after some tries, and after some time.

Tries alone say little: at the start of a batch twenty sandboxes are made side by side, and a service that is not itself
for a second fails all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 10.0
PASSING_PATIENCE_S = 180.0
"""With a service that only asks to be left alone for a while."""
_CLOSED_PORT = "port is not open"


class Drought:
    """The failures in a row to get a sandbox ready, since the last one that came."""

    def __init__(self, retries: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._retries = retries
        self._clock = clock
        self.end()

    def end(self) -> None:
        """A sandbox has come."""
        self._since_s: float | None = None
        self._passing_since_s: float | None = None
        self._forget_counts()

    def _forget_counts(self) -> None:
        self._failures = self._closed_ports = self._passing = 0

    def add(self, detail: str, *, passing: bool = False) -> None:
        """Count one more failure; a *passing* one is the service's word that it has no time just now."""
        if passing:
            self._passing_since_s = self._clock() if self._passing_since_s is None else self._passing_since_s
            self._passing += 1
            return
        if self._since_s is None:
            self._since_s = self._clock()
        self._failures += 1
        self._closed_ports = self._closed_ports + 1 if _CLOSED_PORT in detail else 0

    @property
    def has_no_agents(self) -> bool:
        """Say whether sandboxes come, and every one of them says that nothing in it takes commands."""
        return self._closed_ports == self._failures > self._retries

    def is_to_be_told(self) -> bool:
        """Say whether those who wait have to be told; whoever comes later is told after as many tries again."""
        has_failed = self._failures > self._retries and (
            self.has_no_agents or self._clock() - (self._since_s or 0.0) >= PATIENCE_S
        )
        is_put_off = self._passing_since_s is not None and self._clock() - self._passing_since_s >= PASSING_PATIENCE_S
        if not has_failed and not (is_put_off and self._passing):
            return False
        self._forget_counts()
        return True
