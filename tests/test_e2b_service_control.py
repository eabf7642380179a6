"""The stand-in service's control plane, asked by the real SDK: machines, limits and refusals."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from e2b import (
    AsyncSandbox,
    AuthenticationException,
    RateLimitException,
    Sandbox,
    SandboxException,
    SandboxNotFoundException,
    SandboxQuery,
    TimeoutException,
)
from e2b.exceptions import SandboxNotRunningException, SandboxUnreachableException, ServiceBusyException
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from e2b_service.settings import Settings


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> ServiceHandle:
    """The service as if it had just started, and the SDK's environment for it."""
    running.change(**dataclasses.asdict(Settings()))
    running.reset()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def until(claim: Callable[[], bool], *, within_s: float = 10.0) -> bool:
    ends = time.monotonic() + within_s
    while not claim():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def test_a_machine_is_made_found_described_and_killed_once(service: ServiceHandle) -> None:
    async def scene() -> None:
        sandbox = await AsyncSandbox.create(timeout=60, metadata={"run": "a b/c=d&é", "rank": "0"})
        await AsyncSandbox.create(metadata={"run": "another"})
        pages = AsyncSandbox.list(query=SandboxQuery(metadata={"run": "a b/c=d&é"}))
        assert [one.sandbox_id for one in await pages.next_items()] == [sandbox.sandbox_id]
        await sandbox.set_timeout(100)
        info = await sandbox.get_info()
        assert 98 < info.end_at.timestamp() - time.time() <= 100
        assert (info.cpu_count, info.memory_mb, info.metadata["rank"]) == (2, 2048, "0")
        assert await sandbox.is_running()
        assert await sandbox.kill()
        assert not await sandbox.kill()
        assert not await sandbox.is_running()
        with pytest.raises(SandboxNotFoundException):
            await sandbox.set_timeout(10)

    asyncio.run(scene())
    stats = service.stats()
    assert (stats.creates, stats.kills, stats.peak_alive, len(stats.alive)) == (2, 1, 2, 1)
    assert stats.alive[0].metadata == {"run": "another"}
    assert stats.requests["rest/kill"] == 2


def test_the_synchronous_sdk_works_too(service: ServiceHandle) -> None:
    with Sandbox.create() as sandbox:
        again = Sandbox.connect(sandbox.sandbox_id, timeout=600)
        assert again.is_running()
        assert service.alive()[0].expires_at - time.time() > 590
    assert service.alive() == ()


def test_a_long_list_comes_in_pages(service: ServiceHandle) -> None:
    async def scene() -> None:
        made = {(await AsyncSandbox.create()).sandbox_id for _ in range(5)}
        pages, found = AsyncSandbox.list(limit=2), []
        while pages.has_next:
            found.append([one.sandbox_id for one in await pages.next_items()])
        assert [len(page) for page in found] == [2, 2, 1]
        assert {one for page in found for one in page} == made

    asyncio.run(scene())


def test_a_repeated_create_with_the_same_key_makes_one_machine(service: ServiceHandle) -> None:
    """Also when the first answer was lost on its way: the SDK repeats a 504 by itself."""
    service.change(create_latency_s=0.1)
    service.add_fault(Fault.CREATE_LOST, times=1)

    async def scene() -> None:
        calls = (AsyncSandbox.create(idempotency_key="one") for _ in range(3))
        sandboxes = await asyncio.gather(*calls)
        assert len({sandbox.sandbox_id for sandbox in sandboxes}) == 1

    asyncio.run(scene())
    stats = service.stats()
    assert (stats.creates, stats.replays, len(stats.alive)) == (1, 3, 1)


def test_a_create_goes_on_when_its_caller_goes_away(service: ServiceHandle) -> None:
    service.change(create_latency_s=0.3)

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(AsyncSandbox.create(), 0.1)

    asyncio.run(scene())
    assert until(lambda: len(service.alive()) == 1)


def test_a_machine_ends_when_its_time_is_over(service: ServiceHandle) -> None:
    async def scene() -> None:
        sandbox = await AsyncSandbox.create(timeout=1)
        assert until(lambda: not service.alive())
        assert not await sandbox.is_running()

    asyncio.run(scene())
    stats = service.stats()
    assert (stats.expiries, stats.faults["ttl_expiry"]) == (1, 1)
    assert stats.sandbox_seconds == pytest.approx(1, abs=0.05)


def test_a_longer_life_than_the_plan_has_is_refused(service: ServiceHandle) -> None:
    with pytest.raises(SandboxException, match="cannot be greater than 1 hours"):
        Sandbox.create(timeout=3601)


def test_a_wrong_key_is_refused(service: ServiceHandle) -> None:
    with pytest.raises(AuthenticationException):
        Sandbox.create(api_key="e2b_other")


def test_creates_above_the_rate_are_refused_with_the_time_to_wait(service: ServiceHandle) -> None:
    service.change(creates_per_s=5.0)

    async def scene() -> list[Any]:
        calls = (AsyncSandbox.create(retries=0) for _ in range(8))
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(scene())
    refused = [answer for answer in answers if isinstance(answer, RateLimitException)]
    assert len(refused) == 3
    assert Sandbox.create()  # the SDK waits the second that Retry-After says
    assert service.stats().faults["create_rate"] >= 3


def test_more_machines_than_the_cap_are_refused(service: ServiceHandle) -> None:
    service.change(max_sandboxes=2, create_latency_s=0.05)

    async def scene() -> list[Any]:
        calls = (AsyncSandbox.create(retries=0) for _ in range(4))
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(scene())
    refused = [answer for answer in answers if isinstance(answer, RateLimitException)]
    assert len(refused) == 2
    assert "maximum number of concurrent E2B sandboxes (2)" in str(refused[0])
    stats = service.stats()
    assert (stats.peak_alive, stats.faults["concurrency_cap"]) == (2, 2)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.CREATE_RATE])
def test_a_rate_limit_says_when_to_come_again(service: ServiceHandle, fault: Fault) -> None:
    service.add_fault(fault, match="create", times=1, delay_s=3.0)
    began = time.monotonic()
    Sandbox.create()
    assert time.monotonic() - began >= 3


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED_SILENT, Fault.CONCURRENCY_CAP])
def test_a_cap_does_not_say_when_to_come_again(service: ServiceHandle, fault: Fault) -> None:
    service.add_fault(fault, match="create", times=1)
    began = time.monotonic()
    Sandbox.create()
    assert time.monotonic() - began < 3


def test_a_backend_of_the_first_version_lacks_the_new_create(service: ServiceHandle) -> None:
    service.change(versions="v1")
    with pytest.raises(SandboxException) as refused:
        Sandbox.create()
    assert refused.value.status_code == 405


REFUSALS = [
    (Fault.RATE_LIMITED, RateLimitException, SandboxException),
    (Fault.RATE_LIMITED_SILENT, RateLimitException, RateLimitException),
    (Fault.UNAUTHORIZED, AuthenticationException, AuthenticationException),
    (Fault.INTERNAL_ERROR, SandboxException, SandboxException),
    (Fault.BAD_GATEWAY, SandboxException, SandboxUnreachableException),
    (Fault.UNAVAILABLE, ServiceBusyException, SandboxUnreachableException),
    (Fault.GATEWAY_TIMEOUT, SandboxException, TimeoutException),
]


@pytest.mark.parametrize(("fault", "of_rest", "of_envd"), REFUSALS, ids=lambda one: getattr(one, "value", ""))
def test_the_sdk_understands_an_injected_refusal(
    service: ServiceHandle, fault: Fault, of_rest: type[Exception], of_envd: type[Exception]
) -> None:
    sandbox = Sandbox.create()
    service.add_fault(fault, times=2)
    with pytest.raises(of_rest):
        sandbox.get_info(retries=0)
    with pytest.raises(of_envd):
        sandbox.commands.run("true")
    assert service.stats().faults[fault.value] == 2
    assert sandbox.get_info().sandbox_id == sandbox.sandbox_id


def test_a_cut_connection_is_a_transport_error(service: ServiceHandle) -> None:
    sandbox = Sandbox.create()
    service.add_fault(Fault.CONNECTION_RESET, times=1)
    with pytest.raises(Exception, match="connection closed before message completed"):
        sandbox.get_info(retries=0)


def test_a_closed_port_is_said_by_the_proxy(service: ServiceHandle) -> None:
    sandbox = Sandbox.create()
    service.add_fault(Fault.PORT_CLOSED, match="process/", times=1)
    with pytest.raises(SandboxUnreachableException, match="port is not open"):
        sandbox.commands.run("true")
    assert sandbox.commands.run("true").exit_code == 0


def test_a_request_without_the_machines_own_token_is_refused(service: ServiceHandle) -> None:
    sandbox = Sandbox.create()
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49983", "X-Access-Token": "another"}
    request = urllib.request.Request(f"{service.url}/files?path=x", headers=headers)
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
    refused.value.close()


@pytest.mark.parametrize("fault", [Fault.VANISH, Fault.TTL_EXPIRY])
def test_a_machine_can_go_in_the_middle_of_a_command(service: ServiceHandle, fault: Fault) -> None:
    sandbox = Sandbox.create()
    service.add_fault(fault, match="process/Start", times=1)
    began = time.monotonic()
    with pytest.raises(SandboxNotRunningException):
        sandbox.commands.run("sleep 300")
    assert time.monotonic() - began < 5
    assert service.alive() == ()
    assert service.stats().faults[fault.value] == 1


def test_a_machine_can_be_gone_before_a_command_comes(service: ServiceHandle) -> None:
    sandbox = Sandbox.create()
    service.add_fault(Fault.VANISH, match="process/Start", delay_s=0)
    with pytest.raises(SandboxNotRunningException, match="was not found"):
        sandbox.commands.run("true")
    assert service.stats().vanished == 1


def test_a_slow_kill_is_slow_and_kills(service: ServiceHandle) -> None:
    sandbox = Sandbox.create()
    service.add_fault(Fault.SLOW_KILL, delay_s=0.3)
    began = time.monotonic()
    assert sandbox.kill()
    assert time.monotonic() - began >= 0.3
    assert service.alive() == ()


def test_latency_is_added_to_the_data_plane_only(service: ServiceHandle) -> None:
    service.change(round_trip_s=1.5)
    began = time.monotonic()
    sandbox = Sandbox.create()
    assert time.monotonic() - began < 1.5
    assert sandbox.is_running()
    assert time.monotonic() - began >= 1.5
    service.add_fault(Fault.LATENCY, match="rest/info", delay_s=0.2)
    began = time.monotonic()
    sandbox.get_info()
    assert time.monotonic() - began >= 0.2


def test_several_hundred_requests_at_once_are_served(service: ServiceHandle) -> None:
    async def scene() -> None:
        sandboxes = await asyncio.gather(*(AsyncSandbox.create() for _ in range(300)))
        assert all(await asyncio.gather(*(sandbox.is_running() for sandbox in sandboxes)))
        assert all(await asyncio.gather(*(sandbox.kill() for sandbox in sandboxes)))

    asyncio.run(scene())
    stats = service.stats()
    assert (stats.creates, stats.peak_alive, stats.kills, stats.round_trips, stats.alive) == (300, 300, 300, 300, ())
