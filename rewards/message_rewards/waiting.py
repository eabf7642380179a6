"""Waiting, from any thread or loop, for what runs on the background loop of all rewards."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..grader.batch import CLEANUP_S
from ..grader.loop import BackgroundLoop, Work, background_loop

T = TypeVar("T")
_log = logging.getLogger("rewards")


def wait_for(make: Callable[[], Coroutine[Any, Any, T]], *, patience_s: float | None) -> T | None:
    """Run the coroutine that *make* returns on the background loop, and wait for it; an interrupt stops it, too.

    None means that the loop did not react for *patience_s* seconds: something blocks it, and the next call gets
    another one.
    """
    loop = background_loop()
    if loop.is_current_thread:
        raise ConfigurationError("a reward was called on its own background loop: await its `acall`")
    work = loop.prepare(make())
    try:
        work.begin()
        concurrent.futures.wait([work.future], timeout=patience_s)
    except BaseException:  # KeyboardInterrupt, above all
        work.cancel()
        concurrent.futures.wait([work.future], timeout=2 * CLEANUP_S)
        raise
    return _settled(loop, work)


async def await_for(make: Callable[[], Coroutine[Any, Any, T]], *, patience_s: float | None) -> T | None:
    """Do what `wait_for` does, on the caller's own loop; cancelling it stops what runs."""
    loop = background_loop()
    work = loop.begin(make())
    waiter = asyncio.wrap_future(work.future)
    try:
        await asyncio.wait([waiter], timeout=patience_s)
    except asyncio.CancelledError:
        work.cancel()
        await asyncio.wait([waiter], timeout=2 * CLEANUP_S)
        raise
    finally:
        if waiter.done() and not waiter.cancelled():
            waiter.exception()  # it is raised below; asyncio would log it as forgotten
    return _settled(loop, work)


def _settled(loop: BackgroundLoop, work: Work[T]) -> T | None:
    if work.future.done():
        return work.future.result()
    loop.given_up = True
    work.cancel()
    _log.error("something blocks the event loop of the sandboxes: this call ends without a result")
    return None
