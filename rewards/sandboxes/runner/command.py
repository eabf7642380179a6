"""Run a program of any language: put its files down and become the interpreter, the compiler or the program itself."""

from __future__ import annotations

import os
import signal

from .kernel import libc
from .parcel import unpack_parcel
from .placing import put_files

SYS_CLOSE_RANGE, CLOSE_RANGE_CLOEXEC = 436, 4
FIRST_BESIDE_STANDARD, LAST_DESCRIPTOR = 3, (1 << 31) - 1
CANNOT_EXECUTE = 126
"""The shell's exit code for a file that is no program."""
RESET_BY_EXEC = (signal.SIGPIPE, signal.SIGXFSZ)
"""The interpreter that forks the child ignores these, and what is ignored would stay so."""


def become_command(job: bytes) -> None:
    """Execute the command of a parcel; returns only where the program's own file could not be executed.

    Raises OSError where the machine's tool could not: nothing is known about the program then.
    """
    parcel = unpack_parcel(job)
    put_files(parcel.files)
    if libc.syscall(SYS_CLOSE_RANGE, FIRST_BESIDE_STANDARD, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC) < 0:
        raise OSError("close_range")
    for number in RESET_BY_EXEC:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(parcel.words[0], parcel.words, dict(parcel.environment))
    except OSError as error:
        if parcel.words[0].startswith("/"):
            raise
        os.write(2, f"{parcel.words[0]}: {error.strerror}\n".encode())


def refuse(_: bytes) -> int:
    """Return the exit code of a program whose file could not be executed."""
    return CANNOT_EXECUTE
