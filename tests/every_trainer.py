"""Every trainer of TRL's that takes rewards and runs on the CPU, around a tiny model; and AsyncGRPO's scoring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from datasets import Dataset
from tiny_policy import tiny_model, tiny_tokenizer
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer
from trl.experimental.a2po import A2POConfig, A2POTrainer
from trl.experimental.async_grpo.async_rollout_worker import RolloutGroup, TrainingSequence, _AsyncRolloutLoop
from trl.experimental.gmpo import GMPOConfig, GMPOTrainer
from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer
from trl.experimental.sdpo import SDPOConfig, SDPOTrainer

TOKENS = 8
GROUP = {"per_device_train_batch_size": 4, "num_generations": 2, "max_completion_length": TOKENS}


@dataclass(frozen=True)
class Kind:
    """A trainer, its arguments, and under what name it logs the mean of the rewards."""

    trainer: type
    config: type
    options: Mapping[str, Any]
    mean_reward: str = "reward"


KINDS = {
    "GRPO": Kind(GRPOTrainer, GRPOConfig, GROUP),
    "RLOO": Kind(RLOOTrainer, RLOOConfig, GROUP),
    "GMPO": Kind(GMPOTrainer, GMPOConfig, GROUP),
    "OnlineDPO": Kind(
        OnlineDPOTrainer,
        OnlineDPOConfig,
        {"per_device_train_batch_size": 2, "max_new_tokens": TOKENS},
        "objective/scores",
    ),
    "SDPO": Kind(SDPOTrainer, SDPOConfig, GROUP, "self_distillation/reward_mean"),
    "A2PO": Kind(
        A2POTrainer,
        A2POConfig,
        {"per_device_train_batch_size": 4, "num_value_samples": 2, "max_completion_length": TOKENS},
    ),
}


def trainer_of(name: str, reward: Callable[..., Any], columns: Mapping[str, list[Any]], folder: Path) -> Any:
    """Return a trainer of that kind for two steps on the CPU."""
    torch.set_num_threads(1)
    kind, tokenizer = KINDS[name], tiny_tokenizer()
    tiny_model(tokenizer).save_pretrained(folder / "model")  # reference models and teachers are loaded again by name
    args = kind.config(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        max_steps=2,
        learning_rate=1e-3,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        seed=0,
        **kind.options,
    )
    return kind.trainer(
        model=str(folder / "model"),
        reward_funcs=reward,
        args=args,
        train_dataset=Dataset.from_dict(dict(columns)),
        processing_class=tokenizer,
    )


def advantages_of_async_grpo(reward: Callable[..., Any], completions: list[Any], column: list[str]) -> list[float]:
    """Return the advantages that AsyncGRPO's worker, which needs a GPU and vLLM around it, gives to a group."""
    count = len(completions)
    sequence = TrainingSequence([1], [1], [0.0], SimpleNamespace())
    group = RolloutGroup(
        prompts=[[{"role": "user", "content": "print one"}]] * count,
        reward_kwargs={"tests": column},
        completions=completions,
        completions_ids=[[1]] * count,
        completions_sequences=[[sequence]] * count,
        tool_call_counts=[0] * count,
        tool_failure_counts=[0] * count,
        model_version=0,
        group_id=0,
        env_rewards=[None] * count,
        rollout_rewards=[None] * count,
    )
    worker = SimpleNamespace(
        reward_funcs=[reward], reward_func_names=["code"], _env_reward_types=[], _provides_rollout_reward=False
    )
    return [sample.advantage for sample in asyncio.run(_AsyncRolloutLoop._score_group(worker, group))]
