"""What the tests of cells in the local sandbox ask with."""

from __future__ import annotations

import asyncio

from e2b_pools import cells

from rewards.records import Ended, Job, JobResult, Limits, TestRun
from rewards.sandboxes.local import LocalSandbox

SHORT = Limits(cpu_s=1.0, wall_s=5.0)


class Asker:
    """Runs jobs of cells in one sandbox."""

    def __init__(self, loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
        self._loop, self._sandbox = loop, sandbox

    def job(self, job: Job) -> tuple[TestRun, ...]:
        result = self._loop.run(self._sandbox.run(job))
        assert isinstance(result, JobResult), result
        return result.runs

    def __call__(self, *sources: str, program: str = "x = 1", limits: Limits = SHORT) -> tuple[TestRun, ...]:
        return self.job(cells(*sources, program=program, limits=limits))


def ends(runs: tuple[TestRun, ...]) -> list[Ended]:
    return [run.ended for run in runs]


def shown(run: TestRun) -> list[dict[str, str]]:
    return [dict(result.data) for result in run.results]
