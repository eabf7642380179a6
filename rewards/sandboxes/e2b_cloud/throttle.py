"""Patience with a service that says "not so often", or has no room for a moment: everybody waits, and nothing is lost.

A sandbox that was told so has done nothing yet and is as good as before; giving it up would mean one more create call.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

from ...records import SandboxFailure
from .faults import Fault
from .tickets import Ticket, WaitingLine

PASSING_KINDS = frozenset(("rate", "busy"))
"""Kinds of faults that time mends, in the same sandbox as well as in another one."""
PATIENCE_S = 180.0
"""How long such faults in a row are waited out before those who wait are told."""
LONGEST_ASKED_S = 120.0
"""Of a Retry-After that is honoured: a wrong number must not stop a run for hours."""
LOUD_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
_log = logging.getLogger("rewards")
_jitter = random.Random()  # not the module's own generator: trainers seed that one, and their runs must repeat


class Throttled(SandboxFailure):
    """No sandbox could be made ready, because the service asked to be left alone all the time."""


def asked_wait_s(fault: Fault) -> float | None:
    """Return how long the service wants to be left alone, within reason; None where it has not said. Warns of much."""
    asked_s = fault.retry_after_s
    if asked_s is None:
        return None
    wait_s = min(asked_s, LONGEST_ASKED_S)
    if asked_s > LOUD_S:
        _log.warning(
            "e2b: the service asks to be left alone for %.0f s (%s); it is asked again in %.0f s",
            asked_s,
            fault.detail,
            wait_s,
        )
    return wait_s


class Throttle:
    """When the sandboxes of a pool may be asked for something again. Used from one event loop."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, draw: Callable[[], float] = _jitter.random
    ) -> None:
        self._clock, self._draw = clock, draw
        self._opens_s = 0.0
        self._in_a_row = 0

    @property
    def left_s(self) -> float:
        """Return for how much longer nobody should ask."""
        return max(self._opens_s - self._clock(), 0.0)

    def hear(self, fault: Fault) -> None:
        """Hold everybody up: as long as *fault* asks for, or longer each time."""
        asked_s, now_s = asked_wait_s(fault), self._clock()
        if asked_s is not None:
            self._opens_s = max(self._opens_s, now_s + asked_s + self._draw())
        elif now_s >= self._opens_s:  # those that were under way together are refused together, which counts once
            backoff_s = min(FIRST_WAIT_S * 2**self._in_a_row, LONGEST_WAIT_S)
            self._opens_s = now_s + backoff_s * (0.5 + self._draw() / 2)
            self._in_a_row = min(self._in_a_row + 1, 16)

    def ease(self) -> None:
        """Something went well: the next wait is a short one again."""
        self._in_a_row = 0


def line_up_again(tickets: Iterable[Ticket], line: WaitingLine, fault: Fault) -> None:
    """Let jobs that never set out wait for another place, unless they have waited for too long."""
    for ticket in tickets:
        if not ticket.is_open:
            continue
        if time.monotonic() - ticket.asked_s < PATIENCE_S:
            line.add(ticket)
        else:
            ticket.settle(SandboxFailure("start", f"{fault.kind}: {fault.detail}", retryable=False))
