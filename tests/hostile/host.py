"""What a hostile program would like to reach, and whether it did: files, listeners, a process, a secret, a needle."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rewards.records import TestRun

from .processes import descendants
from .row import HostileRow
from .syscall_numbers import NUMBERS

NO_ORPHANS_WITHIN_S = 2.0


class Host:
    """The trusted side of a hostile run; a context manager that takes everything away again.

    Each public method that a row's `watch` names returns what is wrong, or nothing.
    """

    def __init__(self) -> None:
        # Not under /tmp, which a sandbox may hide behind a folder of its own.
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-", dir="/var/tmp"))
        self.secret = "secret-" + secrets.token_hex(16)
        self.needle = "needle" + secrets.token_hex(10)
        self.secret_file = self.folder / "secret.txt"
        self.open_folder = self.folder / "open"
        self.listeners: list[socket.socket] = []
        self.processes = 0

    def __enter__(self) -> Host:
        os.environ["PAYMENT_API_KEY"] = self.secret
        self.folder.chmod(0o755)
        self.open_folder.mkdir()
        self.open_folder.chmod(0o777)
        (self.open_folder / "keep").write_text("kept")
        self.secret_file.write_text(self.secret)
        self.secret_file.chmod(0o600)
        abstract = "\0hostile-" + secrets.token_hex(4)
        self.abstract_name = abstract[1:]
        self.tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, abstract)
        self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, abstract + "d")
        self._start_canary()
        self.before = self._files()
        self.shared_before = _shared_names()
        return self

    def __exit__(self, *_: object) -> None:
        self.canary.kill()
        self.canary.wait()
        for listener in self.listeners:
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listen(self, family: int, kind: int, address: object) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)  # type: ignore[arg-type]
        listener.setblocking(False)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self.listeners.append(listener)
        return listener

    def _start_canary(self) -> None:
        self.canary = subprocess.Popen(["/bin/sleep", "100000"], stdin=subprocess.DEVNULL)
        self.nice = self._canary_state()[1]

    def program(self, row: HostileRow) -> str:
        """Return the row's program with what it needs to know; neither the secret nor the needle is in it."""
        values: dict[str, object] = {
            "SECRET_FILE": str(self.secret_file),
            "OPEN_FOLDER": str(self.open_folder),
            "CANARY_PID": self.canary.pid,
            "TCP_PORT": self.tcp.getsockname()[1],
            "UDP_PORT": self.udp.getsockname()[1],
            "SOCKET_PATH": str(self.folder / "socket"),
            "ABSTRACT_NAME": self.abstract_name,
            "NEEDLE_BACKWARDS": self.needle[::-1],
        }
        if row.placeholders:
            return re.sub(r"@([A-Z]+)@", lambda found: str(values[row.placeholders[found[1]]]), row.source)
        native = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n" if "libc" in row.source else ""
        if "NR[" in row.source:
            values["NR"] = NUMBERS
        alarm = "ALARM = 'BREA' + 'CHED'\n"  # in two halves: a program that prints its own source is no breach
        return alarm + native + "".join(f"{name} = {value!r}\n" for name, value in values.items()) + row.source

    def settle(self) -> None:
        """Remember how many processes there are when the sandbox is warm and idle."""
        self.processes = len(descendants())

    def no_secret(self, runs: tuple[TestRun, ...]) -> str:
        said = "".join(run.stdout + run.stderr + repr(run.value) for run in runs)
        return "the secret got out" if self.secret in said else ""

    def not_the_answer(self, runs: tuple[TestRun, ...]) -> str:
        return "the right answer was printed" if runs[0].stdout.strip() == self.needle else ""

    def no_contact(self, _: tuple[TestRun, ...]) -> str:
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(10)
                return f"somebody reached {listener.getsockname()!r}"
        return ""

    def files_unchanged(self, _: tuple[TestRun, ...]) -> str:
        after = self._files()
        return (
            "" if after == self.before else f"host files changed: {set(after) ^ set(self.before) or 'content or mode'}"
        )

    def _files(self) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            info = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            stamp = 0 if path.is_dir() else info.st_mtime_ns
            found[str(path)] = (info.st_mode, info.st_uid, info.st_gid, info.st_nlink, stamp, content)
        return found

    def canary_lives(self, _: tuple[TestRun, ...]) -> str:
        if self.canary.poll() is None:
            state, nice = self._canary_state()
            if state in "SR" and nice == self.nice:
                return ""
        with contextlib.suppress(ProcessLookupError):
            self.canary.kill()
        self.canary.wait()
        self._start_canary()
        return "the canary was killed, stopped or slowed"

    def _canary_state(self) -> tuple[str, str]:
        fields = Path(f"/proc/{self.canary.pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], fields[16]

    def no_orphans(self, _: tuple[TestRun, ...]) -> str:
        end = time.monotonic() + NO_ORPHANS_WITHIN_S
        while (count := len(descendants())) > self.processes:
            if time.monotonic() > end:
                return f"{count} processes, {self.processes} before: {descendants()}"
            time.sleep(0.02)
        return ""

    def no_litter(self, _: tuple[TestRun, ...]) -> str:
        left = _shared_names() - self.shared_before
        return f"left behind: {left}" if left else ""


def _shared_names() -> set[str]:
    return set(_named_objects())


def _named_objects() -> Iterator[str]:
    """Yield what programs of one machine find by name: POSIX shared memory that rows plant, System V objects."""
    if os.path.isdir("/dev/shm"):
        yield from (f"/dev/shm/{name}" for name in os.listdir("/dev/shm") if "planted" in name or "pwn" in name)
    for kind in ("shm", "sem", "msg"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
                yield f"{kind} {line.split()[0]}"
