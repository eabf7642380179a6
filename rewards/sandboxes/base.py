"""The contract of a sandbox: it runs jobs and reports what it saw, and knows nothing of right and wrong.

What every sandbox promises is written as runnable checks in the package `checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import ConfigurationError
from ..records import CellStep, Job, JobResult, Limits, SandboxFailure, TestRun

KeepGoing = Callable[[int, TestRun], bool]
"""Called with a step's index and its run, in order; False leaves out the job's remaining steps."""


@dataclass(frozen=True)
class SandboxDescription:
    """What a sandbox protects against here, for people and for logs."""

    name: str
    level: str
    protects_against: tuple[str, ...]
    does_not_protect_against: tuple[str, ...]
    capacity: int

    def __str__(self) -> str:
        lines = [f"{self.name} sandbox, level {self.level}, {self.capacity} at a time"]
        lines += [f"  + {line}" for line in self.protects_against]
        lines += [f"  - not: {line}" for line in self.does_not_protect_against]
        return "\n".join(lines)


class Sandbox(Protocol):
    """Somewhere to run programs that nobody trusts. Used from one event loop."""

    @property
    def name(self) -> str:
        """Return a short name for metrics, such as `local`."""

    @property
    def capacity(self) -> int:
        """Return how many jobs run at once; more wait inside `run`."""

    @property
    def languages(self) -> frozenset[str] | None:
        """Return the languages that it runs, by the names of `Program.language`; None stands for any."""

    async def start(self) -> None:
        """Get ready; raises `SandboxUnavailable` or `ConfigurationError` where that cannot work. Can be repeated."""

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        """Run the steps of *job* in order and return one `TestRun` for each.

        What *keep_going* was shown of a run need not be in the result again: values and outputs can be large.

        Whatever the program does comes back as a `JobResult`. A `SandboxFailure` means that nothing is known about
        the program. Cancelling the call stops the program and leaves nothing behind.

        Raises `ConfigurationError` for what the sandbox cannot hold, such as several processes or other languages than
        Python below level A of the local one, and `SandboxUnavailable` where it has to start first and cannot.
        """

    def describe(self) -> SandboxDescription:
        """Say what is protected here, and what is not. Raises `SandboxUnavailable` where nothing can run."""

    def usage(self) -> Mapping[str, float]:
        """Return running totals of what was used and is paid for, the same names every time; empty where nothing is."""

    async def close(self) -> None:
        """Stop everything and give everything back; later calls of `run` are answered with a failure."""


class Session(Protocol):
    """An interpreter that keeps its state from cell to cell, until it is closed. Used from the sandbox's event loop.

    Nobody else is in it, and it never sees another session. What is sent to it and what it answers are the program's:
    no expected value may go in.
    """

    @property
    def has_shell(self) -> bool:
        """Whether `shell` can be asked for."""

    async def run(self, cell: CellStep) -> TestRun | SandboxFailure:
        """Run *cell* and return what was seen; one at a time.

        A run that `RETURNED` or `RAISED` leaves its state to the next cell. After any other end the interpreter is
        gone with all that it knew, and its files; the next cell finds a fresh one. A `SandboxFailure` says nothing
        about the cell; the interpreter is gone then, too. Cancelling the call stops the cell.
        """

    async def shell(self, command: str) -> TestRun | SandboxFailure:
        """Run a command line beside the interpreter, in its directory. Raises `ConfigurationError` without a shell."""

    async def read(self, path: str, *, limit_bytes: int) -> bytes | SandboxFailure | None:
        """Return the first bytes of a file below the session's directory; None where there is none that can be read."""

    async def close(self) -> None:
        """End the interpreter and everything it started. May be called twice, and while a cell runs."""


@runtime_checkable
class Interactive(Protocol):
    """A sandbox that has sessions."""

    @property
    def session_capacity(self) -> int | None:
        """Return how many sessions can be open at once, more wait inside `open_session`; None for any number."""

    @property
    def sessions_have_shell(self) -> bool:
        """Whether `Session.shell` can be asked for, before there is a session."""

    async def open_session(self, limits: Limits) -> Session | SandboxFailure:
        """Return a fresh interpreter that is ready.

        The limits on CPU time, wall time and output count for each cell, `job_cpu_s` for the whole session, which holds
        none of the sandbox's places while no cell of it runs. Raises `ConfigurationError` and `SandboxUnavailable` as
        `Sandbox.run` does.
        """


def has_cells(job: Job) -> bool:
    """Say whether *job* is made of cells; raises `ConfigurationError` where it is made of both."""
    cells = [isinstance(step, CellStep) for step in job.steps]
    if any(cells) and not all(cells):
        raise ConfigurationError("a job is made of cells alone, or has none: these are mixed")
    return any(cells)


def cells_of(job: Job) -> list[CellStep]:
    """Return the cells that *job* is made of: the program, and its steps; files for the first step lie there before."""
    first, *others = (step for step in job.steps if isinstance(step, CellStep))
    return [CellStep(job.program.source, first.files), CellStep(first.source), *others]
