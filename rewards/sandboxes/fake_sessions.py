"""The sessions of the fake sandbox: every cell is looked up, and the files written for one can be read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..records import CellStep, Ended, Limits, SandboxFailure, TestRun

CellAnswer = str | TestRun | SandboxFailure
"""Text is what the cell or the command prints."""
CellAnswers = Mapping[str, CellAnswer] | Callable[[str], CellAnswer]
"""A mapping from source, white space around it aside, or a function of the source."""

LIVES_ON = (Ended.RETURNED, Ended.RAISED)
CLOSED = SandboxFailure("closed", "the fake session is closed", retryable=False)


@dataclass(frozen=True)
class FakeSessions:
    """What the sessions of a fake sandbox answer, and how long they take for it.

    *failures* are given first, one an opening. An opening takes *start_s*, a cell or command *latency_s*; either hangs
    where that is `float("inf")`.
    """

    cells: CellAnswers
    commands: CellAnswers | None = None
    """Unset: the sessions have no shell."""
    latency_s: float | Callable[[str], float] = 0.0
    start_s: float = 0.0
    failures: tuple[SandboxFailure, ...] = ()
    capacity: int | None = None

    async def answer(self, answers: CellAnswers | None, source: str) -> TestRun | SandboxFailure:
        """Return the answer written down for *source*, after the latency."""
        await wait(self.latency_s(source) if callable(self.latency_s) else self.latency_s)
        answer = answer_for(answers, source)
        return TestRun(Ended.RETURNED, stdout=answer) if isinstance(answer, str) else answer


def answer_for(answers: CellAnswers | None, source: str) -> CellAnswer:
    """Return the answer for *source*; raises `ConfigurationError` where there is none."""
    if callable(answers):
        return answers(source)
    for written, answer in (answers or {}).items():
        if written.strip() == source.strip():
            return answer
    raise ConfigurationError(f"FakeSandbox has no answer for this cell:\n{source}")


class FakeSession:
    """A session without an interpreter: `cells` and `commands` list what was asked, in order.

    It keeps no state but the files that came with its cells, which are gone after an end that takes an interpreter.
    """

    def __init__(self, answers: FakeSessions, limits: Limits) -> None:
        self.limits = limits
        self.cells: list[CellStep] = []
        self.commands: list[str] = []
        self.files: dict[str, bytes] = {}
        self.restarts = 0
        """How often a cell's end took the interpreter with it."""
        self.closed = False
        self._answers = answers

    @property
    def has_shell(self) -> bool:
        """Whether answers for commands were written down."""
        return self._answers.commands is not None

    async def run(self, cell: CellStep) -> TestRun | SandboxFailure:
        """Return the answer written down for *cell*."""
        if self.closed:
            return CLOSED
        self.cells.append(cell)
        self.files |= {file.path: file.content for file in cell.files}
        run = await self._answers.answer(self._answers.cells, cell.source)
        if isinstance(run, SandboxFailure) or run.ended not in LIVES_ON:
            self.files.clear()
            self.restarts += 1
        return run

    async def shell(self, command: str) -> TestRun | SandboxFailure:
        """Return the answer written down for *command*."""
        if not self.has_shell:
            raise ConfigurationError("the sessions of this fake sandbox have no shell: pass FakeSessions(commands=)")
        if self.closed:
            return CLOSED
        self.commands.append(command)
        return await self._answers.answer(self._answers.commands, command)

    async def read(self, path: str, *, limit_bytes: int) -> bytes | SandboxFailure | None:
        """Return the beginning of a file that came with a cell."""
        if self.closed:
            return CLOSED
        content = self.files.get(path)
        return None if content is None else content[:limit_bytes]

    async def close(self) -> None:
        """Refuse what comes later."""
        self.closed = True


async def wait(seconds: float) -> None:
    """Wait so long, or for ever."""
    if seconds == float("inf"):
        await asyncio.Event().wait()
    elif seconds > 0:
        await asyncio.sleep(seconds)
