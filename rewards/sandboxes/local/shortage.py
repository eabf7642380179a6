"""What a process lacks that cannot start a slot: the advice that helps, where no level of protection is at fault."""

from __future__ import annotations

import errno
import resource

from ...records import Limits
from .worker import RefusedError, WorkerDiedError

LACKING = {
    errno.EMFILE: "this process has no free file descriptor; raise RLIMIT_NOFILE (ulimit -n)",
    errno.ENFILE: "the machine has no free file descriptor (fs.file-max)",
    errno.ENOMEM: "there is not enough memory, or RLIMIT_AS (ulimit -v) or the cgroup's limit is too low",
    errno.EAGAIN: "no more processes can be started; raise RLIMIT_NPROC (ulimit -u) or the cgroup's pids.max",
    errno.ENOSPC: "the temporary directory is full",
    errno.EDQUOT: "the quota of the temporary directory is used up",
    errno.EFBIG: "RLIMIT_FSIZE (ulimit -f) is too low for a program's files",
}
NEEDED = (
    # The interpreter maps address space of its own beside a program's; half a gigabyte is enough for that.
    ("RLIMIT_AS", resource.RLIMIT_AS, (Limits().memory_mb + 512) << 20),
    ("RLIMIT_DATA", resource.RLIMIT_DATA, 256 << 20),
    ("RLIMIT_FSIZE", resource.RLIMIT_FSIZE, Limits().disk_mb << 20),
    ("RLIMIT_NOFILE", resource.RLIMIT_NOFILE, 64),
)
"""Limits that a slot inherits, and what it needs at least."""


def shortage(error: WorkerDiedError) -> str:
    """Return what to do about a slot that *error* kept from starting, or nothing where no resource is short."""
    cause = error.__cause__
    if isinstance(error, RefusedError) and isinstance(cause, OSError) and cause.errno in LACKING:
        return LACKING[cause.errno]
    return "; ".join(
        f"{name} is {limit}, and a slot needs at least {needed}: raise it before this process starts"
        for name, kind, needed in NEEDED
        for limit in [min(_bytes(value) for value in resource.getrlimit(kind))]
        if limit < needed
    )


def _bytes(limit: int) -> float:
    return float("inf") if limit == resource.RLIM_INFINITY else limit
