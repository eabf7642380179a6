"""The inputs that the host has uploaded, read once and remembered while they are in use."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from ...records import Step
from ..local.beside import beside_the_loop
from .trips import StepsBlob, unpack_steps

LARGE_BLOB = 64 << 10
"""Compressed inputs beyond this are unpacked beside the event loop."""


class BlobFolder:
    """Steps by digest: decoded ones up to *remembered* bytes, files up to *kept* bytes; the least used go first."""

    def __init__(self, folder: Path, *, remembered: int = 64 << 20, kept: int = 512 << 20) -> None:
        self._folder, self._kept = folder, kept
        self._left = remembered
        self._decoded: OrderedDict[str, tuple[tuple[Step, ...], int]] = OrderedDict()

    async def steps_of(self, digest: str, inline: Mapping[str, bytes]) -> tuple[Step, ...] | None:
        """Return the steps of this name from *inline*, memory or the folder; None where they are missing or damaged."""
        known = self._decoded.get(digest)
        if known is not None:
            self._decoded.move_to_end(digest)
            return known[0]
        data = inline.get(digest) or self._read(digest)
        if data is None:
            return None
        blob = StepsBlob(digest, data)
        try:
            found = await beside_the_loop(unpack_steps, blob) if len(data) > LARGE_BLOB else unpack_steps(blob)
        except ValueError:
            self._path(digest).unlink(missing_ok=True)
            return None
        self._remember(digest, found)
        return found[0]

    def _remember(self, digest: str, found: tuple[tuple[Step, ...], int]) -> None:
        if digest in self._decoded:  # another trip was faster
            return
        self._decoded[digest] = found
        self._left -= found[1]
        while self._left < 0 and self._decoded:
            _, (_, size) = self._decoded.popitem(last=False)
            self._left += size

    def _path(self, digest: str) -> Path:
        return self._folder / os.path.basename(digest)

    def _read(self, digest: str) -> bytes | None:
        try:
            data = self._path(digest).read_bytes()
            os.utime(self._path(digest))
        except OSError:
            return None
        self._tidy()
        return data

    def _tidy(self) -> None:
        """Delete the files that were not read for the longest time, once there are too many bytes of them."""
        with contextlib.suppress(OSError):
            found = [(entry.stat(), entry.path) for entry in os.scandir(self._folder)]
            found.sort(key=lambda file: file[0].st_mtime_ns)
            excess = sum(status.st_size for status, _ in found) - self._kept
            for status, path in found[:-1]:
                if excess <= 0:
                    return
                os.unlink(path)
                excess -= status.st_size
