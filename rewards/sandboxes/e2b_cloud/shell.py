"""Command lines of a session, run by the sandbox beside its interpreter, and by our own clock."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
import shlex
import time
from typing import Any

from ...records import Ended, TestRun
from .context import BACKSTOP_S, HOME
from .heard import STDERR_CHARS
from .machine import Machine
from .sendable import is_below

READ_WAIT_S = 10.0
_PER_BYTE = 4 / 3 * 77 / 76
"""Characters of base64 with its line ends."""


class Output:
    """What a command has printed, within bounds."""

    def __init__(self, most_chars: int) -> None:
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self.flooded = asyncio.Event()
        self._chars_left = most_chars

    def take_stdout(self, text: str) -> None:
        """Keep a chunk; called by the SDK, so it must not raise."""
        self._take(self.stdout, text)

    def take_stderr(self, text: str) -> None:
        """Keep a chunk of the other stream."""
        self._take(self.stderr, text)

    def _take(self, kept: list[str], text: str) -> None:
        if self.flooded.is_set():
            return
        kept.append(text[: max(self._chars_left, 0)])
        self._chars_left -= len(text)
        if self._chars_left < 0:
            self.flooded.set()

    def run(self, ended: Ended, wall_s: float, *, exit_code: int | None = None) -> TestRun:
        """Return the run of the command."""
        stderr = "".join(self.stderr)[-STDERR_CHARS:]
        return TestRun(ended, exit_code=exit_code, stdout="".join(self.stdout), stderr=stderr, wall_s=wall_s)


async def run_command(machine: Machine, command: str, *, output_chars: int, wall_s: float) -> TestRun:
    """Run *command* where the interpreter's contexts begin; raises what `classify` knows where its end is not told."""
    output, began_s = Output(output_chars), time.monotonic()
    handle = await machine.start_command(
        command,
        on_stdout=output.take_stdout,
        on_stderr=output.take_stderr,
        cwd=HOME,
        timeout_s=wall_s + BACKSTOP_S,
    )
    ended, flooded = asyncio.ensure_future(_exit_code(handle)), asyncio.ensure_future(output.flooded.wait())
    # It may fail while it is being cancelled, when nobody is left to hear of it.
    ended.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait({ended, flooded}, timeout=wall_s, return_when=asyncio.FIRST_COMPLETED)
        took_s = time.monotonic() - began_s
        if output.flooded.is_set():
            return output.run(Ended.OUTPUT_LIMIT, took_s)
        if not ended.done():
            return output.run(Ended.WALL_LIMIT, took_s)
        exit_code = ended.result()
        how = Ended.EXITED if exit_code >= 0 else Ended.SIGNALLED
        return output.run(how, took_s, exit_code=exit_code if exit_code >= 0 else None)
    finally:
        if not ended.done():
            machine.do_aside(handle.kill())
        flooded.cancel()
        ended.cancel()
        machine.do_aside(handle.disconnect())


async def _exit_code(handle: Any) -> int:
    """Return with what a command has exited, below 0 where a signal has ended it."""
    try:
        return int((await handle.wait()).exit_code)
    except Exception as error:
        if type(error).__name__ != "CommandExitException":
            raise
        return int(getattr(error, "exit_code", -1))


async def read_file(machine: Machine, path: str, *, limit_bytes: int) -> bytes | None:
    """Return the first bytes of a file below the contexts' directory; None where there is none that can be read.

    A command reads it, since the service's own call brings the whole of it here. A link is followed: whatever is in the
    sandbox is the program's.
    """
    if not is_below(path):
        return None
    mark, name = secrets.token_hex(8), shlex.quote(f"./{path}")
    command = f"test -f {name} && test -r {name} && echo {mark} && head -c {limit_bytes} -- {name} | base64"
    most = int(limit_bytes * _PER_BYTE) + 4096
    run = await run_command(machine, command, output_chars=most, wall_s=READ_WAIT_S)
    _, found, text = run.stdout.partition(mark)  # what a login shell prints of itself comes before
    if run.ended is not Ended.EXITED or run.exit_code != 0 or not found:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)[:limit_bytes]
    except (binascii.Error, ValueError):
        return None
