"""A small process that kills a run's sandboxes when the trainer is gone, however it went.

The trainer holds the writing end of a pipe and says which sandboxes there are; the end of the pipe is the end of the
trainer. So SIGTERM, SIGKILL and a crash are one case, and the trainer needs no signal handlers. The process has a
session of its own, so a Ctrl-C in the terminal does not reach it. What ends a whole container or batch job ends this
process, too; then the sandboxes' own time to live is what is left.

This file is also the program that the process runs, as a script: only the standard library is imported at the top.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import contextlib
import importlib
import json
import logging
import os
import pickle
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .options import E2BOptions
    from .sdk import SDK

BOUND_S = 90.0
"""How long it tries, at most: what is left then is killed by the sandboxes' own time to live."""
SETTLE_S = 6.0
"""How long it goes on looking: a create call that the trainer sent with its last breath may still succeed."""
RESTART_S = 30.0
"""Between two attempts to replace a process that has died: one that always dies must not fill the log."""
_PAUSE_S = 1.0
_LOOK_S = 2.0
_AT_ONCE = 32
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_log = logging.getLogger("rewards")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Reaper:
    """The trainer's end. Its methods do not fail when the process is gone: the time to live is what is left then."""

    def __init__(self, options: E2BOptions, tags: Mapping[str, str]) -> None:
        """Start the process; *tags* are the metadata that find the sandboxes it may kill, and no others.

        Raises `SandboxUnavailable` where no process can be started: nobody would clean up.
        """
        self._options, self._tags = options, dict(tags)
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._tried_s = -RESTART_S
        self._is_closed = False
        try:
            self._begin()
        except OSError as error:
            from ...errors import SandboxUnavailable  # here, because the program below is this file, too

            raise SandboxUnavailable(f"e2b: the process that cleans up cannot be started: {error}") from error
        _open.add(self)

    def _begin(self) -> None:
        _collect()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ),
            cwd="/",
            bufsize=0,
            close_fds=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin
        self._write(_handshake(self._options, self._tags))

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Say whether somebody would clean up."""
        return self._process.poll() is None

    def check(self) -> None:
        """Start another process where this one was killed, by a cleaner of jobs or for want of memory."""
        if self._is_closed:  # asked before the lock, which a fork may have copied while it was held
            return
        with self._lock:
            if self._is_closed or self.is_alive or time.monotonic() - self._tried_s < RESTART_S:
                return
            self._tried_s = time.monotonic()
            _log.warning("e2b: the process that cleans up has died (%s); another one is started", self.pid)
            self._close_pipe()
            try:
                self._begin()
            except OSError as error:
                _log.warning("e2b: it cannot be started (%s): the sandboxes' time to live has to do", error)
                return
            for sandbox_id in self._known:
                self._write(f"+{sandbox_id}")

    def add(self, sandbox_id: str) -> None:
        """Tell of a new sandbox."""
        self.check()
        with self._lock:
            self._known.add(sandbox_id)
            self._write(f"+{sandbox_id}")

    def remove(self, sandbox_id: str) -> None:
        """Tell that a sandbox is gone."""
        with self._lock:
            self._known.discard(sandbox_id)
            self._write(f"-{sandbox_id}")

    def done(self, wait_s: float = 5.0) -> None:
        """End the process without it killing anything: everything is gone already."""
        self._write("done")
        self.hand_over(wait_s)

    def hand_over(self, wait_s: float = 0.0) -> None:
        """Leave what there still is to the process, and wait for it no longer than *wait_s*."""
        self.forget()
        _collect()
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            _left.append(self._process)  # it outlives this object by intent, and somebody has to hear of its end

    def forget(self) -> None:
        """Close this end."""
        self._is_closed = True
        self._close_pipe()

    def _close_pipe(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.close()

    def _write(self, line: str) -> None:
        left = memoryview(line.encode() + b"\n")
        with contextlib.suppress(OSError, ValueError):  # it has been killed, or this end is closed
            while left:
                left = left[self._pipe.write(left) :]


_open: weakref.WeakSet[Reaper] = weakref.WeakSet()
_left: list[subprocess.Popen[bytes]] = []
"""Processes that still clean up what an earlier pool has left; one whose end nobody asks for would stay as a zombie."""


def check_all() -> None:
    """See to it that every pool of this process has somebody who would clean up."""
    for reaper in list(_open):
        reaper.check()


def _collect() -> None:
    _left[:] = [process for process in _left if process.poll() is None]


def _let_go() -> None:
    for process in _left:
        process.returncode = 0  # or Python would report those that still clean up as a leak
    _left.clear()


def _forget_in_child() -> None:
    """Keep a forked child from holding the pipe open beyond the trainer's end, and from speaking in its name."""
    for reaper in _open:
        reaper.forget()
    _let_go()


atexit.register(_let_go)
os.register_at_fork(after_in_child=_forget_in_child)


def _environment(found: Mapping[str, str]) -> dict[str, str]:
    """Return what the SDK needs of the environment; the key travels through the pipe, where nobody else can read it."""
    names = {*_KEPT, *_PROXIES, *map(str.lower, _PROXIES)}
    settings = {name for name in found if name.startswith("E2B_")} - {"E2B_API_KEY", "E2B_ACCESS_TOKEN"}
    return {name: found[name] for name in names | settings if name in found}


def _handshake(options: E2BOptions, tags: Mapping[str, str]) -> str:
    known = replace(options, create_arguments={}, api_key=options.api_key or os.environ.get("E2B_API_KEY"))
    return json.dumps(
        {
            "path": [str(Path(entry or ".").resolve()) for entry in sys.path],
            "package": __name__.rpartition(".")[0],
            "options": base64.b64encode(_pickled(known)).decode(),
            "tags": dict(tags),
        }
    )


def _pickled(options: E2BOptions) -> bytes:
    if options.sandbox_class is not None and options.sandbox_class.__module__ == "__main__":
        options = replace(options, sandbox_class=None)  # a class of the trainer's own script is known nowhere else
    try:
        return pickle.dumps(options)
    except (pickle.PicklingError, AttributeError):  # neither is one that was made inside a function
        return pickle.dumps(replace(options, sandbox_class=None))


def main(pipe: int) -> None:
    """Follow the trainer until it is gone, then kill what it has left."""
    lines = _lines(pipe)
    handshake = json.loads(next(lines, "null"))
    known: set[str] = set()
    for line in lines:
        if line == "done":
            return
        (known.add if line[0] == "+" else known.discard)(line[1:])
    if handshake is not None:
        _clean_up(handshake, known)


def _lines(pipe: int) -> Iterator[str]:
    """Return the whole lines that come until the pipe ends, or the trainer does: somebody may have inherited it."""
    parent, rest = os.getppid(), b""
    while True:
        if not select.select([pipe], [], [], _LOOK_S)[0]:
            if os.getppid() != parent:
                return
            continue
        read = os.read(pipe, 65536)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)


def _clean_up(handshake: dict[str, Any], known: set[str]) -> None:
    sys.path[:] = handshake["path"]
    importlib.import_module(handshake["package"])
    options = pickle.loads(base64.b64decode(handshake["options"]))  # written by the trainer, for nobody else
    sdk = importlib.import_module(handshake["package"] + ".sdk").load(options)
    asyncio.run(asyncio.wait_for(kill_all(sdk, known, handshake["tags"]), BOUND_S))


async def kill_all(sdk: SDK, known: set[str], tags: Mapping[str, str]) -> None:
    """Kill the sandboxes in *known* and those that are found by *tags*, until no more of them appear for a while."""
    limit = asyncio.Semaphore(_AT_ONCE)
    quiet_since = time.monotonic()
    left = set(known)
    while left or time.monotonic() - quiet_since < SETTLE_S:
        outcomes = await asyncio.gather(*(_kill(sdk, sandbox_id, limit) for sandbox_id in left))
        left = {sandbox_id for sandbox_id, is_gone in zip(left, outcomes, strict=True) if not is_gone}
        try:
            found = {listed.sandbox_id for listed in await sdk.list(tags)}
        except Exception:  # noqa: BLE001 - the boundary to the service, at the end of everything: asked again below
            quiet_since = time.monotonic()
        else:
            if found:
                quiet_since = time.monotonic()
            left |= found
        await asyncio.sleep(_PAUSE_S)


async def _kill(sdk: SDK, sandbox_id: str, limit: asyncio.Semaphore) -> bool:
    async with limit:
        try:
            await sdk.kill(sandbox_id)
        except Exception:  # noqa: BLE001 - the boundary to the service, at the end of everything: tried again
            return False
        return True


if __name__ == "__main__":
    main(sys.stdin.fileno())
