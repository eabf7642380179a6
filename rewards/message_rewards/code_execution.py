"""The rewards that run the program of a response and compare what it prints."""

from __future__ import annotations

from typing import Any

from ..comparison import Comparison
from ..sandboxes.base import Sandbox
from .conversation import Conversation
from .engine import Engine
from .execution import OPTIONS, Execution, Place
from .expectation import Wanted
from .output import RewardOutput
from .reward import MessageReward


async def _e2b_code_execution_reward(
    engine: Engine,
    messages: Conversation,
    original_messages: Any = None,
    expected_output: Any = None,
    language: str | None = "python",
    timeout: float | None = 30,
    api_key: str | None = None,
    test_cases: Any = None,
    *,
    ground_truth: Any = None,
    similarity: bool = True,
    comparison: str | Comparison | None = None,
    fallback: str | Sandbox | None = "local",
    sandbox: str | Sandbox | None = None,
) -> RewardOutput:
    """Run the response's program in an E2B sandbox, and score what it prints.

    `expected_output` (or `ground_truth`, its older name) is what the program should print; an empty one means nothing.
    Where it is None, what a user or system message states counts, and where none does, a program that ends well gets
    1.0, and the reason says that nothing was compared. An output that differs gets part of the score by its likeness,
    less than 1.0; `similarity=False` makes it 0.0, and `comparison` says what differs (`Comparison.parse`).
    `test_cases`, each with `input` (stdin) and `expected_output`, score the share that passes.

    `timeout` is CPU seconds of each run, and three times and two seconds more by the clock. Without a key in `api_key`
    or E2B_API_KEY the program runs in `fallback`, the local sandbox, and `execution_result` says so; with
    `fallback=None` that is a `ConfigurationError`. `sandbox` is a sandbox object to use instead of either.
    """
    execution = Execution(language or "python", timeout, similarity)
    place = Place(sandbox) if sandbox is not None else Place.on_e2b(api_key, fallback)
    wanted = Wanted(original_messages, expected_output, ground_truth, test_cases, comparison)
    return await execution.grade(engine, messages, wanted, place)


async def _local_code_execution_reward(
    engine: Engine,
    messages: Conversation,
    original_messages: Any = None,
    expected_output: Any = None,
    language: str | None = "python",
    timeout: float | None = 30,
    test_cases: Any = None,
    *,
    ground_truth: Any = None,
    similarity: bool = True,
    comparison: str | Comparison | None = None,
    max_memory_mb: int | None = None,
    sandbox: str | Sandbox = "local",
) -> RewardOutput:
    """Run the response's program in the local sandbox, and score what it prints.

    The arguments are those of `e2b_code_execution_reward`; `max_memory_mb` is what the program may use, 1024 if unset.
    """
    execution = Execution(language or "python", timeout, similarity, max_memory_mb)
    wanted = Wanted(original_messages, expected_output, ground_truth, test_cases, comparison)
    return await execution.grade(engine, messages, wanted, Place(sandbox))


e2b_code_execution_reward = MessageReward(_e2b_code_execution_reward, name="e2b_code_execution_reward", options=OPTIONS)
local_code_execution_reward = MessageReward(
    _local_code_execution_reward, name="local_code_execution_reward", options=OPTIONS
)
