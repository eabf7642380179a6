"""Load the committed seccomp filters.

The zygote loads a long allow-list once, which its children inherit for nothing. Each child adds a short one, because
a filter costs time for each of its instructions when it is loaded.
"""

from __future__ import annotations

import base64
import ctypes
import os
import platform
import struct
from collections.abc import Callable
from typing import Any

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

    def load(self) -> None:
        """Confine this process and what it starts; needs no_new_privs."""
        for call, arguments in self.calls():
            check(call(*arguments), "seccomp")

    def calls(self) -> list[tuple[Callable[..., int], tuple[Any, ...]]]:
        """Return the calls that confine the process which makes them; each returns a negative number when it fails."""
        load = (libc.prctl, (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._program, 0, 0))
        return [(self._fill_in_pid, ()), load] if self._marks else [load]

    def _fill_in_pid(self) -> int:
        for i in self._marks:
            struct.pack_into("=I", self._buffer, i, os.getpid())
        return 0
