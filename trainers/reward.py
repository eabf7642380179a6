"""The reward of a run: the sandbox and its limits, how completions are graded, and what stands beside it."""

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

from rewards import CodeReward, ConfigurationError, Extraction, Limits, combine
from rewards.sandboxes.choice import chosen_name, reason_for
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.local import LocalSandbox

from .arguments import RewardArguments, RunArguments

_log = logging.getLogger("trainers")
_UNSET = RewardArguments()


@contextmanager
def open_reward(run: RunArguments) -> Iterator[CodeReward]:
    """Give the run's reward, and close it whatever happens: TRL calls nothing of ours after an exception."""
    with build_reward(run.reward, ddp_timeout_s=run.training.ddp_timeout) as reward:
        yield reward


def build_reward(arguments: RewardArguments, *, ddp_timeout_s: float = 1800.0) -> CodeReward:
    """Return the reward that *arguments* describe; its owner closes it.

    Other ranks wait `ddp_timeout_s` for the slowest one before the whole job is killed, so that grading a batch may
    take half of it at most.
    """
    return CodeReward(
        sandbox=_sandbox(arguments),
        scoring=arguments.scoring,
        schema=arguments.schema,
        language=arguments.language,
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
        unjudged_score=arguments.unjudged_score,
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


def reward_functions(run: RunArguments, reward: CodeReward) -> list[Callable[..., Any]]:
    """Return what TRL is handed as `reward_funcs`: *reward*, and the run's other ones beside it or combined with it."""
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
