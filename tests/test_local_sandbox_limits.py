"""Limits of the local sandbox: CPU time decides, wall time is the backstop, and every end has its own name."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time

import pytest

from rewards.records import AssertStep, CallStep, Ended, Job, JobResult, Limits, Program, ScriptStep, Step, TestRun
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")


def runs_of(
    loop: asyncio.Runner, sandbox: LocalSandbox, source: str, *steps: Step, limits: Limits | None = None
) -> tuple[TestRun, ...]:
    result = loop.run(sandbox.run(Job(Program(source), steps or (ScriptStep(),), limits or Limits())))
    assert isinstance(result, JobResult), result
    return result.runs


DISK = Limits(cpu_s=5, wall_s=10, disk_mb=8)
SMALL = Limits(cpu_s=0.3, wall_s=2, memory_mb=128, output_kb=64, disk_mb=8)
PATIENT = dataclasses.replace(SMALL, cpu_s=10.0, wall_s=30.0)
"""For programs that are to end otherwise than by the clock, which a slow machine must not get to first."""
ENDS = [
    pytest.param("while True: pass", Ended.CPU_LIMIT, id="an endless loop"),
    pytest.param("import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')", Ended.CPU_LIMIT, id="a loop in C"),
    pytest.param("import signal\nsignal.pthread_sigmask(0, range(1, 65))\nwhile True: pass",
                 Ended.CPU_LIMIT, id="deaf"),
    pytest.param(
        "from threading import Thread\ndef f():\n    while True: pass\nfor _ in 'ab':\n    Thread(target=f).start()",
        Ended.CPU_LIMIT,
        id="threads",
    ),
    pytest.param("import atexit\natexit.register(lambda: [0 for _ in iter(int, 1)])", Ended.CPU_LIMIT, id="atexit"),
    pytest.param("import time\ntime.sleep(1000)", Ended.WALL_LIMIT, id="sleep"),
    pytest.param("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", Ended.WALL_LIMIT, id="it stops itself"),
    pytest.param("x = []\nwhile True:\n    x.append(bytearray(10**6))", Ended.MEMORY_LIMIT, id="memory piece by piece"),
    pytest.param("x = [0] * 10**11", Ended.MEMORY_LIMIT, id="memory at once"),
    pytest.param("while True:\n    print('x' * 100000)", Ended.OUTPUT_LIMIT, id="endless output"),
    pytest.param("print('x' * 70000)", Ended.OUTPUT_LIMIT, id="more output than is kept"),
    pytest.param("import os\nwhile True:\n    os.write(2, b'y' * 100000)", Ended.OUTPUT_LIMIT, id="endless stderr"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "ended"), ENDS)
def test_every_limit_has_its_name(loop: asyncio.Runner, sandbox: LocalSandbox, source: str, ended: Ended) -> None:
    by_the_clock = ended in (Ended.CPU_LIMIT, Ended.WALL_LIMIT)
    (run,) = runs_of(loop, sandbox, source, limits=SMALL if by_the_clock else PATIENT)
    assert (run.ended, run.starved) == (ended, False), run
    assert len(run.stdout) <= 64 << 10
    assert len(run.stderr) <= 16 << 10
    (again,) = runs_of(loop, sandbox, "import os\nprint(os.listdir())")
    assert again.stdout == "[]\n", "the next program is not the last one's heir"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            "for i in range(99):\n    open(f'{i}', 'wb').write(b'x' * 2**20)\nimport time\ntime.sleep(9)", id="bytes"
        ),
        pytest.param("import os, time\nfor i in range(3000):\n    os.mkdir(f'{i}')\ntime.sleep(9)", id="inodes"),
    ],
)
def test_a_full_scratch_directory_ends_the_program(loop: asyncio.Runner, sandbox: LocalSandbox, source: str) -> None:
    (run,) = runs_of(loop, sandbox, source, limits=DISK)
    assert run.ended is Ended.DISK_LIMIT, run
    (again,) = runs_of(loop, sandbox, "import os\nprint(os.listdir())")
    assert again.stdout == "[]\n"


def test_cpu_time_is_exact(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    (run,) = runs_of(loop, sandbox, "while True: pass", limits=Limits(cpu_s=0.5))
    assert 0.5 <= run.cpu_s < 0.56


def test_sleeping_costs_no_cpu_time(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    (run,) = runs_of(loop, sandbox, "import time\ntime.sleep(0.6)\nprint(1)", limits=Limits(cpu_s=0.3))
    assert (run.ended, run.stdout) == (Ended.EXITED, "1\n")
    assert run.wall_s >= 0.6


def test_a_test_that_expects_much_output_gets_it(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    (run,) = runs_of(loop, sandbox, "print('x' * 70000)", ScriptStep(output_kb=80), limits=SMALL)
    assert (run.ended, len(run.stdout)) == (Ended.EXITED, 70001)


def test_a_file_may_be_longer_than_the_output(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    (run,) = runs_of(loop, sandbox, "print(open('f', 'wb').write(b'x' * (3 << 20)))", limits=SMALL)
    assert run.stdout == f"{3 << 20}\n"


def test_a_job_may_ask_for_more_disk_than_the_slot_has(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = "for n in range(3):\n    open(f'{n}', 'wb').write(b'x' * (30 << 20))\nprint('ok')"
    (run,) = runs_of(loop, sandbox, source, limits=Limits(disk_mb=128))
    assert run.stdout == "ok\n", run


def test_each_call_has_its_own_cpu_time_and_the_job_one_for_all(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = (
        "import time\ndef f(s):\n    t = time.process_time()\n    while time.process_time() - t < s: pass\n    return s"
    )
    steps = [CallStep("f", (0.25,))] * 4
    assert [run.ended for run in runs_of(loop, sandbox, source, *steps, limits=Limits(cpu_s=0.4))] == [
        Ended.RETURNED
    ] * 4
    ended = [run.ended for run in runs_of(loop, sandbox, source, *steps, limits=Limits(cpu_s=0.4, job_cpu_s=0.6))]
    assert ended == [Ended.RETURNED, Ended.RETURNED, Ended.CPU_LIMIT, Ended.CPU_LIMIT]


def test_a_call_that_loops_takes_its_own_time_and_no_other_calls(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = "def f(x):\n    while x: pass\n    return 0"
    steps = [CallStep("f", (x,)) for x in (0, 1, 0)]
    runs = runs_of(loop, sandbox, source, *steps, limits=Limits(cpu_s=0.3))
    assert [run.ended for run in runs] == [Ended.RETURNED, Ended.CPU_LIMIT, Ended.RETURNED]


def test_steps_after_the_jobs_cpu_time_are_not_run(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    runs = runs_of(
        loop, sandbox, "while True: pass", *[ScriptStep()] * 5, limits=Limits(cpu_s=0.2, job_cpu_s=0.3, wall_s=5)
    )
    assert [run.ended for run in runs] == [Ended.CPU_LIMIT] * 5
    assert 0.3 <= sum(run.cpu_s for run in runs) < 0.4


def test_tests_that_only_wait_hold_a_slot_no_longer_than_the_job_may(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    source = "import time\ndef f(x):\n    time.sleep(60)"
    limits = Limits(cpu_s=0.2, wall_s=0.5, job_cpu_s=0.4)
    began = time.monotonic()
    runs = runs_of(loop, sandbox, source, *[CallStep("f", (1,))] * 40, limits=limits)
    assert [run.ended for run in runs] == [Ended.WALL_LIMIT] * 40
    assert time.monotonic() - began < 10, "40 tests of half a second each"


def test_answers_that_drip_do_not_turn_back_the_clock_for_ever(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = "import time\ndef f(x):\n    time.sleep(0.3)\n    return x"
    limits = Limits(cpu_s=0.2, wall_s=0.5, job_cpu_s=0.4)
    runs = runs_of(loop, sandbox, source, *[CallStep("f", (i,)) for i in range(40)], limits=limits)
    assert runs[0].ended is Ended.RETURNED
    assert runs[-1].ended is Ended.WALL_LIMIT
    assert not runs[-1].starved


ASSERTED = "import os\ndef f(x):\n    while x == 1: pass\n    if x == 2:\n        os._exit(0)\n    return x"


def test_a_split_test_that_kills_the_program_leaves_the_others_alone(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    steps = [AssertStep(f"assert f({x}) == {x}") for x in (0, 1, 2, 3)] + [AssertStep("assert f(3) == 4")]
    runs = runs_of(loop, sandbox, ASSERTED, *steps, limits=Limits(cpu_s=0.3))
    ended = [run.ended for run in runs]
    assert ended == [Ended.RETURNED, Ended.CPU_LIMIT, Ended.RAISED, Ended.RETURNED, Ended.FAILED]


def test_every_process_of_a_job_counts(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    if not sandbox.describe().level.startswith("A"):
        pytest.skip("run the tests where level A is to be had: below it there is one process only")
    source = (
        "import os\nfor _ in range(2):\n    if os.fork() == 0:\n        while True: pass\nimport time\ntime.sleep(60)"
    )
    (run,) = runs_of(loop, sandbox, source, limits=Limits(cpu_s=0.5, processes=3, wall_s=20))
    assert run.ended is Ended.CPU_LIMIT
    assert 0.4 <= run.cpu_s < 1.2
    hog = "import os, time\nfor _ in 'ab':\n    if os.fork() == 0:\n        break\nx = b'x' * (60 << 20)\ntime.sleep(9)"
    (run,) = runs_of(loop, sandbox, hog, limits=Limits(memory_mb=100, processes=3, wall_s=20))
    assert run.ended is Ended.MEMORY_LIMIT


def test_a_loaded_machine_does_not_change_a_verdict(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    """Its wall limit leaves no room for waiting, but time spent waiting for a core is not the program's."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    source = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.6: pass\nprint('done')"
    try:
        (run,) = runs_of(loop, sandbox, source, limits=Limits(cpu_s=2, wall_s=0.9))
        (asleep,) = runs_of(loop, sandbox, "import time\ntime.sleep(30)", limits=Limits(cpu_s=2, wall_s=0.9))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert (run.ended, run.stdout) == (Ended.EXITED, "done\n"), run
    assert (asleep.ended, asleep.starved) == (Ended.WALL_LIMIT, False)
    assert asleep.wall_s < 15
