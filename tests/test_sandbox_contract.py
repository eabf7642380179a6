"""The local sandbox keeps every promise of the contract, and the checks notice a sandbox that does not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rewards.records import Ended, Job, JobResult, SandboxFailure, TestRun
from rewards.sandboxes.base import KeepGoing, SandboxDescription
from rewards.sandboxes.checks import CHECKS, Check, run_check, run_checks
from rewards.sandboxes.local import LocalSandbox

SLOTS = 2


@pytest.fixture(scope="module", autouse=True)
def token_of_the_host() -> Iterator[None]:
    os.environ["CONTRACT_TEST_TOKEN"] = "a-value-that-no-program-may-see"
    yield
    del os.environ["CONTRACT_TEST_TOKEN"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_promise_holds(check: Check, sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    result = loop.run(run_check(check, sandbox))
    assert result.passed, result.reason
    assert not result.skipped, result.reason


class Broken:
    """A sandbox that answers every step with the same run, and every job in the same wrong way."""

    name = "broken"
    capacity = 2

    def __init__(self, answer: TestRun | SandboxFailure | Exception) -> None:
        self.answer = answer

    async def start(self) -> None:
        return None

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, SandboxFailure):
            return self.answer
        return JobResult((self.answer,) * len(job.steps))

    def describe(self) -> SandboxDescription:
        return SandboxDescription(self.name, "", (), (), 99)

    async def close(self) -> None:
        return None


WELL = TestRun(Ended.EXITED, exit_code=0)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RuntimeError("boom"), id="one that raises"),
        pytest.param(SandboxFailure("died", "always"), id="one that fails"),
        pytest.param(WELL, id="one in which every program ends well"),
        pytest.param(replace(WELL, stdout="PASSED\n"), id="one that prints success"),
        pytest.param(TestRun(Ended.RETURNED, value=1), id="one that always returns one"),
        pytest.param(TestRun(Ended.WALL_LIMIT, starved=True), id="one in which time is always up"),
    ],
)
def test_a_sandbox_that_is_none_keeps_no_promise(answer: TestRun | SandboxFailure | Exception) -> None:
    results = asyncio.run(run_checks(Broken(answer)))
    assert len(results) == len(CHECKS)
    assert all(result.reason for result in results if not result.passed)
    # A job without steps is answered by doing nothing.
    assert {result.name for result in results if result.passed and not result.skipped} <= {
        "a job without steps has no runs"
    }


def test_names_of_checks_are_claims_and_differ() -> None:
    names = [check.__name__ for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.__doc__ for check in CHECKS)
