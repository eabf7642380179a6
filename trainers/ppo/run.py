"""The making of a PPO run's trainer; importing this needs a TRL that has PPO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import datasets

from rewards import ConfigurationError

from ..arguments import RunArguments
from ..ingredients import Ingredients
from ..reward import reward_functions
from . import RewardModel
from .judge import Judge
from .models import load_models, tokenizer_of
from .rows import tokenized, without_repetitions
from .trainer import RewardPPOTrainer


def build_ppo_trainer(ingredients: Ingredients) -> RewardPPOTrainer:
    """Return the trainer; raises `ConfigurationError` or `DatasetError` where rows and arguments do not fit PPO."""
    run = ingredients.run
    _refuse_what_ppo_lacks(run)
    models = load_models(ingredients)
    rows, n = _told_apart(ingredients, models.tokenizer)
    _refuse_too_few(run.training, n)
    ids = rows.select_columns(["input_ids"])
    return RewardPPOTrainer(
        run.training,
        models.tokenizer,
        model=models.policy,
        ref_model=models.reference,
        value_model=models.value,
        reward_model=RewardModel(
            reward_functions(run, ingredients.reward)[0],
            rows,
            tokenizer=models.tokenizer,
            unjudged_value=run.training.unjudged_value,
        ),
        train_dataset=ids.select(range(n)),
        eval_dataset=ids.select(range(n, len(ids))) if n < len(ids) else None,
        peft_config=models.peft_config,
    )


def check_ppo(ingredients: Ingredients, functions: Sequence[Callable[..., Any]]) -> None:
    """Raise what `build_ppo_trainer` would raise before it has models."""
    run, tokenizer = ingredients.run, tokenizer_of(ingredients)
    _refuse_what_ppo_lacks(run)
    rows, n = _told_apart(ingredients, tokenizer)
    _refuse_too_few(run.training, n)
    Judge(functions[0], rows, tokenizer=tokenizer, unjudged_value=run.training.unjudged_value)


def _refuse_what_ppo_lacks(run: RunArguments) -> None:
    if run.agent.tools:
        raise ConfigurationError("tools: only GRPO has them; PPO's trainer generates one response without a pause")
    if run.reward.other_rewards and not run.reward.combine_rewards:
        raise ConfigurationError("PPO takes one reward: combine_rewards: true makes one of other_rewards and ours")


def _told_apart(ingredients: Ingredients, tokenizer: Any) -> tuple[datasets.Dataset, int]:
    """Return all rows with their ids, no prompt twice, those to train on first, and how many those are."""
    train = without_repetitions(tokenized(ingredients.train_rows, tokenizer=tokenizer))
    if ingredients.eval_rows is None:
        return train, len(train)
    evaluated = tokenized(ingredients.eval_rows, tokenizer=tokenizer)
    return without_repetitions(datasets.concatenate_datasets([train, evaluated])), len(train)


def _refuse_too_few(training: Any, n_rows: int) -> None:
    """Refuse what PPOTrainer would wait for without end: it leaves out incomplete batches, and asks for another one."""
    if training.episodes_per_step > n_rows:
        raise ConfigurationError(
            f"{n_rows} rows do not fill a step of {training.episodes_per_step} episodes, each with another prompt: "
            "lower per_device_train_batch_size or gradient_accumulation_steps"
        )
