"""Calls as reward-kit's guides make them, without a key and with one: the stand-in's, in place of E2B's."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2b_service.handle import ServiceHandle, start_service

from rewards.message_rewards import (
    EvaluateResult,
    advanced_code_evaluation,
    data_analysis_reward,
    e2b_code_execution_reward,
    file_based_code_reward,
    fractional_code_reward,
    local_code_execution_reward,
    multi_test_code_reward,
    reward_function,
)

QUESTION = {"role": "user", "content": "Write a Python function that doubles a number. The output should be 42."}
ANSWER = {
    "role": "assistant",
    "content": "Like this:\n\n```python\ndef twice(n):\n    return 2 * n\n\nprint(twice(21))\n```",
}
CONVERSATION = [QUESTION, ANSWER]
REWARDS = (
    advanced_code_evaluation,
    data_analysis_reward,
    e2b_code_execution_reward,
    file_based_code_reward,
    fractional_code_reward,
    local_code_execution_reward,
)


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    pytest.importorskip("e2b_code_interpreter", reason='pip install "code-rewards[e2b]"')
    with start_service() as handle:
        yield handle


@pytest.fixture(scope="module", params=["local", "e2b"])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """The sandbox that a call without `api_key` uses."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("E2B_API_KEY", raising=False)
        if request.param == "e2b":
            for name, value in request.getfixturevalue("service").environment.items():
                environment.setenv(name, value)
        yield request.param
        for reward in REWARDS:
            reward.close()


def test_basic_usage(where: str) -> None:
    result = e2b_code_execution_reward(
        messages=CONVERSATION,
        expected_output="42",
        language="python",
        api_key=os.environ.get("E2B_API_KEY"),
        timeout=10,
    )
    assert isinstance(result, EvaluateResult)
    assert result.score == 1.0
    assert set(result.metrics) == {"extracted_code", "expected_output", "execution_result", "output_match"}
    assert f"in the sandbox {where}" in result.metrics["execution_result"].reason
    assert all(isinstance(metric.reason, str) for metric in result.metrics.values())


def test_the_expected_output_is_taken_from_the_conversation(where: str) -> None:
    result = e2b_code_execution_reward(messages=CONVERSATION, original_messages=CONVERSATION, language="python")
    assert result.score == 1.0
    assert result.metrics["expected_output"].reason.endswith("42")


def test_the_fallback_by_hand(where: str) -> None:
    api_key = os.environ.get("E2B_API_KEY")
    if api_key:
        result = e2b_code_execution_reward(
            messages=CONVERSATION, expected_output="42", language="python", api_key=api_key
        )
    else:
        result = local_code_execution_reward(messages=CONVERSATION, expected_output="42", language="python")
    assert result.score == 1.0


def test_a_key_may_be_given_without_the_environment(service: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("E2B_API_KEY")
    result = e2b_code_execution_reward(CONVERSATION, expected_output="42", api_key=service.api_key)
    e2b_code_execution_reward.close()
    assert (result.score, "in the sandbox e2b" in result.metrics["execution_result"].reason) == (1.0, True)


def test_results_are_read_by_name_and_by_key() -> None:
    result = fractional_code_reward(messages=CONVERSATION, ground_truth="42", language="python")
    assert result.score == result["score"] == 1.0
    assert result["metrics"]["execution_result"]["reason"] == result.metrics["execution_result"].reason


def test_a_response_is_tried_with_cells(where: str) -> None:
    """The overview's usage example: its cells end in assignments, and nothing but their values can be compared."""
    cases = [{"code": "total = plus(20, 22)", "expected": "42"}, {"code": "total = plus(-1, 1)", "expected": "0"}]
    result = advanced_code_evaluation("def plus(a, b):\n    return a + b\n", cases)
    assert result.score == 1.0
    assert f"in the sandbox {where}" in result.metrics["execution_result"].reason
    assert advanced_code_evaluation is multi_test_code_reward


def test_a_response_writes_files(where: str) -> None:
    response = "with open('notes.txt', 'w') as notes:\n    notes.write('done')\n"
    operations = [
        {"type": "create", "path": "notes.txt", "content": "done"},
        {"type": "exists", "path": "notes.txt"},
        {"type": "exists", "path": "other.txt"},
    ]
    assert file_based_code_reward(response, operations).score == pytest.approx(2 / 3)


def test_a_response_analyses_a_data_set(where: str, tmp_path) -> None:
    (tmp_path / "sales.csv").write_text("city,price\nRome,1.5\nParis,4.5\n")
    response = (
        "lines = open('dataset.csv').read().split()\nprint('highest price:', max(lines[1:], key=lambda l: l[-3:]))"
    )
    result = data_analysis_reward(response, dataset_path=str(tmp_path / "sales.csv"), expected_insights=["Paris", 4.5])
    assert result.score == 1.0


def test_a_reward_of_ones_own_uses_the_sdk_itself(service: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overview's first function, with the calls that today's SDK has for it."""
    from e2b_code_interpreter import Sandbox

    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)

    @reward_function
    def shown_value(response: str, expected_output: str, **kwargs: object) -> float:
        with Sandbox.create() as sandbox:
            execution = sandbox.run_code(response)
            if execution.error:
                return 0.0
            output = "".join(result.text or "" for result in execution.results)
        return float(output.strip() == expected_output.strip())

    assert shown_value("6 * 7", "42").score == 1.0
    assert shown_value(response="1 / 0", expected_output="42").score == 0.0
    assert shown_value(completions=["6 * 7", "6 * 6"], expected_output=["42", "42"], level=["a", "b"]) == [1.0, 0.0]
