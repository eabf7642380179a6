"""Tools for a model that is trained: an interpreter of its own for every rollout, and the turns of a batch."""

from .interpreter import TOOLS, CodeInterpreterEnvironment, InterpreterEnvironment, environment_class
from .reward import AgentReward
from .rollouts import QuietEnvironment, Rollouts

__all__ = [
    "TOOLS",
    "AgentReward",
    "CodeInterpreterEnvironment",
    "InterpreterEnvironment",
    "QuietEnvironment",
    "Rollouts",
    "environment_class",
]
