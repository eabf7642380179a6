"""The reward that is the share of the test cases that pass."""

from __future__ import annotations

from typing import Any

from ..comparison import Comparison
from ..sandboxes.base import Sandbox
from .conversation import Conversation
from .engine import Engine
from .execution import OPTIONS, Execution
from .expectation import Wanted
from .output import RewardOutput
from .passed_tests import place_of
from .reward import MessageReward


async def _fractional_code_reward(
    engine: Engine,
    messages: Conversation,
    original_messages: Any = None,
    expected_output: Any = None,
    language: str | None = "python",
    timeout: float | None = 30,
    environment: str = "local",
    api_key: str | None = None,
    test_cases: Any = None,
    *,
    ground_truth: Any = None,
    similarity: bool = True,
    comparison: str | Comparison | None = None,
    fallback: str | Sandbox | None = "local",
    sandbox: str | Sandbox | None = None,
) -> RewardOutput:
    """Run the response's program, and score the share of the test cases that pass, or how near its output comes.

    `environment` is `"local"` or `"e2b"`; `ground_truth` may be an expected output or a list of test cases. The other
    arguments are those of `e2b_code_execution_reward`.
    """
    place = place_of(environment, api_key, fallback, sandbox)
    wanted = Wanted(original_messages, expected_output, ground_truth, test_cases, comparison)
    return await Execution(language or "python", timeout, similarity).grade(engine, messages, wanted, place)


fractional_code_reward = MessageReward(_fractional_code_reward, name="fractional_code_reward", options=OPTIONS)
