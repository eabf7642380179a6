"""The pool makes as many sandboxes as are wanted and allowed, and none of them outlives its use."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Iterator

import pytest
from e2b_pools import echo, nap, outputs, pool_on, until_alive
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from e2b_service.settings import Settings

from rewards.errors import BudgetExceeded, ConfigurationError
from rewards.records import Job, JobResult, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.e2b_cloud import E2BOptions, E2BSandbox
from rewards.sandboxes.e2b_cloud.tags import read_tags


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle) -> ServiceHandle:
    running.reset()
    return running


async def _answers(sandbox: E2BSandbox, count: int, seconds: float = 0.2) -> list[JobResult | SandboxFailure]:
    return await asyncio.gather(*(sandbox.run(nap(seconds)) for _ in range(count)))


def test_work_that_waits_makes_more_sandboxes_up_to_the_cap(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=3, jobs_per_sandbox=2) as sandbox:
            await sandbox.start()
            assert len(service.alive()) == 1, "nobody waits yet"
            answers = await _answers(sandbox, 30, 0.4)
            assert all(outputs(answer) == ["up\n"] for answer in answers)

    asyncio.run(ask())
    assert service.stats().peak_alive == 3
    assert service.stats().creates == 3, "they are reused"
    assert service.alive() == ()


def test_idle_sandboxes_above_those_kept_warm_are_killed(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=3, keep_warm=1, idle_s=0.3) as sandbox:
            await _answers(sandbox, 24)
            await until_alive(service, 1)
            await asyncio.sleep(0.6)
            assert len(service.alive()) == 1
            assert outputs(await sandbox.run(echo("a"))) == ["aa\n"]
        assert service.stats().creates <= 3

    asyncio.run(ask())


def test_with_nothing_kept_warm_a_sandbox_dies_when_nobody_waits_for_it(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=2, keep_warm=0, idle_s=0) as sandbox:
            for _ in range(2):
                assert all(isinstance(answer, JobResult) for answer in await _answers(sandbox, 8))
                await until_alive(service, 0)

    asyncio.run(ask())


def test_a_refused_key_is_an_error_at_the_start(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, api_key="e2b_wrong") as sandbox:
            for _ in range(2):
                with pytest.raises(ConfigurationError, match="key"):
                    await sandbox.start()

    asyncio.run(ask())
    assert service.stats().creates == 0


def test_no_key_is_an_error_before_the_service_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        asyncio.run(E2BSandbox().start())


@pytest.mark.usefixtures("not_accelerated")
def test_a_share_of_less_than_one_sandbox_is_an_error_that_names_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "64")
    with pytest.raises(ConfigurationError, match="max_sandboxes=20"):
        asyncio.run(E2BSandbox(api_key="e2b_0").start())


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ConfigurationError, match="max_sandbox"):
        E2BSandbox(max_sandbox=3)


def test_a_backend_without_the_newer_create_call_is_named() -> None:
    async def ask(service: ServiceHandle) -> None:
        async with pool_on(service) as sandbox:
            with pytest.raises(ConfigurationError, match=r"e2b<2\.51"):
                await sandbox.start()

    with start_service(Settings(versions="v1")) as service:
        asyncio.run(ask(service))


def test_the_capacity_follows_the_share_and_what_a_sandbox_says(service: ServiceHandle) -> None:
    assert E2BSandbox().capacity == 40
    assert E2BSandbox(plan="pro", jobs_per_sandbox=3).capacity == 300

    async def ask() -> None:
        async with pool_on(service, max_sandboxes=2, jobs_per_sandbox=None) as sandbox:
            await sandbox.start()
            assert sandbox.capacity == sandbox.describe().capacity == 2 * 2

    asyncio.run(ask())


def test_it_says_which_level_holds_inside(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service) as sandbox:
            assert "not known" in sandbox.describe().level
            await sandbox.start()
            assert "inside it A" in sandbox.describe().level or "inside it B" in sandbox.describe().level

    asyncio.run(ask())


def test_sandboxes_say_whose_they_are(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, run="my-run", metadata={"team": "reward"}) as sandbox:
            await sandbox.start()
            (machine,) = service.alive()
            tags = read_tags(machine.metadata)
            assert tags is not None
            assert tags.run == "my-run"
            assert machine.metadata["team"] == "reward"

    asyncio.run(ask())


def test_a_sandbox_that_is_kept_is_renewed_before_its_time_is_over(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, ttl_s=5) as sandbox:
            await sandbox.start()
            await asyncio.sleep(6.0)
            assert outputs(await sandbox.run(echo("a"))) == ["aa\n"]

    asyncio.run(ask())
    assert service.stats().creates == 1


def test_a_sandbox_that_is_lost_while_it_is_set_up_does_not_hold_its_place(service: ServiceHandle) -> None:
    """The place of the only one allowed: whoever waits for it would wait for ever."""

    async def ask() -> None:
        async with pool_on(service, ttl_s=5, max_sandboxes=1) as sandbox:
            task = asyncio.create_task(sandbox.run(echo("a")))
            while service.stats().requests.get("rest/kill", 0) == 0:
                await asyncio.sleep(0.05)
            service.clear_faults()
            service.change(round_trip_s=0.0, kill_latency_s=0.0)
            async with asyncio.timeout(60):
                assert outputs(await task) == ["aa\n"]

    service.change(round_trip_s=1.6, kill_latency_s=3.0)
    service.add_fault(Fault.INTERNAL_ERROR, probability=1.0, match="rest/timeout")
    try:
        asyncio.run(ask())
    finally:
        service.change(round_trip_s=0.0, kill_latency_s=0.0)
    assert service.stats().creates >= 2


def test_a_start_that_is_cancelled_in_mid_create_leaves_nothing_behind(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service) as sandbox:
            task = asyncio.create_task(sandbox.run(echo("a")))
            while not service.stats().requests.get("rest/create"):
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    service.change(create_latency_s=0.5)
    try:
        asyncio.run(ask())
    finally:
        service.change(create_latency_s=0.0)
    assert service.alive() == ()


def test_closing_ends_what_is_under_way_and_answers_who_waits(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            tasks = [asyncio.create_task(sandbox.run(nap(9.0))) for _ in range(12)]
            await asyncio.sleep(2.0)
            began = time.monotonic()
            await sandbox.close()
            assert time.monotonic() - began < 5.0
            for answer in await asyncio.gather(*tasks):
                assert isinstance(answer, SandboxFailure)
                assert (answer.kind, answer.retryable) == ("closed", False)
            late = await sandbox.run(echo("a"))
            assert isinstance(late, SandboxFailure)

    asyncio.run(ask())
    assert service.alive() == ()


def test_a_budget_that_is_used_up_is_raised_and_nothing_costs_more(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1, max_sandbox_seconds=2.0) as sandbox:
            with pytest.raises(BudgetExceeded, match="max_sandbox_seconds"):
                await sandbox.run(nap(8.0))
            await until_alive(service, 0)
            with pytest.raises(BudgetExceeded):
                await sandbox.run(echo("a"))

    asyncio.run(ask())


@pytest.mark.parametrize("method", ["start", "run"])
def test_a_budget_that_is_used_up_before_the_first_sandbox_is_ready_is_raised(
    service: ServiceHandle, method: str
) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1, max_sandbox_seconds=1.5) as sandbox:
            for _ in range(2):
                async with asyncio.timeout(5.0):
                    with pytest.raises(BudgetExceeded, match="max_sandbox_seconds"):
                        await (sandbox.start() if method == "start" else sandbox.run(echo("a")))
            await until_alive(service, 0)

    service.add_fault(Fault.ENVD_SILENCE, match="process/Start")
    asyncio.run(ask())
    assert service.stats().creates == 1


def test_a_full_account_is_waited_for_while_work_goes_on(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, max_sandboxes=4) as sandbox:
            answers = await _answers(sandbox, 16, 0.3)
            assert all(outputs(answer) == ["up\n"] for answer in answers)

    service.change(max_sandboxes=1)
    try:
        asyncio.run(ask())
    finally:
        service.change(max_sandboxes=None)
    assert service.stats().peak_alive == 1


def test_a_service_that_makes_no_sandbox_is_a_failure_and_no_verdict(service: ServiceHandle) -> None:
    async def ask() -> None:
        service.add_fault(Fault.ENVD_SILENT_END, match="process/Start")
        async with pool_on(service, retries=1) as sandbox:
            answer = await sandbox.run(echo("a"))
            assert isinstance(answer, SandboxFailure)
            assert (answer.kind, answer.retryable) == ("start", False)

    asyncio.run(ask())
    assert service.alive() == ()


def test_a_language_that_it_does_not_run_is_said(service: ServiceHandle) -> None:
    answer = asyncio.run(E2BSandbox(api_key="e2b_0").run(Job(Program("x", "cobol"), (ScriptStep(),))))
    assert isinstance(answer, SandboxFailure)
    assert answer.kind == "unsupported"


def test_a_copy_has_the_options_and_no_sandboxes(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service) as sandbox:
            await sandbox.start()
            copy = pickle.loads(pickle.dumps(sandbox))
            assert copy.figures() is None
            assert copy.capacity == 4

    asyncio.run(ask())


def test_a_pool_goes_on_in_another_event_loop(service: ServiceHandle) -> None:
    sandbox = E2BSandbox(E2BOptions(api_key=service.api_key, api_url=service.url, sandbox_url=service.url))
    assert outputs(asyncio.run(sandbox.run(echo("a")))) == ["aa\n"]

    async def again() -> None:
        assert outputs(await sandbox.run(echo("b"))) == ["bb\n"]
        await sandbox.close()
        await until_alive(service, 0, within_s=15.0)  # those of the loop that is gone are the reaper's

    asyncio.run(again())
