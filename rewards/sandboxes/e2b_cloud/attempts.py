"""One job's way to an answer: again in another sandbox where one was lost, until the answer is sure.

What happens to a sandbox is the service's fault, and the job runs again somewhere else, up to `retries` times; from the
first loss on it has a sandbox to itself. A job whose sandbox goes down every time is watched for longer, up to twice as
often, until it is clear that chance does not explain it (`blame`); then a job that is known to be good, and that takes
as long, must come to its end before the program is blamed.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from ...errors import ConfigurationError
from ...records import CellStep, Ended, Job, JobResult, Program, SandboxFailure
from ..agent.trips import BlobCache, StepsBlob
from ..canary import CANARY, is_healthy
from .blame import Convicts, Suspect
from .dispatch import Dispatcher
from .ledger import Ledger
from .options import E2BOptions
from .tickets import Lost, Report, Ticket

PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
LONGEST_WATCH_S = 10.0
"""How long the known-good job runs at most: a program that brings a sandbox down later than that is rare."""
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
        blame = self._dispatcher.blame_for(Ticket(job, self._blob_of(job)))
        failures = 0
        try:
            while True:
                report = await self._attempt(job, suspect, waits, alone=failures > 0)
                if not isinstance(report, Lost):
                    return report, waits[0]
                failures += 1
                if report.may_be_guilty and blame.is_guilty(suspect) and await self._is_service_well(job, report):
                    blame.convict(suspect)
                    return self._convicted(job, report, suspect), waits[0]
                watched = suspect.solo_deaths.total() >= max(1, failures - 1)
                if failures > self._options.retries * (2 if watched else 1):
                    return SandboxFailure(report.kind, _said(report, failures), retryable=False), waits[0]
                self._ledger.retries += 1
                await self._pause(failures)
        finally:
            blame.clear(suspect)

    async def _attempt(self, job: Job, suspect: Suspect | None, waits: list[float], *, alone: bool) -> Report:
        ticket = Ticket(job, self._blob_of(job), suspect, alone=alone)
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

    async def _is_service_well(self, job: Job, report: Lost) -> bool:
        """Say whether a job that is known to be good comes to its end where this one did not."""
        lasts_s = min(report.lived_s, LONGEST_WATCH_S)
        answer = await self._attempt(control(lasts_s, cells=has_cells(job)), None, [], alone=True)
        return isinstance(answer, JobResult) and is_well(answer)

    def _convicted(self, job: Job, report: Lost, suspect: Suspect) -> JobResult:
        times = suspect.solo_deaths[report.cause]
        said = f"the program, alone in it, brought its sandbox down {times} times in a row: {report.detail}"
        end = replace(report.end, stderr=f"{report.end.stderr}\n{said}".strip())
        self._convicts.remember(job, end)
        return JobResult((end,) * len(job.steps))

    async def _pause(self, failures: int) -> None:
        """Give the service a moment, longer each time, and not every job the same one."""
        await asyncio.sleep(min(PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S) * _jitter.uniform(0.5, 1.5))


def has_cells(job: Job) -> bool:
    """Say whether *job* is made of cells; raises `ConfigurationError` where it is made of both."""
    cells = [isinstance(step, CellStep) for step in job.steps]
    if any(cells) and not all(cells):
        raise ConfigurationError("a job is made of cells alone, or has none: these are mixed")
    return any(cells)


def control(lasts_s: float, *, cells: bool) -> Job:
    """Return a job that is known to be good and takes *lasts_s*."""
    sleep = f"import time\ntime.sleep({lasts_s:.3f})\n"
    limits = replace(CANARY.limits, wall_s=lasts_s + CANARY.limits.wall_limit_s)
    if cells:
        return Job(Program(sleep), (CellStep("print('still singing')\n"),), limits)
    return Job(Program(sleep + CANARY.program.source), CANARY.steps, limits)


def is_well(answer: JobResult) -> bool:
    """Say whether *answer* is that of the known-good job."""
    run = answer.runs[0]
    return is_healthy(answer) or (run.ended is Ended.RETURNED and run.stdout.strip() == "still singing")


def _said(report: Lost, failures: int) -> str:
    return f"{report.detail} (the last of {failures} sandboxes that were tried)"
