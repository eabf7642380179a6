"""Put files into the scratch directory before a program starts, and hand over what it has left there."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterator, Sequence

from .parcel import PlacedFile

MAX_TREE_FILES, MAX_TREE_DEPTH = 2000, 20
CHUNK = 1 << 20
_LENGTH = struct.Struct("=I")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def put_files(files: Sequence[PlacedFile]) -> None:
    """Write *files* below the working directory, which no program has used yet; raises OSError."""
    for file in files:
        folder = os.path.dirname(file.path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        descriptor = os.open(file.path, _WRITING, 0o755 if file.executable else 0o644)
        try:
            rest = memoryview(file.content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)


def hand_over(top: str, names: Sequence[str], target: int, *, limit: int) -> None:
    """Write a frame to *target* for each regular file of these *names* below *top*, up to *limit* bytes in all.

    Nothing of the program may live any more. No link is followed and nothing is waited for, whatever lies there; a file
    that does not fit is left out. A frame holds the name, a NUL and the content.
    """
    top_descriptor = _open_top(top)
    for name in dict.fromkeys(names):
        found = _below(top_descriptor, name[:-1]) if name.endswith("/") else iter([name])
        for path in found:
            with contextlib.suppress(OSError, ValueError):  # not there, a link, shut, or no name at all: left out
                limit -= _hand_over_one(top_descriptor, path, target, limit=limit)


def _open_top(top: str) -> int:
    """Return a descriptor of the scratch directory, which its program may have shut."""
    try:
        return os.open(top, _DIRECTORY)
    except PermissionError:
        os.chmod(top, 0o700)
        return os.open(top, _DIRECTORY)


def _hand_over_one(top: int, path: str, target: int, *, limit: int) -> int:
    *folders, name = path.split("/")
    if not {"", ".", ".."}.isdisjoint((*folders, name)):
        return 0
    parent = _walk(top, folders)
    try:
        descriptor = os.open(name, _READING, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        state = os.fstat(descriptor)
        head = os.fsencode(path) + b"\0"
        size = len(head) + state.st_size
        if not stat.S_ISREG(state.st_mode) or size + _LENGTH.size > limit:
            return 0
        _write_all(target, _LENGTH.pack(size) + head)
        _copy(descriptor, target, state.st_size)
    finally:
        os.close(descriptor)
    return size + _LENGTH.size


def _walk(top: int, folders: Sequence[str]) -> int:
    """Return a descriptor of the directory that *folders* lead to."""
    descriptor = os.dup(top)
    for folder in folders:
        try:
            inner = os.open(folder, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _copy(source: int, target: int, size: int) -> None:
    """Copy exactly *size* bytes: the frame has announced them."""
    while size:
        part = os.read(source, min(size, CHUNK)) or bytes(min(size, CHUNK))
        _write_all(target, part)
        size -= len(part)


def _write_all(target: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


def _below(top: int, folder: str) -> Iterator[str]:
    """Yield the paths of what lies below *folder*, as many as anybody may want."""
    pending, left = [folder], MAX_TREE_FILES
    while pending:
        path = pending.pop()
        for name, is_folder in _entries(top, path):
            left -= 1
            if left < 0:
                return
            if not is_folder:
                yield f"{path}/{name}"
            elif path.count("/") < MAX_TREE_DEPTH:
                pending.append(f"{path}/{name}")


def _entries(top: int, path: str) -> list[tuple[str, bool]]:
    try:
        descriptor = _walk(top, path.split("/"))
    except OSError:
        return []
    try:
        with os.scandir(descriptor) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:
        return []
    finally:
        os.close(descriptor)
