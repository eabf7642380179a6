"""What sandboxes have to spare: free lanes, and idle time that is paid for."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .machine import Machine

BREATH_S = 0.05
"""A sandbox is idle for so long at least before it is killed: whoever was answered has a moment to ask again."""
FIRST_BREATH_S = 5.0
"""The same before the pool's first job: the sandbox came with `start`, and the jobs are on their way."""


def overdue(
    machines: Iterable[Machine], *, keep_warm: int, idle_s: float, has_worked: bool
) -> tuple[list[Machine], float | None]:
    """Return those that are to be killed, and the seconds until the next one is due."""
    idle = [machine for machine in machines if machine.is_idle]
    kept = sorted((m for m in idle if not m.bare), key=lambda machine: -machine.idle_since_s)
    now_s, over, due = time.monotonic(), list[Machine](), list[float]()
    for machine in kept[keep_warm:] + [m for m in idle if m.bare]:
        left_s = machine.idle_since_s + max(idle_s, BREATH_S if has_worked else FIRST_BREATH_S) - now_s
        if left_s <= 0:
            over.append(machine)
        else:
            due.append(left_s)
    return over, min(due, default=None)


def free_lanes(machine: Machine) -> int:
    """Return how many more jobs it could run at once."""
    return machine.lanes - len(machine.riders)
