"""The models of a PPO run: the policy, the one that its KL penalty is measured from, and the value model."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import Any

from accelerate import PartialState
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from rewards import ConfigurationError

from ..ingredients import Ingredients

_log = logging.getLogger("trainers")


@dataclass(frozen=True)
class Models:
    """What `PPOTrainer` is handed, beside the reward model."""

    policy: Any
    value: Any
    reference: Any
    """None: TRL copies the policy, or with PEFT takes it without its adapter."""
    tokenizer: Any
    peft_config: Any


def load_models(ingredients: Ingredients) -> Models:
    """Load them all from one checkpoint, or from the model in memory; raises `ConfigurationError` where none is named.

    The value model is the policy's transformer with a new head, or what `value_model` names.
    """
    parts = ingredients.policy()
    training, model = ingredients.run.training, parts["model"]
    options = _options(ingredients, parts["quantization_config"])
    tokenizer = tokenizer_of(ingredients)
    reference = None
    if isinstance(model, str):
        policy = AutoModelForCausalLM.from_pretrained(model, **options)
        if parts["peft_config"] is None:
            reference = AutoModelForCausalLM.from_pretrained(model, **options)
    else:
        policy = model
    value = _value_model(policy, training.value_model or (model if isinstance(model, str) else None), options)
    value.config.pad_token_id = tokenizer.pad_token_id
    if training.gradient_checkpointing:  # PPOTrainer takes the argument and leaves it at that
        policy.gradient_checkpointing_enable(training.gradient_checkpointing_kwargs or {"use_reentrant": False})
    return Models(policy, value, reference, tokenizer, parts["peft_config"])


def tokenizer_of(ingredients: Ingredients) -> Any:
    """Return the run's tokenizer, with padding on the left, where PPOTrainer needs it."""
    tokenizer, model = ingredients.tokenizer, ingredients.run.model
    if tokenizer is None:
        if ingredients.model is not None or not model.model_name_or_path:
            raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
        tokenizer = AutoTokenizer.from_pretrained(
            model.model_name_or_path,
            revision=model.model_revision,
            trust_remote_code=ingredients.run.training.trust_remote_code,
        )
    if tokenizer.pad_token is None:
        _log.warning(
            "the tokenizer has no pad token: its end of text is one, and PPO learns nothing about where to end"
        )
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    return tokenizer


def _options(ingredients: Ingredients, quantization: Any) -> dict[str, Any]:
    options = dict(ingredients.run.training.model_init_kwargs or {})
    if quantization is not None:
        options |= {"quantization_config": quantization, "device_map": {"": PartialState().local_process_index}}
    return options


def _value_model(policy: Any, name: str | None, options: dict[str, Any]) -> Any:
    if name is not None:
        value = AutoModelForSequenceClassification.from_pretrained(name, num_labels=1, **options)
    else:
        config = copy.deepcopy(policy.config)
        config.num_labels = 1
        value = AutoModelForSequenceClassification.from_config(config)
        getattr(value, value.base_model_prefix).load_state_dict(policy.base_model.state_dict())
    if not hasattr(value, "score"):
        raise ConfigurationError(
            f"{type(value).__name__} has no `score` head, which PPOTrainer calls: name a causal language model as "
            "value_model"
        )
    return value
