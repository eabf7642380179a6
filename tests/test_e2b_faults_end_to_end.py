"""Whatever the service does wrong, once or now and then: the right answer comes, or none, and nothing is left alive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from e2b_pools import QUICK, cells, echo, nap, outputs, pool_on
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service

from rewards.records import Job, JobResult, SandboxFailure

CREATION = (Fault.CREATE_RATE, Fault.CONCURRENCY_CAP, Fault.CREATE_LOST, Fault.RATE_LIMITED, Fault.UNAVAILABLE)
COMMANDS = tuple(fault for fault in Fault if fault.value.startswith("envd_"))
ANYWHERE = (
    Fault.LATENCY,
    Fault.TTL_EXPIRY,
    Fault.RATE_LIMITED_SILENT,
    Fault.UNAUTHORIZED,
    Fault.INTERNAL_ERROR,
    Fault.BAD_GATEWAY,
    Fault.GATEWAY_TIMEOUT,
    Fault.CONNECTION_RESET,
    Fault.PORT_CLOSED,
    Fault.VANISH,
)


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle) -> ServiceHandle:
    running.reset()
    return running


async def _ask(service: ServiceHandle, fault: Fault, match: str, *, after: int) -> None:
    async with pool_on(service, silence_s=2.0, max_sandboxes=3) as sandbox:
        service.add_fault(fault, times=1, match=match, after=after)
        jobs = [replace(echo(str(i)), limits=QUICK) for i in range(6)]
        answers = await asyncio.gather(sandbox.run(nap(0.6)), *map(sandbox.run, jobs))
        assert [outputs(answer) for answer in answers] == [["up\n"], *([f"{i}{i}\n"] for i in range(6))]
    assert service.alive() == ()
    assert service.stats().faults[fault.value] == 1


@pytest.mark.parametrize("fault", CREATION, ids=lambda fault: fault.value)
def test_a_create_call_that_fails_is_made_again(service: ServiceHandle, fault: Fault) -> None:
    asyncio.run(_ask(service, fault, "rest/create", after=0))


@pytest.mark.parametrize("fault", [*COMMANDS, *ANYWHERE], ids=lambda fault: fault.value)
def test_a_command_that_is_lost_is_run_again_elsewhere(service: ServiceHandle, fault: Fault) -> None:
    asyncio.run(_ask(service, fault, "process/Start", after=1))


@pytest.mark.parametrize("fault", ANYWHERE, ids=lambda fault: fault.value)
def test_an_upload_that_fails_costs_a_sandbox_and_no_answer(service: ServiceHandle, fault: Fault) -> None:
    asyncio.run(_ask(service, fault, "files/write", after=0))


def test_a_slow_kill_holds_nobody_up(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=2) as sandbox:
            service.add_fault(Fault.SLOW_KILL, delay_s=6.0)
            assert outputs(await sandbox.run(cells("print(1)"))) == ["1\n"]
            async with asyncio.timeout(5.0):
                assert outputs(await sandbox.run(echo("a"))) == ["aa\n"]

    asyncio.run(ask())
    assert service.alive() == ()


def test_under_faults_of_every_kind_no_answer_is_wrong(service: ServiceHandle) -> None:
    async def ask() -> list[JobResult | SandboxFailure]:
        for fault in Fault:
            match = "rest/create" if fault in CREATION[:3] else ""
            service.add_fault(fault, probability=0.01, match=match)
        options = {"max_sandboxes": 6, "silence_s": 3.0, "request_timeout_s": 4.0, "idle_s": 1.0}
        async with pool_on(service, **options) as sandbox:
            return await asyncio.gather(*(sandbox.run(job(i)) for i in range(80)))

    def job(i: int) -> Job:
        return cells(f"print({i}, x)", program="x = 1") if i % 10 == 0 else echo(str(i), steps=2)

    for i, answer in enumerate(asyncio.run(ask())):
        if isinstance(answer, JobResult):
            assert outputs(answer) == ([f"{i} 1\n"] if i % 10 == 0 else [f"{i}{i}\n"] * 2)
        else:
            assert not answer.retryable
    service.clear_faults()
    assert service.alive() == ()
