"""A job that is more than one text: files to put down, words of a command line, names of files to hand over.

The host packs it and a child unpacks it; the zygote in between does not look inside.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LENGTH = struct.Struct("=I")


@dataclass(frozen=True)
class PlacedFile:
    """A file to put into the scratch directory before the program starts."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Parcel:
    """What one child needs to run its program."""

    body: bytes = b""
    """The source, for a program that the child itself runs."""
    files: tuple[PlacedFile, ...] = ()
    words: tuple[str, ...] = ()
    """The command line, or what stands behind the program's name on it."""
    environment: tuple[tuple[str, str], ...] = ()
    fetch: tuple[str, ...] = ()
    """Files to hand over; a name that ends in `/` stands for all below."""


def pack_parcel(
    body: bytes,
    *,
    files: Sequence[PlacedFile] = (),
    words: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    fetch: Sequence[str] = (),
) -> bytes:
    """Return the parcel as it travels."""
    placed = [(file.path, len(file.content), file.executable) for file in files]
    told = json.dumps([len(body), placed, list(words), list((environment or {}).items()), list(fetch)]).encode()
    return b"".join([_LENGTH.pack(len(told)), told, body, *(file.content for file in files)])


def unpack_parcel(data: bytes) -> Parcel:
    """Read what `pack_parcel` wrote."""
    (size,) = _LENGTH.unpack_from(data)
    at = _LENGTH.size + size
    length, placed, words, environment, fetch = json.loads(data[_LENGTH.size : at])
    body, at = data[at : at + length], at + length
    files = []
    for path, size, executable in placed:
        files.append(PlacedFile(path, data[at : at + size], executable))
        at += size
    return Parcel(body, tuple(files), tuple(words), tuple((key, value) for key, value in environment), tuple(fetch))
