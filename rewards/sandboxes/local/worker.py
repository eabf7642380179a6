"""One zygote as the host sees it: started by exec, spoken to over a socket, stopped by closing it.

The calling process is never forked: `subprocess` is used without `preexec_fn`, so a trainer's memory, CUDA contexts
and locks stay out of this.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ..runner import messages
from ..runner.handshake import Greeting, Setup
from ..runner.messages import Mode, Order, Reply, Stop
from .ending import ended
from .memory_files import MemoryFiles
from .wall_clock import WallClock

RUNNER_PARENT = str(Path(__file__).resolve().parent.parent)
BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from runner.zygote import main; main()"
START_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 5.0
KEPT_ERROR_BYTES = 4000
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "LD_BIND_NOW": "1",  # what is bound at the first call would be bound again in each child
    "PYTHONHASHSEED": "0",  # the order of a set of strings must not decide a verdict
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class WorkerDiedError(Exception):
    """The zygote went away, or did not come up; says nothing about the program that ran there."""

    kind = "died"
    """What a `SandboxFailure` is told that this was."""


class RefusedError(WorkerDiedError):
    """The operating system refused the host what a worker needs: a descriptor, memory, a process, space on a disk."""

    kind = "transport"


@contextlib.contextmanager
def refusals_are_deaths() -> Iterator[None]:
    """Raise `RefusedError` for an OSError: a job that the host could not bring to its end, in a worker in doubt."""
    try:
        yield
    except OSError as error:
        raise RefusedError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Outcome:
    """How one child ended, and by whose clock."""

    reply: Reply
    starved: bool = False


class Worker:
    """A zygote with its memory files and its socket."""

    def __init__(self, setup: Setup, *, python: str, environment: Mapping[str, str]) -> None:
        self.setup, self.environment = setup, environment
        self.greeting = Greeting()
        self._number = 0
        self._reply: asyncio.Future[Reply] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.files = MemoryFiles.make()
        try:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            self.files.close()
            raise
        self._control.setblocking(False)
        inherited = (theirs.fileno(), self.files.job, self.files.returned)
        command = [python, "-S", "-s", "-X", "utf8", "-c", BOOT, RUNNER_PARENT, ",".join(map(str, inherited))]
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=inherited,
                stdin=self.files.stdin,
                stdout=self.files.stdout,
                stderr=self.files.stderr,
                env={**ENVIRONMENT, **environment},
                cwd="/",
                start_new_session=True,  # a Ctrl-C at the trainer's terminal is the trainer's
            )
        except BaseException:
            self._control.close()
            self.files.close()
            raise
        finally:
            theirs.close()

    async def start(self) -> None:
        """Wait until the zygote is confined and ready; raises `WorkerDiedError` with its reason.

        Raises `ConfigurationError` where a module to preload cannot be imported.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._control.send(self.setup.to_bytes())
            async with asyncio.timeout(START_TIMEOUT_S):
                data = await self._loop.sock_recv(self._control, messages.LARGEST_GREETING)
        except (TimeoutError, OSError) as error:
            raise WorkerDiedError(f"{type(error).__name__}: {error} {self._complaint()}") from error
        if not data:
            raise WorkerDiedError(self._complaint() or "ended without a word")
        self.greeting = Greeting.from_bytes(data)
        if self.greeting.preload_failed:
            raise ConfigurationError(self.greeting.error)
        if self.greeting.error:
            raise WorkerDiedError(self.greeting.error)
        self._loop.add_reader(self._control.fileno(), self._on_readable)

    def _complaint(self) -> str:
        return self.files.tail(self.files.stderr, KEPT_ERROR_BYTES).decode("utf-8", "replace").strip()

    def _on_readable(self) -> None:
        try:
            data = self._control.recv(messages.REPLY.size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data and self._loop is not None:
            self._loop.remove_reader(self._control.fileno())
        waiting, self._reply = self._reply, None
        if waiting is None or waiting.done():
            return
        if data:
            waiting.set_result(messages.unpack_reply(data))
        else:
            waiting.set_exception(WorkerDiedError("the sandbox process ended"))

    async def execute(
        self,
        order: Order,
        job: bytes,
        stdin: bytes,
        *,
        wall_limit_s: float,
        total_wall_s: float = math.inf,
        channel: socket.socket | None = None,
        progress: Callable[[], int] | None = None,
    ) -> Outcome:
        """Have one child run *job* and return how it ended. When cancelled, `idle` tells when the child is gone.

        `progress` returns a number that changes when a call was answered: the limits count for each call then.
        `channel` is handed over and closed here.
        """
        assert self._loop is not None
        reply = self.begin(order, job, stdin, channel=channel)
        clock = self.clock(wall_limit_s, total_s=total_wall_s, progress=progress)
        try:
            outcome = Outcome(await reply, clock.starved)
        except asyncio.CancelledError:
            if self._reply is reply:
                self._reply = (
                    self._loop.create_future()
                )  # the answer to come belongs to nobody, but `idle` waits for it
                self.kill_program()
            raise
        finally:
            clock.cancel()
        if outcome.reply.stop == Stop.SETUP_FAILED:
            raise WorkerDiedError("a child could not be set up")
        return outcome

    def begin(
        self, order: Order, job: bytes, stdin: bytes, *, channel: socket.socket | None = None
    ) -> asyncio.Future[Reply]:
        """Have one child run *job*, and return at once what will tell how it ended; raises `WorkerDiedError`."""
        assert self._loop is not None
        self._number += 1
        self.files.prepare(job, stdin)
        reply = self._loop.create_future()
        self._send(messages.pack_order(order._replace(number=self._number, size=len(job))), channel)
        self._reply = reply  # only here: of a zygote that is gone nobody would hear
        return reply

    def clock(
        self,
        limit_s: float,
        *,
        total_s: float = math.inf,
        progress: Callable[[], int] | None = None,
        is_fresh: bool = True,
    ) -> WallClock:
        """Begin to watch the child that runs, and have it stopped when its time is over."""
        return WallClock(
            limit_s,
            self._process.pid,
            total_s=total_s,
            progress=progress,
            stop=self.kill_program,
            is_fresh=is_fresh,
        )

    async def idle(self) -> None:
        """Wait until the child of a cancelled order is gone; raises `WorkerDiedError`."""
        try:
            if self._reply is not None:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._reply
        except TimeoutError as error:
            raise WorkerDiedError("a program could not be stopped") from error

    def kill_program(self) -> None:
        """Ask the zygote to stop the child that runs."""
        with contextlib.suppress(OSError, WorkerDiedError):
            self._send(bytes([Mode.KILL]), None)

    def report_progress(self) -> None:
        """Tell the zygote that a new test began, which starts its CPU clock again."""
        with contextlib.suppress(OSError, WorkerDiedError):
            self._send(bytes([Mode.PROGRESS]), None)

    def _send(self, data: bytes, channel: socket.socket | None) -> None:
        try:
            if channel is None:
                self._control.send(data)
            else:
                with channel:  # the last copy but those of the two halves: either must notice when the other ends
                    socket.send_fds(self._control, [data], [channel.fileno()])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerDiedError("the sandbox process ended") from error

    async def close(self) -> None:
        """End the zygote and everything below it, and wait until it is gone."""
        self._let_go()
        try:
            if self._process.poll() is None:
                await ended(self._process, CLOSE_TIMEOUT_S)
        finally:
            self._finish()

    def close_now(self) -> None:
        """End the zygote from outside its event loop."""
        self._let_go()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_TIMEOUT_S)
        self._finish()

    def _let_go(self) -> None:
        if self._control.fileno() < 0:
            return
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(WorkerDiedError("the sandbox was closed"))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._control.fileno())
        with contextlib.suppress(OSError):
            # A fork of this process may hold the socket: closing it here would not end the conversation, this does.
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self.files.close()

    def _finish(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        if not self.setup.namespaces:
            shutil.rmtree(self.setup.scratch, ignore_errors=True)  # gone already, unless the supervisor was killed

    def abandon(self) -> None:
        """Close what a fork of the host has inherited; the processes are the parent's."""
        self._control.close()
        self.files.close()
        self._process.returncode = 0  # not this process's child: `subprocess` must not wait for it
