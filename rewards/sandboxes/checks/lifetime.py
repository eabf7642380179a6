"""Promise: jobs run side by side up to the capacity, and a cancelled one leaves nothing behind."""

from __future__ import annotations

import asyncio
import time

from ...records import AssertStep, CallStep, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep, Step
from ..base import Sandbox
from .probe import demand, demand_output, run_on_every_slot, run_script, together

LONG = Limits(cpu_s=50.0, wall_s=50.0)
CANCELLED_WITHIN_S = 5.0


async def jobs_run_side_by_side(sandbox: Sandbox) -> None:
    """As many jobs as the capacity says wait at the same time."""
    demand(sandbox.capacity >= 1, f"capacity is {sandbox.capacity}")
    if sandbox.capacity == 1:
        return
    start = time.monotonic()
    naps = (run_script(sandbox, "import time\ntime.sleep(1)\nprint('up')\n") for _ in range(sandbox.capacity))
    for run in await together(naps):
        demand_output(run, "up\n")
    took = time.monotonic() - start
    demand(took < 0.9 * sandbox.capacity, f"{sandbox.capacity} naps of 1 s took {took:.1f} s")


async def a_cancelled_job_gives_its_slot_back(sandbox: Sandbox) -> None:
    """Whatever the program was doing, and also while a job waits for its turn."""
    steps: tuple[tuple[str, Step], ...] = (
        ("import time\ntime.sleep(99)\n", ScriptStep()),
        ("while True:\n    pass\n", ScriptStep()),
        ("def f():\n    while True:\n        pass\n", CallStep("f")),
        ("def f():\n    while True:\n        pass\n", AssertStep("f()")),
    )
    for source, step in steps:
        jobs = [sandbox.run(Job(Program(source), (step,), LONG)) for _ in range(2 * sandbox.capacity)]
        tasks = [asyncio.create_task(job) for job in jobs]
        await asyncio.sleep(0.3)
        await _cancel(tasks)
        start = time.monotonic()
        for run in await run_on_every_slot(sandbox, "import os\nprint(os.listdir('.'))\n"):
            demand_output(run, "[]\n")
        took = time.monotonic() - start
        demand(took < 15, f"{2 * sandbox.capacity} tiny jobs after cancelled ones took {took:.1f} s")


async def a_job_can_be_cancelled_at_any_moment(sandbox: Sandbox) -> None:
    """Before it starts, while it starts, while it runs and when it has just ended."""
    job = Job(Program("print('x' * 1000)\n"), (ScriptStep(), ScriptStep()), LONG)
    for n in range(16):
        tasks = [asyncio.create_task(sandbox.run(job)) for _ in range(sandbox.capacity)]
        await asyncio.sleep(n * 0.0015)
        await _cancel(tasks)
        demand_output(await run_script(sandbox, f"print({n})\n"), f"{n}\n")


async def _cancel(tasks: list[asyncio.Task[JobResult | SandboxFailure]]) -> None:
    for task in tasks:
        task.cancel()
    _, late = await asyncio.wait(tasks, timeout=CANCELLED_WITHIN_S)
    demand(not late, f"{len(late)} cancelled jobs were still there after {CANCELLED_WITHIN_S:.0f} s")
    for error in [task.exception() for task in tasks if not task.cancelled()]:
        if error is not None:
            raise error


async def starting_twice_is_harmless(sandbox: Sandbox) -> None:
    """`start` may be called again, and jobs go on."""
    await sandbox.start()
    demand_output(await run_script(sandbox, "print('on')\n"), "on\n")


async def it_says_what_it_protects_against(sandbox: Sandbox) -> None:
    """The description names a level, protections, and what is not covered."""
    description = sandbox.describe()
    demand(bool(description.name and description.level), f"no name or level: {description!r}")
    demand(description.capacity == sandbox.capacity, f"described {description.capacity}, has {sandbox.capacity}")
    demand(bool(description.does_not_protect_against), "it claims to protect against everything")


CHECKS = (
    it_says_what_it_protects_against,
    starting_twice_is_harmless,
    jobs_run_side_by_side,
    a_cancelled_job_gives_its_slot_back,
    a_job_can_be_cancelled_at_any_moment,
)
