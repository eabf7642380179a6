"""Wait for a child and hold it to its limits: CPU time by its own clock, disk, the processes it may have started."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import scratch as scratch_directory
from .messages import COUNTS_ANSWERS, Mode, Order, Stop
from .processes import ProcessTree

LOOK_AGAIN_S = 0.05
"""How often disk and process trees are looked at: nothing tells when they change."""
IDLE_LOOK_S = 0.25
"""The same in a session that waits for its next cell: hundreds of them may wait at once."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.001, 3600.0
"""poll(2) takes milliseconds as a C int: a limit of a month, or none, is waited for by the hour."""
AT_ONCE_S = 0.01
PROGRESS_SHARE = 0.1
"""A call's own CPU limit is overrun by at most this share, because answers are noticed that late."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its threads so far, exact to the clock tick of the hardware."""
    return time.clock_gettime((~pid << 3) | 2)


@dataclass
class Watch:
    """The limits of one child, and how far it has got."""

    order: Order
    tree: ProcessTree | None
    """Given where the job may have several processes."""
    is_full: Callable[[], bool] | None
    """Given where no file system of its own bounds what the program writes."""
    answered: Callable[[], int]
    """Bytes of answers so far."""
    tell: Callable[[int], None] | None = None
    """Told the pid of a child that does not end at once, where somebody else has to look after its threads."""
    told: bool = False
    pid: int = 0
    """Known after the fork; all else is made before it, because every page that is written to then is copied."""
    started: float = field(default_factory=time.monotonic)
    first_pause_s: float = 0.0
    _base_s: float = 0.0
    _seen: int = 0
    _looked_s: float = -1.0

    def __post_init__(self) -> None:
        self.first_pause_s = self._pause_s(min(self.order.cpu_s, self.order.total_cpu_s, self.order.backstop_s))

    def restart_clock(self) -> None:
        """Begin a new call: its CPU limit counts from here."""
        self._base_s = self._cpu_s()

    def _cpu_s(self) -> float:
        return self.tree.cpu_s() if self.tree else cpu_seconds(self.pid)

    def check(self) -> tuple[Stop | None, float]:
        """Return why to stop the child, if it must be, and how long it may be left alone otherwise."""
        order, used = self.order, self._cpu_s()
        if self.tell is not None and not self.told:
            self.told = True
            self.tell(self.pid)
        if order.mode in COUNTS_ANSWERS:
            answered = self.answered()
            if answered > self._seen:  # a program can also cut the file off
                self._seen, self._base_s = answered, used
        left = min(order.cpu_s - (used - self._base_s), order.total_cpu_s - used)
        if left <= 0:
            return Stop.CPU, 0
        clock_left = order.backstop_s - (time.monotonic() - self.started)
        if clock_left <= 0:
            return Stop.BACKSTOP, 0
        if self._is_idle(used):
            return None, max(IDLE_LOOK_S, self._pause_s(left))
        return self._overfull(), min(self._pause_s(left), clock_left)

    def _overfull(self) -> Stop | None:
        if self.is_full is not None and self.is_full():
            return Stop.DISK
        if self.tree and self.tree.memory_bytes() > self.order.memory_bytes:
            return Stop.MEMORY
        return None

    def _is_idle(self, used_s: float) -> bool:
        """Say whether nothing has run in a session since the last look: nothing was written, and no memory taken."""
        looked_s, self._looked_s = self._looked_s, used_s
        return self.order.mode == Mode.SESSION and used_s <= looked_s

    def _pause_s(self, left_s: float) -> float:
        if self.order.mode in COUNTS_ANSWERS:
            left_s = min(left_s, self.order.cpu_s * PROGRESS_SHARE)
        if self.is_full is not None or self.tree:
            left_s = min(left_s, LOOK_AGAIN_S)
        if self.tell is not None and not self.told:
            left_s = min(left_s, AT_ONCE_S)
        left_s /= CORES  # threads use up CPU time faster than the clock goes
        return min(max(left_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def wait(watch: Watch, poll: select.poll, read_message: Callable[[], int]) -> Stop:
    """Wait until the child has ended or must be stopped, and stop it then.

    *poll* looks at the host's socket; *read_message* returns the `Mode` of its next message, 0 when the host is gone.
    """
    pid_descriptor = os.pidfd_open(watch.pid)
    poll.register(pid_descriptor, select.POLLIN)
    try:
        reason = _follow(watch, poll, pid_descriptor, read_message)
    finally:
        poll.unregister(pid_descriptor)
        os.close(pid_descriptor)
    if reason is not Stop.ENDED:
        os.kill(watch.pid, signal.SIGKILL)
    return reason


def _follow(watch: Watch, poll: select.poll, pid_descriptor: int, read_message: Callable[[], int]) -> Stop:
    pause_s = watch.first_pause_s
    while True:
        ready = poll.poll(pause_s * 1000)
        if pid_descriptor in dict(ready):
            return Stop.ENDED
        if ready:
            message = read_message()
            if message == Mode.PROGRESS:
                watch.restart_clock()
            elif message == Mode.KILL:
                return Stop.KILLED
            elif not message:
                os.kill(watch.pid, signal.SIGKILL)
                os._exit(0)  # the host is gone: nobody waits for an answer
        reason, pause_s = watch.check()
        if reason is not None:
            return reason


def disk_check(scratch: str, limit_bytes: int, *, own_file_system: bool) -> Callable[[], bool]:
    """Return a function that tells whether the scratch directory holds more than it may."""
    if own_file_system:
        return lambda: scratch_directory.fills(scratch, limit_bytes)
    return lambda: scratch_directory.holds_more(scratch, limit_bytes)
