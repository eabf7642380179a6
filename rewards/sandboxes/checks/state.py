"""Promise: every job starts fresh, and nothing of a job outlives it."""

from __future__ import annotations

from ...errors import ConfigurationError
from ...records import CallStep, Ended, Job, Limits, Program, SandboxFailure, ScriptStep
from ..base import Sandbox
from .probe import BRIEF, ask, demand, demand_output, run_on_every_slot, run_script, run_steps, seen, together

VANDAL = """
import atexit, builtins, gc, json, math, os, sys
open('left_behind', 'w').write('x')
os.mkdir('folder')
builtins.sum = lambda *a: -1
math.pi = 3
json.loads = lambda *a: None
sys.modules['heapq'] = None
sys.path[:] = []
os.environ['LEFT'] = 'behind'
sys.setrecursionlimit(90)
gc.disable()
os.umask(0o777)
os.chdir('folder')
builtins.print = lambda *a, **k: None
"""

INSPECTOR = """
import gc, heapq, json, math, os
print(sum([1, 2]), round(math.pi, 2), json.loads('[1]'), os.listdir('.'), os.environ.get('LEFT'), gc.isenabled())
open('own', 'w').write('1')
print(open('own').read(), heapq.nsmallest(1, [2, 1]))
"""

CLEAN = "3 3.14 [1] [] None True\n1 [1]\n"


async def every_job_starts_fresh(sandbox: Sandbox) -> None:
    """What one job changes in its interpreter and its folder, no later job sees."""
    for run in await run_on_every_slot(sandbox, INSPECTOR):
        demand_output(run, CLEAN)
    await run_on_every_slot(sandbox, VANDAL)
    for run in await run_on_every_slot(sandbox, INSPECTOR):
        demand_output(run, CLEAN)


async def calls_carry_state_within_a_job_and_not_across(sandbox: Sandbox) -> None:
    """The calls of one job are answered by one program, as the official evaluators do it."""
    source = "seen = []\ndef count():\n    seen.append(1)\n    return len(seen)\n"
    steps = [CallStep("count")] * 3
    for _ in range(2 * sandbox.capacity):
        runs = await run_steps(sandbox, source, steps)
        values = [run.value for run in runs]
        demand(values == [1, 2, 3], f"three calls of a counter returned {values}, {seen(runs[-1])}")


async def no_thread_outlives_its_job(sandbox: Sandbox) -> None:
    """A daemon thread that prints for ever ends with its program."""
    haunt = (
        "import os, threading, time\n"
        "def ghost():\n    while True:\n        os.write(1, b'ghost')\n        time.sleep(0.002)\n"
        "threading.Thread(target=ghost, daemon=True).start()\ntime.sleep(0.02)\n"
    )
    await run_on_every_slot(sandbox, haunt)
    await _demand_no_ghost(sandbox)


async def no_process_outlives_its_job(sandbox: Sandbox) -> None:
    """A program that may start processes leaves none of them; a sandbox that cannot hold them refuses the job."""
    haunt = (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        while True:\n            os.write(1, b'ghost')\n            time.sleep(0.002)\n"
        "    os._exit(0)\nos.wait()\ntime.sleep(0.02)\nprint('parent done')\n"
    )
    job = Job(Program(haunt), (ScriptStep(),), Limits(cpu_s=2.0, wall_s=8.0, processes=8))
    try:
        results = await together(ask(sandbox, job) for _ in range(2 * sandbox.capacity))
    except ConfigurationError:
        return  # it cannot hold them, and says so to the person who asked
    for result in results:
        if isinstance(result, SandboxFailure):
            demand(result.kind == "unsupported", f"the sandbox failed ({result.kind}: {result.detail})")
    await _demand_no_ghost(sandbox)


async def _demand_no_ghost(sandbox: Sandbox) -> None:
    quiet = "import time\ntime.sleep(0.05)\nprint('alone')\n"
    for run in await run_on_every_slot(sandbox, quiet):
        demand_output(run, "alone\n")


async def a_full_folder_and_a_locked_one_are_emptied(sandbox: Sandbox) -> None:
    """Deep trees, links and folders without permissions do not stop the cleaning, nor lead it elsewhere."""
    litter = (
        "import os\nos.symlink('/', 'root')\npath = 'deep'\n"
        "for _ in range(150):\n    os.mkdir(path)\n    path += '/d'\n"
        "for n in range(200):\n    open(f'f{n}', 'w').close()\n"
        "os.mkdir('locked')\nopen('locked/in', 'w').close()\nos.chmod('locked', 0)\nprint('made')\n"
    )
    for run in await run_on_every_slot(sandbox, litter, limits=BRIEF):
        demand(run.ended is Ended.EXITED, f"ordinary files and folders could not be made: {seen(run)}")
    for run in await run_on_every_slot(sandbox, "import os\nprint(os.listdir('.'))\n"):
        demand_output(run, "[]\n")


async def ordinary_programs_work(sandbox: Sandbox) -> None:
    """Threads, asyncio, files in the program's own folder, the usual imports: what graded programs use."""
    source = (
        "import asyncio, collections, dataclasses, decimal, functools, heapq, itertools, json, math, os, random, re\n"
        "import statistics, string, tempfile, threading, typing\n"
        "thread = threading.Thread(target=lambda: None)\nthread.start()\nthread.join()\n"
        "asyncio.run(asyncio.sleep(0.001))\n"
        "os.makedirs('a/b')\nopen('a/x', 'w').write('text')\nos.rename('a/x', 'a/b/y')\n"
        "with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/z', 'w').close()\n"
        "print(os.listdir('a/b'), open('a/b/y').read(), json.dumps({'k': [1, 2.5]}), input(), __name__)\n"
    )
    run = await run_script(sandbox, source, stdin="line\n")
    demand_output(run, "['y'] text {\"k\": [1, 2.5]} line __main__\n")


CHECKS = (
    ordinary_programs_work,
    every_job_starts_fresh,
    calls_carry_state_within_a_job_and_not_across,
    no_thread_outlives_its_job,
    no_process_outlives_its_job,
    a_full_folder_and_a_locked_one_are_emptied,
)
