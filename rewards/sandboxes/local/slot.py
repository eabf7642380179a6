"""One slot: a zygote for programs and, once a job needs it, one for testers; it works off one job at a time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ...records import AssertStep, CallStep, Ended, Job, Limits, Program, ScriptStep, Step, TestRun
from ..base import KeepGoing
from ..runner.messages import Mode
from . import calling, split
from .outcomes import Sizes, order_for, read_run
from .plan import parts_of
from .worker import Worker, refusals_are_deaths

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
    """Two workers that share a place in the queue."""

    def __init__(self, programs: Worker, start_tester: Callable[[], Awaitable[Worker]] | None) -> None:
        self.programs = programs
        self.testers: Worker | None = None
        self._start_tester = start_tester

    def workers(self) -> list[Worker]:
        """Return the workers that were started."""
        return [self.programs, *([self.testers] if self.testers else [])]

    async def run(self, job: Job, keep_going: KeepGoing | None) -> tuple[TestRun, ...]:
        """Return one run for each step of *job*; raises `WorkerDiedError`."""
        progress = Progress(job, keep_going)
        for part in parts_of(job.steps):
            first = part.steps[0]
            if not isinstance(first, ScriptStep):
                await self._run_part(progress, part.steps)
            elif not progress.goes_on:
                progress.leave_out(1)
            else:
                run = await self.run_script(job.program, first, job.limits, left_s=progress.left_s)
                progress.spend(wall_s=run.wall_s, cpu_s=run.cpu_s)
                progress.add(run)
        return tuple(progress.runs)

    async def run_script(
        self, program: Program, step: ScriptStep, limits: Limits, *, left_s: float = math.inf
    ) -> TestRun:
        """Return what was seen of one run of *program* as a script; raises `WorkerDiedError`."""
        sizes = Sizes.of(limits, step.output_kb)
        with refusals_are_deaths():
            outcome = await self.programs.execute(
                order_for(Mode.SCRIPT, limits, sizes, left_s=left_s),
                encode_text(program.source),
                encode_text(step.stdin),
                wall_limit_s=limits.wall_limit_s,
            )
            run = read_run(outcome, self.programs.files, sizes)
            self.programs.files.empty()
        return run

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
        asserts = [step for step in steps if isinstance(step, AssertStep)]
        if self.testers is None and self._start_tester is not None:
            self.testers = await self._start_tester()
        assert self.testers is not None
        return await split.test(self.programs, self.testers, job, asserts, left_s=left_s)

    async def idle(self) -> None:
        """Wait until nothing of a cancelled job runs; raises `WorkerDiedError`."""
        for worker in self.workers():
            await worker.idle()

    async def close(self) -> None:
        """End both workers."""
        await asyncio.gather(*(worker.close() for worker in self.workers()))

    def close_now(self) -> None:
        """End both workers from outside their event loop."""
        for worker in self.workers():
            worker.close_now()

    def abandon(self) -> None:
        """Let go of both workers in a fork of the process that started them."""
        for worker in self.workers():
            worker.abandon()


def encode_text(text: str) -> bytes:
    """Return UTF-8; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace")
