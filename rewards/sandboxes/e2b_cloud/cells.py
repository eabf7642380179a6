"""Jobs of cells, run by the code interpreter in a context of their own.

There is no wall between the cells of a job and the rest of their sandbox: the kernel is root in there. So a sandbox
runs the cells of one job (`cell_jobs_per_sandbox`; more of them could see and change each other's) and no trip after
it.
"""

from __future__ import annotations

import time
from dataclasses import replace

from ...records import Ended, Job, JobResult, TestRun
from ..base import cells_of
from .context import CellContext
from .losses import loss_of
from .machine import Machine
from .tickets import Lost, Ticket

OUT_OF_PATIENCE = TestRun(Ended.WALL_LIMIT, stderr="the job's other cells had taken its time")


class Cells:
    """One job's cells on their way through a sandbox that nobody else is in."""

    def __init__(self, machine: Machine, ticket: Ticket) -> None:
        self.machine = machine
        self.tickets = (ticket,)
        self.doubt = ""
        """Why the sandbox is not to be used again, if it is not."""
        self._context = CellContext(machine)
        self._began_s: float | None = None
        self._loss = Lost("", "")

    def board(self) -> None:
        """Enter the sandbox: whatever happens from now on, its agent is not to be believed."""
        self.machine.bare = True
        self.machine.cell_jobs += 1

    async def run(self) -> None:
        """Run the job and settle its ticket."""
        try:
            await self._context.open()
            self._began_s = time.monotonic()
            runs = await self._run_job(self.tickets[0].job)
        except Exception as error:
            loss = loss_of(error)
            if loss is None:
                raise
            self._lose(loss)
        else:
            self.tickets[0].settle(JobResult(runs))

    def settle_lost(self) -> tuple[str, list[Ticket]]:
        """Report the job as lost if it is still open; return what happened, and the job if it was under way then."""
        if self.tickets[0].is_open:
            self._lose(Lost("died", self.doubt or "the cells came to no end"))
        return self._loss.cause, list(self.tickets) if self._loss.may_be_guilty else []

    def _lose(self, loss: Lost) -> None:
        self.doubt = self.doubt or loss.detail
        if self._began_s is None:
            self._loss = replace(loss, may_be_guilty=False)
        else:
            self._loss = replace(loss, lived_s=time.monotonic() - self._began_s)
        self.tickets[0].settle(self._loss)

    async def _run_job(self, job: Job) -> tuple[TestRun, ...]:
        cells = cells_of(job)
        limits, chars = job.limits, job.limits.output_kb * 1024
        runs: list[TestRun] = []
        left_s = limits.job_idle_limit_s
        for cell in cells:
            if left_s <= 0:
                runs.append(OUT_OF_PATIENCE)
                continue
            refused = await self._context.place(cell, ran_before=bool(runs))
            wall_s = min(limits.wall_limit_s, left_s)
            run = refused or await self._context.run(cell.source, output_chars=chars, wall_s=wall_s)
            left_s -= run.wall_s
            runs.append(run)
            if run.ended not in (Ended.RETURNED, Ended.RAISED):
                self.doubt = f"a cell ended by {run.ended.value}"
            if self.doubt or (len(runs) == 1 and run.ended is Ended.RAISED):
                # The kernel is gone, or the program was never there: what comes after ends in the same way.
                echo = TestRun(run.ended, signal=run.signal, stderr=run.stderr)
                runs += [echo] * (len(cells) - len(runs))
                break
        return tuple(runs[1:])
