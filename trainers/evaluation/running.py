"""Run a coroutine to its end from synchronous code, also where an event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what *coroutine* returns; an interrupt of the caller cancels it first."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _run_in_thread(coroutine)


def _run_in_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    begun: concurrent.futures.Future[Callable[[], Any]] = concurrent.futures.Future()

    async def main() -> T:
        task = asyncio.ensure_future(coroutine)
        begun.set_result(functools.partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
        return await task

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001 - the boundary between two threads: the caller raises it
            outcome.set_exception(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="evaluation")
    thread.start()
    try:
        return outcome.result()
    except BaseException:
        if not outcome.done():
            begun.result()()
        raise
    finally:
        thread.join()
