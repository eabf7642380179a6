"""Who asks too often waits, with everybody else of the pool, and never for longer than makes sense."""

from __future__ import annotations

import asyncio
import logging
import time
from types import SimpleNamespace

import pytest
from e2b_pools import echo, outputs, pool_on
from e2b_service.faults import Fault as ServiceFault
from e2b_service.handle import start_service

from rewards.sandboxes.e2b_cloud.faults import Fault
from rewards.sandboxes.e2b_cloud.gate import CreationFailed, CreationGate
from rewards.sandboxes.e2b_cloud.throttle import LONGEST_ASKED_S, Throttle, asked_wait_s

RATE = Fault("rate", "429: too many requests")


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_waits_grow_up_to_a_limit_until_something_goes_well() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock, draw=lambda: 1.0)
    waits = []
    for _ in range(7):
        throttle.hear(RATE)
        waits.append(throttle.left_s)
        clock.now_s += throttle.left_s
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    throttle.ease()
    throttle.hear(RATE)
    assert throttle.left_s == 1


def test_refusals_of_one_moment_count_once() -> None:
    throttle = Throttle(clock=Clock(), draw=lambda: 1.0)
    for _ in range(20):
        throttle.hear(RATE)
    assert throttle.left_s == 1


def test_an_absurd_wait_is_bounded_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="rewards"):
        assert asked_wait_s(Fault("rate", "429", retry_after_s=3600.0)) == LONGEST_ASKED_S
    assert "3600 s" in caplog.text
    assert "120 s" in caplog.text


def test_a_create_call_is_not_put_off_without_reason() -> None:
    async def work() -> None:
        gate: CreationGate[str] = CreationGate(1000, 1, discard=discard, draw=lambda: 0.0)
        outcome = asyncio.get_running_loop().create_future()
        outcome.set_exception(CreationFailed(Fault("rate", "429", retry_after_s=3600.0)))
        state = SimpleNamespace(outcome=outcome, attempt_number=1)
        assert gate._wait_s(state) == LONGEST_ASKED_S  # type: ignore[arg-type]
        assert gate._opens_at <= time.monotonic() + LONGEST_ASKED_S

    async def discard(name: str) -> None:
        raise AssertionError(name)

    asyncio.run(work())


def test_sandboxes_that_are_told_to_wait_are_kept_and_used() -> None:
    """In the set-up of the first ones, and later on the way of the jobs."""

    async def ask() -> None:
        async with pool_on(service) as sandbox:
            for fault in (ServiceFault.RATE_LIMITED, ServiceFault.RATE_LIMITED_SILENT):
                service.add_fault(fault, times=3, match="process/Start", delay_s=1)
                async with asyncio.timeout(90):
                    answers = await asyncio.gather(*(sandbox.run(echo(str(i))) for i in range(8)))
                assert [outputs(answer) for answer in answers] == [[f"{i}{i}\n"] for i in range(8)]

    with start_service() as service:
        asyncio.run(ask())
        assert service.stats().creates <= 2
        assert service.alive() == ()
