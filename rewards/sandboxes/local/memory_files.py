"""The memory files through which bytes go into a sandboxed process and come out: nobody has to read a pipe in time."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class MemoryFiles:
    """Five files without a name, shared with the zygote. They cannot be sealed: a program could seal them too."""

    job: int
    stdin: int
    stdout: int
    stderr: int
    returned: int

    @classmethod
    def make(cls) -> MemoryFiles:
        """Make them, or none."""
        made: list[int] = []
        try:
            for name in ("job", "stdin", "stdout", "stderr", "returned"):
                made.append(os.memfd_create(name, os.MFD_CLOEXEC))
        except OSError:
            for descriptor in made:
                os.close(descriptor)
            raise
        return cls(*made)

    def prepare(self, job: bytes, stdin: bytes) -> None:
        """Fill what goes in and empty what comes out, whatever the last program did to the open files."""
        for descriptor in (self.stdin, self.stdout, self.stderr, self.returned):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)  # a program may have left O_APPEND or O_NONBLOCK
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
        _write(self.stdin, stdin)
        os.ftruncate(self.job, 0)
        _write(self.job, job)

    def size(self, descriptor: int) -> int:
        """Return how many bytes one of them holds."""
        return os.fstat(descriptor).st_size

    def head(self, descriptor: int, limit: int) -> bytes:
        """Return the first bytes of one of them."""
        return os.pread(descriptor, min(limit, self.size(descriptor)), 0)

    def part(self, descriptor: int, start: int, stop: int, *, limit: int) -> bytes:
        """Return what lies between two places in one of them, its first *limit* bytes; any two numbers will do."""
        start = min(max(start, 0), self.size(descriptor))
        return os.pread(descriptor, max(min(stop - start, limit), 0), start)

    def tail(self, descriptor: int, limit: int) -> bytes:
        """Return the last bytes of one of them."""
        size = self.size(descriptor)
        return os.pread(descriptor, limit, max(size - limit, 0))

    def empty(self) -> None:
        """Give the memory back; what one program printed is not kept while the slot is idle."""
        for descriptor in (self.job, self.stdin, self.stdout, self.stderr, self.returned):
            os.ftruncate(descriptor, 0)

    def close(self) -> None:
        """Close them all."""
        for descriptor in (self.job, self.stdin, self.stdout, self.stderr, self.returned):
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], written)
