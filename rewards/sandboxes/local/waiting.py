"""How long a program was ready to run but had to wait for a core: time by the clock that is no fault of its own."""

from __future__ import annotations

import contextlib
import os

NANOSECOND = 1e-9


def waited_s(supervisor: int) -> float:
    """Return the longest wait of any thread of the programs below a slot's outermost process.

    The longest, not the sum: threads that wait at the same time make a program late only once. Returns 0 where the
    kernel does not tell.
    """
    children = _children()
    zygotes = children.get(supervisor, [])
    pending, programs = [child for zygote in zygotes for child in children.get(zygote, [])], []
    while pending:
        programs.append(pending.pop())
        pending += children.get(programs[-1], [])
    return max((_longest_wait_s(pid) for pid in programs), default=0.0)


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return found  # no descriptor is free
    for name in names:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
                found.setdefault(parent, []).append(int(name))
    return found


def _longest_wait_s(pid: int) -> float:
    longest = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            path = f"/proc/{pid}/task/{thread}/schedstat"
            with contextlib.suppress(OSError, ValueError, IndexError), open(path, "rb") as file:
                longest = max(longest, int(file.read().split()[1]))
    return longest * NANOSECOND
