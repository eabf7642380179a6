"""Cells that come one by one: a child serves its host until that has no more of them.

What the host reads here is the program's word, as with every notebook: the program may well answer in its own name.
"""

from __future__ import annotations

import marshal
import os
import stat
from collections.abc import Iterable

from . import notebook
from .frames import read_frame, write_frame
from .wire import MAX_BYTES, MAX_FRAME, TooLarge

CELL, READ = "cell", "read"
ANSWERED = b"A"
MISSING, FOUND = b"-", b"+"
"""What an answer to a request for a file begins with."""
MOST_READ = MAX_FRAME - 1
_ROOM = 1 << 16
_WITHOUT_REFERENCES = 2
_read, _write, _open, _fstat = os.read, os.write, os.open, os.fstat


def pack_cell(source: str, files: Iterable[notebook.FileContent]) -> bytes:
    """Return the request to run a cell; raises `TooLarge`."""
    return _packed(CELL, source, [[path, content] for path, content in files])


def pack_read(path: str, limit_bytes: int) -> bytes:
    """Return the request for the first bytes of a file; raises `TooLarge`."""
    return _packed(READ, path, min(limit_bytes, MOST_READ))


def _packed(*request: object) -> bytes:
    packed = marshal.dumps(list(request), _WITHOUT_REFERENCES)
    if len(packed) > MAX_BYTES:
        raise TooLarge(len(packed))
    return packed


def run_session(_: bytes, channel: int, returned: int) -> None:
    """Answer requests from *channel* until it ends: with one frame in *returned*, and a byte that says so.

    The host empties what was returned and printed before each request. Raises OSError where it has gone away.
    """
    shell, directory = notebook.shell_of_process(), os.getcwd()
    while (request := read_frame(channel, largest=MAX_BYTES + _ROOM)) is not None:
        kind, text, rest = marshal.loads(request)
        if kind == READ:
            frame = _beginning_of(f"{directory}/{text}", rest)
        else:
            shell.refill()
            frame = notebook.answer(shell, text, rest, directory, (0, 0), limit=MAX_FRAME)[-1]
        write_frame(returned, frame)
        _write(channel, ANSWERED)


def _beginning_of(path: str, limit: int) -> bytes:
    """Return the first bytes of a plain file; a pipe would never end, nor would a device."""
    try:
        descriptor = _open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return MISSING
    try:
        if not stat.S_ISREG(_fstat(descriptor).st_mode):
            return MISSING
        found = bytearray(FOUND)
        while len(found) <= limit and (part := _read(descriptor, limit + 1 - len(found))):
            found += part
        return bytes(found)
    except OSError:
        return MISSING
    finally:
        os.close(descriptor)
