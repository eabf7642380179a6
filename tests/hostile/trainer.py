"""A process that uses the local sandbox as a trainer does, for tests that look at what is left of it.

`python -m hostile.trainer SCENARIO LEVEL` prints one JSON line when it has come to the interesting point.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from rewards.records import AssertStep, CallStep, CellStep, Job, JobResult, Limits, Program, ScriptStep, Step
from rewards.sandboxes.local import LocalSandbox

from .processes import descendants

WARM_S = 3.0
"""By then the workers of all kinds have started, on a machine that is not too busy."""
LONG = Limits(cpu_s=300.0, wall_s=300.0)
SLEEP = "import time\ntime.sleep(250)\n"
SPIN = "open('scratch', 'w').write('x' * 5000)\nwhile True:\n    pass\n"
CALLED = "def f():\n    while True:\n        pass\n"


def state() -> dict[str, object]:
    """Return what this process holds: processes below it, descriptors, threads, signal handlers, timers."""
    descriptors = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            descriptors[number] = os.readlink(f"/proc/self/fd/{number}")
    return {
        "processes": sorted(descendants().values()),
        "descriptors": sorted(target.split(":[")[0] for target in descriptors.values() if "/proc/" not in target),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "handlers": [_handler(number) for number in sorted(signal.valid_signals())],
        "timers": [signal.getitimer(timer) for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL)],
        "temporary": sorted(str(path) for path in Path(os.environ["TMPDIR"]).rglob("*")),
    }


def _handler(number: int) -> str:
    handler = signal.getsignal(number)
    return handler.name if isinstance(handler, signal.Handlers) else str(id(handler))


def job(source: str, *steps: Step) -> Job:
    return Job(Program(source), steps or (ScriptStep(),), LONG)


ONE_OF_EACH = (
    job("print(1)\n"),
    job("def f():\n    return 1\n", CallStep("f")),
    job("def f():\n    return 1\n", AssertStep("assert f() == 1")),
)
ENDLESS = (job(SLEEP), job(SPIN), job(CALLED, CallStep("f")), job(CALLED, AssertStep("f()")))
SUITE = "from solution import f\n\n\ndef test_f():\n    f()\n"
TEMPLATES = (
    "template <int D, int N> struct T { enum { v = T<D - 1, 2 * N>::v + T<D - 1, 2 * N + 1>::v }; };\n"
    "template <int N> struct T<0, N> { enum { v = 1 }; };\nint main() { return T<25, 0>::v; }"
)
"""Keeps a compiler busy for longer than a test lasts."""
SERVER = "require('child_process').spawn('sleep', ['250'], {detached: true});\nsetInterval(() => 0, 1000)\n"


def endless_of_other_kinds(sandbox: LocalSandbox) -> list[Job]:
    """Return jobs for every other kind of worker, as far as their tools are here."""
    jobs = [job(CALLED, AssertStep(SUITE, framework="pytest"))]
    if sandbox.holds_other_languages:
        written = {"cpp": TEMPLATES, "javascript": SERVER, "bash": "setsid sleep 250 & sleep 250"}
        here = [name for name in written if name in sandbox.languages]
        jobs += [Job(Program(written[name], name), (ScriptStep(),), LONG) for name in here]
    if importlib.util.find_spec("IPython"):
        jobs.append(job("import subprocess", CellStep("get_ipython().system('sleep 250')\nwhile True: pass")))
    return jobs


async def close_after_work(sandbox: LocalSandbox) -> None:
    """Use every kind of job, some that die, and close."""
    await asyncio.gather(*(sandbox.run(one) for one in ONE_OF_EACH * 4))
    await sandbox.run(job("import os\nos.abort()\n"))
    await sandbox.close()
    await sandbox.close()


async def close_in_the_middle(sandbox: LocalSandbox) -> None:
    """Close while jobs run and others wait; each is answered."""
    tasks = [asyncio.create_task(sandbox.run(one)) for one in ENDLESS * 2]
    await asyncio.sleep(0.4)
    await sandbox.close()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def raise_inside_a_batch(sandbox: LocalSandbox) -> None:
    """Have the caller's own callback raise, beside jobs that go on."""

    def refuse(*_: object) -> bool:
        raise ZeroDivisionError("the caller's own mistake")

    two_steps = job("print(1)\n", ScriptStep(), ScriptStep())
    try:
        async with asyncio.TaskGroup() as group:  # the first error cancels the others
            group.create_task(sandbox.run(two_steps, keep_going=refuse))
            for one in ENDLESS:
                group.create_task(sandbox.run(one))
    except* ZeroDivisionError:
        pass
    else:
        raise AssertionError("the caller's own mistake was swallowed")
    await asyncio.gather(*(sandbox.run(one) for one in ONE_OF_EACH))
    await sandbox.close()


async def cancel_many(sandbox: LocalSandbox) -> None:
    """Cancel jobs of each kind, at different moments, also while they wait, and close."""
    for delay in (0.0, 0.002, 0.02, 0.2):
        tasks = [asyncio.create_task(sandbox.run(one)) for one in ENDLESS * 2]
        await asyncio.sleep(delay)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(sandbox.run(one) for one in ONE_OF_EACH))
    await sandbox.close()


async def be_killed(sandbox: LocalSandbox) -> None:
    """Start jobs of each kind that never end, say so, and wait for the end."""
    await asyncio.gather(*(sandbox.run(one) for one in ONE_OF_EACH * 2))
    tasks = [asyncio.create_task(sandbox.run(one)) for one in ENDLESS]
    await asyncio.sleep(0.5)
    print(json.dumps({"running": len(tasks), "processes": descendants()}), flush=True)
    await asyncio.sleep(600)


async def be_killed_in_other_kinds(sandbox: LocalSandbox) -> None:
    """Be in the middle of jobs for workers of other kinds, say so, and wait for the end."""
    jobs = endless_of_other_kinds(sandbox)
    tasks = [asyncio.create_task(sandbox.run(one)) for one in jobs]
    await asyncio.sleep(WARM_S)
    print(json.dumps({"running": len(tasks), "processes": descendants()}), flush=True)
    await asyncio.sleep(600)


async def close_other_kinds_in_the_middle(sandbox: LocalSandbox) -> None:
    """Close while programs are compiled, cells run and tests are collected; each job is answered."""
    tasks = [asyncio.create_task(sandbox.run(one)) for one in endless_of_other_kinds(sandbox)]
    await asyncio.sleep(WARM_S)
    await sandbox.close()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def cancel_other_kinds(sandbox: LocalSandbox) -> None:
    """Cancel a compiler, a cell and a test at different moments, and have the slots work on."""
    for delay in (0.02, 0.3, WARM_S):
        tasks = [asyncio.create_task(sandbox.run(one)) for one in endless_of_other_kinds(sandbox)]
        await asyncio.sleep(delay)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    answers = await asyncio.gather(*(sandbox.run(one) for one in ONE_OF_EACH))
    assert all(isinstance(answer, JobResult) for answer in answers)
    await sandbox.close()


async def leave_without_closing(sandbox: LocalSandbox) -> None:
    """Let an exception end the program in the middle of jobs."""
    tasks = [asyncio.create_task(sandbox.run(one)) for one in ENDLESS]
    await asyncio.sleep(0.4)
    print(json.dumps({"running": len(tasks), "processes": descendants()}), flush=True)
    raise SystemExit(3)


SCENARIOS: dict[str, Callable[[LocalSandbox], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        close_after_work,
        close_in_the_middle,
        raise_inside_a_batch,
        cancel_many,
        be_killed,
        be_killed_in_other_kinds,
        close_other_kinds_in_the_middle,
        cancel_other_kinds,
        leave_without_closing,
    )
}


class Watch:
    """Counts what this process must not do: fork itself, by whichever way Python has."""

    def __init__(self) -> None:
        self.forks: list[str] = []
        sys.addaudithook(self._hear)
        # Also called for a subprocess with a preexec_fn, which runs Python code in a fork of the trainer.
        os.register_at_fork(before=lambda: self.forks.append("a fork hook ran"))

    def _hear(self, event: str, _: tuple[object, ...]) -> None:
        if event in ("os.fork", "os.forkpty"):
            self.forks.append(event)


async def main(scenario: str, level: str) -> None:
    watch = Watch()
    await asyncio.to_thread(int)  # the loop's own thread pool is there before and after
    before = state()
    sandbox = LocalSandbox(slots=6 if "other_kinds" in scenario else 2, level=level)
    await sandbox.start()
    working = state()
    await SCENARIOS[scenario](sandbox)
    print(json.dumps({"before": before, "working": working, "after": state(), "forks": watch.forks}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
