"""The functions that users of RewardKit know, each for one conversation and for a trainer's batch.

`import rewards` does not import them. Every one is a `MessageReward`: called on messages it returns a `RewardOutput`,
called with `completions=` it is a reward of TRL's trainers.
"""

from .code_execution import e2b_code_execution_reward, local_code_execution_reward
from .conversation import Message
from .data_analysis import data_analysis_reward
from .decorator import reward_function
from .file_based import file_based_code_reward
from .fractional import fractional_code_reward
from .multi_test import advanced_code_evaluation, multi_test_code_reward
from .output import EvaluateResult, MetricResult, MetricRewardOutput, RewardOutput
from .reward import MessageReward

__all__ = [
    "EvaluateResult",
    "Message",
    "MessageReward",
    "MetricResult",
    "MetricRewardOutput",
    "RewardOutput",
    "advanced_code_evaluation",
    "data_analysis_reward",
    "e2b_code_execution_reward",
    "file_based_code_reward",
    "fractional_code_reward",
    "local_code_execution_reward",
    "multi_test_code_reward",
    "reward_function",
]
