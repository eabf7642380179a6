"""Calls and split tests in the local sandbox: who shares a process with whom, and what a death settles."""

from __future__ import annotations

import asyncio
import sys

import pytest

from rewards.records import AssertStep, CallStep, Ended, Job, JobResult, Limits, Program, ScriptStep
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")


def test_calls_share_a_process_and_go_on_after_a_death(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = (
        "import os\nseen = []\ndef f(x):\n    seen.append(x)\n    if x == 2:\n        os._exit(3)\n"
        "    if x == 4:\n        raise ValueError(x)\n    return list(seen)"
    )
    job = Job(Program(source), tuple(CallStep("f", (x,)) for x in range(6)))
    result = loop.run(sandbox.run(job))
    assert isinstance(result, JobResult)
    ended = [(run.ended, run.value, run.exit_code) for run in result.runs]
    assert ended == [
        (Ended.RETURNED, [0], None),
        (Ended.RETURNED, [0, 1], None),
        (Ended.EXITED, None, 3),
        (Ended.RETURNED, [3], None),
        (Ended.RAISED, None, None),
        (Ended.RETURNED, [3, 4, 5], None),
    ]


def test_a_death_in_the_first_call_is_not_one_of_all_calls(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    job = Job(
        Program("import os\ndef f(x):\n    return x or os._exit(1)"), tuple(CallStep("f", (x,)) for x in range(3))
    )
    result = loop.run(sandbox.run(job))
    assert isinstance(result, JobResult)
    assert [run.ended for run in result.runs] == [Ended.EXITED, Ended.RETURNED, Ended.RETURNED]


def test_a_program_that_dies_while_it_is_loaded_is_loaded_no_more_than_twice(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    job = Job(Program("while True: pass"), tuple(CallStep("f", (x,)) for x in range(9)), Limits(cpu_s=0.1))
    result = loop.run(sandbox.run(job))
    assert isinstance(result, JobResult)
    assert [run.ended for run in result.runs] == [Ended.CPU_LIMIT] * 9
    assert result.wall_s < 3


def test_steps_of_every_kind_keep_their_order(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    steps = (CallStep("f", (1,)), ScriptStep("x"), AssertStep("assert f(2) == 3"), CallStep("f", (3,)))
    result = loop.run(sandbox.run(Job(Program("def f(x):\n    return x + 1\nprint(input())"), steps)))
    assert isinstance(result, JobResult)
    assert [run.ended for run in result.runs][1:2] == [Ended.EXITED]
    assert result.runs[1].stdout == "x\n"
    assert len(result.runs) == 4


def test_large_arguments_reach_the_program(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    result = loop.run(sandbox.run(Job(Program("def f(x):\n    return len(x)"), (CallStep("f", ("x" * (20 << 20),)),))))
    assert isinstance(result, JobResult)
    assert result.runs[0].value == 20 << 20


def test_an_answer_that_is_too_large_is_a_limit(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    job = Job(Program("def f(n):\n    return 'x' * n"), (CallStep("f", (30 << 20,)), CallStep("f", (3,))))
    result = loop.run(sandbox.run(job))
    assert isinstance(result, JobResult)
    assert [run.ended for run in result.runs] == [Ended.OUTPUT_LIMIT, Ended.RETURNED]


def test_set_up_code_runs_once_and_split_tests_share_the_program(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)"
    steps = tuple(AssertStep(f"assert f(0) == base + {n}", setup="base = f(9)") for n in (1, 2, 3))
    result = loop.run(sandbox.run(Job(Program(source), steps)))
    assert isinstance(result, JobResult)
    assert [run.ended for run in result.runs] == [Ended.RETURNED] * 3


def test_the_testers_own_endless_loop_ends_at_the_limit(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    steps = (AssertStep("assert f() == 1"), AssertStep("while f():\n    pass"))
    result = loop.run(sandbox.run(Job(Program("def f():\n    return 1"), steps, Limits(cpu_s=0.3))))
    assert isinstance(result, JobResult)
    assert result.runs[0].ended is Ended.RETURNED
    assert result.runs[1].ended is Ended.CPU_LIMIT


def test_faked_answers_buy_no_more_time_than_all_calls_have(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    """The program holds the descriptor that its answers go to, and growth there starts the clock of the next call."""
    source = (
        "import os, threading, time\ndef f():\n    def fake():\n        n = 0\n        while True:\n"
        "            n += 1\n            os.ftruncate(3, n % 1000)\n            time.sleep(0.02)\n"
        "    threading.Thread(target=fake, daemon=True).start()\n    while True: pass"
    )
    result = loop.run(sandbox.run(Job(Program(source), (CallStep("f"),), Limits(cpu_s=0.4))))
    assert isinstance(result, JobResult)
    assert result.runs[0].ended is not Ended.RETURNED
    assert result.runs[0].cpu_s < 1.2
