"""What the tests of sessions in the local sandbox ask with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from rewards.records import CellStep, File, Limits, SandboxFailure, TestRun
from rewards.sandboxes.base import Session
from rewards.sandboxes.local import LocalSandbox

SHORT = Limits(cpu_s=1.0, wall_s=5.0, memory_mb=512, output_kb=64)
BRIEF = replace(SHORT, cpu_s=0.5, wall_s=0.8)
NO_CLOCK = replace(BRIEF, wall_s=20.0)
"""CPU time is what ends a cell: a busy machine needs longer for it."""


class Asker:
    """Runs cells in one session."""

    def __init__(self, loop: asyncio.Runner, session: Session) -> None:
        self._loop, self.session = loop, session

    def __call__(self, source: str, **files: str) -> TestRun:
        run = self.answer(source, **files)
        assert isinstance(run, TestRun), run
        return run

    def answer(self, source: str, **files: str) -> TestRun | SandboxFailure:
        given = tuple(File(path, content.encode()) for path, content in files.items())
        return self._loop.run(self.session.run(CellStep(source, given)))

    def read(self, path: str, limit_bytes: int = 1000) -> bytes | SandboxFailure | None:
        return self._loop.run(self.session.read(path, limit_bytes=limit_bytes))


Open = Callable[..., Asker]


def opened_sessions(loop: asyncio.Runner, sandbox: LocalSandbox) -> Iterator[Open]:
    """Yield what opens sessions, and close them with the test."""
    opened: list[Session] = []

    def open_session(limits: Limits = SHORT) -> Asker:
        session = loop.run(sandbox.open_session(limits))
        assert not isinstance(session, SandboxFailure), session
        opened.append(session)
        return Asker(loop, session)

    yield open_session
    for session in opened:
        loop.run(session.close())


ENDLESS = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
