"""Promise: limits hold, CPU time is what decides, and wall time is the backstop."""

from __future__ import annotations

from dataclasses import replace

from ...records import CallStep, Ended, Limits, ScriptStep, TestRun
from ..base import Sandbox
from .probe import BRIEF, demand, demand_output, run_script, run_steps, seen

MEGABYTE = 1 << 20


def _demand_ended(run: TestRun, *ended: Ended) -> None:
    demand(run.ended in ended, f"expected {' or '.join(end.name for end in ended)}, saw {seen(run)}")


async def cpu_time_is_the_limit(sandbox: Sandbox) -> None:
    """An endless loop ends at the CPU limit, not at the wall."""
    run = await run_script(sandbox, "while True:\n    pass\n", limits=Limits(cpu_s=0.5, wall_s=20.0))
    _demand_ended(run, Ended.CPU_LIMIT)
    demand(0.4 <= run.cpu_s <= 1.0, f"stopped after {run.cpu_s:.2f} CPU seconds of 0.5")


async def the_cpu_time_of_all_threads_counts(sandbox: Sandbox) -> None:
    """Threads that leave the interpreter lock share one CPU limit."""
    source = (
        "import hashlib, threading\n"
        "def burn():\n    while True:\n        hashlib.pbkdf2_hmac('sha256', b'a', b'b', 200_000)\n"
        "for _ in range(2):\n    threading.Thread(target=burn).start()\n"
    )
    run = await run_script(sandbox, source, limits=Limits(cpu_s=0.8, wall_s=20.0))
    _demand_ended(run, Ended.CPU_LIMIT)
    demand(run.cpu_s <= 1.6, f"two threads used {run.cpu_s:.2f} CPU seconds under a limit of 0.8")


async def a_sleeping_program_meets_the_wall(sandbox: Sandbox) -> None:
    """A program that only waits uses no CPU time: the clock ends it, and that is the program's own fault."""
    run = await run_script(sandbox, "import time\ntime.sleep(60)\n", limits=Limits(cpu_s=5.0, wall_s=0.8))
    _demand_ended(run, Ended.WALL_LIMIT)
    demand(not run.starved, "a sleeping program was called starved")
    demand(run.wall_s < 6.0, f"a wall of 0.8 s was met after {run.wall_s:.2f} s")


async def every_call_has_its_own_cpu_limit(sandbox: Sandbox) -> None:
    """One call that loops is stopped; the calls round it are answered."""
    source = "def answer(n):\n    while n == 1:\n        pass\n    return n\n"
    limits = Limits(cpu_s=0.5, wall_s=20.0)
    runs = await run_steps(sandbox, source, [CallStep("answer", (n,)) for n in range(4)], limits=limits)
    _demand_ended(runs[1], Ended.CPU_LIMIT)
    for n in (0, 2, 3):
        demand(runs[n].ended is Ended.RETURNED and runs[n].value == n, f"call {n}: {seen(runs[n])}")


async def the_whole_job_has_a_cpu_limit(sandbox: Sandbox) -> None:
    """Many tests, each below its limit, cannot together hold a slot for ever."""
    source = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 0.4:\n    pass\n"
    limits = Limits(cpu_s=1.0, wall_s=20.0, job_cpu_s=1.5)
    runs = await run_steps(sandbox, source, [ScriptStep()] * 12, limits=limits)
    total = sum(run.cpu_s for run in runs)
    demand(total <= 2.5, f"a job with 1.5 CPU seconds used {total:.2f}")
    demand(runs[0].ended is Ended.EXITED, f"the first step was stopped: {seen(runs[0])}")
    demand(any(run.ended is Ended.CPU_LIMIT for run in runs), f"no step met the job's limit: {seen(runs[-1])}")


async def memory_is_limited(sandbox: Sandbox) -> None:
    """A program that takes more memory than it may have ends with `MEMORY_LIMIT`, at once or bit by bit."""
    limits = replace(BRIEF, memory_mb=256)
    at_once = await run_script(sandbox, f"block = bytearray({600 * MEGABYTE})\nprint('had it')\n", limits=limits)
    _demand_ended(at_once, Ended.MEMORY_LIMIT)
    slowly = f"blocks = []\nwhile True:\n    blocks.append(bytearray({5 * MEGABYTE}))\n"
    _demand_ended(await run_script(sandbox, slowly, limits=limits), Ended.MEMORY_LIMIT)
    modest = f"block = bytearray({100 * MEGABYTE})\nprint(len(block))\n"
    demand_output(await run_script(sandbox, modest, limits=limits), f"{100 * MEGABYTE}\n")


async def output_is_capped(sandbox: Sandbox) -> None:
    """An endless printer is stopped, on either channel, and no more than the limit is kept of what it wrote."""
    limits = replace(BRIEF, output_kb=64)
    for number, name in ((1, "stdout"), (2, "stderr")):
        run = await run_script(sandbox, f"import os\nwhile True:\n    os.write({number}, b'z' * 9999)\n", limits=limits)
        kept = len(run.stdout if number == 1 else run.stderr)
        if name == "stdout":
            _demand_ended(run, Ended.OUTPUT_LIMIT)
        demand(run.ended is not Ended.EXITED or run.exit_code != 0, f"an endless printer ended well: {seen(run)}")
        demand(kept <= 64 * 1024, f"{kept} bytes of {name} were kept under a limit of {64 * 1024}")


async def output_within_the_limit_is_whole(sandbox: Sandbox) -> None:
    """All of an output below the limit comes back, and so does what was printed before a program was stopped."""
    text = "0123456789abcde\n" * 32_000
    source = "print('0123456789abcde\\n' * 32_000, end='')\n"
    demand_output(await run_script(sandbox, source, limits=replace(BRIEF, output_kb=512)), text)
    stopped = "print('so far', flush=True)\nwhile True:\n    pass\n"
    run = await run_script(sandbox, stopped, limits=Limits(cpu_s=0.3, wall_s=20.0))
    demand(run.stdout == "so far\n", f"what was printed before the limit is lost: {seen(run)}")


async def a_step_may_raise_its_own_output_limit(sandbox: Sandbox) -> None:
    """A test that expects much output gets room for it."""
    (run,) = await run_steps(
        sandbox, "print('x' * 200_000)\n", [ScriptStep("", output_kb=400)], limits=replace(BRIEF, output_kb=16)
    )
    demand_output(run, "x" * 200_000 + "\n")


async def the_disk_is_limited(sandbox: Sandbox) -> None:
    """A program cannot fill the disk; a sandbox that looks now and then may see it a moment late."""
    source = (
        "import time\nblock = b'x' * (1 << 20)\n"
        "for n in range(320):\n    time.sleep(0.004)\n    with open(str(n), 'wb') as file:\n        file.write(block)\n"
        "print('all written')\n"
    )
    run = await run_script(sandbox, source, limits=replace(BRIEF, disk_mb=64))
    demand("all written" not in run.stdout, f"320 MB were written under a limit of 64: {seen(run)}")
    run = await run_script(sandbox, "open('f', 'wb').write(b'x' * (8 << 20))\nprint('ok')\n")
    demand_output(run, "ok\n")


async def processes_are_limited(sandbox: Sandbox) -> None:
    """A program that was allowed one process cannot make another, by fork or by running a command."""
    source = (
        "import os, subprocess\n"
        "try:\n    if os.fork() == 0:\n        os._exit(0)\n    print('forked')\nexcept OSError:\n    pass\n"
        "try:\n    subprocess.run(['/bin/true'])\n    print('ran a command')\nexcept OSError:\n    pass\n"
        "print('alone')\n"
    )
    demand_output(await run_script(sandbox, source), "alone\n")


async def threads_are_limited(sandbox: Sandbox) -> None:
    """A handful of threads is fine; thousands are not to be had."""
    source = (
        "import os, threading, time\nthreading.stack_size(32768)\n"
        "try:\n    for _ in range(COUNT):\n        threading.Thread(target=time.sleep, args=(30,)).start()\n"
        "    print('all')\nexcept (RuntimeError, MemoryError):\n    print('stopped')\n"
        "import sys\nsys.stdout.flush()\nos._exit(0)\n"
    )
    demand_output(await run_script(sandbox, source.replace("COUNT", "8")), "all\n")
    run = await run_script(sandbox, source.replace("COUNT", "6000"))
    demand("all" not in run.stdout, "6,000 threads were started")


CHECKS = (
    cpu_time_is_the_limit,
    the_cpu_time_of_all_threads_counts,
    a_sleeping_program_meets_the_wall,
    every_call_has_its_own_cpu_limit,
    the_whole_job_has_a_cpu_limit,
    memory_is_limited,
    output_is_capped,
    output_within_the_limit_is_whole,
    a_step_may_raise_its_own_output_limit,
    the_disk_is_limited,
    processes_are_limited,
    threads_are_limited,
)
