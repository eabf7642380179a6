"""Tools that break while we train are the machine's fault; that a program fails is still its own."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator

import pytest

from rewards.cases import Problem, StdinTest
from rewards.errors import SandboxUnavailable
from rewards.grader.batch import BatchSettings
from rewards.grader.engine import Grader
from rewards.grader.trial import Unit
from rewards.grades import Verdict
from rewards.records import Ended, Limits, Program, TestRun
from rewards.sandboxes.local import LocalSandbox, commands
from rewards.sandboxes.local.builds import Builds
from rewards.toolchains import TOOLCHAINS, Toolchain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

INTERPRETED = Toolchain("main.x", ("sh", "main.x"), "", "echo ok")
COMPILED = Toolchain(
    "main.x", ("sh", "./main"), "", "echo ok", compile=("sh", "-c", "cp main.x main"), artefacts=("main",)
)
BROKEN = {
    "exits with 1": dataclasses.replace(INTERPRETED, run=("sh", "-c", "exit 1")),
    "hangs": dataclasses.replace(INTERPRETED, run=("sleep", "1000")),
    "is another one, and says nothing": dataclasses.replace(INTERPRETED, run=("true",)),
    "is gone": dataclasses.replace(INTERPRETED, run=("no-such-tool-here", "main.x")),
    "compiles nothing any more": dataclasses.replace(COMPILED, compile=("sh", "-c", "exit 1")),
    "compiles for ever": dataclasses.replace(COMPILED, compile=("sleep", "1000")),
}
QUICK = Limits(cpu_s=5.0, wall_s=0.5)


def unit(source: str) -> Unit:
    return Unit(Program(source, "sql"), Problem((StdinTest("", "yes\n"),), limits=QUICK))


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    sandbox = LocalSandbox(slots=1)
    try:
        sandbox.describe()
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where programs can be confined: {missing}")
    if not sandbox.holds_other_languages:
        pytest.skip("run where namespaces can be had (level A): other languages need them")
    monkeypatch.setattr(commands, "PROVEN_S", 0.0)
    monkeypatch.setattr(commands, "HELLO_LIMITS", QUICK)
    monkeypatch.setattr(commands, "COMPILING", dataclasses.replace(commands.COMPILING, wall_s=1.0))
    grader = Grader(sandbox, settings=BatchSettings(retries=1), breaker=None)
    yield grader
    grader.close()


def verdict(grader: Grader, source: str) -> Verdict:
    (outcome,), _ = grader.run([unit(source)])
    return outcome.tests[0].verdict


@pytest.mark.parametrize("how", BROKEN)
def test_a_tool_that_breaks_after_it_has_worked_gives_no_verdict(
    grader: Grader, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    works = COMPILED if BROKEN[how].compile else INTERPRETED
    monkeypatch.setitem(TOOLCHAINS, "sql", works)
    monkeypatch.setattr(LocalSandbox, "languages", frozenset({"python", "sql"}))
    assert verdict(grader, "echo yes") is Verdict.ACCEPTED
    assert verdict(grader, "echo no; exit 1") is Verdict.RUNTIME_ERROR
    monkeypatch.setitem(TOOLCHAINS, "sql", BROKEN[how])
    assert verdict(grader, "echo yes # again") is Verdict.UNJUDGED
    monkeypatch.setitem(TOOLCHAINS, "sql", works)
    assert verdict(grader, "echo yes # once more") is Verdict.ACCEPTED


def test_a_compiler_of_which_the_machine_killed_a_part_has_not_refused_the_program() -> None:
    said = "g++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated."
    killed = commands._refusal(TestRun(Ended.EXITED, exit_code=1, stderr=said))
    assert (killed.ended, killed.signal) == (Ended.SIGNALLED, 9)
    assert commands._refusal(TestRun(Ended.EXITED, exit_code=1, stderr="error")).ended is Ended.NOT_COMPILED


def test_a_proof_is_good_for_the_tools_that_gave_it_and_for_a_while() -> None:
    builds = Builds()
    builds.prove("c", ("gcc", 1))
    assert builds.is_proven("c", ("gcc", 1))
    assert builds.is_proven("c", ("gcc", 1), within_s=60.0)
    assert not builds.is_proven("c", ("gcc", 1), within_s=-1.0)
    assert not builds.is_proven("c", ("gcc", 2))
    assert not builds.is_proven("cpp", ("gcc", 1))
