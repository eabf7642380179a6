"""Landlock: take away the file system but for a few paths, TCP, and signals to others.

Works with every ABI from 1 (Linux 5.13) on: each right is asked for only where the kernel knows it. Not covered by
any ABI: chmod, chown, utime, xattr, stat and chdir, which are the seccomp filter's business.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from .kernel import check, libc

SYS_CREATE_RULESET, SYS_ADD_RULE, SYS_RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
LOG_SAME_EXEC_OFF = 1
"""From ABI 7 on refusals are written to the audit log, which a hostile program could flood."""

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_FIFO, MAKE_SYM = 16, 32, 128, 256, 1024, 4096
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
ABI_OF_RIGHTS = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
TCP_BIND_AND_CONNECT = 3
SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3

READ = READ_FILE | READ_DIR
READ_WRITE_FILE = READ_FILE | WRITE_FILE
SCRATCH = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


def abi_version(pretend: int | None = None) -> int:
    """Return the ABI that the kernel speaks, 0 where it has no Landlock; *pretend* plays an older kernel."""
    version: int = libc.syscall(SYS_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(CREATE_RULESET_VERSION))
    version = max(version, 0)
    return version if pretend is None else min(version, pretend)


def _handled(abi: int) -> int:
    rights = 0
    for since, group in ABI_OF_RIGHTS.items():
        rights |= group if abi >= since else 0
    return rights


class Ruleset:
    """What stays possible once `restrict` was called; everything else that Landlock knows is refused."""

    def __init__(self, abi: int) -> None:
        if abi < 1:
            raise OSError(errno.ENOSYS, "the kernel has no Landlock")
        self._abi = abi
        self._handled = _handled(abi)
        words = [self._handled, *([TCP_BIND_AND_CONNECT] if abi >= 4 else [])]
        words += [SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS] if abi >= 6 else []
        attributes = struct.pack(f"={len(words)}Q", *words)
        result = libc.syscall(SYS_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
        self._descriptor = check(result, "landlock_create_ruleset")

    def allow(self, path: str, rights: int) -> None:
        """Allow *rights* at *path* and below; a path that does not exist needs no rule."""
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            return
        try:
            self.allow_descriptor(descriptor, rights)
        finally:
            os.close(descriptor)

    def allow_descriptor(self, descriptor: int, rights: int) -> None:
        """Allow *rights* at what an open descriptor stands for, and below."""
        rights &= self._handled
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        result = libc.syscall(SYS_ADD_RULE, self._descriptor, ctypes.c_uint(RULE_PATH_BENEATH), rule, ctypes.c_uint(0))
        check(result, "landlock_add_rule")

    def restrict(self) -> None:
        """Restrict this process and its children, for good."""
        flags = LOG_SAME_EXEC_OFF if self._abi >= 7 else 0
        check(libc.syscall(SYS_RESTRICT_SELF, self._descriptor, ctypes.c_uint(flags)), "landlock_restrict_self")
        os.close(self._descriptor)
