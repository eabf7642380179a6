"""The kernel calls that the standard library does not offer, by ctypes."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

# PyDLL keeps the GIL while it calls: fork() goes through here, and must find the interpreter at rest.
libc = ctypes.PyDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
SYS_MOUNT_SETATTR = 442
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
MNT_DETACH = 2
LAST_CAPABILITY = 63
CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process


def check(result: int, what: str) -> int:
    """Return *result*, or raise the OSError that a negative one stands for."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int, what: str) -> None:
    """Call prctl(2) with one argument."""
    check(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), what)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Call mount(2)."""
    source_bytes, kind_bytes, data_bytes = (
        None if text is None else os.fsencode(text) for text in (source, kind, data)
    )
    check(
        libc.mount(source_bytes, os.fsencode(target), kind_bytes, ctypes.c_ulong(flags), data_bytes), f"mount {target}"
    )


def make_readonly(path: str) -> None:
    """Make a mount and all below it read-only, without device files and set-user-id programs (Linux 5.12)."""
    attributes = struct.pack("=QQQQ", MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    result = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), AT_RECURSIVE, attributes, len(attributes))
    check(result, f"mount_setattr {path}")


def drop_capabilities() -> None:
    """Give up every capability, also for what might be executed, and every way to gain one."""
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)  # fails where there is none to drop
    check(libc.capset(CAPABILITY_HEADER, bytes(24)), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")
    prctl(PR_SET_DUMPABLE, 0, "dumpable")  # nobody of this uid may look into this process


PARENT_DEATH = (PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
"""Arguments of prctl(2): be killed when the parent dies. A later change of credentials undoes it."""


def die_with_parent() -> None:
    """Be killed when the parent dies."""
    check(libc.prctl(*PARENT_DEATH), "pdeathsig")
