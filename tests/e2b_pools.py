"""What the tests of the E2B pool share: pools on a stand-in service, and programs whose end is known."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from e2b_service.handle import ServiceHandle

from rewards.records import CellStep, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.e2b_cloud import E2BSandbox

QUICK = Limits(cpu_s=3.0, wall_s=10.0)


@contextlib.asynccontextmanager
async def pool_on(service: ServiceHandle, **options: Any) -> AsyncIterator[E2BSandbox]:
    """A pool that is closed at the end; two sandboxes of two lanes, unless *options* say something else."""
    defaults = {"max_sandboxes": 2, "creates_per_s": 20.0, "jobs_per_sandbox": 2, "request_timeout_s": 10.0}
    sandbox = E2BSandbox(
        **{"api_key": service.api_key, "api_url": service.url, "sandbox_url": service.url, **defaults, **options}
    )
    try:
        yield sandbox
    finally:
        await sandbox.close()


def echo(text: str, *, steps: int = 1, limits: Limits = QUICK) -> Job:
    """A program that prints what it reads, twice."""
    return Job(Program("print(2 * input())\n"), (ScriptStep(f"{text}\n"),) * steps, limits)


def nap(seconds: float, *, limits: Limits = QUICK) -> Job:
    """A program that sleeps and then says so."""
    return Job(Program(f"import time\ntime.sleep({seconds})\nprint('up')\n"), (ScriptStep(),), limits)


def cells(*sources: str, program: str = "", limits: Limits = QUICK) -> Job:
    """A job of cells."""
    return Job(Program(program), tuple(CellStep(source) for source in sources), limits)


def outputs(answer: JobResult | SandboxFailure) -> list[str]:
    """What each step printed; a failure fails the test and says why."""
    assert isinstance(answer, JobResult), answer
    return [run.stdout for run in answer.runs]


async def until_alive(service: ServiceHandle, number: int, *, within_s: float = 10.0) -> None:
    """Wait until the service has *number* sandboxes."""
    async with asyncio.timeout(within_s):
        while len(await asyncio.to_thread(service.alive)) != number:
            await asyncio.sleep(0.05)
