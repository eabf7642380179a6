"""The clock on the wall, the backstop behind CPU time: it stops a program that waits, not one that is kept waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from .beside import beside_the_loop
from .waiting import waited_s

STARVED_FACTOR = 4
"""A program that never gets a core is stopped at so many times its limit, and nothing is said about it."""
SHORTEST_PAUSE_S = 0.02
FIRST_LOOK_SHARE = 0.1
LOOKS_PER_LIMIT = 4


class WallClock:
    """Watches one child from the outside and calls *stop* when its time is over.

    *limit_s* counts again from each growth of *progress*, *total_s* does not: answers that drip would never end.
    A child that is not fresh has waited before, which is found out when a tenth of the limit is over: most end earlier.
    """

    def __init__(
        self,
        limit_s: float,
        supervisor: int,
        *,
        total_s: float,
        progress: Callable[[], int] | None,
        stop: Callable[[], None],
        is_fresh: bool = True,
    ):
        self.starved = False
        self._limit_s, self._supervisor, self._progress, self._stop = limit_s, supervisor, progress, stop
        self._total_s = total_s
        self._loop = asyncio.get_running_loop()
        self._began_s = self._first_s = self._loop.time()
        self._waited_before_s = 0.0
        self._seen = 0
        self._check: asyncio.Task[None] | None = None
        self._is_known = is_fresh
        self._timer = self._loop.call_later(self._pause_s(limit_s * (1 if is_fresh else FIRST_LOOK_SHARE)), self._look)

    def cancel(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        if self._check is not None:
            self._check.cancel()

    def _pause_s(self, left_s: float) -> float:
        if self._progress is not None:
            left_s = min(left_s, self._limit_s / LOOKS_PER_LIMIT)
        return max(left_s, SHORTEST_PAUSE_S)

    def _answers(self) -> int:
        if self._progress is not None:
            with contextlib.suppress(OSError):  # the files are closed: the slot is on its way out
                return self._progress()
        return self._seen

    async def _waited(self) -> float:
        try:
            return await beside_the_loop(waited_s, self._supervisor)  # reads all of /proc
        except Exception:  # noqa: BLE001 - the boundary of a task that nobody awaits: the clock must not stop with it
            return self._waited_before_s

    def _look(self) -> None:
        self._check = self._loop.create_task(self._decide())

    async def _decide(self) -> None:
        now = self._loop.time()
        seen = self._answers()
        elapsed_s, all_s = now - self._began_s, now - self._first_s
        if not self._is_known:
            self._is_known, self._waited_before_s = True, await self._waited()
        if seen <= self._seen and elapsed_s < self._limit_s and all_s < self._total_s:
            self._timer = self._loop.call_later(self._pause_s(self._limit_s - elapsed_s), self._look)
            return
        waited = await self._waited()
        if seen > self._seen:  # a program can also cut its answers off
            self._seen, self._began_s, self._waited_before_s = seen, now, waited
            elapsed_s = 0.0
        own_s = elapsed_s - max(waited - self._waited_before_s, 0.0)
        self.starved = own_s < self._limit_s and elapsed_s >= STARVED_FACTOR * self._limit_s
        if own_s >= self._limit_s or self.starved or all_s - waited >= self._total_s:
            self._stop()
            return
        left_s = min(self._limit_s - own_s, STARVED_FACTOR * self._limit_s - elapsed_s)
        self._timer = self._loop.call_later(self._pause_s(left_s), self._look)
