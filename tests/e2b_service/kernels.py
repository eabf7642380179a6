"""Real IPython kernels, forked from one parent, each behind a client of jupyter_client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import write_connection_file

START_S = 60.0
ASK_AGAIN_S = 0.2
FULL_S = 0.02
MESSAGES_AHEAD = 8
PROGRAM = Path(__file__).with_name("kernel_parent.py")
Death = Callable[[], None]
Message = Mapping[str, Any]


class KernelParent:
    """The process that kernels are forked from; one serves all machines, and is started when first needed."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count()
        self._orders: dict[int, tuple[asyncio.Future[int], Death]] = {}
        self._deaths: dict[int, Death] = {}
        self.context = zmq.asyncio.Context()
        self.context.setsockopt(zmq.RCVHWM, MESSAGES_AHEAD)
        self.context.setsockopt(zmq.RECONNECT_IVL, 10)  # the kernel's sockets are not there when we first try

    async def fork(self, order: Mapping[str, Any], on_death: Death) -> int:
        """Return the pid of a new kernel; `kernel_parent` says what *order* has to have."""
        process = await self._running()
        number = next(self._numbers)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._orders[number] = answer, on_death
        assert process.stdin is not None
        process.stdin.write(json.dumps({**order, "number": number}).encode() + b"\n")
        return await answer

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                pipe = asyncio.subprocess.PIPE
                quiet = {
                    **os.environ,
                    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
                }  # ipykernel's debugger warns at its import
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-E", str(PROGRAM), stdin=pipe, stdout=pipe, limit=1 << 24, env=quiet
                )
                self._reading = asyncio.create_task(self._read(self._process))
        return self._process

    async def close(self) -> None:
        """End the parent, and with it every kernel."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            message = json.loads(line)
            if "died" in message:
                self._deaths.pop(message["died"], lambda: None)()
                continue
            answer, on_death = self._orders.pop(message["number"])
            self._deaths[message["pid"]] = on_death
            if answer.done():  # who asked for it has gone
                os.kill(message["pid"], signal.SIGKILL)
            else:
                answer.set_result(message["pid"])
        await process.wait()
        for answer, _ in self._orders.values():
            answer.cancel()
        self._orders.clear()
        while self._deaths:
            self._deaths.popitem()[1]()


class Kernel:
    """One kernel: messages go in by `execute`, and come out through `on_message`."""

    def __init__(
        self,
        parent: KernelParent,
        *,
        on_message: Callable[[Message], None],
        on_death: Death,
        is_full: Callable[[], bool],
    ) -> None:
        self._parent = parent
        self._on_message = on_message
        self._on_death = on_death
        self._is_full = is_full
        self._receiving: list[asyncio.Task[None]] = []
        self._heard: dict[str, asyncio.Event] = {"shell": asyncio.Event(), "iopub": asyncio.Event()}
        self._client: AsyncKernelClient | None = None
        self.pid: int | None = None

    async def start(self, folder: Path, *, cwd: Path, environment: Mapping[str, str], memory_mb: int) -> None:
        """Start the kernel, its connection file in *folder*; return when it answers."""
        name = secrets.token_hex(8)
        file, _ = write_connection_file(
            str(folder / f"{name}.json"),
            transport="ipc",
            ip=f"@e2b-kernel-{name}",  # an abstract socket: no file is left, and no port is taken by somebody else
            key=secrets.token_hex(16).encode(),
        )
        order = {"connection_file": file, "cwd": str(cwd), "environment": dict(environment), "memory_mb": memory_mb}
        self.pid = await self._parent.fork(order, self._died)
        client = AsyncKernelClient(connection_file=file, context=self._parent.context)
        client.load_connection_file()
        client.start_channels(stdin=False, hb=False, control=False)
        self._client = client
        self._receiving = [
            asyncio.create_task(self._receive(name, channel))
            for name, channel in (("shell", client.shell_channel), ("iopub", client.iopub_channel))
        ]
        async with asyncio.timeout(START_S):
            await self._answers()

    async def execute(self, code: str, *, is_silent: bool = False) -> str:
        """Send a cell; return the id that its messages bear."""
        content = {
            "code": code,
            "silent": is_silent,
            "store_history": not is_silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        return await self._send("execute_request", content)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in what runs."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the kernel; its death is told like any other."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill the kernel and forget it; nothing is told any more."""
        self._on_death = lambda: None
        self._signal(signal.SIGKILL)
        self.pid = None
        for task in self._receiving:
            task.cancel()
        if self._client is not None:
            self._client.stop_channels()

    def _signal(self, number: int) -> None:
        if self.pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # so young that it has no group of its own
                os.kill(self.pid, number)

    def _died(self) -> None:
        self.pid = None
        self._on_death()

    async def _answers(self) -> None:
        """Wait until both channels carry something: what is published before we are subscribed is lost."""
        while not all(event.is_set() for event in self._heard.values()):
            if self.pid is None:
                raise ChildProcessError("the kernel died at its start")
            await self._send("kernel_info_request", {})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    for event in self._heard.values():
                        await event.wait()

    async def _send(self, kind: str, content: Mapping[str, Any]) -> str:
        """Send a message; the client's own way goes past asyncio, which then misses answers that came meanwhile."""
        assert self._client is not None
        message = self._client.session.msg(kind, content)
        await self._client.shell_channel.socket.send_multipart(self._client.session.serialize(message))
        return str(message["header"]["msg_id"])

    async def _receive(self, name: str, channel: Any) -> None:
        while True:
            message = await channel.get_msg(timeout=None)
            self._heard[name].set()
            self._on_message(message)
            while self._is_full():
                await asyncio.sleep(FULL_S)
