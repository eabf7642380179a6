"""Run the service until it is told to stop or its parent is gone, and leave nothing behind either way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from .app import make_app
from .cloud import Cloud
from .contexts import kernel_parent
from .janitor import folder_with_janitor
from .settings import Settings

HOST = "127.0.0.1"
BACKLOG = 1024
GRACE_S = 1.0
"""What requests in progress get at the end."""
PARENT_CHECK_S = 0.5


async def serve(settings: Settings, *, port: int, announce: Callable[[str], None], under_parent: bool) -> None:
    """Serve until SIGTERM or SIGINT, or, *under_parent*, until stdin ends; *announce* gets the URL when it answers."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.version_info < (3, 12):  # the default takes a thread for each process there
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_watch_parent(stop)) if under_parent else None
    _allow_many_connections()
    async with folder_with_janitor() as (base, janitor):
        cloud = Cloud(settings, base, clean=janitor.remove)
        async with _listening(cloud, port) as url:
            expiry = asyncio.create_task(cloud.expire())
            announce(url)
            await stop.wait()
            expiry.cancel()
            await cloud.close()
            await kernel_parent().close()
    if watch is not None:
        watch.cancel()


def _allow_many_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.asynccontextmanager
async def _listening(cloud: Cloud, port: int) -> AsyncIterator[str]:
    # A handler is cancelled when its client goes away: that is what an interpreter's interrupt hangs on.
    runner = web.AppRunner(make_app(cloud), access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_S)
    await runner.setup()
    listener = socket.create_server((HOST, port), backlog=BACKLOG)
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()
        listener.close()


async def _watch_parent(stop: asyncio.Event) -> None:
    """Set *stop* when stdin ends or the parent is another one: a child forked by the parent can hold stdin open."""
    parent = os.getppid()
    os.set_blocking(sys.stdin.fileno(), False)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _read_stdin, stop)
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_S)
    stop.set()


def _read_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
