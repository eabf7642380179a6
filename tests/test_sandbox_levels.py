"""Each level holds where the others were really taken away, and where nothing is left the sandbox refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confined_rows import CHECKS_WITHIN_S, ConfinedRows, confined_command, environment, everything, skip_unless_possible
from confinement import SURROUNDINGS

PROTECTED = tuple(name for name, surrounding in SURROUNDINGS.items() if surrounding.level != "none")
BARE = "user-without-namespaces-and-landlock"

TELLING = (
    "tcp-to-the-host",
    "abstract-unix-socket",
    "read-a-secret",
    "create-a-file",
    "change-metadata",
    "read-the-environment",
    "read-other-processes",
    "attach-to-processes",
    "signal-everybody",
    "slow-others-down",
    "fork-by-number",
    "run-commands",
    "daemon",
    "gain-privileges",
    "undo-the-hardening",
    "inherited-descriptors",
    "scan-the-memory",
    "spy-on-the-neighbours",
    "spy-on-the-one-before",
    "speak-for-the-tester",
    "kill-the-tester",
    "nothing-hostile",
)
"""Rows that are quick, and of which each needs another part of the isolation."""


@pytest.fixture(scope="module", params=PROTECTED)
def confined(request: pytest.FixtureRequest) -> Iterator[ConfinedRows]:
    rows = ConfinedRows(request.param)
    yield rows
    rows.close()


def test_the_level_is_the_best_that_is_left(confined: ConfinedRows) -> None:
    assert confined.hello.get("level", "none")[:1] == SURROUNDINGS[confined.surrounding].level, confined.hello


def test_it_says_what_is_not_protected(confined: ConfinedRows) -> None:
    assert "not: " in confined.hello["text"]


@pytest.mark.parametrize("name", TELLING)
def test_the_isolation_holds(confined: ConfinedRows, name: str) -> None:
    answer = confined.ask(name)
    assert not answer["problems"], "\n".join(answer["problems"])


@pytest.mark.long
def test_every_promise_holds(confined: ConfinedRows) -> None:
    results = confined.ask("checks", within_s=CHECKS_WITHIN_S)["results"]
    assert len(results) > 30
    broken = [f"{result['name']}: {result['reason']}" for result in results if not result["passed"]]
    assert not broken, "\n".join(broken)


def test_level_b_can_be_asked_for_where_a_would_work() -> None:
    confined = ConfinedRows("root" if os.geteuid() == 0 else "user", "--level", "B")
    try:
        assert confined.hello["level"].startswith("B"), confined.hello
        assert not confined.ask("read-a-secret")["problems"]
    finally:
        confined.close()


@pytest.mark.parametrize("surrounding", ["docker-root", "user-without-namespaces"])
def test_level_a_is_refused_where_only_b_works(surrounding: str) -> None:
    confined = ConfinedRows(surrounding, "--level", "A")
    confined.close()
    assert "namespace" in confined.hello["unavailable"], confined.hello


def test_without_any_isolation_it_refuses_and_names_what_is_missing() -> None:
    confined = ConfinedRows(BARE)
    confined.close()
    said = confined.hello["unavailable"].lower()
    assert "landlock" in said, said
    assert "namespace" in said, said
    assert "allow_unprotected" in said, said


def test_unprotected_runs_only_by_that_name_and_says_so() -> None:
    confined = ConfinedRows(BARE, "--allow-unprotected")
    try:
        assert confined.hello["level"][:1] not in "AB", confined.hello
        assert "file" in confined.hello["text"].partition("not: ")[2], confined.hello["text"]
        assert not confined.ask("nothing-hostile")["problems"]
    finally:
        confined.close()


def test_the_script_says_why_it_cannot_check() -> None:
    skip_unless_possible(BARE)
    command = confined_command(BARE, str(everything() / "scripts" / "check_sandbox.py"), "local")
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot run here" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("level", ["A", "B"])
def test_the_script_finds_every_promise_kept(level: str) -> None:
    script = Path(__file__).parents[1] / "scripts" / "check_sandbox.py"
    done = subprocess.run([sys.executable, str(script), "local", "--level", level], capture_output=True, text=True)
    if "cannot run here" in done.stderr:
        pytest.skip(f"run the tests where level {level} is to be had: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
