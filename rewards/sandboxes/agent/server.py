"""The agent: a process of the machine's that keeps a `LocalSandbox` warm and runs what clients bring.

Clients are processes of the same user, or root's, on the same machine: the socket lies in a directory of their own, and
the kernel is asked who it is. Programs in the sandbox have neither sockets nor that directory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import os
import platform
import shutil
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, SandboxUnavailable
from ..local import LocalSandbox
from ..local.capacity import usable_cores
from . import lines
from .blobs import BlobFolder
from .commands import BLOBS, NONCE, SOCKET, TRIPS, AgentOptions
from .errand import Errand, taken_trip
from .greeting import Greeting

LONGEST_REQUEST = 1 << 18
REQUEST_WAIT_S = 10.0
_CREDENTIALS = struct.Struct("=iii")

log = logging.getLogger(__name__)


class Agent:
    """Answers the clients that connect to the socket in *folder*."""

    def __init__(self, folder: Path, sandbox: LocalSandbox) -> None:
        self._folder, self._sandbox = folder, sandbox
        self._blobs = BlobFolder(folder / BLOBS)
        self._errands: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._greeting = Greeting()

    async def serve(self, listener: socket.socket, greeting_fd: int) -> None:
        """Start the sandbox, write the greeting to *greeting_fd*, and answer until somebody says stop."""
        self._greeting = await greet(self._sandbox)
        server = None
        if not self._greeting.error:
            server = await asyncio.start_unix_server(self._answer, sock=listener, limit=LONGEST_REQUEST)
        with open(greeting_fd, "wb") as pipe:
            pipe.write(self._greeting.line("").encode())
        if server is not None:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._stopped.set)
            await self._stopped.wait()
            server.close()
        await self._end()

    async def _end(self) -> None:
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self._sandbox.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _may_connect(writer.get_extra_info("socket")):
                async with asyncio.timeout(REQUEST_WAIT_S):
                    request = await reader.readuntil(b"\n")
                await self._do(request.decode("ascii").split(), reader, writer)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            log.warning("a client has misbehaved: %s: %s", type(error).__name__, error)
        finally:
            writer.close()

    async def _do(self, words: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match words:
            case ["trip", nonce, content] if NONCE.fullmatch(nonce):
                await self._carry(nonce, content, reader, writer)
            case ["greet", nonce] if NONCE.fullmatch(nonce):
                writer.write(self._greeting.line(nonce).encode() + b"\n")
                await writer.drain()
            case ["stop", nonce] if NONCE.fullmatch(nonce):
                await self._end()
                writer.write(lines.end(nonce))
                await writer.drain()
                self._stopped.set()
            case _:
                raise ValueError("not a request")

    async def _carry(
        self, nonce: str, content: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Run a trip, until it ends or its client does."""
        try:
            data = (
                taken_trip(self._folder / TRIPS, nonce) if content == "-" else base64.b64decode(content, validate=True)
            )
        except binascii.Error:
            data = None
        if data is None:
            writer.write(lines.failed(nonce, None, "malformed", "no trip came with the request") + lines.end(nonce))
            await writer.drain()
            return
        errand = asyncio.create_task(Errand(nonce, writer, sandbox=self._sandbox, blobs=self._blobs).run(data))
        gone = asyncio.create_task(reader.read(1))
        self._errands.add(errand)
        try:
            await asyncio.wait((errand, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._errands.discard(errand)
            for task in (errand, gone):
                task.cancel()
            ended, _ = await asyncio.gather(errand, gone, return_exceptions=True)
            if isinstance(ended, Exception):
                log.warning("a trip was broken off: %r", ended)


def _may_connect(connection: Any) -> bool:
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return uid in (0, os.geteuid())


async def greet(sandbox: LocalSandbox) -> Greeting:
    """Return what holds here, or why nothing can run."""
    try:
        await sandbox.start()
    except ConfigurationError as error:
        return Greeting(str(error), "configuration")
    except SandboxUnavailable as error:
        return Greeting(str(error), "unavailable")
    except OSError as error:
        return Greeting(f"{type(error).__name__}: {error}", "start")
    held = sandbox.describe()
    return Greeting(
        python=platform.python_version(),
        executable=os.path.realpath(sys.executable),
        slots=sandbox.capacity,
        level=held.level,
        protects_against=held.protects_against,
        does_not_protect_against=held.does_not_protect_against,
        cpu_count=usable_cores(),
        languages=tuple(sorted(sandbox.languages)) if sandbox.holds_other_languages else ("python",),
        memory_mb=(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 20,
    )


def main() -> None:
    """Run an agent in the working directory; the arguments are a descriptor for the greeting, and the options."""
    greeting_fd, told = int(sys.argv[-2]), sys.argv[-1]
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    try:
        sandbox = make_sandbox(AgentOptions(**json.loads(told)))
    except ConfigurationError as error:
        with open(greeting_fd, "wb") as pipe:
            pipe.write(Greeting(str(error), "configuration").line("").encode())
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET)
        asyncio.run(Agent(Path.cwd(), sandbox).serve(listener, greeting_fd))


def make_sandbox(options: AgentOptions) -> LocalSandbox:
    """Return the sandbox that the host has asked for; raises `ConfigurationError`."""
    return LocalSandbox(
        slots=usable_cores() if options.slots is None else options.slots,
        level=options.level,
        allow_unprotected=options.allow_unprotected_inside,
        preload=options.preload,
        site_packages=options.site_packages,
        environment=options.environment,
    )
