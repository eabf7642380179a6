"""How sessions end: by their programs, by the service, by us; and nothing of them is left or excused."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the stand-in service needs aiohttp")
pytest.importorskip("e2b_code_interpreter", reason='pip install "code-rewards[e2b]"')

from e2b_pools import QUICK, until_alive
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from e2b_sessions import SHORT, opened, pool, said, with_session

from rewards.errors import BudgetExceeded
from rewards.records import CellStep, Ended, File, SandboxFailure, TestRun
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.e2b_cloud.session import E2BSession


@pytest.fixture(scope="module")
def shared_service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(shared_service: ServiceHandle) -> Iterator[ServiceHandle]:
    shared_service.reset()
    yield shared_service
    assert shared_service.alive() == ()


FAULTS = [
    Fault.EXECUTE_TRUNCATED,
    Fault.EXECUTE_SILENT_END,
    Fault.EXECUTE_GARBAGE,
    Fault.KEEPALIVE_ONLY,
    Fault.VANISH,
    Fault.INTERNAL_ERROR,
]


def test_what_happens_to_the_service_is_a_failure_and_the_next_cell_finds_a_fresh_interpreter(
    service: ServiceHandle,
) -> None:
    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        for fault in (*FAULTS, None):
            await said(session, "x = 1")
            if fault is not None:
                service.add_fault(fault, times=1, match="interpreter/execute")
            else:
                for alive in service.alive():
                    service.vanish(alive.sandbox_id)
            failure = await session.run(CellStep("import time\ntime.sleep(0.3)\nprint(x)"))
            assert isinstance(failure, SandboxFailure), (fault, failure)
            assert not failure.retryable
            assert await said(session, "print('x' in globals())") == "False\n"

    with_session(service, use, limits=replace(QUICK, wall_s=3.0))


def test_what_certainly_never_began_is_tried_again(service: ServiceHandle) -> None:
    service.add_fault(Fault.INTERNAL_ERROR, times=1, match="interpreter/contexts")

    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        service.add_fault(Fault.INTERNAL_ERROR, times=1, match="files/write")
        assert await said(session, "x = 1\nprint(open('data').read())", File("data", b"a file")) == "a file\n"
        service.add_fault(Fault.RATE_LIMITED_SILENT, times=2, match="interpreter/execute")
        assert await said(session, "print(x)") == "1\n", "the service asked for a pause, and nothing was lost"

    with_session(service, use)


_SCRIBBLE = "import glob, time\nwith open(glob.glob('.code-rewards-*')[0], 'w') as file:\n    file.write('no')\n"


@pytest.mark.parametrize(
    ("source", "ended"),
    [
        pytest.param("get_ipython().events.callbacks['post_run_cell'].clear()", Ended.SIGNALLED, id="leaves out marks"),
        pytest.param(f"{_SCRIBBLE}time.sleep(60)", Ended.WALL_LIMIT, id="hides that it runs", marks=pytest.mark.long),
    ],
)
def test_a_program_that_ends_its_interpreter_is_not_excused(service: ServiceHandle, source: str, ended: Ended) -> None:
    """A failure would leave the rollout unjudged: an exit that a policy can learn."""

    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        await said(session, "1 / 0")
        run = await session.run(CellStep(source))
        assert isinstance(run, TestRun), run
        assert run.ended is ended

    with_session(service, use, limits=SHORT)


@pytest.mark.parametrize(
    ("when", "how"),
    [
        ("waiting", "cancelled"),
        ("opening", "cancelled"),
        ("opening", "sandbox closed"),
        ("running", "cancelled"),
        ("running", "closed"),
        ("running", "sandbox closed"),
    ],
)
def test_nothing_stays_of_a_session_that_is_ended_in_the_middle(service: ServiceHandle, when: str, how: str) -> None:
    service.change(create_latency_s=0.3 if when == "opening" else 0.0)

    async def go() -> None:
        async with pool(service, max_sandboxes=1, keep_warm=1) as sandbox:
            holder = await opened(sandbox) if when != "opening" else None
            if when == "running":
                assert holder is not None
                call: asyncio.Future[object] = asyncio.ensure_future(holder.run(CellStep("import time\ntime.sleep(9)")))
            else:
                call = asyncio.ensure_future(sandbox.open_session(QUICK))
            await asyncio.sleep(0.15)
            if how == "sandbox closed":
                await sandbox.close()
            elif how == "closed" and holder is not None:
                await holder.close()
            else:
                call.cancel()
            outcome = (await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), 5.0))[0]
            expected = (SandboxFailure, asyncio.CancelledError, E2BSession)
            assert isinstance(outcome, expected), outcome

    asyncio.run(go())
    service.change(create_latency_s=0.0)


def test_a_budget_that_is_used_up_raises(service: ServiceHandle) -> None:
    async def outlast(sandbox: E2BSandbox) -> None:
        session = await opened(sandbox, replace(QUICK, wall_s=30.0))
        await session.run(CellStep("import time\ntime.sleep(30)"))

    async def go() -> None:
        async with pool(service, max_sandbox_seconds=4.0) as sandbox:
            with pytest.raises(BudgetExceeded):
                await outlast(sandbox)
            with pytest.raises(BudgetExceeded):
                await sandbox.open_session(QUICK)

    asyncio.run(go())


async def _faulty_rollout(sandbox: E2BSandbox, i: int) -> int:
    """Count up in one session; return how often there was an answer. A state that was lost begins at nought again."""
    session = await sandbox.open_session(SHORT)
    if isinstance(session, SandboxFailure):
        return 0
    answers = state = 0
    for _ in range(4):
        run = await session.run(CellStep(f"x = globals().get('x', {1000 * i}) + 1\nprint(x)"))
        if isinstance(run, TestRun) and run.ended is Ended.RETURNED:
            state, answers = state + 1, answers + 1
            assert run.stdout == f"{1000 * i + state}\n"
        else:
            assert isinstance(run, SandboxFailure) or run.ended in (Ended.WALL_LIMIT, Ended.SIGNALLED), run
            state = 0
    await session.close()
    return answers


def test_under_faults_of_every_kind_an_answer_is_right_or_a_failure(service: ServiceHandle) -> None:
    for fault in FAULTS:
        service.add_fault(fault, probability=0.05, match="interpreter/execute")

    async def go() -> None:
        async with pool(service, max_sandboxes=4, silence_s=2.0) as sandbox:
            answers = await asyncio.gather(*(_faulty_rollout(sandbox, i) for i in range(3)))
        assert sum(answers) > 3

    asyncio.run(go())


_HOLDER = """
import asyncio, sys
from rewards.records import CellStep, Limits
from rewards.sandboxes.e2b_cloud import E2BSandbox

async def hold():
    sandbox = E2BSandbox(max_sandboxes=3)
    session = await sandbox.open_session(Limits())
    await session.run(CellStep("x = 1"))
    print("held", flush=True)
    await session.run(CellStep("import time; time.sleep(60)"))

asyncio.run(hold())
"""


@pytest.mark.long
def test_a_process_that_is_killed_with_a_session_open_leaves_no_sandbox(service: ServiceHandle) -> None:
    environment = {**os.environ, **service.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen([sys.executable, "-c", _HOLDER], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert service.alive()
        process.kill()
    asyncio.run(until_alive(service, 0, within_s=45.0))
