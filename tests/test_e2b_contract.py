"""The E2B sandbox keeps every promise of the contract, with programs run by the real SDK on a stand-in service."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2b_service.handle import ServiceHandle, start_service

from rewards.sandboxes.checks import CHECKS, Check, run_check, sessions
from rewards.sandboxes.e2b_cloud import E2BSandbox

OF_THE_MACHINE = sessions.a_session_reaches_nothing_of_the_host
"""Nothing stands between a cell and its machine, which on the stand-in is this one."""
OF_MINUTES = sessions.whatever_a_cell_does_the_next_one_runs
"""Each end of a kernel is looked into by running what it had run again."""
ASKED = [
    pytest.param(check, id=check.__name__, marks=pytest.mark.long if check is OF_MINUTES else ())
    for check in CHECKS
    if check is not OF_THE_MACHINE
]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture(scope="module")
def e2b(service: ServiceHandle, loop: asyncio.Runner) -> Iterator[E2BSandbox]:
    os.environ["CONTRACT_TEST_TOKEN"] = "a-value-that-no-program-may-see"
    sandbox = E2BSandbox(
        api_key=service.api_key, api_url=service.url, sandbox_url=service.url, max_sandboxes=2, creates_per_s=20
    )
    loop.run(sandbox.start())
    yield sandbox
    loop.run(sandbox.close())
    del os.environ["CONTRACT_TEST_TOKEN"]
    assert service.alive() == ()


@pytest.mark.parametrize("check", ASKED)
def test_the_promise_holds(check: Check, e2b: E2BSandbox, loop: asyncio.Runner) -> None:
    result = loop.run(run_check(check, e2b))
    assert result.passed, result.reason


def check_sandbox(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/check_sandbox.py", "e2b"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_without_a_key_the_command_says_what_is_missing() -> None:
    done = check_sandbox()
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs a key: set E2B_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_key_ends_the_command_with_one_line(service: ServiceHandle) -> None:
    done = check_sandbox(**{**service.environment, "E2B_API_KEY": "e2b_refused"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "key" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_the_command_finds_every_promise_kept_and_says_which_level_holds_inside(service: ServiceHandle) -> None:
    done = check_sandbox(**service.environment)
    broken = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert all(OF_THE_MACHINE.__name__.replace("_", " ") in line for line in broken), done.stdout + done.stderr
    assert (
        f"{len(CHECKS) - 2 - len(broken)} of {len(CHECKS) - 2} promises hold" in done.stdout
    )  # two take more sessions
    assert "level microVM, inside it" in done.stdout
