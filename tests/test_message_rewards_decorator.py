"""A user's own function as a reward: for one conversation, for a trainer's batch, for an evaluation."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from rewards.errors import ConfigurationError
from rewards.message_rewards import (
    EvaluateResult,
    MessageReward,
    MetricResult,
    RewardOutput,
    local_code_execution_reward,
    reward_function,
)
from rewards.sandboxes.fake import FakeSandbox


@reward_function
def words(response: str, least: int = 1) -> float:
    """Count words."""
    return min(1.0, len(response.split()) / least)


@reward_function
async def awaited(messages: list[Any], answer: str) -> RewardOutput:
    await asyncio.sleep(0.01)
    return RewardOutput(float(messages[-1].content == answer), "compared")


@reward_function(name="brief", at_once=4)
def short(response: str) -> float:
    return 1.0 / len(response)


ANSWER = [{"role": "user", "content": "Say two words."}, {"role": "assistant", "content": "hello world"}]


def test_one_conversation_gets_a_result() -> None:
    assert words(ANSWER, least=4) == RewardOutput(0.5)
    assert words("hello world").score == 1.0
    assert awaited(ANSWER, answer="hello world").reason == "compared"
    assert awaited(ANSWER, "no").score == 0.0


def test_a_batch_gets_scores() -> None:
    batch = {"prompts": [ANSWER[:1]] * 2, "completions": ["a", [ANSWER[1]]], "ids": [1, 2], "trainer_state": None}
    assert words(**batch, least=[2, 4]) == [0.5, 0.5]
    assert awaited(**batch, answer=["a", "b"]) == [1.0, 0.0]
    assert [result.score for result in words.evaluate(**batch)] == [1.0, 1.0]
    assert asyncio.run(words.acall(**batch, least=[2, 4])) == [0.5, 0.5]


def test_the_function_of_reward_kits_guide_works() -> None:
    @reward_function
    def word_count(messages: Any, original_messages: Any = None, metadata: Any = None, **kwargs: Any) -> EvaluateResult:
        count = len(messages[-1].get("content", "").split())
        score = min(count / (metadata or {}).get("threshold", 50), 1.0)
        assert len(original_messages) == len(messages) - 1
        metrics = {"word_count": MetricResult(score=score, success=count > 1, reason=f"{count} words, {kwargs}")}
        return EvaluateResult(score=score, reason="counted", metrics=metrics)

    result = word_count(ANSWER, metadata={"threshold": 4}, topic="greeting")
    assert result.score == 0.5
    assert result.metrics["word_count"].reason == "2 words, {'topic': 'greeting'}"
    scores = word_count(prompts=["x"], completions=["a b"], metadata=[{"threshold": 2}], topic=["y"], log_extra=print)
    assert scores == [1.0]


@pytest.mark.parametrize(
    ("answer", "score"),
    [(1, 1.0), (True, 1.0), (-3.5, -3.5), (None, None), ((0.75, {"clarity": 0.8}), 0.75), (RewardOutput(None), None)],
)
def test_what_a_function_may_return(answer: Any, score: float | None) -> None:
    reward = reward_function(lambda response: answer)
    assert reward("x").score == score
    assert reward(completions=["x"]) == [score]


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy", reason="pip install numpy")
    assert reward_function(lambda response: numpy.float32(0.5))("x").score == 0.5


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), "1.0", [1.0], {"score": 1.0}, (1.0, 2.0)])
def test_what_is_no_score_is_an_error_that_names_the_function(answer: Any) -> None:
    reward = reward_function(name="odd")(lambda response: answer)
    with pytest.raises(ConfigurationError, match="odd"):
        reward(completions=["x"])


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_exception_is_the_users_and_says_for_which_completion(kind: str) -> None:
    def fails(response: str) -> float:
        if response == "c":
            raise KeyError("mine")
        return 1.0

    async def fails_later(response: str) -> float:
        return fails(response)

    reward = reward_function(fails if kind == "sync" else fails_later)
    with pytest.raises(KeyError, match="mine") as caught:
        reward(completions=list("abcd"))
    assert any("completion 2 of 4" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_batch_runs_concurrently_and_within_its_bound(kind: str) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def count(by: int) -> None:
        with lock:
            running[0] += by
            most[0] = max(most[0], running[0])

    def slow(response: str) -> float:
        count(1)
        time.sleep(0.05)
        count(-1)
        return 1.0

    async def slow_async(response: str) -> float:
        count(1)
        await asyncio.sleep(0.05)
        count(-1)
        return 1.0

    reward = reward_function(at_once=8)(slow if kind == "sync" else slow_async)
    assert reward(completions=["x"] * 32) == [1.0] * 32
    assert 4 <= most[0] <= 8


def test_an_unknown_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"'lest'; known are response, least"):
        words("a", lest=3)


def test_a_missing_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match="answer"):
        awaited("x")
    with pytest.raises(ConfigurationError, match=r"answer, and no column is called so; found are other"):
        awaited(completions=["x"], other=[1])


@pytest.mark.parametrize("error", [StopIteration, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_would_end_a_loop_ends_the_call(kind: str, error: type[BaseException]) -> None:
    """A bare `next` that finds nothing, or a `sys.exit`: no future holds the one, and the other stops its thread."""

    def fails(response: str) -> float:
        raise error

    async def fails_later(response: str) -> float:
        raise error

    reward = reward_function(fails if kind == "sync" else fails_later)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=error.__name__):
            reward(completions=["a", "b"])


def test_a_decorated_method_is_told_how_to_be_a_reward() -> None:
    class Grader:
        worth = 0.25

        def grade(self, response: str) -> float:
            return self.worth

    assert reward_function(Grader().grade)("hi").score == 0.25
    with pytest.raises(ConfigurationError, match=r"Grader.grade: decorate a bound method"):
        reward_function(Grader.grade)


def test_a_function_must_ask_for_the_conversation() -> None:
    with pytest.raises(ConfigurationError, match="messages"):
        reward_function(lambda completion: 1.0)
    with pytest.raises(ConfigurationError, match="decorates a function"):
        reward_function(3)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="decorates a function"):
        reward_function(words)


def test_it_pickles_where_a_function_would() -> None:
    assert pickle.loads(pickle.dumps(words)) is words
    assert pickle.loads(pickle.dumps(short)) is short
    assert pickle.loads(pickle.dumps(words.configured(least=4)))("a b").score == 0.5
    assert (words.__name__, short.__name__, words.__doc__) == ("words", "brief", "Count words.")


def test_a_function_may_use_another_reward() -> None:
    sandbox = FakeSandbox(lambda job: "5")
    fenced = "```python\np\n```"

    @reward_function
    def inside(response: str) -> RewardOutput:
        return local_code_execution_reward(response, expected_output="5", sandbox=sandbox)

    @reward_function
    async def inside_async(response: str) -> RewardOutput:
        return await local_code_execution_reward.acall(response, expected_output="5", sandbox=sandbox)

    @reward_function
    async def blocking(response: str) -> RewardOutput:
        return local_code_execution_reward(response, expected_output="5", sandbox=sandbox)

    assert inside(completions=[fenced] * 20) == [1.0] * 20
    assert inside_async(completions=[fenced] * 20) == [1.0] * 20
    with pytest.raises(ConfigurationError, match="acall"):
        blocking(fenced)


def test_none_from_a_function_never_stops_a_run() -> None:
    reward = reward_function(lambda response: None)
    for _ in range(5):
        assert reward(completions=["x"]) == [None]


def test_a_deadline_leaves_the_rest_unjudged() -> None:
    @reward_function(batch_deadline_s=0.3)
    async def hangs(response: str) -> float:
        await asyncio.sleep(0 if response == "a" else 1000)
        return 1.0

    assert hangs(completions=["a", "b"]) == [1.0, None]


def test_it_works_in_a_forked_child_and_lets_the_process_end() -> None:
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")
from rewards.message_rewards import reward_function

@reward_function
def f(response): return len(response)

assert f(completions=["ab"]) == [2.0]
child = os.fork()
if not child:
    os._exit(0 if f(completions=["abc"]) == [3.0] else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ})


def test_closing_lets_the_threads_end_and_a_later_call_starts_others() -> None:
    reward = reward_function(name="closing")(lambda response: 1.0)
    assert isinstance(reward, MessageReward)
    assert reward(completions=["x"] * 3) == [1.0] * 3
    reward.close()
    assert reward(completions=["x"] * 3) == [1.0] * 3
    reward.close()
