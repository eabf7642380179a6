"""Files of tests are run by the real frameworks, and accepted when each of at least one test in them has passed.

The program is in another process: what it leaves with, raises or patches there is an answer, and never a pass.
"""

from __future__ import annotations

import asyncio

import pytest
from machine import Machine
from suite_rows import ASKING, CASE, LEAVING, PASSING, PROGRAM, REFUSED, run_of

from rewards.errors import ConfigurationError
from rewards.records import AssertStep, Ended, Job, JobResult, Program
from rewards.sandboxes.local import LocalSandbox
from rewards.sandboxes.local.frameworks import check_frameworks, with_pytest
from rewards.sandboxes.local.paths import visible_paths
from rewards.sandboxes.runner.unit_tests import Tally

APPROXIMATE = [
    "[1.0, 4.0] == approx(f())",
    "approx([1.0, 4.0]) == f()",
    "approx(f()) == (1.0, 4.0)",
    "f() == approx([1.0, 4.0])",
]


@pytest.mark.parametrize(("framework", "file"), PASSING)
def test_a_file_of_tests_accepts_an_honest_program(
    sandbox: LocalSandbox, loop: asyncio.Runner, framework: str, file: str
) -> None:
    (run,) = run_of(sandbox, loop, PROGRAM, AssertStep(file, framework=framework))
    assert (run.ended, run.stderr) == (Ended.RETURNED, "")


@pytest.mark.parametrize("program", LEAVING.values(), ids=LEAVING)
def test_a_program_does_not_pass_by_what_it_does_to_its_own_process(
    sandbox: LocalSandbox, loop: asyncio.Runner, program: str
) -> None:
    files = [AssertStep(file, framework=name.partition(",")[0]) for name, file in ASKING.items()]
    for run in run_of(sandbox, loop, program, *files):
        assert run.ended is not Ended.RETURNED
        assert run.stderr or run.ended is Ended.EXITED


@pytest.mark.parametrize("framework", ["pytest", "unittest"])
def test_those_files_accept_a_program_that_answers(sandbox: LocalSandbox, loop: asyncio.Runner, framework: str) -> None:
    (run,) = run_of(sandbox, loop, PROGRAM, AssertStep(ASKING[framework], framework=framework))
    assert run.ended is Ended.RETURNED


@pytest.mark.parametrize(("framework", "file", "told"), REFUSED)
def test_a_file_in_which_a_test_has_not_passed_is_not_accepted(
    sandbox: LocalSandbox, loop: asyncio.Runner, framework: str, file: str, told: str
) -> None:
    (run,) = run_of(sandbox, loop, PROGRAM, AssertStep(file, framework=framework))
    assert run.ended in (Ended.FAILED, Ended.RAISED)
    assert told in run.stderr


@pytest.mark.parametrize("claim", APPROXIMATE)
def test_approx_compares_what_is_in_a_sequence(sandbox: LocalSandbox, loop: asyncio.Runner, claim: str) -> None:
    step = AssertStep(f"from pytest import approx\ndef test_a():\n    assert {claim}\n", framework="pytest")
    lying = "class Empty:\n    def __len__(self): return 2\n    def __iter__(self): return iter([])\n"
    lying += "    def __getitem__(self, at): raise IndexError\ndef f(): return Empty()\n"
    honest = "class Items(list): pass\ndef f(): return Items([1.0, 4.0])\n"
    assert run_of(sandbox, loop, lying, step)[0].ended in (Ended.FAILED, Ended.RAISED)
    assert run_of(sandbox, loop, honest, step)[0].ended is Ended.RETURNED


@pytest.mark.parametrize("framework", ["pytest", "unittest"])
def test_endless_programs_and_endless_tests_come_to_a_limit(
    sandbox: LocalSandbox, loop: asyncio.Runner, framework: str
) -> None:
    program = "def square(x):\n    while True: pass\n"
    (run,) = run_of(sandbox, loop, program, AssertStep(ASKING[framework], framework=framework), cpu_s=0.3)
    assert run.ended is Ended.CPU_LIMIT
    endless = CASE + "    def test_a(self):\n        while True: pass\n"
    (run,) = run_of(sandbox, loop, PROGRAM, AssertStep(endless, framework=framework), cpu_s=0.5)
    assert run.ended is Ended.CPU_LIMIT


def test_each_file_gets_a_program_of_its_own(sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    program = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)\n"
    file = "def test_a():\n    assert f() == 1\n"
    cases = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(), 1)\n"
    steps = [
        AssertStep(file, framework="pytest"),
        AssertStep(file, framework="pytest"),
        AssertStep(cases, framework="unittest"),
        AssertStep("assert f() == 1"),
        AssertStep("assert f() == 2"),
    ]
    assert [run.ended for run in run_of(sandbox, loop, program, *steps)] == [Ended.RETURNED] * 5


def test_a_framework_that_is_unknown_is_the_users_mistake(sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    with pytest.raises(ConfigurationError, match="pytest or unittest, not for 'nose'"):
        run_of(sandbox, loop, PROGRAM, AssertStep("def test_a(): pass\n", framework="nose"))


def test_a_missing_pytest_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("site.getsitepackages", lambda: [])
    job = Job(Program(""), (AssertStep("", framework="pytest"),))
    with pytest.raises(ConfigurationError, match="pip install pytest"):
        check_frameworks(job)
    check_frameworks(Job(Program(""), (AssertStep("", framework="unittest"), AssertStep(""))))


def test_a_tester_with_pytest_sees_no_other_installed_package() -> None:
    plain = visible_paths(())
    shown = set(with_pytest(plain).readable) - set(plain.readable)
    assert {path.rpartition("/")[2] for path in shown} <= {
        "pytest", "_pytest", "py.py", "iniconfig", "packaging", "pluggy", "pygments"
    }  # fmt: skip


def test_only_the_expected_number_of_passes_is_a_pass() -> None:
    assert Tally([], expected=2, passed=2).outcome().kind == "passed"
    assert Tally([]).outcome().detail == "0 passed: no tests were found"
    assert Tally([], expected=2, passed=1).outcome().detail == "1 passed: 1 did not come to their end"
    assert Tally([], expected=1, passed=2).outcome().kind == "error"


def test_a_file_of_tests_may_use_the_packages_that_programs_may_use(loop: asyncio.Runner) -> None:
    pytest.importorskip("numpy", reason="numpy is not installed in this environment: pip install numpy")
    program = "import numpy as np\ndef f(n):\n    return np.arange(n) / 10\n"
    file = """
import numpy as np
import pytest
from solution import f
def test_a():
    np.testing.assert_allclose(f(2), [0.0, 0.1])
    assert f(2) == pytest.approx(np.array([0.0, 0.1])) and isinstance(f(2), np.ndarray) and f(3).sum() > 0.2
"""
    local = LocalSandbox(slots=1, site_packages=True)
    try:
        (run,) = run_of(local, loop, program, AssertStep(file, framework="pytest"))
        (other,) = run_of(local, loop, program.replace("/ 10", "/ 11"), AssertStep(file, framework="pytest"))
    finally:
        loop.run(local.close())
    assert (run.ended, run.stderr) == (Ended.RETURNED, "")
    assert other.ended is Ended.FAILED


def test_files_of_tests_run_on_another_machine() -> None:
    machine = Machine()
    try:
        machine.set_up()
        steps = (AssertStep(ASKING["unittest"], framework="unittest"),)
        right, wrong = machine.results([Job(Program(source), steps) for source in (PROGRAM, LEAVING["hooks"])])
    finally:
        machine.remove()
    assert isinstance(right, JobResult)
    assert isinstance(wrong, JobResult)
    assert [run.ended for run in (*right.runs, *wrong.runs)] == [Ended.RETURNED, Ended.FAILED]
