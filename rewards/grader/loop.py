"""One event loop on one background thread for each process, on which all sandboxes live.

It is what makes a synchronous reward concurrent inside, wherever it is called from: a trainer's main thread, a
notebook's running loop, a worker thread. A forked child gets a loop of its own when it first needs one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from ..errors import SandboxUnavailable

T = TypeVar("T")


class BackgroundLoop:
    """A thread that runs an event loop until the process ends."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.given_up = False
        """Whether somebody waited in vain for this loop: a callback blocks it, and nothing on it can be trusted."""
        self._loop, self._thread = _running_loop()
        self._last: set[concurrent.futures.Future[None]] = set()
        weakref.finalize(self, _stop, self._loop, self._thread, self.pid, self._last)

    @property
    def usable(self) -> bool:
        """Whether work can be handed to this loop from this process."""
        return self.pid == os.getpid() and self._thread.is_alive() and not self.given_up

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller runs on this loop's thread, where waiting for it would wait for ever."""
        return threading.current_thread() is self._thread

    def prepare(self, coroutine: Coroutine[Any, Any, T]) -> Work[T]:
        """Return *coroutine* as work for this loop, to be begun."""
        return Work(self._loop, coroutine)

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Work[T]:
        """Start *coroutine* on the loop and return at once."""
        work = self.prepare(coroutine)
        work.begin()
        return work

    def begin_last(self, coroutine: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        """Start *coroutine* on the loop; a process that ends meanwhile waits a little for it."""
        future = self.begin(coroutine).future
        self._last.add(future)
        future.add_done_callback(self._last.discard)
        return future


class Work(Generic[T]):
    """A coroutine for the background loop.

    `future` is done only when the coroutine has really ended, also after `cancel`: what it cleans up is clean then.
    `begin` is a step of its own so that an interrupt that strikes right behind it still finds something to cancel.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> None:
        self.future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._loop = loop
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Start the coroutine, from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def cancel(self) -> None:
        """Ask the coroutine to stop, from any thread, or never to start."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self) -> None:
        if not self.future.done():
            self._task = self._loop.create_task(self._coroutine)
            self._task.add_done_callback(self._hand_over)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif self.future.cancel():
            self._coroutine.close()
            self.future.set_running_or_notify_cancel()

    def _hand_over(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.future.cancel()
            self.future.set_running_or_notify_cancel()
        elif error := task.exception():
            self.future.set_exception(error)
        else:
            self.future.set_result(task.result())


_lock = threading.Lock()
_current: BackgroundLoop | None = None
_abandoned: list[BackgroundLoop] = []
"""Loops of a parent process, or blocked ones. Kept for ever: closing one would reach into what the parent shares."""


def background_loop() -> BackgroundLoop:
    """Return this process's loop, started if need be."""
    global _current
    with _lock:
        if _current is None or not _current.usable:
            if _current is not None:
                _abandoned.append(_current)
            _current = BackgroundLoop()
        return _current


def _forget_the_parents_lock() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it at the moment of the fork


os.register_at_fork(after_in_child=_forget_the_parents_lock)


def _running_loop() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    try:
        loop = asyncio.new_event_loop()
    except OSError as error:
        raise SandboxUnavailable(
            f"no event loop can be made for the sandboxes ({error}): close files or raise the limit (`ulimit -n`)"
        ) from error
    thread = threading.Thread(target=loop.run_forever, name="rewards-loop", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        loop.close()
        raise SandboxUnavailable(f"no thread can be started for the sandboxes ({error}): see `ulimit -u`") from error
    return loop, thread


def _stop(
    loop: asyncio.AbstractEventLoop, thread: threading.Thread, pid: int, last: set[concurrent.futures.Future[None]]
) -> None:
    if pid != os.getpid() or not thread.is_alive():
        return
    concurrent.futures.wait(set(last), timeout=5.0)
    asyncio.run_coroutine_threadsafe(_end(loop), loop)
    thread.join(timeout=2.0)
    if not thread.is_alive():
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1.0)
    loop.stop()
