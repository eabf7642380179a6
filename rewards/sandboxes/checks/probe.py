"""How a check asks a sandbox, and how it says that a promise was broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

from ...records import Ended, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep, Step, TestRun
from ..base import KeepGoing, Sandbox

T = TypeVar("T")

BRIEF = Limits(cpu_s=3.0, wall_s=12.0, memory_mb=512)
"""Enough for every program here that behaves, on a busy machine too."""

PATIENCE_S = 60.0
"""No check's program may live that long: a sandbox that has not answered by then hangs."""


class BrokenPromiseError(Exception):
    """A promise of the contract does not hold; the text says what was seen."""


class NotOfferedError(Exception):
    """A promise is about what this sandbox does not offer; the text says what that is."""


def demand(claim: bool, reason: str) -> None:
    """Raise `BrokenPromiseError` with *reason* unless *claim* holds."""
    if not claim:
        raise BrokenPromiseError(reason)


async def ask(sandbox: Sandbox, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
    """Run *job*, and call an answer that does not come a broken promise."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await sandbox.run(job, keep_going=keep_going)
    except TimeoutError:
        raise BrokenPromiseError(f"no answer within {PATIENCE_S:.0f} s") from None


async def run_steps(
    sandbox: Sandbox,
    source: str,
    steps: Sequence[Step],
    *,
    limits: Limits = BRIEF,
    keep_going: KeepGoing | None = None,
) -> tuple[TestRun, ...]:
    """Return the runs of *steps*, one each; anything but a `JobResult` of that length breaks a promise."""
    result = await ask(sandbox, Job(Program(source), tuple(steps), limits), keep_going=keep_going)
    if isinstance(result, SandboxFailure):
        raise BrokenPromiseError(f"the sandbox failed ({result.kind}: {result.detail}) where it owed a result")
    demand(len(result.runs) == len(steps), f"{len(result.runs)} runs came back for {len(steps)} steps")
    return result.runs


async def run_script(sandbox: Sandbox, source: str, *, stdin: str = "", limits: Limits = BRIEF) -> TestRun:
    """Run *source* once as a script."""
    return (await run_steps(sandbox, source, [ScriptStep(stdin)], limits=limits))[0]


async def together(asked: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all of *asked*, so that none is still running in the next check; then raise the first error."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def run_on_every_slot(sandbox: Sandbox, source: str, *, limits: Limits = BRIEF) -> list[TestRun]:
    """Run *source* so many times at once that each of the sandbox's slots gets it."""
    return await together(run_script(sandbox, source, limits=limits) for _ in range(2 * sandbox.capacity))


def demand_output(run: TestRun, expected: str) -> None:
    """Demand that the program came to a good end and printed *expected* and nothing else."""
    demand(
        run.ended is Ended.EXITED and run.exit_code == 0 and run.stdout == expected,
        f"expected {expected[:80]!r}, saw {seen(run)}",
    )


def seen(run: TestRun) -> str:
    """Return what was seen of *run*, short enough for one line."""
    parts = [run.ended.name]
    if run.exit_code is not None:
        parts.append(f"exit code {run.exit_code}")
    if run.signal is not None:
        parts.append(f"signal {run.signal}")
    parts.append(f"cpu {run.cpu_s:.2f} s, wall {run.wall_s:.2f} s")
    if run.value is not None:
        parts.append(f"value {str(run.value)[:80]}")
    parts += [f"{name} {text[-120:]!r}" for name, text in (("stdout", run.stdout), ("stderr", run.stderr)) if text]
    return ", ".join(parts)
