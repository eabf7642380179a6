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

from rewards import CircuitBreaker, CodeReward, ConfigurationError, Extraction, Limits, combine
from rewards.sandboxes.building import SandboxWishes, sandboxes_for

from .arguments import RewardArguments, RunArguments

_log = logging.getLogger("trainers")
_UNSET = RewardArguments()


@contextmanager
def open_reward(run: RunArguments) -> Iterator[CodeReward]:
    """Give the run's reward, and close it whatever happens: TRL calls nothing of ours after an exception."""
    training = run.training
    with build_reward(run.reward, ddp_timeout_s=training.ddp_timeout, ranks=training.world_size) as reward:
        yield reward


def build_reward(arguments: RewardArguments, *, ddp_timeout_s: float = 1800.0, ranks: int = 1) -> CodeReward:
    """Return the reward that *arguments* describe; its owner closes it.

    Other ranks wait `ddp_timeout_s` for the slowest one before the whole job is killed, so that grading a batch may
    take half of it at most; raises `ConfigurationError` for a longer deadline than they wait.
    """
    sandbox, fallback = _sandboxes(arguments)
    return CodeReward(
        sandbox=sandbox,
        scoring=imported(arguments.scoring, "scoring") if "." in arguments.scoring else arguments.scoring,
        schema=arguments.schema,
        language=arguments.language,
        extraction=_extraction(arguments),
        comparison=arguments.comparison,
        limits=Limits(**{name: getattr(arguments, name) for name in _LIMITS}),
        max_tests=arguments.max_tests,
        trust=arguments.trust,
        stop_at_first_failure=arguments.stop_at_first_failure,
        batch_deadline_s=_deadline_s(arguments.batch_deadline_s, ddp_timeout_s, ranks),
        breaker=breaker_of(arguments),
        fallback=fallback,
        retries=arguments.retries,
        unjudged_score=arguments.unjudged_score,
        no_program_score=arguments.no_program_score,
        program_bonus=arguments.program_bonus,
        on_bad_row=arguments.on_bad_row,
        name=arguments.reward_name,
    )


_LIMITS = tuple(limit.name for limit in fields(Limits))
_GRACE_S = 30.0
"""What a batch may take beyond its deadline: 15 s until the wait ends, and as long again where it moves elsewhere."""


def _extraction(arguments: RewardArguments) -> Extraction:
    return Extraction(
        choice=arguments.block_choice,
        opened_by_prompt=arguments.opened_by_prompt,
        allow_unclosed=arguments.allow_unclosed,
        allow_bare=arguments.allow_bare,
        allow_unparsed=arguments.allow_unparsed,
    )


def breaker_of(arguments: RewardArguments) -> CircuitBreaker | None:
    """Return what ends a run in which batch after batch cannot be judged; None where nothing does."""
    if arguments.breaker_batches is None:
        return None
    return CircuitBreaker(batches=arguments.breaker_batches, share=arguments.breaker_share)


def _deadline_s(wanted_s: float | None, ddp_timeout_s: float, ranks: int) -> float:
    if wanted_s is None:
        return ddp_timeout_s / 2
    if wanted_s + _GRACE_S <= ddp_timeout_s:
        return wanted_s
    found = (
        f"batch_deadline_s is {wanted_s:g}, and a batch may take {_GRACE_S:g} s more, but ranks wait for each other "
        f"for {ddp_timeout_s:g} s (ddp_timeout) before the job is killed"
    )
    if ranks > 1:
        raise ConfigurationError(f"{found}: raise ddp_timeout, or lower batch_deadline_s")
    _log.warning("%s: a run of several ranks would be refused", found)
    return wanted_s


def _sandboxes(arguments: RewardArguments) -> tuple[Any, Any]:
    """Return the sandbox and the fallback, as `CodeReward` takes them; beside `auto` options of both may stand."""
    given = _given(arguments, "sandbox_")
    both: dict[str, Any] = {option: given.pop(option) for option in ("preload", "site_packages") if option in given}
    wishes = SandboxWishes(
        arguments.sandbox, arguments.fallback, programs=both, local=given, e2b=_given(arguments, "e2b_")
    )
    if wishes.idle:
        prefix, owner = ("e2b_", "E2B") if arguments.sandbox == "local" else ("sandbox_", "local")
        names = ", ".join(f"{prefix}{option}" for option in wishes.idle)
        raise ConfigurationError(f"{names}: an option of the {owner} sandbox, but sandbox is {arguments.sandbox!r}")
    return sandboxes_for(wishes)


def _given(arguments: RewardArguments, prefix: str) -> dict[str, Any]:
    """Return the options that begin with *prefix* and say something, by their names without it."""
    names = [field.name for field in fields(arguments) if field.name.startswith(prefix)]
    found = {name: getattr(arguments, name) for name in names}
    return {name.removeprefix(prefix): found[name] for name in names if found[name] != getattr(_UNSET, name)}


def reward_functions(run: RunArguments, reward: CodeReward) -> list[Callable[..., Any]]:
    """Return what TRL is handed as `reward_funcs`: *reward*, and the run's other ones beside it or combined with it."""
    others = [imported(path, "other_rewards") for path in run.reward.other_rewards]
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


def imported(path: str, key: str) -> Callable[..., Any]:
    """Return the function `package.module.name`, also from the working directory; *key* is where the path stands.

    Raises `ConfigurationError` where there is no such function.
    """
    module, _, name = path.rpartition(".")
    if not module:
        raise ConfigurationError(f"{key}: {path!r} is not of the form package.module.name")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `trl grpo` finds a project's own rewards
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{key}: {path!r} cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigurationError(f"{key}: {path!r} is {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]  # asked above
