"""The message rewards inside TRL's own trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewards.message_rewards import fractional_code_reward, local_code_execution_reward, reward_function
from rewards.sandboxes.fake import FakeSandbox

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the rewards inside TRL")

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # transformers renamed what TRL still sets
)

CASES = [{"input": "1", "expected_output": "1"}]
STANDARD = {
    "prompt": ["print one: "] * 4,
    "expected_output": ["1"] * 4,
    "test_cases": [CASES] * 4,
    "sandbox": ["x"] * 4,
}
CHAT = {**STANDARD, "prompt": [[{"role": "user", "content": "print one"}]] * 4}
SEEN: list[object] = []


@reward_function
def wordy(response: str, messages: list[object], expected_output: str) -> float:
    SEEN.append((messages[0], expected_output))
    return float(len(response))


@pytest.mark.parametrize("columns", [pytest.param(STANDARD, id="standard"), pytest.param(CHAT, id="conversational")])
def test_a_trainer_takes_them(columns: dict[str, list[object]], tmp_path: Path) -> None:
    from tiny_policy import grpo_trainer

    sandbox = FakeSandbox(lambda job: "1")
    by_output = local_code_execution_reward.configured("output", sandbox=sandbox, test_cases=None)
    by_cases = fractional_code_reward.configured("cases", sandbox=sandbox, expected_output=None)
    trainer = grpo_trainer([by_output, by_cases, wordy], columns, str(tmp_path), steps=1)
    trainer.train()
    (entry,) = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert entry["rewards/output/mean"] == entry["rewards/cases/mean"] == 0.0, "this policy writes no programs"
    assert entry["rewards/wordy/mean"] > 0
    question, expected = SEEN[-1]
    assert (question["role"], expected) == ("user", "1")
    assert "print one" in question["content"]
