"""When it has to be said that no sandbox can be had: after some tries, and after some time.

Tries alone say little: at the start of a batch twenty sandboxes are made side by side, and a service that is not itself
for a second fails all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 10.0
_CLOSED_PORT = "port is not open"


class Drought:
    """The failures in a row to get a sandbox ready, since the last one that came."""

    def __init__(self, retries: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._retries = retries
        self._clock = clock
        self._since_s: float | None = None
        self._failures = self._closed_ports = 0

    def end(self) -> None:
        """A sandbox has come."""
        self._since_s = None
        self._failures = self._closed_ports = 0

    def add(self, detail: str) -> None:
        """Count one more failure."""
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
        lasts_s = 0.0 if self._since_s is None else self._clock() - self._since_s
        if self._failures <= self._retries or (lasts_s < PATIENCE_S and not self.has_no_agents):
            return False
        self._failures = self._closed_ports = 0
        return True
