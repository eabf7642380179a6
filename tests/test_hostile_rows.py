"""Nothing gets out: every hostile row at each level, seen from the host, with a neighbour and the next program."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from confined_rows import ConfinedRows
from confinement import SURROUNDINGS
from hostile.rows import ROWS
from hostile.study import STUDY, study_rows

IN_A_CALL = tuple(f"{row.name}+call" for row in ROWS if row.in_a_call)
OWN = (*(row.name for row in ROWS), *IN_A_CALL)
STUDIED = tuple(row.name for row in study_rows()) if STUDY.exists() else ()

USUAL = ("root", "docker-root") if os.geteuid() == 0 else ("user", "user-without-namespaces")
"""Level A and level B as whoever runs the tests finds them."""

OTHERS = ("user", "docker-user", "user-without-namespaces", "root-without-landlock", "moby-root", "moby-user")


LESS_THERE = {
    ("root-without-landlock", "study-fs-list-home"): "a folder on the way to the interpreter, such as /root, is listed",
}


@pytest.fixture(scope="module")
def rows_in(request: pytest.FixtureRequest) -> Iterator[ConfinedRows]:
    """The process that runs rows, one for each surrounding."""
    confined = ConfinedRows(request.param)
    assert confined.hello.get("level", "none")[:1] == SURROUNDINGS[request.param].level, confined.hello
    yield confined
    confined.close()


def _demand_held(confined: ConfinedRows, name: str) -> None:
    answer = confined.ask(name)
    assert answer["row"] == name.partition("+")[0]
    assert not answer["problems"], "\n".join(answer["problems"])


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("rows_in", USUAL, indirect=True)
def test_a_hostile_program_gets_nowhere(rows_in: ConfinedRows, name: str) -> None:
    _demand_held(rows_in, name)


@pytest.mark.skipif(not STUDIED, reason="put the study's escape_cases.py into ../shared/examples")
@pytest.mark.parametrize("name", STUDIED or ("none",))
@pytest.mark.parametrize("rows_in", USUAL, indirect=True)
def test_a_case_of_the_study_gets_nowhere(rows_in: ConfinedRows, name: str) -> None:
    _demand_held(rows_in, name)


@pytest.mark.long
@pytest.mark.parametrize("name", [*OWN, *STUDIED])
@pytest.mark.parametrize("rows_in", OTHERS, indirect=True)
def test_nor_in_any_other_surrounding(rows_in: ConfinedRows, name: str) -> None:
    if (rows_in.surrounding, name) in LESS_THERE:
        pytest.skip(f"run the tests on a kernel with Landlock: {LESS_THERE[rows_in.surrounding, name]}")
    _demand_held(rows_in, name)


HARMLESS = (
    "tcp-to-the-host",
    "udp-to-the-host",
    "unix-socket-by-path",
    "abstract-unix-socket",
    "socketpair-as-sender",
    "listening-port",
    "read-a-secret",
    "read-identity-files",
    "list-folders",
    "create-a-file",
    "truncate-by-name",
    "delete-and-rename",
    "change-metadata",
    "symbolic-link",
    "hard-link",
    "dots-upwards",
    "read-the-environment",
    "read-other-processes",
    "slow-others-down",
    "fork-by-number",
    "run-commands",
    "run-a-file-of-its-own",
    "kernel-keys",
    "gain-privileges",
    "other-calling-conventions",
    "spy-on-the-neighbours",
    "spy-on-the-one-before",
)
"""Rows that do no harm to anybody when they are run as a user who is nobody, among processes of this test alone."""


@pytest.fixture(scope="module")
def unprotected() -> Iterator[ConfinedRows]:
    if os.geteuid() != 0:
        pytest.skip("run the tests as root, who can become a user that owns nothing")
    confined = ConfinedRows("user", "--plain")
    yield confined
    confined.close()


@pytest.mark.parametrize("name", HARMLESS)
def test_without_a_sandbox_the_row_raises_the_alarm(unprotected: ConfinedRows, name: str) -> None:
    """A row that could not fail would show nothing."""
    problems = unprotected.ask(name)["problems"]
    assert [problem for problem in problems if not problem.startswith("it ended")], problems
