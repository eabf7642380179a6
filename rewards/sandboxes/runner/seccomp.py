"""Load the committed seccomp filters.

The zygote loads a long allow-list once, which its children inherit for nothing. Each child adds a short one, because
a filter costs time for each of its instructions when it is loaded.
"""

from __future__ import annotations

import base64
import ctypes
import platform
import struct

from .kernel import PR_SET_SECCOMP, check, libc
from .seccomp_filters import FILTERS, PID_MARK

SECCOMP_MODE_FILTER = 2
INSTRUCTION = 8


class Filter:
    """One filter, ready to be loaded; a place for the process's own id is filled in then."""

    def __init__(self, purpose: str) -> None:
        filters = FILTERS.get(platform.machine())
        if filters is None:
            raise OSError(f"no seccomp filter for the architecture {platform.machine()!r}; known: {', '.join(FILTERS)}")
        data = base64.b85decode(filters[purpose])
        mark = struct.pack("=I", PID_MARK)
        self._buffer = ctypes.create_string_buffer(data, len(data))
        operand = 4  # the constant is the second half of an instruction
        self._marks = [i for i in range(operand, len(data), INSTRUCTION) if data[i : i + 4] == mark]
        self._program = struct.pack("HxxxxxxP", len(data) // INSTRUCTION, ctypes.addressof(self._buffer))

    def load(self, pid: int = 0) -> None:
        """Confine this process and what it starts; needs no_new_privs."""
        for i in self._marks:
            struct.pack_into("=I", self._buffer, i, pid)
        check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._program, 0, 0), "seccomp")
