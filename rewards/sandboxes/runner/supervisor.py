"""The process outside: ends the zygote when the host is gone, clears up after it, sees what the zygote cannot."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import struct
from typing import NoReturn

from .handshake import Setup
from .scratch import remove

PID = struct.Struct("=i")
LOOK_EVERY_MS = 20
PARENT, THREADS = 1, 17
"""Places in /proc/<pid>/stat behind the command's name."""


def supervise(zygote: int, host: int, setup: Setup, programs: int) -> NoReturn:
    """Wait for the zygote or the host to end, and clear up.

    The host's own death is watched as well as the socket, which a fork of the host may keep open. *programs* is a pipe
    on which the zygote tells each program's pid, or -1; the threads of those are counted here.
    """
    child = os.pidfd_open(zygote)
    _close_all_but(child, host, programs)
    poll = select.poll()
    for descriptor in (child, host, *([programs] if programs >= 0 else [])):
        poll.register(descriptor, select.POLLIN)
    watched = 0
    while True:
        ready = [descriptor for descriptor, _ in poll.poll(LOOK_EVERY_MS if watched else None)]
        if child in ready or host in ready:
            break
        if programs in ready:
            watched = PID.unpack(os.read(programs, PID.size) or bytes(PID.size))[0]
        if watched:
            _limit_threads(watched, zygote, setup.threads)
    if child not in ready:
        os.kill(zygote, signal.SIGKILL)
    status = os.waitpid(zygote, 0)[1]
    if not setup.namespaces:
        remove(setup.scratch)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _close_all_but(*kept: int) -> None:
    edges = [-1, *sorted(descriptor for descriptor in kept if descriptor >= 0), 1 << 16]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)


def _limit_threads(pid: int, zygote: int, limit: int) -> None:
    """Kill a program that has too many threads: the kernel does not limit root's, whatever powers it has given up."""
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            # The descriptor stands for one process; if that is still the zygote's child, it is the program.
            if int(fields[PARENT]) == zygote and int(fields[THREADS]) > limit:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
