"""Trips: several jobs in one command, each settled by its own line and harmed by nobody beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from e2b_pools import QUICK, echo, nap, outputs, pool_on, until_alive
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service

from rewards.errors import ConfigurationError, SandboxUnavailable
from rewards.records import CallStep, Ended, Job, JobResult, Program, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.agent.lines import failed, result
from rewards.sandboxes.agent.results import result_to_bytes
from rewards.sandboxes.agent.trips import steps_blob
from rewards.sandboxes.e2b_cloud import E2BOptions
from rewards.sandboxes.e2b_cloud.ledger import Ledger
from rewards.sandboxes.e2b_cloud.machine import Machine
from rewards.sandboxes.e2b_cloud.tickets import Lost, Ticket
from rewards.sandboxes.e2b_cloud.trip import Trip


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture(autouse=True)
def afresh(service: ServiceHandle) -> None:
    service.reset()


def test_jobs_travel_together_and_are_not_mixed_up(service: ServiceHandle) -> None:
    async def ask() -> int:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            await sandbox.start()
            before = service.stats().requests["envd/process/Start"]
            jobs = [replace(echo(str(i), steps=2), program=Program(f"print({i}, input())")) for i in range(32)]
            answers = await asyncio.gather(*map(sandbox.run, jobs))
            assert [outputs(answer) for answer in answers] == [[f"{i} {i}\n"] * 2 for i in range(32)]
            return service.stats().requests["envd/process/Start"] - before

    assert asyncio.run(ask()) <= 12


def test_a_quick_job_does_not_wait_for_a_slow_one_in_its_trip(service: ServiceHandle) -> None:
    async def ask() -> float:
        async with pool_on(service, max_sandboxes=1, jobs_per_sandbox=2) as sandbox:
            await sandbox.start()
            began = time.monotonic()
            slow = asyncio.create_task(sandbox.run(nap(3.0)))
            quick = [asyncio.create_task(sandbox.run(echo(str(i)))) for i in range(6)]
            await asyncio.gather(*quick)
            took = time.monotonic() - began
            assert not slow.done()
            assert outputs(await slow) == ["up\n"]
            return took

    assert asyncio.run(ask()) < 2.5


def test_large_inputs_go_up_once_a_sandbox(service: ServiceHandle) -> None:
    noise = "".join(f"{i * i % 100_003} " for i in range(60_000))

    async def ask() -> int:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            await sandbox.start()
            before = service.stats().requests["envd/files/write"]
            jobs = [Job(Program(f"print({i}, len(input()))"), (ScriptStep(noise + "\n"),), QUICK) for i in range(12)]
            answers = await asyncio.gather(*map(sandbox.run, jobs))
            assert [outputs(answer) for answer in answers] == [[f"{i} {len(noise)}\n"] for i in range(12)]
            return service.stats().requests["envd/files/write"] - before

    assert asyncio.run(ask()) == 1


def test_a_long_program_is_uploaded(service: ServiceHandle) -> None:
    source = "".join(f"x{i} = {i * i % 100_003}\n" for i in range(40_000)) + "print(x7)\n"

    async def ask() -> JobResult | SandboxFailure:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            return await sandbox.run(Job(Program(source), (ScriptStep(),), QUICK))

    assert outputs(asyncio.run(ask())) == ["49\n"]


def test_the_caller_stops_a_job_and_what_it_saw_is_not_kept_twice(service: ServiceHandle) -> None:
    seen: list[tuple[int, str]] = []

    def keep_going(i: int, run: TestRun) -> bool:
        seen.append((i, run.stdout))
        return i < 1

    async def ask() -> JobResult | SandboxFailure:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            return await sandbox.run(echo("a", steps=4), keep_going=keep_going)

    answer = asyncio.run(ask())
    assert isinstance(answer, JobResult)
    assert [run.ended for run in answer.runs] == [Ended.EXITED] * 2 + [Ended.NOT_RUN] * 2
    assert seen == [(0, "aa\n"), (1, "aa\n")]
    assert [run.stdout for run in answer.runs] == [""] * 4


def test_values_come_back_as_data(service: ServiceHandle) -> None:
    job = Job(Program("def f(x):\n    return {'twice': 2 * x}\n"), (CallStep("f", (21,)),), QUICK)

    async def ask() -> JobResult | SandboxFailure:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            return await sandbox.run(job)

    answer = asyncio.run(ask())
    assert isinstance(answer, JobResult)
    assert answer.runs[0].value == {"twice": 42}


def test_a_cancelled_job_does_not_harm_those_beside_it(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1, jobs_per_sandbox=1) as sandbox:
            await sandbox.start()
            (first,) = service.alive()
            tasks = [asyncio.create_task(sandbox.run(nap(5.0 if i == 1 else 0.5))) for i in range(4)]
            await asyncio.sleep(0.8)
            tasks[1].cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(answers[1], asyncio.CancelledError)
            for answer in (answers[0], *answers[2:]):
                assert isinstance(answer, JobResult)
                assert outputs(answer) == ["up\n"]
            assert outputs(await sandbox.run(echo("b"))) == ["bb\n"]
            assert first.sandbox_id not in {machine.sandbox_id for machine in service.alive()}, "it was in doubt"

    asyncio.run(ask())


def test_a_trip_that_nobody_waits_for_is_stopped_at_once(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            await sandbox.start()
            task = asyncio.create_task(sandbox.run(nap(9.0)))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 4, "the program would have gone on for twice as long"
            await until_alive(service, 0)

    asyncio.run(ask())


async def _told(*lines: bytes, nonce: str = "") -> tuple[Trip, Ticket]:
    """A trip of one job that was told these lines."""
    sandbox = SimpleNamespace(sandbox_id="none")
    machine = Machine(sandbox, E2BOptions(), ledger=Ledger(0.0), bare=False)
    ticket = Ticket(echo("a"), steps_blob(echo("a").steps))
    trip = Trip(machine, [ticket])
    told = b"".join(lines).replace(b"NONCE", nonce.encode() or trip.nonce.encode()).decode()
    for i in range(0, len(told), 7):  # chunks are cut anywhere
        trip.hear(told[i : i + 7])
    return trip, ticket


@pytest.mark.parametrize(
    ("kind", "error"), [("configuration", ConfigurationError), ("unavailable", SandboxUnavailable)]
)
def test_what_the_user_has_to_mend_is_raised(kind: str, error: type[Exception]) -> None:
    async def ask() -> None:
        _, ticket = await _told(failed("NONCE", None, kind, "no such thing"))
        with pytest.raises(error, match="no such thing"):
            await ticket.report

    asyncio.run(ask())


ANSWER = result_to_bytes(JobResult((TestRun(Ended.EXITED, exit_code=0, stdout="aa\n"),)), echo("a"))
FORGED = result_to_bytes(JobResult((TestRun(Ended.EXITED),) * 2), echo("a", steps=2))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"NONCE r 0 !!!!\n", id="a result that was damaged"),
        pytest.param(result("NONCE", 0, ANSWER[:-3]), id="a result that was cut off"),
        pytest.param(result("NONCE", 1, ANSWER), id="the result of a job that is not there"),
        pytest.param(result("NONCE", 0, FORGED), id="the result of another job"),
        pytest.param(b"NONCE x\n", id="a line of no known kind"),
        pytest.param(failed("NONCE", None, "agent", "broken"), id="an agent that is broken"),
    ],
)
def test_lines_that_make_no_sense_put_the_sandbox_in_doubt(line: bytes) -> None:
    async def ask() -> None:
        trip, ticket = await _told(line)
        assert trip.doubt
        assert ticket.is_open
        trip.settle_lost()
        assert isinstance(await ticket.report, Lost)

    asyncio.run(ask())


def test_lines_of_others_say_nothing() -> None:
    async def ask() -> None:
        trip, ticket = await _told(b"hello\n", result("NONCE", 0, ANSWER), nonce="ab" * 16)
        assert ticket.is_open
        assert not trip.doubt

    asyncio.run(ask())


def test_a_result_stands_whatever_comes_after_it() -> None:
    async def ask() -> None:
        trip, ticket = await _told(result("NONCE", 0, ANSWER), b"NONCE nonsense\n", result("NONCE", 0, ANSWER))
        assert trip.doubt
        report = await ticket.report
        assert isinstance(report, JobResult)
        assert outputs(report) == ["aa\n"]

    asyncio.run(ask())


def test_a_program_that_takes_its_sandbox_down_every_time_is_to_blame(service: ServiceHandle) -> None:
    """The service plays the program's part: the sandbox ends the first four times, and works for the canary."""
    answer = asyncio.run(_fail_four_times(service, Fault.VANISH))
    assert isinstance(answer, JobResult), answer
    (run,) = answer.runs
    assert (run.ended, run.signal) == (Ended.SIGNALLED, 9)
    assert "3 times in a row" in run.stderr


def test_streams_that_are_cut_off_convict_nobody(service: ServiceHandle) -> None:
    answer = asyncio.run(_fail_four_times(service, Fault.ENVD_TRUNCATED))
    assert isinstance(answer, SandboxFailure) or outputs(answer) == ["up\n"]


async def _fail_four_times(service: ServiceHandle, fault: Fault) -> JobResult | SandboxFailure:
    async with pool_on(service, max_sandboxes=1) as sandbox:
        assert outputs(await sandbox.run(echo("a"))) == ["aa\n"]
        task = asyncio.create_task(sandbox.run(nap(2.0)))
        for death in range(4):  # each trip is the second command of its sandbox, which is set up by the first
            service.add_fault(fault, times=1, match="process/Start", after=min(death, 1), delay_s=0.3)
            while service.stats().faults[fault.value] <= death and not task.done():
                await asyncio.sleep(0.02)
        return await task
