"""One trip under way: its jobs run at once, as far as there are slots, and each result is told when it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ...errors import ConfigurationError, SandboxUnavailable
from ...records import Job, TestRun
from ..base import Sandbox
from ..local.beside import beside_the_loop
from . import lines
from .blobs import BlobFolder
from .results import ResultWriter
from .trips import Trip, unpack_trip

HEARTBEAT_S = 1.0
STALLED_S = 60.0
"""Without a byte that a client takes."""
LARGE_RESULT = 1 << 18
"""Results beyond this are compressed beside the event loop."""


class Errand:
    """Runs the jobs of a trip and writes lines for `lines.read_line`."""

    def __init__(self, nonce: str, writer: asyncio.StreamWriter, *, sandbox: Sandbox, blobs: BlobFolder) -> None:
        self._nonce, self._writer = nonce, writer
        self._sandbox, self._blobs = sandbox, blobs

    async def run(self, data: bytes) -> None:
        """Run the packed trip to its end. When this is cancelled, so are its jobs."""
        beating = asyncio.create_task(self._beat())
        try:
            await self._run(data)
            await self._say(lines.end(self._nonce))
        finally:
            beating.cancel()

    async def _run(self, data: bytes) -> None:
        try:
            trip = unpack_trip(data)
        except Exception as error:  # noqa: BLE001 - the boundary to the host: damaged pickles raise anything
            await self._say(lines.failed(self._nonce, None, "malformed", f"{type(error).__name__}: {error}"))
            return
        jobs = await self._jobs(trip)
        async with asyncio.TaskGroup() as group:
            for index, job in enumerate(jobs):
                group.create_task(self._run_job(index, job))

    async def _jobs(self, trip: Trip) -> list[Job]:
        found = {digest: await self._blobs.steps_of(digest, trip.inline) for digest in trip.digests}
        missing = tuple(digest for digest, steps in found.items() if steps is None)
        if missing:
            await self._say(lines.missing(self._nonce, missing))
            return []
        return trip.jobs({digest: steps for digest, steps in found.items() if steps is not None})

    async def _run_job(self, index: int, job: Job) -> None:
        try:
            line = lines.result(self._nonce, index, await self._result(job))
        except ConfigurationError as error:
            line = lines.failed(self._nonce, index, "configuration", str(error))
        except SandboxUnavailable as error:
            line = lines.failed(self._nonce, index, "unavailable", str(error))
        except Exception as error:  # noqa: BLE001 - the boundary to the host, which has to hear of any mistake made here
            line = lines.failed(self._nonce, index, "agent", f"{type(error).__name__}: {error}")
        await self._say(line)

    async def _result(self, job: Job) -> bytes:
        writer = ResultWriter(job)

        def see(_: int, run: TestRun) -> bool:
            writer.add(run)
            return True

        result = await self._sandbox.run(job, keep_going=see)
        if writer.size > LARGE_RESULT:
            return await beside_the_loop(writer.finish, result)
        return writer.finish(result)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._writer.write(lines.heartbeat(self._nonce))

    async def _say(self, line: bytes) -> None:
        self._writer.write(line)
        transport = self._writer.transport
        while True:
            waiting = transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(STALLED_S):
                    return await self._writer.drain()
            except TimeoutError:
                if transport.get_write_buffer_size() >= waiting:
                    transport.abort()
                    raise ConnectionResetError("the client does not read") from None


def taken_trip(folder: Path, nonce: str) -> bytes | None:
    """Return the trip that was uploaded under this name, and delete it; None where there is none."""
    path = folder / nonce
    try:
        data = path.read_bytes()
        path.unlink()
    except OSError:
        return None
    return data
