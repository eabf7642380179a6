"""Wait for the end of a process without holding up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess

LOOK_AGAIN_S = 0.01


async def ended(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait until *process* has ended, or not any longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            try:
                await _readable(os.pidfd_open(process.pid))
            except OSError:  # no descriptor is free
                while process.poll() is None:
                    await asyncio.sleep(LOOK_AGAIN_S)


async def _readable(descriptor: int) -> None:
    """Wait until *descriptor* is readable and close it."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    try:
        loop.add_reader(descriptor, lambda: None if ready.done() else ready.set_result(None))
        await ready
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
