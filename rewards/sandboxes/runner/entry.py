"""The way of a child from the fork to its job.

Each page that a child writes to is copied first, and an object is written to when it is only looked at. So all that can
be made before the fork is made there, and the way itself is a few calls of C functions, one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from . import limits, signals
from .kernel import PARENT_DEATH, libc
from .messages import Mode, Order
from .seccomp import Filter

_pread = os.pread
Call = tuple[Callable[..., int], tuple[Any, ...]]
"""A function that returns a negative number where it fails, and its arguments."""
WARMING: tuple[Call, ...] = ((libc.prctl, (3, b"", 0, 0, 0)),)  # PR_GET_DUMPABLE
WARM_TIMES = 12


def enter(calls: tuple[Call, ...], descriptor: int, size: int) -> bytes:
    """Make *calls* and return the job of *size* bytes that *descriptor* holds; raises OSError."""
    job = _pread(descriptor, size, 0)
    for function, arguments in calls:
        if function(*arguments) < 0:
            raise OSError
    return job


class Entry:
    """What each child has to call before it may run a program."""

    def __init__(self, own_bytes: int, one: Filter | None, several: Filter | None, *, own_pids: bool) -> None:
        """Take the filters for jobs of one process and of several.

        *own_bytes* is what the interpreter maps before any program.
        """
        self._own_bytes, self._one, self._several, self._own_pids = own_bytes, one, several, own_pids
        self._asked: tuple[int, ...] = ()
        self._calls: tuple[Call, ...] = ()

    def calls_for(self, order: Order) -> tuple[Call, ...]:
        """Return the calls, in their order; those of the last order are kept, since most are alike."""
        asked = (order.processes, order.memory_bytes, order.file_bytes, order.mode == Mode.COMMAND)
        if asked != self._asked:
            self._asked, self._calls = asked, tuple(self._made_for(order))
        return self._calls

    def _made_for(self, order: Order) -> list[Call]:
        calls: list[Call] = [] if self._own_pids else [(libc.prctl, PARENT_DEATH)]
        calls += limits.job_limits(order, self._own_bytes)
        calls.append(signals.UNBLOCK_INTERRUPTION)
        chosen = self._several if order.processes > 1 else self._one
        return calls if chosen is None else calls + chosen.calls()


def warm_up(descriptor: int) -> None:
    """Go this way a few times in the zygote, with a call that does nothing."""
    for _ in range(WARM_TIMES):
        enter(WARMING, descriptor, 0)
