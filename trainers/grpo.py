"""The trainer of a GRPO run."""

from __future__ import annotations

from trl import GRPOConfig, GRPOTrainer

from .ingredients import Ingredients
from .reward import reward_functions


def config_class() -> type[GRPOConfig]:
    """Return TRL's dataclass of training arguments."""
    return GRPOConfig  # type: ignore[no-any-return]  # trl is not type-checked here


def build(ingredients: Ingredients) -> GRPOTrainer:
    """Return the trainer; raises `ConfigurationError` where the arguments do not fit each other."""
    return GRPOTrainer(
        **ingredients.policy(),
        reward_funcs=reward_functions(ingredients.run, ingredients.reward),
        args=ingredients.run.training,
        train_dataset=ingredients.train_rows,
        eval_dataset=ingredients.eval_rows,
    )
