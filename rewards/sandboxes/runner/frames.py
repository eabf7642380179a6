"""Frames: a length in four bytes, then as many bytes. Written and read with plain descriptors."""

from __future__ import annotations

import os
import struct

_LENGTH = struct.Struct("=I")
_read, _write = os.read, os.write  # a program that patches `os` must not break its own answers by accident


def write_frame(fd: int, payload: bytes) -> None:
    """Write one frame; raises OSError when the descriptor takes no more."""
    rest = memoryview(_LENGTH.pack(len(payload)) + payload)
    while rest:
        rest = rest[_write(fd, rest) :]


def read_frame(fd: int, *, largest: int) -> bytes | None:
    """Return the next frame of a stream; None when it ends, or announces more than *largest* bytes."""
    header = _read_exactly(fd, _LENGTH.size)
    if header is None:
        return None
    (length,) = _LENGTH.unpack(header)
    return _read_exactly(fd, length) if length <= largest else None


def _read_exactly(fd: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = _read(fd, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def read_frames(data: bytes, *, limit: int) -> list[bytes]:
    """Return the first *limit* frames in *data*; a frame that was cut off, and what follows it, is left out."""
    frames: list[bytes] = []
    at = 0
    while len(frames) < limit and at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            break
        frames.append(data[at : at + length])
        at += length
    return frames
