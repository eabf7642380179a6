"""The reward with the local sandbox: real programs, real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from asking import fenced

from rewards import CodeReward, Limits, SandboxUnavailable, Verdict
from rewards.sandboxes.local import LocalSandbox


def setup_module():
    try:
        LocalSandbox(slots=1).describe()
    except SandboxUnavailable as error:
        pytest.skip(f"needs a Linux kernel that can confine programs: {error}", allow_module_level=True)


@pytest.fixture(scope="module")
def reward():
    with CodeReward(sandbox="local", limits=Limits(cpu_s=2), name="local") as reward:
        yield reward


KINDS = {
    "stdin": ("print(int(input()) + 1)", {"type": "stdin", "input": "1\n", "output": "2\n"}),
    "output": ("print(2)", {"type": "output", "output": "2"}),
    "call": ("def add(a, b): return a + b", {"type": "call", "function": "add", "args": [1, 2], "expected": 3}),
    "assert": ("def add(a, b): return a + b", {"type": "assert", "source": "assert add(1, 2) == 3"}),
    "tester": (
        "def add(a, b): return a + b",
        {"type": "assert", "source": "total = 0\nfor i in range(3):\n    total = add(total, i)\nassert total == 3"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_right_programs_pass_and_empty_ones_do_not(reward, kind):
    source, test = KINDS[kind]
    completions = [fenced(source), fenced("pass"), fenced("import sys; sys.exit(0)"), fenced("import os; os._exit(0)")]
    assert reward(completions=completions, tests=[json.dumps([test])] * 4) == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("while True: pass", Verdict.TIME_LIMIT_EXCEEDED),
        ("import time; time.sleep(60)", Verdict.TIME_LIMIT_EXCEEDED),
        ("x = bytearray(10**10)", Verdict.MEMORY_LIMIT_EXCEEDED),
        ("while True: print('x' * 10**6)", Verdict.OUTPUT_LIMIT_EXCEEDED),
        ("import os; os.kill(os.getpid(), 9)", Verdict.RUNTIME_ERROR),
        ("def f(:", Verdict.RUNTIME_ERROR),
    ],
    ids=["loops", "sleeps", "hoards", "floods", "kills itself", "does not parse"],
)
def test_what_a_program_does_wrong_is_a_verdict_and_never_unknown(reward, source, verdict):
    tests = {"tests": [{"type": "output", "output": "1"}], "limits": {"cpu_s": 0.3, "wall_s": 1.0}}
    (grade,) = reward.grade(completions=[fenced(source)], tests=[json.dumps(tests)]).grades
    assert (grade.verdict, grade.score) == (verdict, 0.0)


@pytest.mark.usefixtures("interruptible")
def test_the_next_batch_is_right_after_a_batch_that_was_interrupted(reward):
    def interrupt():
        time.sleep(0.3)  # long enough for a program to run; too early would be harmless, and still a test
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        reward(completions=[fenced("while True: pass")] * 2, expected_output=["1", "2"])
    assert reward(completions=[fenced("print(1)")], expected_output=["1"]) == [1.0]


def test_a_batch_of_endless_programs_ends_at_its_deadline_and_leaves_the_sandbox_usable():
    with CodeReward(sandbox=LocalSandbox(slots=1), batch_deadline_s=1.0, breaker=None) as reward:
        began = time.monotonic()
        scores = reward(completions=[fenced(f"while True: {i}") for i in range(3)], expected_output=["1"] * 3)
        assert time.monotonic() - began < 6
        assert scores == [None] * 3
        assert reward(completions=[fenced("print(1)")], expected_output=["1"]) == [1.0]


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"  # forking with threads is the point here
)
def test_a_forked_child_grades_in_a_sandbox_of_its_own(reward):
    arguments = {"completions": [fenced("print(1)")], "expected_output": ["1"]}
    assert reward(**arguments) == [1.0]
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if reward(**arguments) == [1.0] else 2
            reward.close()
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert reward(**arguments) == [1.0]


def test_closing_leaves_no_process_behind():
    before = children()
    with CodeReward(sandbox=LocalSandbox(slots=2)) as reward:
        reward(completions=[fenced(f"print({i})") for i in range(4)], expected_output=["1"] * 4)
        assert children() - before
    assert children() - before == set()


def children() -> set[str]:
    threads = Path("/proc/self/task").iterdir()
    return {child for thread in threads for child in (thread / "children").read_text().split()}


@pytest.mark.parametrize("programs", [100, pytest.param(2000, marks=pytest.mark.long)])
def test_the_callers_memory_stays_flat_whatever_programs_print(reward, programs):
    arguments = {"expected_output": ["1"] * programs}
    sources = [f"for _ in range(10): print('x' * 1_000_000)  # {i}" for i in range(programs)]
    reward(completions=[fenced("print(1)")] * programs, **arguments)
    before = resident_mb()
    batch = reward.grade(completions=[fenced(source) for source in sources], **arguments)
    assert {grade.verdict for grade in batch.grades} == {Verdict.OUTPUT_LIMIT_EXCEEDED}
    assert resident_mb() - before < 50


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
