"""What a GRPO run with tools needs beside the rest: environments, their interpreters, the turns, the reward of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import datasets
from transformers import AutoConfig, AutoTokenizer

from rewards import ConfigurationError, DatasetError, Interpreters, Limits

from ..arguments import RunArguments
from ..data_arguments import FILES_COLUMN, SOURCE_COLUMN
from ..ingredients import Ingredients
from ..reward import breaker_of
from .context_budget import ContextBudget, measured_budget
from .interpreter import InterpreterEnvironment, environment_class
from .parsing import guard_parser
from .reward import AgentReward
from .rollouts import QuietEnvironment, Rollouts, tools_of
from .setup import EnvironmentSetup
from .turn_engine import TurnEngine

_SESSION_CPU_S = 120.0


def refuse_tools(run: RunArguments) -> None:
    """Raise `ConfigurationError` where a run's method has no turns."""
    if run.agent.tools and run.method != "grpo":
        raise ConfigurationError(f"tools: only GRPO has turns with tools, and this run's method is {run.method}")


def refuse_template(run: RunArguments, tokenizer: Any) -> None:
    """Raise `ConfigurationError` where a run has tools and *tokenizer* cannot write calls, as TRL does."""
    from trl.chat_template_utils import supports_tool_calling

    if run.agent.tools and not supports_tool_calling(tokenizer):
        raise ConfigurationError("tools: the chat template of this model has no tool calls and results; take another")


def agent_parts(ingredients: Ingredients, functions: Sequence[Callable[..., Any]]) -> dict[str, Any]:
    """Return the arguments for `GRPOTrainer` that make rollouts of completions; *functions* are the rewards.

    The interpreters are closed with the run's reward. Raises `ConfigurationError` for tools that the sandbox has not,
    for more rollouts than it has interpreters, and `DatasetError` for rows without messages or with a bad set-up.
    """
    run, agent = ingredients.run, ingredients.run.agent
    made = environment_class(agent.tools)
    _check_rows([ingredients.train_rows, *([ingredients.eval_rows] if ingredients.eval_rows is not None else [])])
    _take_turns(run)
    interpreters = ingredients.reward.interpreters(limits=_limits(run))
    _check_sandbox(run, interpreters)
    parts: dict[str, Any] = {
        "reward_funcs": [AgentReward(functions[0], breaker=breaker_of(run.reward)), *functions[1:]]
    }
    options = {
        "interpreters": interpreters,
        "output_chars": agent.tool_output_chars,
        "timeout_s": run.training.ddp_timeout / 2,  # other ranks wait so long for the slowest one, for all it does
    }
    if agent.parallel_tools:
        quiet = partial(QuietEnvironment, partial(made, **options))
        return parts | {"environment_factory": quiet, "rollout_func": Rollouts(agent.tool_turns)}
    budget = _budget(ingredients, made)
    return parts | {
        "environment_factory": partial(made, **options, budget=budget),
        "processing_class": budget.tokenizer,
    }


def check_trainer(trainer: Any) -> None:
    """Raise `ConfigurationError` where a trainer with tools would fail, or wait for ever, in its first batch."""
    guard_parser(trainer.processing_class)
    if trainer.rollout_func is not None:
        TurnEngine(trainer)
    if trainer.accelerator.num_processes == 1:
        return
    needs_all = {
        "vllm_mode: server": trainer.use_vllm and trainer.vllm_mode == "server",
        "vllm_tensor_parallel_size": trainer.use_vllm and trainer.args.vllm_tensor_parallel_size > 1,
        "DeepSpeed": trainer.is_deepspeed_enabled,
        "FSDP": trainer.is_fsdp_enabled,
    }
    for name, is_so in needs_all.items():
        if is_so:
            raise ConfigurationError(
                f"{name}: all processes generate together, and rollouts with tools have different numbers of turns, so "
                "that some would wait for ever: use DDP, with vllm_mode: colocate"
            )


def _limits(run: RunArguments) -> Limits:
    agent = run.agent
    return Limits(
        cpu_s=agent.tool_cpu_s,
        wall_s=agent.tool_wall_s,
        memory_mb=agent.tool_memory_mb,
        output_kb=64,
        job_cpu_s=max(_SESSION_CPU_S, agent.tool_cpu_s),
    )


def _take_turns(run: RunArguments) -> None:
    """Hand the number of turns to TRL, whose own loop has a key for it."""
    if run.training.max_tool_calling_iterations not in (None, run.agent.tool_turns):
        raise ConfigurationError("max_tool_calling_iterations: the key for this is tool_turns")
    run.training.max_tool_calling_iterations = run.agent.tool_turns


def _check_sandbox(run: RunArguments, interpreters: Interpreters) -> None:
    if "run_shell" in run.agent.tools and not interpreters.has_shell:
        raise ConfigurationError("tools: the sandbox of this run has no shell for run_shell; E2B has one")
    training = run.training
    rollouts = training.per_device_train_batch_size * training.steps_per_generation
    if training.eval_strategy != "no":
        rollouts = max(rollouts, training.per_device_eval_batch_size)
    capacity = interpreters.capacity
    if capacity is not None and capacity < rollouts:
        raise ConfigurationError(
            f"a batch has {rollouts} rollouts in each process (per_device_train_batch_size x steps_per_generation, or "
            f"per_device_eval_batch_size), each with an interpreter of its own, and the sandbox holds {capacity}"
        )


def _check_rows(parts: Sequence[datasets.Dataset]) -> None:
    for rows in parts:
        if not isinstance(rows[0]["prompt"], list):
            raise DatasetError("tools need prompts that are messages: leave conversational at true")
        names = {SOURCE_COLUMN, FILES_COLUMN} & set(rows.column_names)
        for row in rows.select_columns(sorted(names)) if names else ():
            EnvironmentSetup.of(row)


def _budget(ingredients: Ingredients, made: type[InterpreterEnvironment]) -> ContextBudget:
    """Return what TRL's own loop has room for: it drops results that are longer, without a word."""
    model, name = ingredients.model, ingredients.run.model.model_name_or_path
    revision = {"revision": ingredients.run.model.model_revision}
    tokenizer = ingredients.tokenizer or AutoTokenizer.from_pretrained(
        name, truncation_side="left", padding_side="left", **revision
    )
    config = AutoConfig.from_pretrained(name, **revision) if model is None else model.config
    return measured_budget(
        tokenizer,
        tools=list(tools_of(made()).values()),
        completion_tokens=ingredients.run.training.max_completion_length,
        model_tokens=getattr(config.get_text_config(), "max_position_embeddings", None),
    )
