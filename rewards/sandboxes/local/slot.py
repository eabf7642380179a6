"""One slot: a zygote for programs and, once a job needs them, others; it works off one job at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ...records import AssertStep, CallStep, CellStep, Ended, Job, ScriptStep, Step, TestRun
from ..base import KeepGoing
from ..runner.handshake import Kind
from . import calling, cells, split
from .builds import Builds
from .commands import Commands
from .plan import parts_of
from .scripts import run_script
from .worker import Worker, WorkerDiedError, refusals_are_deaths

OUT_OF_CPU_TIME = TestRun(Ended.CPU_LIMIT, stderr="the job's other tests had used up its CPU time")
OUT_OF_PATIENCE = TestRun(Ended.WALL_LIMIT, stderr="the job's other tests had waited for too long")
NOT_RUN = TestRun(Ended.NOT_RUN)


@dataclass
class Progress:
    """How far a job has got."""

    job: Job
    keep_going: KeepGoing | None
    runs: list[TestRun] = field(default_factory=list)
    stopped: bool = False
    cpu_s: float = 0.0
    idle_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Return the CPU time that the job has left."""
        return self.job.limits.job_cpu_s - self.cpu_s

    @property
    def goes_on(self) -> bool:
        """Whether the next step is to be run."""
        return not self.stopped and self.left_s > 0 and self.idle_s < self.job.limits.job_idle_limit_s

    def spend(self, *, wall_s: float, cpu_s: float) -> None:
        """Count the time of a child; a hundred tests that sleep are not to hold a slot for an hour."""
        self.cpu_s += cpu_s
        self.idle_s += max(0.0, wall_s - cpu_s)

    def add(self, run: TestRun) -> None:
        """Add the next step's run and ask whether to go on; what the caller has seen then is not kept twice."""
        if self.stopped or self.keep_going is None:
            self.runs.append(NOT_RUN if self.stopped else run)
            return
        self.stopped = not self.keep_going(len(self.runs), run)
        self.runs.append(replace(run, value=None, stdout=""))

    def leave_out(self, steps: int) -> None:
        """Add steps that were not run, because enough was seen or the job's time is used up."""
        for _ in range(steps):
            self.add(OUT_OF_CPU_TIME if self.left_s <= 0 else OUT_OF_PATIENCE)


class Slot:
    """Workers of several kinds that share a place in the queue; all but the first start when a job needs them."""

    def __init__(self, programs: Worker, start: Callable[[Kind], Awaitable[Worker]] | None, *, builds: Builds) -> None:
        """Start with *programs*; *builds* is what all slots know of the machine's tools."""
        self.programs = programs
        self._builds = builds
        self._others: dict[Kind, Worker] = {}
        self._start = start
        self._starting = asyncio.Lock()
        self._closed = False

    def workers(self) -> list[Worker]:
        """Return the workers that were started."""
        return [self.programs, *self._others.values()]

    async def worker(self, kind: Kind) -> Worker:
        """Return the worker of this *kind*; raises `WorkerDiedError` where it does not start."""
        async with self._starting:  # `close` waits for it
            if self._closed:
                raise WorkerDiedError("the sandbox was closed")
            if kind not in self._others:
                assert self._start is not None
                self._others[kind] = await self._start(kind)
            return self._others[kind]

    async def run(self, job: Job, keep_going: KeepGoing | None) -> tuple[TestRun, ...]:
        """Return one run for each step of *job*; raises `WorkerDiedError`."""
        progress, run_alone = Progress(job, keep_going), self._runner_of(job)
        for part in parts_of(job.steps):
            first = part.steps[0]
            if not isinstance(first, ScriptStep):
                await self._run_part(progress, part.steps)
            elif not progress.goes_on:
                progress.leave_out(1)
            else:
                run = await run_alone(first, progress.left_s)
                progress.spend(wall_s=run.wall_s, cpu_s=run.cpu_s)
                progress.add(run)
        return tuple(progress.runs)

    def _runner_of(self, job: Job) -> Callable[[ScriptStep, float], Awaitable[TestRun]]:
        """Return what runs a step that has a process of its own."""
        if job.program.language == "python":
            return lambda step, left_s: run_script(self.programs, job.program, step, job.limits, left_s=left_s)
        return Commands(lambda: self.worker(Kind.COMMANDS), job, self._builds).run

    async def _run_part(self, progress: Progress, steps: tuple[Step, ...]) -> None:
        """Work off steps that share a process; where the program died, the rest gets a process of its own."""
        while steps and progress.goes_on:
            began = time.monotonic()
            with refusals_are_deaths():  # not around `add`, which calls the caller's own code
                runs, cpu_s = await self._run_together(progress, steps)
            progress.spend(wall_s=time.monotonic() - began, cpu_s=cpu_s)
            for run in runs:
                progress.add(run)
            steps = steps[len(runs) :]
        progress.leave_out(len(steps))

    async def _run_together(self, progress: Progress, steps: tuple[Step, ...]) -> tuple[list[TestRun], float]:
        job, left_s = progress.job, progress.left_s
        calls = [step for step in steps if isinstance(step, CallStep)]
        if calls:
            return await calling.answer(self.programs, job, calls, left_s=left_s)
        if isinstance(steps[0], CellStep):
            return await cells.run(await self.worker(Kind.NOTEBOOKS), job, left_s=left_s)
        asserts = [step for step in steps if isinstance(step, AssertStep)]
        testers = await self.worker(Kind.PYTEST if asserts[0].framework == "pytest" else Kind.TESTERS)
        return await split.test(self.programs, testers, job, asserts, left_s=left_s)

    async def idle(self) -> None:
        """Wait until nothing of a cancelled job runs; raises `WorkerDiedError`."""
        for worker in self.workers():
            await worker.idle()

    async def close(self) -> None:
        """End all workers, and none that is being started is left."""
        self._closed = True
        async with self._starting:
            await asyncio.gather(*(worker.close() for worker in self.workers()))

    def close_now(self) -> None:
        """End all workers from outside their event loop."""
        for worker in self.workers():
            worker.close_now()

    def abandon(self) -> None:
        """Let go of all workers in a fork of the process that started them."""
        for worker in self.workers():
            worker.abandon()
