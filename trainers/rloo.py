"""The trainer of an RLOO run."""

from __future__ import annotations

from trl import RLOOConfig, RLOOTrainer

from .ingredients import Ingredients
from .reward import reward_functions


def config_class() -> type[RLOOConfig]:
    """Return TRL's dataclass of training arguments."""
    return RLOOConfig  # type: ignore[no-any-return]  # trl is not type-checked here


def build(ingredients: Ingredients) -> RLOOTrainer:
    """Return the trainer; raises `ConfigurationError` where the arguments do not fit each other."""
    return RLOOTrainer(
        **ingredients.policy(),
        reward_funcs=reward_functions(ingredients.run, ingredients.reward),
        args=ingredients.run.training,
        train_dataset=ingredients.train_rows,
        eval_dataset=ingredients.eval_rows,
    )
