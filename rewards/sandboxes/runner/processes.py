"""The processes of a job that may have several, counted through a procfs of their own pid namespace."""

from __future__ import annotations

import contextlib
import os
import signal

from .kernel import libc

TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
ZYGOTE = 1
USUAL_DESCRIPTORS, SOCKET_BYTES = 64, 208 << 10
"""A pair of sockets holds so much in each that no process's memory shows; the table of descriptors shows their number,
but for the first of them."""
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
        """Return the resident memory, without what each process shares with the zygote, and what sockets may hold."""
        resident = sum(max(int(fields[RESIDENT]) * PAGE - self._own_bytes, 0) for fields in self._states())
        return resident + sum(map(_held_by_sockets, self._files("status")))

    def _states(self) -> list[list[bytes]]:
        return [content.rpartition(b")")[2].split() for content in self._files("stat")]

    def _files(self, kind: str) -> list[bytes]:
        names = [name for name in os.listdir(self._procfs) if name.isdigit() and int(name) != ZYGOTE]
        return [content for name in names for content in self._content(f"{name}/{kind}")]

    def _content(self, path: str) -> list[bytes]:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._procfs)
            try:
                return [os.read(descriptor, 4096)]
            finally:
                os.close(descriptor)
        return []


def _held_by_sockets(status: bytes) -> int:
    size = status.partition(b"\nFDSize:")[2].split(maxsplit=1)[:1]  # a process that has ended has none
    return max(int(size[0]) - USUAL_DESCRIPTORS, 0) * SOCKET_BYTES if size else 0


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
