"""The processes of a job that may have several, counted through a procfs of their own pid namespace."""

from __future__ import annotations

import contextlib
import os
import signal

from .kernel import libc

TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
ZYGOTE = 1
USER_TIME, CHILDREN_SYSTEM_TIME, RESIDENT = 11, 14, 21
"""Places in /proc/<pid>/stat behind the command's name."""


class ProcessTree:
    """What all processes of a pid namespace but its first use together."""

    def __init__(self, procfs: int, own_bytes: int) -> None:
        self._procfs = procfs
        self._own_bytes = own_bytes  # pages shared with the zygote are resident in each process

    def cpu_s(self) -> float:
        """Return the CPU time of those alive and of the children that they have waited for."""
        ticks = sum(int(value) for fields in self._states() for value in fields[USER_TIME : CHILDREN_SYSTEM_TIME + 1])
        return ticks * TICK_S

    def memory_bytes(self) -> int:
        """Return the resident memory, without what each process shares with the zygote."""
        return sum(max(int(fields[RESIDENT]) * PAGE - self._own_bytes, 0) for fields in self._states())

    def _states(self) -> list[list[bytes]]:
        return [
            fields
            for name in os.listdir(self._procfs)
            if name.isdigit() and int(name) != ZYGOTE
            for fields in self._state(name)
        ]

    def _state(self, name: str) -> list[list[bytes]]:
        with contextlib.suppress(OSError):
            descriptor = os.open(f"{name}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._procfs)
            try:
                return [os.read(descriptor, 4096).rpartition(b")")[2].split()]
            finally:
                os.close(descriptor)
        return []


def kill_all() -> float:
    """Kill everything in this pid namespace, whose first process this is, and return the CPU time of what was left."""
    used = 0.0
    if libc.kill(-1, signal.SIGKILL) < 0:
        return used  # nothing was left, as nearly always: an exception that says so costs many pages
    with contextlib.suppress(ChildProcessError):
        while True:
            _, _, usage = os.wait4(-1, 0)
            used += usage.ru_utime + usage.ru_stime
    return used
