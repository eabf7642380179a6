"""Which sandbox a name means, and what happens when the chosen one judges nothing any more."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time

import pytest

from rewards import CircuitBreaker, CircuitBreakerOpen, CodeReward, ConfigurationError
from rewards.records import SandboxFailure
from rewards.sandboxes import choice
from rewards.sandboxes.fake import FakeSandbox
from rewards.sandboxes.local import LocalSandbox

RIGHT, WRONG = "```python\nprint(1)\n```", "```python\nprint(2)\n```"


class Gone(FakeSandbox):
    """A remote sandbox whose service is down."""

    name = "far"

    def __init__(self) -> None:
        super().__init__({})
        self.closed = False

    async def run(self, job, *, keep_going=None):
        return SandboxFailure("transport", "the service is down", retryable=False)

    async def close(self) -> None:
        self.closed = True
        await super().close()


def reward_of(sandbox, **options) -> CodeReward:
    return CodeReward(sandbox=sandbox, breaker=CircuitBreaker(batches=2), retries=0, **options)


def scores_of(reward: CodeReward, **more) -> list[float | None]:
    return reward(prompts=["", ""], completions=[RIGHT, WRONG], expected_output=["1", "1"], **more)


@pytest.mark.parametrize("key", [None, ""])
def test_auto_means_local_without_a_key(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("E2B_API_KEY", key)
    assert choice.chosen_name("auto") == "local"


@pytest.mark.parametrize("key", ["e2b_0123", "a key of another vendor"])
def test_auto_means_e2b_with_a_key_of_whatever_form(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("E2B_API_KEY", key)
    assert choice.chosen_name("auto") == "e2b"
    assert choice.chosen_name("local") == "local"


def test_e2b_without_a_key_is_an_error_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        CodeReward(sandbox="e2b")


def test_a_batch_that_opens_the_breaker_runs_again_in_the_fallback(caplog: pytest.LogCaptureFixture) -> None:
    sandbox, logged = Gone(), []
    with reward_of(sandbox, fallback="local", name="moving") as reward, caplog.at_level(logging.ERROR, "rewards"):
        assert scores_of(reward, log_metric=lambda name, value: logged.append((name, value))) == [None, None]
        assert scores_of(reward, log_metric=lambda name, value: logged.append((name, value))) == [1.0, 0.0]
        assert scores_of(reward) == [1.0, 0.0]
        assert sandbox.closed, "a sandbox that is left costs nothing any more"
        assert "local sandbox" in reward.describe()
    assert "moving to the sandbox 'local'" in caplog.text
    shares = [(name, value) for name, value in logged if "backend" in name]
    assert shares == [
        ("moving/backend/far", 0.0),
        ("moving/backend/local", 0.0),
        ("moving/backend/far", 0.0),
        ("moving/backend/local", 1.0),
    ], "the names stay the same"


def test_an_awaiting_caller_is_moved_as_well() -> None:
    async def go(reward: CodeReward) -> list[list[float | None]]:
        row = {"prompts": ["", ""], "completions": [RIGHT, WRONG], "expected_output": ["1", "1"]}
        return [await reward.acall(**row) for _ in range(2)]

    with reward_of(Gone(), fallback="local", name="awaited") as reward:
        assert asyncio.run(go(reward)) == [[None, None], [1.0, 0.0]]


def test_callers_side_by_side_are_all_moved() -> None:
    """A batch that was under way in the sandbox that was left says nothing about the other one."""

    async def go(reward: CodeReward) -> list[list[float | None]]:
        row = {"prompts": ["", ""], "completions": [RIGHT, WRONG], "expected_output": ["1", "1"]}
        return await asyncio.gather(*(reward.acall(**row) for _ in range(8)))

    with reward_of(Gone(), fallback="local", name="crowd") as reward:
        scores = asyncio.run(go(reward))
    assert scores.count([1.0, 0.0]) >= 7, "only the first one came before the breaker opened"


def test_a_batch_that_runs_twice_ends_by_its_one_deadline() -> None:
    class Late(Gone):
        async def run(self, job, *, keep_going=None):
            await asyncio.sleep(60)
            raise AssertionError("it is cancelled at the deadline")

    with CodeReward(
        sandbox=Late(), breaker=CircuitBreaker(batches=1), fallback="local", batch_deadline_s=2.0, name="late"
    ) as reward:
        began = time.monotonic()
        assert len(scores_of(reward)) == 2
        assert time.monotonic() - began < 10, "and not another two seconds, and what they cost, for the second run"
        assert scores_of(reward) == [1.0, 0.0]


def test_the_fallback_may_be_a_sandbox_with_options_of_its_own() -> None:
    with reward_of(Gone(), fallback=LocalSandbox(slots=1, preload=["json"]), name="own") as reward:
        assert [scores_of(reward), scores_of(reward)] == [[None, None], [1.0, 0.0]]


def test_without_a_fallback_the_breaker_stops_the_run() -> None:
    with reward_of(Gone(), name="stopped") as reward:
        assert scores_of(reward) == [None, None]
        with pytest.raises(CircuitBreakerOpen, match="the service is down"):
            scores_of(reward)


def test_a_fallback_is_asked_for_by_a_name_that_is_known() -> None:
    with pytest.raises(ConfigurationError, match="fallback"):
        CodeReward(sandbox=Gone(), fallback="e2b")


def test_a_fallback_beside_the_local_sandbox_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    with CodeReward(sandbox="auto", fallback="local", name="at_home") as reward:
        assert scores_of(pickle.loads(pickle.dumps(reward))) == [1.0, 0.0]
