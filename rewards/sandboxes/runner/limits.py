"""Resource limits: the same for all programs of a slot, and those that a job sets."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable

from .kernel import libc
from .messages import Mode, Order

OPEN_FILES = 64
TOOL_OPEN_FILES = 512
"""A virtual machine opens each of its archives, and compilers start processes with pipes."""
STACK_BYTES = 64 << 20
"""Deep recursion through C code is common in contest programs; the usual 8 MiB is the shell's habit, not a rule."""
PENDING_SIGNALS = 64
_setrlimit = libc.setrlimit  # looked up here: in a child that would cost 60 pages
EXTRA_TASKS = 32
"""Threads that the processes of a job may have together, beside one each."""
COMMAND_DATA_FACTOR, COMMAND_DATA_BYTES = 2, 2 << 30
"""A wall well behind the watched limit, for what grows faster than anybody looks; stacks of threads count in full."""


def set_common_limits(tasks: int, open_files: int) -> None:
    """Set what no job changes."""
    fixed = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: PENDING_SIGNALS,
        resource.RLIMIT_NPROC: tasks,
    }
    for kind, wanted in fixed.items():
        _lower(kind, wanted)
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))  # contest programs raise it; the address space bounds it


def _lower(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def job_limits(order: Order, own_bytes: int) -> list[tuple[Callable[..., int], tuple[int, bytes]]]:
    """Return the calls that set what the job asks for; *own_bytes* is what the interpreter maps before any program."""
    limits = {resource.RLIMIT_FSIZE: order.file_bytes}
    if order.mode == Mode.COMMAND:
        # Address space is reserved by the gigabyte there; what is really used is watched from outside.
        limits[resource.RLIMIT_DATA] = COMMAND_DATA_FACTOR * order.memory_bytes + COMMAND_DATA_BYTES
    else:
        limits[resource.RLIMIT_AS] = own_bytes + order.memory_bytes
    if order.processes > 1 and order.mode != Mode.COMMAND:
        tasks = 2 + order.processes + EXTRA_TASKS  # the zygote and its parent count too
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        limits[resource.RLIMIT_NPROC] = tasks if hard == resource.RLIM_INFINITY else min(tasks, hard)
    return [(_setrlimit, (kind, struct.pack("=QQ", value, value))) for kind, value in limits.items()]


def read_state(descriptor: int) -> tuple[int, int]:
    """Return the number of threads and the mapped bytes that a /proc/<pid>/stat tells."""
    fields = os.pread(descriptor, 4096, 0).rpartition(b")")[2].split()
    return int(fields[17]), int(fields[20])
