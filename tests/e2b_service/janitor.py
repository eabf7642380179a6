"""The process that sweeps up after machines, seen from the service."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from . import leftovers


class Janitor:
    """Removes folders and what runs in them, beside the service's own work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._reading = asyncio.create_task(self._read())

    async def remove(self, folder: Path) -> None:
        """Return when nothing of *folder* is left."""
        done = self._waiting[str(folder)] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{folder}\n".encode())
        await done

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self._waiting.pop(line.decode().rstrip("\n")).set_result(None)
        while self._waiting:  # it was killed: whoever waits for it must not wait for ever
            self._waiting.popitem()[1].cancel()

    async def close(self) -> None:
        """Let it remove all that is left, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def folder_with_janitor() -> AsyncIterator[tuple[Path, Janitor]]:
    """Give a folder for all machines; it is removed, and what runs in it killed, also when this process is killed."""
    base = tempfile.mkdtemp(prefix="e2b-service-")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leftovers.__file__, base),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd="/",
        start_new_session=True,  # a Ctrl-C in the terminal is for the service
    )
    janitor = Janitor(process)
    try:
        yield Path(base), janitor
    finally:
        await janitor.close()
