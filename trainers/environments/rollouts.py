"""The turns of a batch of rollouts, with all calls of a turn at once.

TRL's own loop runs the calls of a batch one after the other, and forgets without a word a result that does not fit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rewards import ConfigurationError

from .context_budget import share_of
from .tool_results import LEFT_OUT, longest_fitting
from .turn_engine import TurnEngine

_MOST_AT_ONCE = 256
"""Threads that wait for calls; the sandbox decides how many of them really run."""
_NOT_TOOLS = ("reset", "get_reward")


class QuietEnvironment:
    """An environment that shows TRL no tools, so that TRL resets it with its row and leaves the turns to `Rollouts`.

    *make* returns the environment that has them; nothing is asked of it but what TRL asks.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.environment = make()
        self.messages: list[dict[str, Any]] = []
        """What was said in the last rollout, behind the prompt: the assistant's messages and those of its tools."""
        self.failed_calls = 0
        """Calls in it that ended in an exception: unknown tools, and arguments that do not fit."""

    def reset(self, **row: Any) -> Any:
        """Begin a rollout on *row*."""
        self.messages, self.failed_calls = [], 0
        return self.environment.reset(**row)


@dataclass
class _Rollout:
    """One rollout, as far as it has come."""

    seat: QuietEnvironment
    tools: dict[str, Callable[..., Any]]
    prompt_ids: list[int]
    completion_ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    """1 for the model's own tokens, 0 for those of its tools."""
    logprobs: list[float] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return self.prompt_ids + self.completion_ids

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the model asks for at the end of what it has said."""
        last = self.seat.messages[-1] if self.seat.messages else {}
        return last.get("tool_calls") or []

    def append(self, ids: Sequence[int], logprobs: Sequence[float] | None, *, is_own: bool) -> None:
        self.completion_ids += ids
        self.mask += [int(is_own)] * len(ids)
        self.logprobs += [0.0] * len(ids) if logprobs is None else logprobs


@dataclass(frozen=True)
class Rollouts:
    """A `rollout_func` for `GRPOTrainer`, beside an `environment_factory` that makes `QuietEnvironment`s.

    Generates for the batch, runs the calls of all its rollouts at once, those of one rollout in order, and generates
    again for those that called, up to *turns* times. What TRL trains on is what its own loop would hand it. The results
    of a turn take at most half of the tokens that are left, or a line, so that the model can answer; calls for whose
    results there is no room at all are not run, and end the rollout as truncated.
    """

    turns: int

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
        """Return the tokens of each rollout: `prompt_ids`, `completion_ids`, `logprobs`, `env_mask`.

        The messages are left in the environments, where `AgentReward` finds them. Raises `ConfigurationError` for a
        trainer with other environments.
        """
        engine = TurnEngine(trainer)
        rollouts = [
            _begun(engine, prompt, seat) for prompt, seat in zip(prompts, _seats(trainer, prompts), strict=True)
        ]
        ids, logprobs = engine.first_turn([one.prompt_ids for one in rollouts])
        _append_turn(engine, rollouts, ids, logprobs)
        calling = rollouts
        for _ in range(self.turns):
            calling = [one for one in calling if one.calls and _has_room(engine, one)]
            if not calling:
                break
            _run_calls(engine, calling)
            _append_turn(engine, calling, *engine.next_turn([one.ids for one in calling]))
        return {
            "prompt_ids": [one.prompt_ids for one in rollouts],
            "completion_ids": [one.completion_ids for one in rollouts],
            "logprobs": None if logprobs is None else [one.logprobs for one in rollouts],
            "env_mask": [one.mask for one in rollouts],
        }


def _seats(trainer: Any, prompts: Sequence[Any]) -> list[QuietEnvironment]:
    found = trainer.environments or []
    if len(found) != len(prompts) or not all(isinstance(one, QuietEnvironment) for one in found):
        raise ConfigurationError("Rollouts need an environment_factory that makes a QuietEnvironment for each prompt")
    if not prompts or isinstance(prompts[0], str):
        raise ConfigurationError("tools need prompts that are messages: conversational: true")
    return list(found)


def _begun(engine: TurnEngine, prompt: Any, seat: QuietEnvironment) -> _Rollout:
    tools = tools_of(seat.environment)
    return _Rollout(seat, tools, engine.prompt_ids(prompt, list(tools.values())))


def tools_of(environment: Any) -> dict[str, Callable[..., Any]]:
    """Return the tools of an environment by their names, those that TRL would find."""
    names = [name for name, _ in inspect.getmembers(type(environment), inspect.isfunction)]
    return {name: getattr(environment, name) for name in names if name not in _NOT_TOOLS and not name.startswith("_")}


def _append_turn(
    engine: TurnEngine, rollouts: Sequence[_Rollout], turns: list[list[int]], logprobs: list[list[float]] | None
) -> None:
    """Add what the model has written, as far as there is room for it."""
    for i, (one, ids) in enumerate(zip(rollouts, turns, strict=True)):
        prefix = one.ids
        kept = ids[: engine.room_for_turn(one.completion_ids)]
        one.append(kept, None if logprobs is None else logprobs[i][: len(kept)], is_own=True)
        message = engine.parse(kept, prefix=prefix, tools=list(one.tools.values()))
        if message:
            one.seat.messages.append(message)


def _has_room(engine: TurnEngine, one: _Rollout) -> bool:
    """Say whether the results of the calls fit, however much of them has to be cut away."""
    return _least(engine, one) <= engine.room_for_results(one.prompt_ids, one.completion_ids)


def _least(engine: TurnEngine, one: _Rollout) -> int:
    return len(engine.result_ids(_messages(one, [LEFT_OUT] * len(one.calls))))


def _fits(engine: TurnEngine, one: _Rollout, texts: Sequence[str]) -> bool:
    room = engine.room_for_results(one.prompt_ids, one.completion_ids)
    return len(engine.result_ids(_messages(one, texts))) <= share_of(room, least=_least(engine, one))


def _run_calls(engine: TurnEngine, rollouts: Sequence[_Rollout]) -> None:
    """Run the calls of every rollout, and add their results."""
    threads = ThreadPoolExecutor(min(len(rollouts), _MOST_AT_ONCE), thread_name_prefix="rollout")
    try:
        results = list(threads.map(_results, rollouts))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # whoever interrupts a run does not wait for its calls
    for one, texts in zip(rollouts, results, strict=True):
        messages = _shortened(engine, one, [engine.markers.broken_in(text) for text in texts])
        one.append(engine.result_ids(messages), None, is_own=False)
        one.seat.messages += messages


def _results(one: _Rollout) -> list[str]:
    return [_result(one, call) for call in one.calls]


def _result(one: _Rollout, call: dict[str, Any]) -> str:
    tool = one.tools.get(_name(call))
    try:
        if tool is None:
            raise LookupError(f"there is no tool {_name(call)!r:.100}: use {', '.join(one.tools)}")
        return str(tool(**_function(call)["arguments"]))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary: a tool raises anything; the model reads it
        one.seat.failed_calls += 1
        return str({"error": str(error)})


def _function(call: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = call.get("function") or call
    return found


def _name(call: dict[str, Any]) -> str:
    return str(_function(call).get("name", "unknown"))


def _messages(one: _Rollout, texts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"role": "tool", "name": _name(call), "content": text} for call, text in zip(one.calls, texts, strict=True)]


def _shortened(engine: TurnEngine, one: _Rollout, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the messages of a turn's results, cut as far as they have to be, the longest ones first."""
    kept = list(texts)
    for i in sorted(range(len(kept)), key=lambda k: -len(kept[k])):
        if _fits(engine, one, kept):
            break

        def fits(text: str, i: int = i) -> bool:
            return _fits(engine, one, [*kept[:i], text, *kept[i + 1 :]])

        kept[i] = longest_fitting(kept[i], fits) or LEFT_OUT
    return _messages(one, kept)
