"""The reward that is the share of the test cases that pass."""

from __future__ import annotations

from typing import Any

from ..comparison import Comparison
from ..options import check_options, one_of
from ..sandboxes.base import Sandbox
from .conversation import Conversation
from .engine import Engine
from .execution import OPTIONS, Execution, Place
from .expectation import Wanted
from .output import RewardOutput
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
    check_options({"environment": environment}, {"environment": one_of(("local", "e2b"))})
    local = Place("local") if environment == "local" else None
    place = Place(sandbox) if sandbox is not None else local or Place.on_e2b(api_key, fallback)
    wanted = Wanted(original_messages, expected_output, ground_truth, test_cases, comparison)
    return await Execution(language or "python", timeout, similarity).grade(engine, messages, wanted, place)


fractional_code_reward = MessageReward(_fractional_code_reward, name="fractional_code_reward", options=OPTIONS)
