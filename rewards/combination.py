"""Several rewards as one.

TRL adds the rewards of a completion up and counts a None among them as zero, so an unjudged program would be punished
wherever a second reward stands beside the first. One combined reward is None as a whole, and TRL leaves it out.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from .errors import ConfigurationError
from .grader.loop import background_loop
from .options import FINITE, WORD, Rule, check_options, or_none, shown

Reward = Callable[..., Any]
"""A reward function as TRL takes it: everything by keyword, one number or None a completion; or an `async` one."""
_OPTIONS = {
    "rewards": Rule(
        lambda value: _is_list(value) and all(map(callable, value)), "a list of callables, such as [reward]"
    ),
    "weights": or_none(
        Rule(lambda value: _is_list(value) and all(map(FINITE.fits, value)), "a list of finite numbers")
    ),
    "name": or_none(WORD),
}


def combine(
    rewards: Iterable[Reward], *, weights: Sequence[float] | None = None, name: str | None = None
) -> CombinedReward:
    """Return one reward that is the weighted sum of *rewards*, and None where any of them is."""
    return CombinedReward(_in_tuple(rewards), weights=_in_tuple(weights), name=name)


class CombinedReward:
    """The weighted sum of several rewards; see `combine`. Picklable when its parts are."""

    def __init__(self, rewards: Sequence[Reward], *, weights: Sequence[float] | None, name: str | None) -> None:
        check_options({"rewards": rewards, "weights": weights, "name": name}, _OPTIONS, owner="combine: ")
        self.rewards = tuple(rewards)
        self.weights = (1.0,) * len(self.rewards) if weights is None else tuple(map(float, weights))
        if len(self.weights) != len(self.rewards):
            raise ConfigurationError(f"combine: {len(self.weights)} weights for {len(self.rewards)} rewards")
        self._part_names = tuple(_name_of(reward) for reward in self.rewards)
        self.name = self.__name__ = "+".join(self._part_names) if name is None else name

    def __repr__(self) -> str:
        parts = ", ".join(f"{w:g} * {part}" for w, part in zip(self.weights, self._part_names, strict=True))
        return f"combine({parts})"

    def __call__(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        """Call every part with what this was called with, and return the sums.

        Async parts run on this library's background loop, all at once, while the others run here one after another.
        """
        _refuse_uncounted(completions)
        arguments = {"prompts": prompts, "completions": completions, "completion_ids": completion_ids, **columns}
        loop = background_loop()
        under_way = {i: loop.begin(part(**arguments)) for i, part in enumerate(self.rewards) if _is_async(part)}
        try:
            found = {i: part(**arguments) for i, part in enumerate(self.rewards) if i not in under_way}
            found |= {i: work.future.result() for i, work in under_way.items()}
        except BaseException:  # whatever ends the call ends its parts, too
            for work in under_way.values():
                work.cancel()
            raise
        return self._sums([found[i] for i in range(len(self.rewards))], completions, columns)

    async def acall(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        """Do what a call does, for callers that await: all parts at once."""
        _refuse_uncounted(completions)
        arguments = {"prompts": prompts, "completions": completions, "completion_ids": completion_ids, **columns}
        tasks = [asyncio.ensure_future(_awaitable(part, arguments)) for part in self.rewards]
        try:
            scores = await asyncio.gather(*tasks)
        except BaseException:  # whatever ends the call ends its parts, too
            for task in tasks:
                task.cancel()
            raise
        return self._sums(scores, completions, columns)

    def close(self) -> None:
        """Close the parts that can be closed."""
        for part in self.rewards:
            close = getattr(part, "close", None)
            if callable(close):
                close()

    def _sums(self, scores: Sequence[Any], completions: Any, columns: dict[str, Any]) -> list[float | None]:
        count = len(completions)
        parts = [_checked(values, count, name) for values, name in zip(scores, self._part_names, strict=True)]
        self._log_means(parts, columns.get("log_metric"))
        return [self._sum([part[i] for part in parts]) for i in range(count)]

    def _sum(self, scores: Sequence[float | None]) -> float | None:
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return None
        return math.fsum(weight * score for weight, score in zip(self.weights, known, strict=True))

    def _log_means(self, parts: Sequence[Sequence[float | None]], log_metric: Callable[..., Any] | None) -> None:
        """Log each part's mean: the trainer sees their sum only."""
        if log_metric is None:
            return
        for part_name, part in zip(self._part_names, parts, strict=True):
            known = [score for score in part if score is not None]
            if known:
                log_metric(f"{self.name}/{part_name}", math.fsum(known) / len(known))


def _in_tuple(value: Any) -> Any:
    """Return a tuple of what is listed; anything else as it is, to be refused by its own name."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else value


def _is_list(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) > 0


def _refuse_uncounted(completions: Any) -> None:
    if not hasattr(completions, "__len__"):
        raise ConfigurationError(f"completions must be a list, one entry a sample, found {shown(completions)}")


def _name_of(reward: Reward) -> str:
    """Return the name that TRL gives a reward."""
    while isinstance(reward, functools.partial):
        reward = reward.func
    return str(getattr(reward, "__name__", type(reward).__name__))


def _is_async(reward: Reward) -> bool:
    while isinstance(reward, functools.partial):
        reward = reward.func
    return inspect.iscoroutinefunction(reward) or inspect.iscoroutinefunction(getattr(reward, "__call__", None))  # noqa: B004 - asked of the method, not whether there is one


def _awaitable(reward: Reward, arguments: dict[str, Any]) -> Coroutine[Any, Any, Any]:
    twin = getattr(reward, "acall", None)
    if inspect.iscoroutinefunction(twin):
        return twin(**arguments)
    if _is_async(reward):
        return reward(**arguments)  # type: ignore[no-any-return]  # asked above
    return asyncio.to_thread(reward, **arguments)


def _checked(values: Any, count: int, name: str) -> list[float | None]:
    try:
        entries = iter(values)
    except TypeError:
        raise ConfigurationError(
            f"reward {name!r} returned {shown(values)}: it must return a list, one score or None a completion"
        ) from None
    found = list(entries)
    if len(found) != count:
        raise ConfigurationError(f"reward {name!r} returned {len(found)} scores for {count} completions")
    return [_score(value, name) for value in found]


def _score(value: Any, name: str) -> float | None:
    """Return a part's score; tensors and numpy numbers count, and NaN is TRL's other word for None."""
    try:
        score = None if value is None else float(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"reward {name!r} returned {value!r:.60}, which is no number") from None
    if score is None or math.isnan(score):
        return None
    if math.isinf(score):
        raise ConfigurationError(f"reward {name!r} returned an infinite score")
    return score
