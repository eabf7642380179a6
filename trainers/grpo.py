"""A GRPO run from one set of arguments: reward, model, trainer, and what is left when it ends."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import datasets
from trl import GRPOTrainer, get_peft_config, get_quantization_config

from rewards import CodeReward, ConfigurationError, Extraction, Limits, combine
from rewards.sandboxes.choice import chosen_name, reason_for
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.local import LocalSandbox

from .config import RewardArguments, RunArguments
from .datasets import load_rows
from .progress import show_reward_table
from .report import write_report

_log = logging.getLogger("trainers")
_UNSET = RewardArguments()


def build_reward(arguments: RewardArguments, *, ddp_timeout_s: float = 1800.0) -> CodeReward:
    """Return the reward that *arguments* describe; its owner closes it.

    Other ranks wait `ddp_timeout_s` for the slowest one before the whole job is killed, so that grading a batch may
    take half of it at most.
    """
    return CodeReward(
        sandbox=_sandbox(arguments),
        scoring=arguments.scoring,
        schema=arguments.schema,
        extraction=Extraction(choice=arguments.block_choice, opened_by_prompt=arguments.opened_by_prompt),
        comparison=arguments.comparison,
        limits=Limits(
            cpu_s=arguments.cpu_s,
            wall_s=arguments.wall_s,
            memory_mb=arguments.memory_mb,
            job_cpu_s=arguments.job_cpu_s,
        ),
        max_tests=arguments.max_tests,
        trust=arguments.trust,
        stop_at_first_failure=arguments.stop_at_first_failure,
        batch_deadline_s=arguments.batch_deadline_s or ddp_timeout_s / 2,
        fallback=_fallback(arguments),
        no_program_score=arguments.no_program_score,
        name=arguments.reward_name,
    )


def _sandbox(arguments: RewardArguments) -> str | LocalSandbox | E2BSandbox:
    """Return what `CodeReward` is to use; beside `auto` there may be options of both sandboxes."""
    name = chosen_name(arguments.sandbox)
    given, e2b = _given(arguments, "sandbox_"), _given(arguments, "e2b_")
    local: dict[str, Any] = {option: given.pop(option) for option in ("slots", "level") if option in given}
    if arguments.sandbox == "e2b" and local and arguments.fallback is None:
        raise ConfigurationError("sandbox_slots and sandbox_level are the local sandbox's, but sandbox is 'e2b'")
    if arguments.sandbox == "local" and e2b:
        names = ", ".join(f"e2b_{option}" for option in e2b)
        raise ConfigurationError(f"{names}: an option of the E2B sandbox, but sandbox is 'local'")
    given |= local if name == "local" else e2b
    if not given:
        return arguments.sandbox
    if arguments.sandbox == "auto":
        _log.warning("sandbox='auto' means the sandbox %r, because %s", name, reason_for(name))
    return LocalSandbox(**given) if name == "local" else E2BSandbox(**given)


def _fallback(arguments: RewardArguments) -> str | LocalSandbox | None:
    """Return the sandbox to move to, with the protection that was asked for and the modules that programs find."""
    given = _given(arguments, "sandbox_")
    if arguments.fallback != "local" or not given or chosen_name(arguments.sandbox) == "local":
        return arguments.fallback
    return LocalSandbox(**given)


def _given(arguments: RewardArguments, prefix: str) -> dict[str, Any]:
    """Return the options that begin with *prefix* and say something, by their names without it."""
    names = [field.name for field in fields(arguments) if field.name.startswith(prefix)]
    found = {name: getattr(arguments, name) for name in names}
    return {name.removeprefix(prefix): found[name] for name in names if found[name] != getattr(_UNSET, name)}


def build_trainer(
    run: RunArguments,
    reward: CodeReward,
    train_rows: datasets.Dataset,
    *,
    eval_rows: datasets.Dataset | None = None,
    model: Any = None,
    tokenizer: Any = None,
) -> GRPOTrainer:
    """Return the trainer; *model* and *tokenizer* stand in for `model_name_or_path` where they are given.

    Reads every row first, so that a bad one ends a run before it begins: raises `DatasetError`.
    """
    found = reward.check(train_rows)
    if eval_rows is not None:
        reward.check(eval_rows)
    if model is None and not run.model.model_name_or_path:
        raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
    if model is None:
        run.training.model_init_kwargs = {
            "revision": run.model.model_revision,
            "attn_implementation": run.model.attn_implementation,
            "dtype": run.model.dtype,
            **(run.training.model_init_kwargs or {}),
        }
    trainer = GRPOTrainer(
        model=run.model.model_name_or_path if model is None else model,
        reward_funcs=_reward_functions(run, reward),
        args=run.training,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=tokenizer,
        peft_config=get_peft_config(run.model),
        quantization_config=get_quantization_config(run.model) if model is None else None,
    )
    trainer.accelerator.print(f"training rows: {found}")
    show_reward_table(trainer, reward_name=reward.name)
    return trainer


def _reward_functions(run: RunArguments, reward: CodeReward) -> list[Callable[..., Any]]:
    others = [_imported(path) for path in run.reward.other_rewards]
    if not others:
        return [reward]
    if run.reward.combine_rewards:
        weights, run.training.reward_weights = run.training.reward_weights, None
        return [combine([reward, *others], weights=weights)]
    warnings.warn(
        "TRL adds rewards up and counts a None among them as zero: a program that no sandbox could judge would be "
        "punished beside another reward. combine_rewards: true makes one reward of them (rewards.combine)",
        stacklevel=3,
    )
    return [reward, *others]


def _imported(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    if not module:
        raise ConfigurationError(f"other_rewards: {path!r} is not of the form package.module.name")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `trl grpo` finds a project's own rewards
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"other_rewards: {path!r} cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigurationError(f"other_rewards: {path!r} is {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]  # asked above


@contextmanager
def open_reward(run: RunArguments) -> Iterator[CodeReward]:
    """Give the run's reward, and close it whatever happens: TRL calls nothing of ours after an exception."""
    with build_reward(run.reward, ddp_timeout_s=run.training.ddp_timeout) as reward:
        yield reward


def train_grpo(run: RunArguments, *, model: Any = None, tokenizer: Any = None) -> dict[str, Any]:
    """Train as *run* says, save the model, and return the summary that is written beside it."""
    train_rows, eval_rows = load_rows(run.data, seed=run.training.seed)
    with open_reward(run) as reward:
        trainer = build_trainer(run, reward, train_rows, eval_rows=eval_rows, model=model, tokenizer=tokenizer)
        trainer.train(resume_from_checkpoint=run.training.resume_from_checkpoint)
        trainer.save_model(run.training.output_dir)
        summary = {"dataset": run.data.dataset, "model": run.model.model_name_or_path, "rows": len(train_rows)}
        return write_report(trainer, summary)
