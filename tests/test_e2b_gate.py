"""No more create calls than the account allows, and patience with those that are refused."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest

pytest.importorskip("aiolimiter", reason='pip install "code-rewards[e2b]"')
exceptions = pytest.importorskip("e2b.exceptions", reason='pip install "code-rewards[e2b]"')

from rewards import ConfigurationError  # noqa: E402 - behind what it needs
from rewards.sandboxes.e2b_cloud.faults import Fault  # noqa: E402
from rewards.sandboxes.e2b_cloud.gate import CreationFailed, CreationGate  # noqa: E402

FULL = "429: you have reached the maximum number of concurrent E2B sandboxes (20)"


class Account:
    """Answers create calls from a list: an error, a number of seconds to take, or None for at once."""

    def __init__(self, *answers: Exception | float | None) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[float, str]] = []
        self.killed: list[str] = []

    async def create(self, key: str) -> str:
        self.calls.append((time.monotonic(), key))
        name = f"s{len(self.calls)}"
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        await asyncio.sleep(answer or 0)
        return name

    async def kill(self, name: str) -> None:
        self.killed.append(name)

    def gate(self, creates_per_s: float = 1000, cap: int = 10, **options: object) -> CreationGate[str]:
        return CreationGate(creates_per_s, cap, discard=self.kill, **options)  # type: ignore[arg-type]


def soon(wait_s: float = 5.0) -> float:
    return time.monotonic() + wait_s


def hurried(gate: CreationGate[str]) -> list[float]:
    """Let the gate wait a hundredth of what it wants to, and return what it wanted."""
    waits: list[float] = []
    wanted = gate._wait_s

    def brief(state: object) -> float:
        waits.append(wanted(state))  # type: ignore[arg-type]
        gate._opens_at = 0.0
        return 0.0

    gate._wait_s = brief  # type: ignore[method-assign]
    return waits


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_create_calls_keep_to_the_rate() -> None:
    async def work() -> None:
        account = Account()
        gate = account.gate(creates_per_s=50)
        await asyncio.gather(*(gate.admit(account.create, give_up_at=soon()) for _ in range(6)))
        moments = [moment for moment, _ in account.calls]
        assert min(b - a for a, b in itertools.pairwise(moments)) > 0.015
        assert moments[-1] - moments[0] > 0.095

    run(work)


def test_the_first_call_is_jittered_so_that_ranks_do_not_ask_in_step() -> None:
    async def work() -> None:
        account = Account()
        began = time.monotonic()
        await account.gate(creates_per_s=10, draw=lambda: 0.9).admit(account.create, give_up_at=soon())
        assert account.calls[0][0] - began > 0.085

    run(work)


def test_there_are_never_more_sandboxes_than_the_cap() -> None:
    async def work() -> None:
        account = Account()
        gate = account.gate(cap=2)
        for _ in range(2):
            await gate.admit(account.create, give_up_at=soon())
        with pytest.raises(CreationFailed, match="no place") as caught:
            await gate.admit(account.create, give_up_at=soon(0.05))
        assert caught.value.fault.kind == "full"
        gate.leave()
        assert await gate.admit(account.create, give_up_at=soon()) == "s3"

    run(work)


def test_a_full_account_is_asked_again_after_tens_of_seconds() -> None:
    async def work() -> None:
        account = Account(*[exceptions.RateLimitException(FULL)] * 6)
        gate = account.gate(draw=lambda: 1.0)
        waits = hurried(gate)
        await gate.admit(account.create, give_up_at=soon(1000))
        assert waits == [5, 10, 20, 40, 60, 60]
        assert len({key for _, key in account.calls}) == 7

    run(work)


def test_a_wait_that_the_service_asks_for_is_kept() -> None:
    class Answer:
        status_code = 429
        headers = {"Retry-After": "7"}  # noqa: RUF012 - as the SDK's response has it

    def raise_as_the_sdk_does() -> None:
        source = "def handle(res):\n    raise RateLimitException('Rate limit exceeded')"
        scope = {"__name__": "e2b.api", "RateLimitException": exceptions.RateLimitException}
        exec(source, scope)
        scope["handle"](Answer())  # type: ignore[operator]

    async def work() -> None:
        account = Account()
        gate = account.gate(draw=lambda: 0.0)
        waits = hurried(gate)

        async def create(key: str) -> str:
            if not waits:
                raise_as_the_sdk_does()
            return await account.create(key)

        await gate.admit(create, give_up_at=soon(1000))
        assert waits == [7]

    run(work)


def test_a_refusal_holds_up_the_other_callers_too() -> None:
    async def work() -> None:
        account = Account(exceptions.RateLimitException("Rate limit exceeded"))
        gate = account.gate(draw=lambda: 0.0)
        await asyncio.gather(*(gate.admit(account.create, give_up_at=soon()) for _ in range(2)))
        first, *others = [moment for moment, _ in account.calls]
        assert min(others) - first > 0.45

    run(work)


def test_no_wait_goes_beyond_the_deadline() -> None:
    async def work() -> None:
        account = Account(*[exceptions.RateLimitException(FULL)] * 9)
        gate = account.gate()
        began = time.monotonic()
        with pytest.raises(CreationFailed, match="maximum number"):
            await gate.admit(account.create, give_up_at=soon(0.3))
        assert time.monotonic() - began < 0.3
        assert len(account.calls) == 1

    run(work)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refusal_for_good_is_raised_at_once(status: int) -> None:
    async def work() -> None:
        refused = []
        account = Account(exceptions.SandboxException(f"{status}: no", status_code=status))
        gate = account.gate(cap=1, on_refusal=refused.append)
        with pytest.raises(ConfigurationError):
            await gate.admit(account.create, give_up_at=soon())
        assert len(account.calls) == len(refused) == 1
        await gate.admit(account.create, give_up_at=soon())  # the place is free again

    run(work)


def test_a_sandbox_that_comes_in_the_moment_of_a_cancellation_is_discarded() -> None:
    async def work() -> None:
        account = Account()
        gate = account.gate(cap=1)

        async def create(key: str) -> str:
            caller.cancel()
            return await account.create(key)

        caller = asyncio.ensure_future(gate.admit(create, give_up_at=soon()))
        await asyncio.wait({caller})
        await gate.drain(5)
        assert account.killed == ["s1"]

    run(work)


@pytest.mark.parametrize(("refusals", "is_believed"), [(2, False), (3, True)])
def test_a_key_that_has_worked_is_not_given_up_at_once(refusals: int, is_believed: bool) -> None:
    """A gateway that hiccups must not end a run of days."""

    async def work() -> None:
        account = Account(None, *[exceptions.AuthenticationException("401: no")] * refusals)
        gate = account.gate()
        hurried(gate)
        await gate.admit(account.create, give_up_at=soon())
        if is_believed:
            with pytest.raises(ConfigurationError, match="key"):
                await gate.admit(account.create, give_up_at=soon())
        else:
            await gate.admit(account.create, give_up_at=soon())

    run(work)


def test_a_mistake_of_ours_is_not_a_fault_of_the_service() -> None:
    async def work() -> None:
        account = Account(TypeError("create() got an unexpected keyword argument"))
        gate = account.gate(cap=1)
        with pytest.raises(TypeError):
            await gate.admit(account.create, give_up_at=soon())
        await gate.admit(account.create, give_up_at=soon())

    run(work)


def test_an_attempt_that_may_have_worked_is_repeated_under_the_same_key() -> None:
    async def work() -> None:
        account = Account(exceptions.SandboxException("504: late", status_code=504), ConnectionResetError("gone"))
        gate = account.gate()
        hurried(gate)
        await gate.admit(account.create, give_up_at=soon())
        assert len({key for _, key in account.calls}) == 1

    run(work)


def test_a_sandbox_that_comes_after_its_caller_was_cancelled_is_discarded() -> None:
    async def work() -> None:
        account = Account(0.1)
        gate = account.gate(cap=1)
        caller = asyncio.create_task(gate.admit(account.create, give_up_at=soon()))
        while not account.calls:
            await asyncio.sleep(0.001)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        with pytest.raises(CreationFailed):  # its place is taken until it is gone
            await gate.admit(account.create, give_up_at=soon(0.03))
        await gate.drain(5)
        assert account.killed == ["s1"]
        assert await gate.admit(account.create, give_up_at=soon()) == "s2"

    run(work)


def test_a_sandbox_that_comes_after_our_own_clock_is_discarded() -> None:
    async def work() -> None:
        account = Account(0.2)
        gate = account.gate(attempt_s=0.05)
        hurried(gate)
        assert await gate.admit(account.create, give_up_at=soon()) == "s2"
        await gate.drain(5)
        assert account.killed == ["s1"]
        assert len({key for _, key in account.calls}) == 2

    run(work)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06])
def test_callers_that_are_cancelled_anywhere_give_their_places_back(after_s: float) -> None:
    async def work() -> None:
        account = Account(exceptions.RateLimitException("Rate limit exceeded"), 0.05)
        gate = account.gate(cap=3, creates_per_s=100)
        callers = [asyncio.create_task(gate.admit(account.create, give_up_at=soon())) for _ in range(8)]
        await asyncio.sleep(after_s)
        for caller in callers:
            caller.cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
        await gate.drain(5)
        for end in ends:
            if isinstance(end, str):
                gate.leave()
        await asyncio.gather(*(gate.admit(account.create, give_up_at=soon()) for _ in range(3)))
        with pytest.raises(CreationFailed):
            await gate.admit(account.create, give_up_at=soon(0.02))

    run(work)


def test_every_refusal_is_heard_of() -> None:
    async def work() -> None:
        heard: list[Fault] = []
        account = Account(exceptions.ServiceBusyException("no room"), OSError("no route"))
        gate = account.gate(on_refusal=heard.append)
        hurried(gate)
        await gate.admit(account.create, give_up_at=soon())
        assert [fault.kind for fault in heard] == ["busy", "transport"]

    run(work)
