"""Our own wall clock on everything that is awaited: the SDK's fires at twice its time, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from ...records import Job, ScriptStep
from ...toolchains import COMPILE_WALL_S

T = TypeVar("T")

SLACK_S = 2.0
"""What our clock grants beyond a time-out that the service was told, so that its own answer comes first."""
_OVERHEAD_S = 30.0


class OverdueError(TimeoutError):
    """Something took longer than we wait for it."""


async def within(seconds: float, awaited: Awaitable[T], what: str) -> T:
    """Return what *awaited* returns; raises `OverdueError`, which names *what*, when that takes longer."""
    try:
        async with asyncio.timeout(seconds) as clock:
            return await awaited
    except TimeoutError:
        if not clock.expired():
            raise
        raise OverdueError(f"{what} took longer than {seconds:g} s") from None


def job_budget_s(job: Job) -> float:
    """Return the seconds after which a job has ended by its own limits, wherever it runs, if its runner lives."""
    limits = job.limits
    steps_s = len(job.steps) * limits.wall_limit_s
    return min(steps_s, limits.job_wall_limit_s) + limits.wall_limit_s + _OVERHEAD_S + _compiling_s(job)


def _compiling_s(job: Job) -> float:
    """Return the seconds that compilers may take: for each source, and for the program that shows that they work."""
    if job.program.language == "python":
        return 0.0
    sources = {step.append for step in job.steps if isinstance(step, ScriptStep)}
    return COMPILE_WALL_S * (len(sources) + 1)
