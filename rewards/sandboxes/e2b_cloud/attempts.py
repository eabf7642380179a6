"""One job's way to an answer: again in another sandbox where one was lost, until the answer is sure.

What happens to a sandbox is the service's fault, and the job runs again somewhere else, up to `retries` times; from the
first loss on it has a sandbox to itself. A job whose sandbox goes down every time is watched for longer, up to twice as
often, until it is clear that chance does not explain it (`blame`); then a job that is known to be good, and that takes
longer than it ever lived, must come to its end before the program is blamed: something between the sandbox and us may
cut off whatever takes long.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from ...records import CellStep, Ended, Job, JobResult, Program, SandboxFailure, TestRun
from ..agent.trips import BlobCache, StepsBlob
from ..base import has_cells
from ..canary import CANARY, WORDS, canary_for, is_healthy
from .blame import Convicts, Suspect
from .dispatch import Dispatcher
from .ledger import Ledger
from .options import E2BOptions
from .tickets import Lost, Report, Ticket

PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
LONGEST_LIFE_S = 60.0
"""Of a program that can be blamed: for one that lives longer, no known-good job shows that it could have lived on."""
LONGER, LONGER_S = 1.1, 1.0
"""By how much the known-good job outlives the program, as a factor and in seconds."""
_jitter = random.Random()  # not the module's own generator: trainers seed that one, and their runs must repeat


class Attempts:
    """Runs jobs, each as often as it takes. Used from one event loop."""

    def __init__(self, options: E2BOptions, dispatcher: Dispatcher, ledger: Ledger) -> None:
        self._options, self._dispatcher, self._ledger = options, dispatcher, ledger
        self._blobs = BlobCache()
        self._convicts = Convicts()

    async def answer(self, job: Job) -> tuple[JobResult | SandboxFailure, float]:
        """Return what is to be answered to *job*, and the seconds that it waited for a place at first."""
        known = self._convicts.end_of(job)
        if known is not None:
            return JobResult((known,) * len(job.steps)), 0.0
        suspect, waits = Suspect(), list[float]()
        blob = self._blob_of(job)
        blame = self._dispatcher.blame_for(Ticket(job, blob))
        failures, longest_s = 0, 0.0
        try:
            while True:
                report = await self._attempt(Ticket(job, blob, suspect, alone=failures > 0), waits)
                if not isinstance(report, Lost):
                    return report, waits[0]
                failures += 1
                if report.may_be_guilty and suspect.solo_deaths.total():
                    longest_s = max(longest_s, report.lived_s)
                is_suspected = report.may_be_guilty and blame.is_guilty(suspect)
                if is_suspected and longest_s > LONGEST_LIFE_S:
                    return SandboxFailure(report.kind, _said(report, failures), retryable=False), waits[0]
                if is_suspected and await self._is_service_well(job, longest_s):
                    blame.convict(suspect)
                    return self._convicted(job, report, suspect), waits[0]
                watched = suspect.solo_deaths.total() >= max(1, failures - 1)
                if failures > self._options.retries * (2 if watched else 1):
                    return SandboxFailure(report.kind, _said(report, failures), retryable=False), waits[0]
                self._ledger.retries += 1
                await pause(failures)
        finally:
            blame.clear(suspect)

    async def blamed_end(self, job: Job) -> TestRun | None:
        """Return how *job* ends where it, run again and again, takes its sandboxes down; None where it does not."""
        await self.answer(job)
        return self._convicts.end_of(job)

    async def _attempt(self, ticket: Ticket, waits: list[float]) -> Report:
        self._dispatcher.add(ticket)
        try:
            return await ticket.report
        except asyncio.CancelledError:
            self._dispatcher.withdraw(ticket)
            raise
        finally:
            waits.append(0.0 if ticket.started_s is None else ticket.started_s - ticket.asked_s)

    def _blob_of(self, job: Job) -> StepsBlob | None:
        return None if has_cells(job) else self._blobs.blob_of(job)

    async def _is_service_well(self, job: Job, lived_s: float) -> bool:
        """Say whether jobs that are known to be good come to their end where this one, which *lived_s*, did not.

        One takes longer, and one needs what this one needs of the sandbox: its compiler, its tester.
        """
        good, alike = control(lived_s * LONGER + LONGER_S, cells=has_cells(job)), canary_for(job)
        answer = await self._attempt(Ticket(good, self._blob_of(good), alone=True), [])
        if not isinstance(answer, JobResult) or not is_well(answer):
            return False
        if alike == CANARY or has_cells(job):
            return True
        answer = await self._attempt(Ticket(alike, self._blob_of(alike), alone=True), [])
        return isinstance(answer, JobResult) and is_healthy(answer, alike)

    def _convicted(self, job: Job, report: Lost, suspect: Suspect) -> JobResult:
        times = suspect.solo_deaths[report.cause]
        said = f"the program, alone in it, brought its sandbox down {times} times in a row: {report.detail}"
        end = replace(report.end, stderr=f"{report.end.stderr}\n{said}".strip())
        self._convicts.remember(job, end)
        return JobResult((end,) * len(job.steps))


async def pause(failures: int) -> None:
    """Give the service a moment, longer each time, and not everybody the same one."""
    await asyncio.sleep(min(PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S) * _jitter.uniform(0.5, 1.5))


def control(lasts_s: float, *, cells: bool) -> Job:
    """Return a job that is known to be good and takes *lasts_s*."""
    sleep = f"import time\ntime.sleep({lasts_s:.3f})\n"
    limits = replace(CANARY.limits, wall_s=lasts_s + CANARY.limits.wall_limit_s)
    if cells:
        return Job(Program(sleep), (CellStep(f"print({WORDS!r})\n"),), limits)
    return Job(Program(sleep + CANARY.program.source), CANARY.steps, limits)


def is_well(answer: JobResult) -> bool:
    """Say whether *answer* is that of the known-good job."""
    run = answer.runs[0]
    return is_healthy(answer) or (run.ended is Ended.RETURNED and run.stdout.strip() == WORDS)


def _said(report: Lost, failures: int) -> str:
    return f"{report.detail} (the last of {failures} sandboxes that were tried)"
