"""A sandbox with answers written down in advance, for the tests of code that uses rewards.

It runs nothing and protects against nothing: no program is executed, its source is looked up.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from ..errors import ConfigurationError
from ..records import CellStep, Ended, Job, JobResult, Limits, SandboxFailure, Step, TestRun
from .base import KeepGoing, SandboxDescription
from .canary import is_canary, song
from .fake_sessions import FakeSession, FakeSessions, wait

__all__ = ["Answer", "Answers", "FakeSandbox", "FakeSession", "FakeSessions"]

Answer = str | TestRun | JobResult | SandboxFailure | Sequence[TestRun]
"""Text is what the program prints, and a `TestRun` what is seen of it, whatever it is asked; a sequence holds one
`TestRun` for each step. The files that a program writes are `TestRun.files`, the value of a cell is the main one of
`TestRun.results`, and test code in the tester has passed where the run `RETURNED`."""

Answers = Mapping[str, Answer] | Callable[[Job], Answer]


class FakeSandbox:
    """Answer jobs from *answers*: a mapping from program source, white space around it aside, or a function of the job.

    A checker is a program like any other, asked in a job of its own, with files and arguments in its steps.

    *failures* are given first, one a job, before any answer is looked up. *latency_s* is waited before an answer;
    `float("inf")` is a sandbox that hangs. `jobs` lists what was asked, the canary jobs of the grader left out.
    Picklable when *answers* are; a copy starts with no jobs seen.

    *sessions* are what it answers where code is run cell by cell; `opened` lists those that were opened, with their
    cells.
    """

    name = "fake"
    languages = None

    def __init__(
        self,
        answers: Answers,
        *,
        otherwise: Answer | None = None,
        failures: Sequence[SandboxFailure] = (),
        latency_s: float | Callable[[Job], float] = 0.0,
        capacity: int = 8,
        healthy: bool = True,
        sessions: FakeSessions | None = None,
    ) -> None:
        if capacity < 1:
            raise ConfigurationError(f"capacity must be at least 1, found {capacity!r}")
        self.answers = answers
        self.otherwise = otherwise
        self.failures = tuple(failures)
        self.latency_s = latency_s
        self.healthy = healthy
        """Whether canary jobs are answered as in a sandbox that works."""
        self.sessions = sessions
        self._capacity = capacity
        self._begin()

    def _begin(self) -> None:
        self._by_source = {} if callable(self.answers) else {key.strip(): self.answers[key] for key in self.answers}
        self.jobs: list[Job] = []
        self.opened: list[FakeSession] = []
        self.canaries = 0
        self.most_at_once = 0
        self.starts = 0
        self.closed = False
        self._failures_left = list(self.failures)
        self._session_failures_left = [] if self.sessions is None else list(self.sessions.failures)
        self._at_once = 0
        self._places: asyncio.Semaphore | None = None

    def __getstate__(self) -> dict[str, object]:
        options = ("answers", "otherwise", "failures", "latency_s", "healthy", "_capacity", "sessions")
        return {option: self.__dict__[option] for option in options}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._begin()

    @property
    def capacity(self) -> int:
        """Return how many jobs are answered at once."""
        return self._capacity

    async def start(self) -> None:
        """Count the call; there is nothing to get ready."""
        self.starts += 1

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        """Return the answer written down for *job*, as many steps of it as *keep_going* asks for."""
        if self.closed:
            return SandboxFailure("closed", "the fake sandbox is closed", retryable=False)
        if self._places is None:
            self._places = asyncio.Semaphore(self._capacity)
        async with self._places:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                return await self._answer(job, keep_going)
            finally:
                self._at_once -= 1

    async def _answer(self, job: Job, keep_going: KeepGoing | None) -> JobResult | SandboxFailure:
        if is_canary(job):
            self.canaries += 1
            return self._canary_answer(job)
        self.jobs.append(job)
        await wait(self.latency_s(job) if callable(self.latency_s) else self.latency_s)
        answer = self._failures_left.pop(0) if self._failures_left else self._written_answer(job)
        if isinstance(answer, SandboxFailure):
            return answer
        result = _as_result(answer, job)
        return dataclasses.replace(result, runs=_until_stopped(result.runs, keep_going), sandbox=self.name)

    def _written_answer(self, job: Job) -> Answer:
        if callable(self.answers):
            return self.answers(job)
        answer = self._by_source.get(job.program.source.strip(), self.otherwise)
        if answer is None:
            raise ConfigurationError(f"FakeSandbox has no answer for this program:\n{job.program.source}")
        return answer

    def _canary_answer(self, job: Job) -> JobResult | SandboxFailure:
        if not self.healthy:
            return SandboxFailure("died", "this fake sandbox was made unhealthy")
        return JobResult(song(job))

    @property
    def session_capacity(self) -> int | None:
        """Return how many sessions may be open at once; None for any number."""
        return None if self.sessions is None else self.sessions.capacity

    @property
    def sessions_have_shell(self) -> bool:
        """Whether answers for commands were written down."""
        return self.sessions is not None and self.sessions.commands is not None

    async def open_session(self, limits: Limits) -> FakeSession | SandboxFailure:
        """Return a session with answers written down; raises `ConfigurationError` where none were."""
        if self.sessions is None:
            raise ConfigurationError("this FakeSandbox has no sessions: pass sessions=FakeSessions(...)")
        await wait(self.sessions.start_s)
        if self.closed:
            return SandboxFailure("closed", "the fake sandbox is closed", retryable=False)
        if self._session_failures_left:
            return self._session_failures_left.pop(0)
        self.opened.append(FakeSession(self.sessions, limits))
        return self.opened[-1]

    def describe(self) -> SandboxDescription:
        """Say that nothing is run."""
        return SandboxDescription(
            name=self.name,
            level="none",
            protects_against=("everything: no program is executed",),
            does_not_protect_against=("wrong answers written down",),
            capacity=self._capacity,
        )

    def usage(self) -> dict[str, float]:
        """Return nothing: it costs nothing."""
        return {}

    async def close(self) -> None:
        """Refuse what comes later, and end all sessions."""
        self.closed = True
        for session in self.opened:
            await session.close()


def _as_result(answer: str | TestRun | JobResult | Sequence[TestRun], job: Job) -> JobResult:
    if isinstance(answer, JobResult):
        return answer
    if isinstance(answer, TestRun):
        return JobResult((answer,) * len(job.steps))
    if isinstance(answer, str):
        return JobResult(tuple(_printed(answer, step) for step in job.steps))
    return JobResult(tuple(answer))


def _printed(text: str, step: Step) -> TestRun:
    """Return the run of a step that does nothing but print: a cell returns, everything else comes to its end."""
    if isinstance(step, CellStep):
        return TestRun(Ended.RETURNED, stdout=text)
    return TestRun(Ended.EXITED, exit_code=0, stdout=text)


def _until_stopped(runs: Sequence[TestRun], keep_going: KeepGoing | None) -> tuple[TestRun, ...]:
    seen: list[TestRun] = []
    for i, run in enumerate(runs):
        seen.append(run)
        if keep_going is not None and not keep_going(i, run):
            break
    return tuple(seen) + (TestRun(Ended.NOT_RUN),) * (len(runs) - len(seen))
