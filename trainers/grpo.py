"""The trainer of a GRPO run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from trl import GRPOConfig, GRPOTrainer

from .environments.building import agent_parts, check_trainer
from .ingredients import Ingredients
from .reward import reward_functions


def config_class() -> type[GRPOConfig]:
    """Return TRL's dataclass of training arguments."""
    return GRPOConfig  # type: ignore[no-any-return]  # trl is not type-checked here


def check(ingredients: Ingredients, functions: Sequence[Callable[..., Any]]) -> None:
    """Raise `ConfigurationError` or `DatasetError` for tools that this run cannot have; starts nothing."""
    agent = ingredients.run.agent
    if agent.tools and agent.parallel_tools:  # without the second the tokenizer of a model that is loaded is needed
        agent_parts(ingredients, functions)


def build(ingredients: Ingredients) -> GRPOTrainer:
    """Return the trainer, for rollouts with tools where the run has any.

    Raises `ConfigurationError` where the arguments do not fit each other.
    """
    run = ingredients.run
    functions = reward_functions(run, ingredients.reward)
    parts = {
        **ingredients.policy(),
        "reward_funcs": functions,
        "args": run.training,
        "train_dataset": ingredients.train_rows,
        "eval_dataset": ingredients.eval_rows,
    }
    if not run.agent.tools:
        return GRPOTrainer(**parts)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are using '(rollout_func|environment_factory)'")
        trainer = GRPOTrainer(**parts | agent_parts(ingredients, functions))
    check_trainer(trainer)
    return trainer
