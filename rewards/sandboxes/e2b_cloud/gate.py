"""Creating sandboxes no faster, and having no more of them, than the account allows."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from .faults import Fault, classify
from .throttle import asked_wait_s

if TYPE_CHECKING:
    from tenacity import RetryCallState

SandboxT = TypeVar("SandboxT")
Create = Callable[[str], Awaitable[SandboxT]]
"""Make one sandbox; the text is an idempotency key: the same one for an attempt that may have worked after all."""

_FIRST_WAIT_S = {"full": 5.0, "rate": 1.0, "busy": 1.0}
_LONGEST_WAIT_S = {"full": 60.0, "rate": 30.0, "busy": 30.0}
"""Nobody knows when another sandbox of the account ends, and asking more often does not make it end sooner."""
_DOUBTS = 3
"""Refusals for good, in a row, that are believed of a service that has created sandboxes for us before."""
_OTHER_WAIT_S, _OTHER_LONGEST_S = 0.5, 10.0


class CreationFailed(Exception):
    """No sandbox could be had in time; carries the last fault."""

    def __init__(self, fault: Fault, *, may_come_late: bool = False) -> None:
        super().__init__(fault.detail)
        self.fault = fault
        self.may_come_late = may_come_late


class CreationGate(Generic[SandboxT]):
    """Lets through as many create calls as a rate and a cap allow. Used from one event loop."""

    def __init__(
        self,
        creates_per_s: float,
        max_sandboxes: int,
        *,
        discard: Callable[[SandboxT], Awaitable[None]],
        attempt_s: float = 30.0,
        on_refusal: Callable[[Fault], None] = lambda fault: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Take *discard* to kill a sandbox that came when nobody waited for it any more; it must not raise.

        *attempt_s* is our own wall clock for one create call. *on_refusal* hears of every call that failed.
        """
        from aiolimiter import AsyncLimiter

        self._interval_s = 1 / creates_per_s
        # One at a time rather than several a second: a burst at the start would break a limit that is counted strictly.
        self._limiter = AsyncLimiter(1, self._interval_s)
        self._places = asyncio.Semaphore(max_sandboxes)
        self._discard = discard
        self._attempt_s = attempt_s
        self._on_refusal = on_refusal
        self._draw = draw
        self._opens_at = 0.0
        self._has_begun = False
        self._has_worked = False
        self._doubts = 0
        self._late: set[asyncio.Task[None]] = set()

    async def admit(self, create: Create[SandboxT], *, give_up_at: float) -> SandboxT:
        """Return a new sandbox, which occupies a place until `leave` is called for it.

        *give_up_at* is a moment of `time.monotonic`. Raises `CreationFailed` when there is none by then, and
        `ConfigurationError` for a refusal that would be the same again. An error that is no fault of the service is
        raised as it is. A caller who is cancelled in mid-create leaves nothing behind: the sandbox is discarded when
        it comes, and keeps its place until then.
        """
        entry = _Entry(self._places)
        try:
            return await self._repeat(create, entry, give_up_at)
        finally:
            entry.close()

    def leave(self) -> None:
        """Give back the place of a sandbox that is gone."""
        self._places.release()

    async def drain(self, wait_s: float) -> None:
        """Wait until every sandbox that nobody waits for any more has come and been discarded, *wait_s* at most."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=wait_s)

    async def _repeat(self, create: Create[SandboxT], entry: _Entry, give_up_at: float) -> SandboxT:
        from tenacity import AsyncRetrying, retry_if_exception_type

        def is_over(state: RetryCallState) -> bool:
            return time.monotonic() + state.upcoming_sleep >= give_up_at

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(CreationFailed), wait=self._wait_s, stop=is_over, reraise=True
        )
        key = uuid.uuid4().hex
        async for attempt in retrying:
            with attempt:
                try:
                    return await self._attempt(create, entry, key=key, give_up_at=give_up_at)
                except CreationFailed as failed:
                    if failed.fault.is_refusal or failed.may_come_late:
                        # What comes late is discarded, so the same sandbox must not be the next answer, too.
                        key = uuid.uuid4().hex
                    raise
        raise AssertionError("tenacity returns or raises")

    async def _attempt(self, create: Create[SandboxT], entry: _Entry, *, key: str, give_up_at: float) -> SandboxT:
        await self._in_time(entry.take(), give_up_at, "full", "no place for another sandbox became free in time")
        await self._in_time(self._turn(), give_up_at, "rate", "no create call was allowed in time")
        task = asyncio.ensure_future(create(key))
        try:
            await asyncio.wait({task}, timeout=min(self._attempt_s, max(give_up_at - time.monotonic(), 0.0)))
        except asyncio.CancelledError:  # nobody waits for it any more, also where it came in this very moment
            self._orphan(task, entry.hand_over())
            raise
        if not task.done():
            self._orphan(task, entry.hand_over())
            late = Fault("timeout", f"no answer to a create call in {self._attempt_s:g} s")
            raise self._refused(late, may_come_late=True)
        error = asyncio.CancelledError("by the SDK") if task.cancelled() else task.exception()
        if error is None:
            entry.hand_over()
            self._has_worked, self._doubts = True, 0
            return task.result()
        fault = Fault("transport", repr(error)) if task.cancelled() else classify(error, during="create")
        if fault is None:
            raise error
        raise self._refused(fault, error) from error

    async def _in_time(self, waiting: Awaitable[None], give_up_at: float, kind: str, detail: str) -> None:
        """Wait until *give_up_at*, at most; raises `CreationFailed` then."""
        try:
            async with asyncio.timeout(max(give_up_at - time.monotonic(), 0.0)):
                await waiting
        except TimeoutError:
            raise CreationFailed(Fault(kind, detail)) from None

    async def _turn(self) -> None:
        """Wait for this call's turn; a refusal of one call holds up all of them."""
        if not self._has_begun:
            self._has_begun = True
            # The ranks of a run start in step, and would go on asking in step.
            self._opens_at = time.monotonic() + self._interval_s * self._draw()
        while True:
            await self._limiter.acquire()
            wait_s = self._opens_at - time.monotonic()
            if wait_s <= 0:
                return
            await asyncio.sleep(wait_s)

    def _refused(
        self, fault: Fault, error: BaseException | None = None, *, may_come_late: bool = False
    ) -> CreationFailed:
        self._on_refusal(fault)
        if fault.fatal:
            self._doubts += 1
            if not self._has_worked or self._doubts >= _DOUBTS:
                fault.refuse(error)
            fault = replace(fault, fatal=False)
        return CreationFailed(fault, may_come_late=may_come_late)

    def _wait_s(self, state: RetryCallState) -> float:
        """Return how long to wait before the next attempt, and hold up the other callers where that concerns them."""
        error = state.outcome.exception() if state.outcome else None
        fault = error.fault if isinstance(error, CreationFailed) else Fault("protocol", "")
        first_s = _FIRST_WAIT_S.get(fault.kind, _OTHER_WAIT_S)
        longest_s = _LONGEST_WAIT_S.get(fault.kind, _OTHER_LONGEST_S)
        backoff_s = min(first_s * 2 ** (state.attempt_number - 1), longest_s) * (0.5 + self._draw() / 2)
        asked_s = asked_wait_s(fault)
        wait_s = backoff_s if asked_s is None else asked_s + self._interval_s * self._draw()
        if fault.kind in _FIRST_WAIT_S:
            self._opens_at = max(self._opens_at, time.monotonic() + wait_s)
        return wait_s

    def _orphan(self, task: asyncio.Future[SandboxT], give_place_back: Callable[[], None]) -> None:
        late = asyncio.ensure_future(self._discard_late(task, give_place_back))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _discard_late(self, task: asyncio.Future[SandboxT], give_place_back: Callable[[], None]) -> None:
        try:
            await asyncio.wait({task})
            if not task.cancelled() and task.exception() is None:
                await self._discard(task.result())
        finally:
            give_place_back()


class _Entry:
    """A caller's claim to one place."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._is_ours = False

    async def take(self) -> None:
        """Wait for a place, unless this claim has one."""
        if not self._is_ours:
            await self._places.acquire()
            self._is_ours = True

    def hand_over(self) -> Callable[[], None]:
        """Leave the place to a sandbox that has come, or that may still come; return what gives it back."""
        self._is_ours = False
        return self._places.release

    def close(self) -> None:
        """Give the place back, unless a sandbox has it."""
        if self._is_ours:
            self._is_ours = False
            self._places.release()
