"""The reward of agents: the last thing said, by the usual tests; nothing where the interpreter failed."""

from __future__ import annotations

import pickle
import time

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the reward of agents")

from rewards import CircuitBreaker, CircuitBreakerOpen, CodeReward, DatasetError, Interpreters
from rewards.records import Ended, SandboxFailure, TestRun
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from trainers.environments import CodeInterpreterEnvironment
from trainers.environments.reward import AgentReward
from trainers.environments.tool_results import NO_INTERPRETER

GONE = SandboxFailure("died", "the machine is gone")


def sandbox_with(cells, **options) -> FakeSandbox:
    return FakeSandbox({}, sessions=FakeSessions(cells, **options))


@pytest.fixture
def opened():
    """Give a function that returns an environment of its own interpreters; they are closed behind the test."""
    made: list[Interpreters] = []

    def environment(sandbox):
        made.append(Interpreters(sandbox))
        return CodeInterpreterEnvironment(interpreters=made[-1])

    yield environment
    for interpreters in made:
        interpreters.close()


def echo(source: str) -> str:
    return f"ran {source}"


def test_a_setup_that_raises_is_the_datasets_fault(opened):
    environment = opened(sandbox_with({"x": TestRun(Ended.RAISED, stderr="NameError: y")}))
    environment.reset(environment_setup="x")
    assert environment.run_python("1") == NO_INTERPRETER
    with pytest.raises(DatasetError, match="NameError: y"):
        AgentReward(right)(completions=["a"], environments=[environment])


def right(completions, log_extra=None, log_metric=None, **columns):
    if log_extra:
        log_extra("told", [f"of {completion}" for completion in completions])
    return [1.0] * len(completions)


def rollouts_of(opened, *answers):
    environments = []
    for answer in answers:
        environments.append(opened(sandbox_with(lambda source, answer=answer: answer)))
        environments[-1].reset()
        environments[-1].run_python("1")
    return environments


def test_a_rollout_whose_interpreter_failed_is_not_scored_and_no_place_in_a_table_is_lost(opened):
    told, figures = {}, {}
    scores = AgentReward(right)(
        completions=["a", "b", "c"],
        environments=rollouts_of(opened, "fine", GONE, TestRun(Ended.CPU_LIMIT)),
        log_extra=told.__setitem__,
        log_metric=figures.__setitem__,
        column=[1, 2, 3],
    )
    assert scores == [1.0, None, 1.0]
    assert told == {"told": ["of a", None, "of c"]}
    assert figures["agent/calls"] == 1.0
    assert figures["agent/unjudged"] == figures["agent/stopped_calls"] == pytest.approx(1 / 3)


def test_a_batch_without_interpreters_does_not_show_what_the_last_one_had(opened):
    reward, told = AgentReward(right), {}
    reward(completions=["a"], environments=rollouts_of(opened, "fine"), log_extra=told.__setitem__)
    assert told == {"told": ["of a"]}
    reward(completions=["b", "c"], environments=rollouts_of(opened, GONE, GONE), log_extra=told.__setitem__)
    assert told == {"told": [None, None]}


def test_batches_without_interpreters_end_the_run(opened):
    reward = AgentReward(right, breaker=CircuitBreaker(batches=2))
    assert reward(completions=["a"], environments=rollouts_of(opened, GONE)) == [None]
    with pytest.raises(CircuitBreakerOpen, match="the machine is gone"):
        reward(completions=["a"], environments=rollouts_of(opened, GONE))


def test_the_reward_ends_the_interpreters_of_its_batch(opened):
    """TRL never closes an environment, and the sandbox is needed for grading."""
    sandbox = sandbox_with(echo)
    environment = opened(sandbox)
    environment.reset()
    environment.run_python("1")
    AgentReward(right)(completions=["a"], environments=[environment])
    within(2.0, lambda: sandbox.opened[0].closed)


def test_the_last_message_that_says_something_is_graded_by_the_same_tests(opened):
    messages = [
        {"role": "assistant", "content": "```python\nprint(1)\n```", "tool_calls": []},
        {"role": "tool", "name": "run_python", "content": "```python\nprint(3)\n```"},
        {"role": "assistant", "content": "```python\nprint(2)\n```"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function"}]},
    ]
    with CodeReward(sandbox=FakeSandbox({"print(2)": "2"})) as plain:
        reward = AgentReward(plain)
        assert reward.__name__ == plain.name
        assert reward(completions=[messages], environments=rollouts_of(opened, "fine"), expected_output=["2"]) == plain(
            completions=["```python\nprint(2)\n```"], expected_output=["2"]
        )


def test_the_reward_of_agents_can_be_pickled_and_needs_no_environments():
    """AsyncGRPO sends it to another process, and passes no environments."""
    copy = pickle.loads(pickle.dumps(AgentReward(right)))
    assert copy(completions=["a"], prompts=["p"]) == [1.0]
    assert copy.__name__ == "right"


def within(seconds: float, is_so) -> None:
    """Wait for what happens on the background loop."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
