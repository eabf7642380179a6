"""Run one row in a sandbox, beside a neighbour and after a program that knew something, and tell what went wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from rewards.records import (
    AssertStep,
    CallStep,
    Ended,
    Job,
    JobResult,
    Limits,
    Program,
    SandboxFailure,
    ScriptStep,
    TestRun,
)
from rewards.sandboxes.base import Sandbox

from .host import Host
from .row import ALARM, ATTACK_THEN_ASK, TIME, HostileRow, as_call, ending

TIGHT = Limits(cpu_s=1.2, wall_s=2.5, memory_mb=512)
PATIENT = Limits(cpu_s=15.0, wall_s=30.0, memory_mb=512)
"""For rows that must end otherwise than by the clock: a slow machine may need seconds to hand out all that memory."""
ROOMY = Limits(cpu_s=5.0, wall_s=20.0, memory_mb=512)
NO_ANSWER_AFTER_S = 60.0

EARLIER = """
import sys
secret = {needle!r} * 50
print(secret, input())
sys.stderr.write(secret)
open('note', 'w').write(secret)
"""

NEXT = """
import builtins, heapq, json, math, os, sys
mask = os.umask(0)
print(sum([1, 2]), round(math.pi, 2), os.listdir('.'), input(), heapq.nsmallest(1, [3, 1]), json.loads('[1]'))
print(sys.getrecursionlimit() > 500, os.environ.get('PYTHONPATH'), mask in (0o22, 0o77), sys.stdin.read() == '')
open('own', 'w').write('x')
print(os.listdir('.'))
"""
NEXT_PRINTS = "3 3.14 [] line [1] [1]\nTrue None True True\n['own']\n"

NEIGHBOUR = "import time\ntime.sleep(0.12)\nprint('alive')\n"


@dataclass(frozen=True)
class Attempt:
    """What came of one row in one mode."""

    row: str
    problems: tuple[str, ...]
    ended: str = ""
    wall_s: float = 0.0


class Harness:
    """A sandbox with at least two slots, and the host it must keep programs away from."""

    def __init__(self, sandbox: Sandbox, host: Host) -> None:
        self.sandbox, self.host = sandbox, host

    async def warm_up(self, *, scripts_only: bool = False) -> None:
        """Have every slot start all it starts later, and check that ordinary programs work."""
        steps = (ScriptStep("line\n"), CallStep("f"), AssertStep("assert f() == 1"))[: 1 if scripts_only else None]
        source = "def f():\n    return 1\nif __name__ == '__main__':\n    print(input())\n"
        for result in await self._everywhere(Job(Program(source), steps, ROOMY)):
            ends = [run.ended for run in _runs(result)]
            wanted = [Ended.EXITED, Ended.RETURNED, Ended.RETURNED][: len(steps)]
            assert ends == wanted, f"an ordinary job failed: {result}"
        problem = await self._next_problem()
        assert not problem, problem
        self.host.settle()

    async def attempt(self, row: HostileRow, *, in_a_call: bool = False) -> Attempt:
        """Run *row* as it stands, or inside a call, and return everything that is wrong with what was seen."""
        await self._everywhere(
            Job(Program(EARLIER.format(needle=self.host.needle)), (ScriptStep(self.host.needle),), ROOMY)
        )
        source = self.host.program(row)
        steps = ATTACK_THEN_ASK if in_a_call else row.steps
        limits = TIGHT if in_a_call or row.ends is None or TIME in row.ends else PATIENT
        job = Job(Program(as_call(source) if in_a_call else source), steps, limits)
        neighbour = asyncio.create_task(self._run(Job(Program(NEIGHBOUR), (ScriptStep(),), ROOMY)))
        await asyncio.sleep(0.01)
        result = await self._run(job)
        beside = _runs(await neighbour)
        problems = _problems_of(result, job)
        runs = _runs(result)
        if runs:
            problems += _problems_seen(row, runs, in_a_call=in_a_call, hard_stop_s=4 * limits.wall_limit_s + 2)
            problems += [problem for watch in row.watch if (problem := getattr(self.host, watch)(runs))]
        if not beside or beside[0].stdout != "alive\n":
            problems.append(f"the neighbour was hurt: {beside}")
        problems += filter(None, [await self._next_problem()])
        return Attempt(row.name, tuple(problems), runs[0].ended.name if runs else "", runs[0].wall_s if runs else 0.0)

    async def _run(self, job: Job) -> Any:
        try:
            async with asyncio.timeout(NO_ANSWER_AFTER_S):
                return await self.sandbox.run(job)
        except TimeoutError:
            return f"no answer within {NO_ANSWER_AFTER_S} s"
        except Exception as error:  # noqa: BLE001 - under test: whatever a program does must not become an exception
            return f"raised {type(error).__name__}: {error}"

    async def _everywhere(self, job: Job) -> list[Any]:
        return await asyncio.gather(*(self._run(job) for _ in range(self.sandbox.capacity)))

    async def _next_problem(self) -> str:
        """Run a known program once in every slot, among them the one that was attacked."""
        for result in await self._everywhere(Job(Program(NEXT), (ScriptStep("line\n"),), ROOMY)):
            runs = _runs(result)
            if not runs or runs[0].stdout != NEXT_PRINTS:
                return f"the next program went wrong: {runs or result}"
        return ""


def _runs(result: Any) -> tuple[TestRun, ...]:
    return result.runs if isinstance(result, JobResult) else ()


def _problems_of(result: Any, job: Job) -> list[str]:
    if isinstance(result, SandboxFailure):
        return [f"the sandbox failed where the program did: {result.kind}: {result.detail}"]
    if not isinstance(result, JobResult):
        return [str(result)]
    return [] if len(result.runs) == len(job.steps) else [f"{len(result.runs)} runs for {len(job.steps)} steps"]


def _problems_seen(row: HostileRow, runs: tuple[TestRun, ...], *, in_a_call: bool, hard_stop_s: float) -> list[str]:
    problems = []
    said = "".join(run.stdout for run in runs)
    for alarm in (ALARM, "ESCAPED"):
        if alarm in said or any(alarm in str(run.value) for run in runs):
            problems.append(f"from inside it worked: {said[:200]}")
    if row.prints not in said and not in_a_call:
        problems.append(f"it should print {row.prints!r}: {runs[0]}")
    if any(run.ended in row.never for run in runs) and not in_a_call:
        problems.append(f"a wrong answer passed: {[run.ended.name for run in runs]}")
    if row.ends is not None and not in_a_call and ending(runs[0]) not in row.ends:
        problems.append(f"it ended {ending(runs[0])}, not {'/'.join(sorted(row.ends))}: {str(runs[0])[:400]}")
    return problems + _excesses(row, runs, hard_stop_s)


def _excesses(row: HostileRow, runs: tuple[TestRun, ...], hard_stop_s: float) -> list[str]:
    """A program that waited for a CPU gets that time on top of its wall limit, but never more than four times that."""
    problems = []
    for run in runs:
        if run.wall_s >= hard_stop_s:
            problems.append(f"it took {run.wall_s:.1f} s")
        if row.memory_below_mb is not None and run.peak_memory_mb >= row.memory_below_mb:
            problems.append(f"it had {run.peak_memory_mb:.0f} MB")
        if row.output_below is not None and len(run.stdout) >= row.output_below:
            problems.append(f"{len(run.stdout)} characters were kept")
    return problems
