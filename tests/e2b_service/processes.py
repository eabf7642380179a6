"""The processes that envd started in a machine: real ones, each with its session, whose output anybody may follow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .connect import RpcError
from .machine import Machine

CHUNK_BYTES = 64 * 1024
FULL = 64
"""Chunks that may wait for a follower before the process has to."""
EMPTY = 8
BASE_PYTHON = Path(sys.base_prefix) / "bin"


@dataclass(frozen=True)
class Command:
    """What to start."""

    cmd: str
    args: Sequence[str] = ()
    envs: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    tag: str | None = None
    has_stdin: bool = True


@dataclass(frozen=True)
class Output:
    """Bytes of one of the two output streams."""

    name: str
    data: bytes


@dataclass(frozen=True)
class End:
    """How a process ended, in the words that Go has for it."""

    exit_code: int
    exited: bool
    status: str

    @property
    def error(self) -> str | None:
        """Return what envd adds when the end was no success."""
        return None if self.exited and self.exit_code == 0 else self.status


class Process:
    """A running process: its pid, its stdin, and a queue for each follower of its output."""

    def __init__(self, command: Command, machine: Machine, on_end: Callable[[Process], None]) -> None:
        self.command = command
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._followers: set[asyncio.Queue[Output | End]] = set()
        self._is_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self.end: End | None = None
        self.is_overdue = False
        self._popen = _spawn(command, machine)
        self.pid = self._popen.pid
        self._pipes = {"stdout": self._popen.stdout, "stderr": self._popen.stderr}
        for pipe in (*self._pipes.values(), self._popen.stdin):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._resume()

    def follow(self) -> asyncio.Queue[Output | End]:
        """Return a queue of all that comes from here on; give it back to `unfollow`."""
        queue: asyncio.Queue[Output | End] = asyncio.Queue()
        self._followers.add(queue)
        if self.end is not None:
            queue.put_nowait(self.end)
        return queue

    def unfollow(self, queue: asyncio.Queue[Output | End]) -> None:
        """Stop filling *queue*; without followers the output is read and dropped."""
        self._followers.discard(queue)
        self.relieve()

    def relieve(self) -> None:
        """Let the process write again when its followers have caught up."""
        if self._is_paused and all(queue.qsize() < EMPTY for queue in self._followers):
            self._resume()

    def limit(self, wall_s: float) -> None:
        """Kill the process and its group when it runs longer than *wall_s*, whether anybody follows it or not."""
        self._timer = self._loop.call_later(wall_s, self._overdue)

    def signal(self, number: int) -> None:
        """Send a signal to this process alone, as envd does."""
        if self.end is None:
            os.kill(self.pid, number)

    async def write_stdin(self, data: bytes) -> None:
        """Write all of *data*, however slowly the process reads."""
        pipe = self._popen.stdin
        while data:
            if pipe is None or pipe.closed:
                raise RpcError("internal", "error writing to stdin: stdin not enabled or closed")
            try:
                data = data[os.write(pipe.fileno(), data) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except BrokenPipeError as error:
                raise RpcError("internal", f"error writing to stdin of process '{self.pid}': {error}") from error

    def close_stdin(self) -> None:
        """End the stdin of the process."""
        if self._popen.stdin is not None:
            self._popen.stdin.close()

    def _overdue(self) -> None:
        self.is_overdue = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _resume(self) -> None:
        self._is_paused = False
        for name, pipe in self._pipes.items():
            if pipe is not None:
                self._loop.add_reader(pipe.fileno(), self._read, name)

    def _pause(self) -> None:
        self._is_paused = True
        for pipe in self._pipes.values():
            if pipe is not None:
                self._loop.remove_reader(pipe.fileno())

    def _read(self, name: str) -> bool:
        """Take what is there; return whether there may be more."""
        pipe = self._pipes[name]
        if pipe is None:
            return False
        try:
            data = os.read(pipe.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(pipe.fileno())
            pipe.close()
            self._pipes[name] = None
            return False
        self._tell(Output(name, data))
        return True

    def _tell(self, event: Output | End) -> None:
        for queue in self._followers:
            queue.put_nowait(event)
            if queue.qsize() >= FULL and not self._is_paused:
                self._pause()

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.end = _end_of(self._popen.wait())
        if self._timer is not None:
            self._timer.cancel()
        for name, pipe in self._pipes.items():
            while self._read(name):
                pass  # what it wrote before it ended; a child it left behind is not waited for
            if pipe is not None and not pipe.closed:
                self._loop.remove_reader(pipe.fileno())
                pipe.close()
        self.close_stdin()
        self._tell(self.end)
        self._on_end(self)


class ProcessTable:
    """The processes of one machine that have not ended."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running: dict[int, Process] = {}
        _write_profile(machine)

    @classmethod
    def of(cls, machine: Machine) -> ProcessTable:
        """Return the table of *machine*, made when it is first asked for."""
        table = machine.kept.get("processes")
        if not isinstance(table, cls):
            table = machine.kept["processes"] = cls(machine)
        return table

    def start(self, command: Command) -> Process:
        """Start *command*."""
        process = Process(command, self._machine, self._forget)
        self._running[process.pid] = process
        return process

    def find(self, *, pid: int | None, tag: str | None) -> Process:
        """Return the running process with this pid or tag."""
        for process in self._running.values():
            if process.pid == pid or (tag is not None and process.command.tag == tag):
                return process
        raise RpcError("not_found", f"process with pid {pid} not found" if tag is None else f"no process has tag {tag}")

    def running(self) -> list[Process]:
        """Return them all, the oldest first."""
        return list(self._running.values())

    def _forget(self, process: Process) -> None:
        self._running.pop(process.pid, None)


def _spawn(command: Command, machine: Machine) -> subprocess.Popen[bytes]:
    folder = machine.path(command.cwd or ".")
    if not folder.is_dir():
        raise RpcError("invalid_argument", f"cwd '{command.cwd}' does not exist")
    try:
        return subprocess.Popen(
            [command.cmd, *command.args],
            bufsize=0,
            stdin=subprocess.PIPE if command.has_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**machine.environment, "PATH": search_path(), **machine.variables, **command.envs},
            start_new_session=True,
        )
    except OSError as error:
        raise RpcError("invalid_argument", f"error starting process '{command.cmd}': {error}") from error


def search_path() -> str:
    """Return a PATH whose python3 is the one under this service, and where nothing of its environment is seen."""
    return f"{BASE_PYTHON}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _write_profile(machine: Machine) -> None:
    """Give the login shells of *machine* that PATH: /etc/profile overwrites the one they are started with."""
    profile = machine.home / ".profile"
    if not profile.exists():
        profile.write_text(f"export PATH={search_path()}\n")


def _end_of(returncode: int) -> End:
    if returncode >= 0:
        return End(returncode, True, f"exit status {returncode}")
    return End(-1, False, f"signal: {signal.strsignal(-returncode) or -returncode}".lower())
