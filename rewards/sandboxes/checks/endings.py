"""Promise: however a program ends is reported as it was, never as an exception and never as a hang."""

from __future__ import annotations

import signal

from ...records import CallStep, Ended, Limits, ScriptStep, TestRun
from ..base import Sandbox
from .probe import demand, demand_output, run_script, run_steps, seen, together

Ending = tuple[Ended, int | None]

ENDINGS: tuple[tuple[str, Ending], ...] = (
    ("pass", (Ended.EXITED, 0)),
    ("", (Ended.EXITED, 0)),
    ("raise SystemExit", (Ended.EXITED, 0)),
    ("import sys\nsys.exit(3)", (Ended.EXITED, 3)),
    ("import sys\nsys.exit('a message')", (Ended.EXITED, 1)),
    ("import os\nos._exit(99)", (Ended.EXITED, 99)),
    ("import os\nos._exit(251)", (Ended.EXITED, 251)),
    ("raise ValueError('no')", (Ended.EXITED, 1)),
    ("def broken(:\n", (Ended.EXITED, 1)),
    ("x = 'nul \0 byte'", (Ended.EXITED, 1)),
    ("def f():\n    f()\nf()", (Ended.EXITED, 1)),
    ("import os\nos.abort()", (Ended.SIGNALLED, signal.SIGABRT)),
    ("import os\nos.kill(os.getpid(), 9)", (Ended.SIGNALLED, signal.SIGKILL)),
    ("import os\nos.kill(os.getpid(), 15)", (Ended.SIGNALLED, signal.SIGTERM)),
    ("import ctypes\nctypes.string_at(0)", (Ended.SIGNALLED, signal.SIGSEGV)),
)

STUBBORN: tuple[str, ...] = (
    "import os\nos.closerange(0, 4096)\n",
    "import os\nos.dup2(0, 1)\nos.dup2(2, 0)\nprint('x')\n",
    "import signal\nfor s in range(1, 65):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n"
    "    except (OSError, ValueError):\n        pass\nwhile True:\n    pass\n",
    "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
    "import atexit, threading\n@atexit.register\ndef hang():\n    while True:\n        pass\n"
    "threading.Thread(target=hang).start()\n",
    "import sys\nsys.setrecursionlimit(10**9)\ndef f():\n    f()\nf()\n",
    "class Loop:\n    def __del__(self):\n        while True:\n            pass\nloop = Loop()\n",
    "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00\\x1b[2J' + b'[' * 100_000)\n",
    "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')\n",
    "x = '\ud800'\nprint(ascii(x))\n",
)

IMPATIENT = Limits(cpu_s=0.5, wall_s=1.5, memory_mb=512)

HARD_STOP_S = 4 * 1.5 + 4
"""Four times the wall, which even a starved program is stopped at, and a little for the sandbox itself."""


async def exit_codes_and_signals_are_reported(sandbox: Sandbox) -> None:
    """Each way to end comes back as that way, with its code or signal, and none of them as the sandbox's failure."""
    runs = await together(run_script(sandbox, source) for source, _ in ENDINGS)
    for (source, (ended, number)), run in zip(ENDINGS, runs, strict=True):
        demand(_ending(run) == (ended, number), f"{source[:50]!r} should end {ended.name} {number}: {seen(run)}")


def _ending(run: TestRun) -> Ending:
    return run.ended, run.exit_code if run.ended is Ended.EXITED else run.signal


async def an_uncaught_exception_is_told_on_stderr(sandbox: Sandbox) -> None:
    """A person who reads the table sees what went wrong, and where."""
    run = await run_script(sandbox, "def f():\n    return {}['missing']\nf()\n")
    demand("KeyError: 'missing'" in run.stderr and "line 2" in run.stderr, f"no traceback: {seen(run)}")


async def misbehaviour_is_a_result(sandbox: Sandbox) -> None:
    """Programs that close everything, stop themselves, ignore signals or never end come back in time, as results."""
    for source in STUBBORN:
        run = await run_script(sandbox, source, limits=IMPATIENT)
        demand(run.wall_s < HARD_STOP_S, f"{source[:50]!r} held the sandbox for {run.wall_s:.1f} s")
        demand_output(await run_script(sandbox, "print('next')\n"), "next\n")


async def a_call_that_ends_the_process_spoils_only_itself(sandbox: Sandbox) -> None:
    """Later calls are answered by a fresh process of the same program."""
    source = (
        "import ctypes, os, sys\n"
        "def act(n):\n"
        "    if n == 1:\n        os._exit(0)\n    if n == 3:\n        ctypes.string_at(0)\n"
        "    if n == 5:\n        sys.exit(0)\n    if n == 7:\n        raise KeyError(n)\n    return n\n"
    )
    runs = await run_steps(sandbox, source, [CallStep("act", (n,)) for n in range(9)])
    for n in (0, 2, 4, 6, 8):
        demand(runs[n].ended is Ended.RETURNED and runs[n].value == n, f"call {n}: {seen(runs[n])}")
    for n in (1, 3, 5, 7):
        demand(runs[n].ended is not Ended.RETURNED, f"call {n} returned nothing, and yet: {seen(runs[n])}")
    demand(runs[7].ended is Ended.RAISED, f"a call that raised: {seen(runs[7])}")
    demand(runs[3].ended is Ended.SIGNALLED, f"a call that crashed: {seen(runs[3])}")


async def a_program_that_cannot_be_loaded_answers_no_call(sandbox: Sandbox) -> None:
    """Every call of it has ended badly, and there is one run for each."""
    for source in ("raise ValueError('at import')\n", "def broken(:\n", "import os\nos._exit(0)\n", "x = 1\n"):
        runs = await run_steps(sandbox, source, [CallStep("missing")] * 3)
        demand(all(run.ended is not Ended.RETURNED for run in runs), f"{source!r} answered: {seen(runs[0])}")
    (run,) = await run_steps(sandbox, "def missing():\n    return 7\n", [CallStep("missing")])
    demand(run.value == 7, f"a program that can be loaded: {seen(run)}")


async def scripts_go_on_after_one_that_crashed(sandbox: Sandbox) -> None:
    """One step that is killed does not take the job's other steps with it."""
    source = "import os\nn = int(input())\nif n == 1:\n    os.abort()\nprint(n)\n"
    runs = await run_steps(sandbox, source, [ScriptStep(f"{n}\n") for n in range(3)])
    demand(runs[1].ended is Ended.SIGNALLED, f"the step that aborts: {seen(runs[1])}")
    demand_output(runs[0], "0\n")
    demand_output(runs[2], "2\n")


CHECKS = (
    exit_codes_and_signals_are_reported,
    an_uncaught_exception_is_told_on_stderr,
    misbehaviour_is_a_result,
    a_call_that_ends_the_process_spoils_only_itself,
    a_program_that_cannot_be_loaded_answers_no_call,
    scripts_go_on_after_one_that_crashed,
)
