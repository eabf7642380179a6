"""The E2B sandbox: programs run in microVMs of E2B, or of a service that speaks its protocol, several in each.

Inside a microVM our own local sandbox confines each program, as far as that kernel allows; `describe()` says how far.
What leaves the VM is data that we check, and no expected value ever enters it. Cells of notebooks are the exception:
nothing stands between them and their VM, so each job of cells has one to itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import fields, replace
from typing import Any

from ...errors import ConfigurationError
from ...records import Ended, Job, JobResult, Limits, SandboxFailure, TestRun
from ...toolchains import TOOLCHAINS
from ..base import KeepGoing, SandboxDescription, has_cells
from ..runner.encoding import TooLarge
from .ledger import Figures
from .opened import OpenPool
from .options import E2BOptions
from .session import E2BSession
from .shares import Rank, find_rank, share_of
from .tickets import CLOSED

NOT_RUN = TestRun(Ended.NOT_RUN)
_DEFAULTS = E2BOptions()
USAGE = ("sandbox_s", "cost_usd", "creates", "round_trips", "refusals", "retries", "deaths")
LANES_GUESSED = 2
"""Virtual CPUs of E2B's own templates: what a sandbox is taken for before the first one has said."""


class E2BSandbox:
    """Runs Python programs, and cells of notebooks, in a pool of E2B sandboxes. Used from one event loop at a time.

    What is wanted comes as `E2BOptions`, or as single options by their names. The plan's limits are shared by the ranks
    of a run; a sandbox that is idle is paid for, until `idle_s` has gone by and always up to `keep_warm` of them.
    """

    name = "e2b"
    languages = frozenset({"python", *TOOLCHAINS})
    """What can be asked for; which of them the template has the tools for is known when its first sandbox runs."""
    sessions_have_shell = True

    def __init__(self, options: E2BOptions = _DEFAULTS, **overrides: Any) -> None:
        try:
            self._options = replace(options, **overrides) if overrides else options
        except TypeError:
            known = {field.name for field in fields(E2BOptions)}
            unknown = ", ".join(sorted(overrides.keys() - known))
            raise ConfigurationError(f"e2b: unknown options: {unknown}; known are {', '.join(sorted(known))}") from None
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()
        self._open: OpenPool | None = None
        self._known_rank: Rank | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the options alone: a copy has sandboxes of its own."""
        return {"options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._options, self._closed = state["options"], False
        self._forget()

    @property
    def _rank(self) -> Rank:
        if self._known_rank is None:
            self._known_rank = find_rank()
        return self._known_rank

    @property
    def capacity(self) -> int:
        """Return how many jobs run at once in this rank's share of the sandboxes."""
        known = self._open.fleet.lanes if self._open is not None else None
        share = share_of(self._options, self._rank)
        return share.max_sandboxes * (known or self._options.jobs_per_sandbox or LANES_GUESSED)

    @property
    def session_capacity(self) -> int:
        """Return how many sessions can be open at once; more wait inside `open_session`.

        Each holds a sandbox of this rank's share, of which one is left to programs if there is more than one.
        """
        if self._open is not None:
            return self._open.dispatcher.most_leases
        return share_of(self._options, self._rank).max_sessions

    async def start(self) -> None:
        """Make the first sandbox, which shows whether the key and the template are right; others follow at need."""
        self._enter_loop()
        if self._closed:
            return
        async with self._starting:
            if self._open is None:
                self._open = await OpenPool.begin(self._options, self._rank)
        await self._open.first()

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():  # a fork of the process that made the sandboxes: they are the parent's
            self._forget()
        elif self._loop is not None and self._loop is not loop:
            if not self._loop.is_closed():
                raise ConfigurationError("this E2BSandbox is in use by another event loop, which still runs")
            if self._open is not None:
                self._open.abandon()
            self._forget()
        self._loop = loop

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        """Run *job* when there is a place for it; the contract is that of `Sandbox.run`.

        Steps are run up to the last one, and *keep_going* is asked afterwards, in order. A failure is not retryable:
        everything that helps was tried. Raises `BudgetExceeded` when `max_sandbox_seconds` are used up.
        """
        if self._closed:
            return CLOSED
        if job.program.language not in self.languages:
            detail = f"the E2B sandbox runs {', '.join(sorted(self.languages))}, not {job.program.language}"
            return SandboxFailure("unsupported", detail, retryable=False)
        with_cells = has_cells(job)
        if not job.steps:
            return JobResult((), self.name)
        await self.start()
        began_s = time.monotonic()
        if self._closed or self._open is None:
            return CLOSED
        self._open.check(with_cells=with_cells)
        try:
            answer, queue_s = await self._open.attempts.answer(job)
        except TooLarge as size:
            return SandboxFailure("unsupported", f"arguments of more than {size} bytes", retryable=False)
        if self._closed and not isinstance(answer, JobResult):
            return CLOSED
        if isinstance(answer, SandboxFailure):
            return answer
        wall_s = time.monotonic() - began_s - queue_s
        return JobResult(_shown(answer, keep_going), self.name, queue_s=queue_s, wall_s=max(0.0, wall_s))

    async def open_session(self, limits: Limits) -> E2BSession | SandboxFailure:
        """Return an interpreter in a sandbox of its own, when there is a place for it, for as long as it takes.

        The contract is that of `Interactive.open_session`. The wall limits decide, since how much CPU time cells use is
        not known, and `job_cpu_s` allows three times as many seconds by the clock to all of them together; memory and
        disk are the sandbox's. Raises `BudgetExceeded`, and so do later calls, when `max_sandbox_seconds` are used up.
        """
        if self._closed:
            return CLOSED
        await self.start()
        if self._closed or self._open is None:
            return CLOSED
        self._open.check(with_cells=True)
        session = E2BSession(self._open, self._options, limits)
        return await session.begin() or session

    def describe(self) -> SandboxDescription:
        """Say what holds; what the runner's level inside is, is known once the first sandbox has come."""
        greeting = self._open.greeting if self._open is not None else None
        inside = "not known before the first sandbox" if greeting is None else greeting.level
        internet = self._options.allow_internet_access
        protects: tuple[str, ...] = ("everything on this machine: programs run in microVMs elsewhere",)
        protects += () if internet else ("the internet: the sandboxes have none",)
        lacks: tuple[str, ...] = (
            "whoever runs the service: E2B sees programs and their inputs, though no expected values",
        )
        lacks += ("the internet: allow_internet_access is set",) if internet else ()
        lacks += ("cells from their own sandbox, in which they are root: each job of cells, and each session, has one",)
        if greeting is not None:
            protects += tuple(f"inside the sandbox: {line}" for line in greeting.protects_against)
            lacks += tuple(f"inside the sandbox: {line}" for line in greeting.does_not_protect_against)
        return SandboxDescription(self.name, f"microVM, inside it {inside}", protects, lacks, self.capacity)

    def figures(self) -> Figures | None:
        """Return what was used so far, for metrics; None before the start."""
        return None if self._open is None else self._open.ledger.figures()

    def usage(self) -> dict[str, float]:
        """Return sandbox-seconds, their estimated price in dollars, and counts, of this rank since the start."""
        figures = self.figures()
        return {name: float(getattr(figures, name, 0.0)) for name in USAGE}

    async def close(self) -> None:
        """Kill every sandbox; jobs that still wait are answered with a failure."""
        self._closed = True
        if self._pid != os.getpid() or self._open is None:
            return
        await self._open.close()


def _shown(answer: JobResult, keep_going: KeepGoing | None) -> tuple[TestRun, ...]:
    """Show the runs to the caller, in order; what it has seen is not kept twice."""
    if keep_going is None:
        return answer.runs
    shown: list[TestRun] = []
    for i, run in enumerate(answer.runs):
        shown.append(replace(run, value=None, stdout="", results=()))
        if not keep_going(i, run):
            break
    return (*shown, *(NOT_RUN,) * (len(answer.runs) - len(shown)))
