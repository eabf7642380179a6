"""A model as its files describe it, without its weights: its size, its tokenizer, and how it would be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from trl import get_peft_config, get_quantization_config

from rewards import ConfigurationError

from .arguments import RunArguments


@dataclass(frozen=True)
class PolicyPreview:
    """What is known of a policy before it is loaded."""

    model: str
    options: tuple[str, ...]
    """Lines about PEFT, quantization and generation, for people."""
    tokenizer: Any
    max_length: int | None
    """Tokens that the model holds, where its config says so."""


def preview_policy(run: RunArguments, tokenizer: Any = None) -> PolicyPreview:
    """Return it; with *tokenizer* the run makes its own model. Raises `ConfigurationError` for an unknown one."""
    name = run.model.model_name_or_path
    if tokenizer is not None:
        return PolicyPreview("made in memory", _options(run), tokenizer, None)
    if not name:
        raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
    where = {
        "revision": run.model.model_revision,
        "trust_remote_code": getattr(run.training, "trust_remote_code", False),
    }
    try:
        config = AutoConfig.from_pretrained(name, **where)
        loaded = AutoTokenizer.from_pretrained(name, **where)
        with torch.device("meta"):
            size = AutoModelForCausalLM.from_config(
                config, trust_remote_code=where["trust_remote_code"]
            ).num_parameters()
    except (OSError, ValueError) as error:  # no such model, no network, or nothing that generates text
        raise ConfigurationError(f"the model {name!r} cannot be loaded: {error}") from error
    text = config.get_text_config()
    model = f"{name}: {config.model_type}, {size:,} parameters, as {run.model.dtype}"
    return PolicyPreview(model, _options(run), loaded, getattr(text, "max_position_embeddings", None))


def refuse_missing_model(run: RunArguments) -> None:
    """Raise `ConfigurationError` where there is no model of the run's name: TRL tells it by thirty lines of its own."""
    name = run.model.model_name_or_path
    if not name:
        raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
    trusted = getattr(run.training, "trust_remote_code", False)
    try:
        AutoConfig.from_pretrained(name, revision=run.model.model_revision, trust_remote_code=trusted)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the model {name!r} cannot be loaded: {error}") from error


def _options(run: RunArguments) -> tuple[str, ...]:
    training, lines = run.training, []
    peft = get_peft_config(run.model)
    if peft is not None:
        modules = peft.target_modules or "the model's usual ones"
        lines.append(f"PEFT: LoRA of rank {peft.r}, alpha {peft.lora_alpha}, dropout {peft.lora_dropout}, on {modules}")
    if get_quantization_config(run.model) is not None:
        lines.append(f"quantization: {'4' if run.model.load_in_4bit else '8'} bit")
    if getattr(training, "use_vllm", False):
        part = f", {training.vllm_gpu_memory_utilization:.0%} of a GPU's memory" * (training.vllm_mode == "colocate")
        lines.append(f"generation: vLLM, {training.vllm_mode}{part}")
    return tuple(lines)
