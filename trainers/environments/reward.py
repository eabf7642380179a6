"""The reward of rollouts with tools: what the model says in the end, graded as any completion is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rewards import CircuitBreaker, CircuitBreakerOpen
from rewards.judging.excerpts import one_line

from .interpreter import InterpreterEnvironment
from .rollouts import QuietEnvironment
from .transcript import tabular

_log = logging.getLogger("trainers")


class AgentReward:
    """Grades the last assistant message that says something by *reward*, whose name it bears.

    None where the sandbox of a rollout's interpreter failed: nothing is known of what the model would have done.
    Batch after batch in which most rollouts had none ends the run with `CircuitBreakerOpen`. Raises what an environment
    found to be the user's fault, and closes the interpreters of the batch: TRL does neither. Picklable.

    Where `Rollouts` took the turns, TRL has taken all tokens of a rollout for one message: what was really said is put
    in the place of it, for TRL's table and for the rewards behind this one. Arguments of calls are texts there.
    """

    def __init__(self, reward: Callable[..., Any], *, breaker: CircuitBreaker | None = CircuitBreaker()) -> None:  # noqa: B008 - frozen
        self.reward, self.breaker = reward, breaker
        self.__name__ = str(getattr(reward, "__name__", type(reward).__name__))
        self._bad_in_a_row = 0
        self._columns: set[str] = set()
        """Those of TRL's table that the reward fills."""

    def __call__(
        self,
        prompts: Any = None,
        completions: Any = None,
        completion_ids: Any = None,
        environments: Sequence[Any] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Return one score for each completion; *environments* are those of their rollouts, as TRL passes them."""
        if environments is None:
            return list(self.reward(prompts=prompts, completions=completions, completion_ids=completion_ids, **columns))
        found = [_inner(environment) for environment in environments]
        for one in found:
            _finish(one)
        _put_what_was_said(completions, environments)
        _write_figures(found, environments, log_metric=columns.get("log_metric"))
        self._count_failures(found)
        known = [i for i, one in enumerate(found) if getattr(one, "failure", None) is None]
        scores: list[float | None] = [None] * len(found)
        self._empty_columns(len(found), log_extra=None if known else columns.get("log_extra"))
        graded = self._graded(known, len(found), columns, prompts, completions, completion_ids) if known else []
        for i, score in zip(known, graded, strict=True):
            scores[i] = score
        return scores

    def _graded(
        self, known: Sequence[int], count: int, columns: dict[str, Any], *samples: Sequence[Any] | None
    ) -> list[float | None]:
        """Return the scores of the samples *known*, without the others in what is logged."""
        chosen = {name: _chosen(values, known, count) for name, values in columns.items()}
        if callable(log_extra := columns.get("log_extra")):
            chosen["log_extra"] = partial(self._fill_column, log_extra, known, count)
        names = ("prompts", "completions", "completion_ids")
        chosen |= {name: _chosen(values, known, count) for name, values in zip(names, samples, strict=True)}
        return list(self.reward(**chosen))

    def _fill_column(
        self, log_extra: Callable[..., Any], known: Sequence[int], count: int, column: str, values: Sequence[Any]
    ) -> None:
        self._columns.add(column)
        log_extra(column, _spread(values, known, count))

    def _empty_columns(self, count: int, *, log_extra: Callable[[str, list[Any]], Any] | None) -> None:
        """Fill the reward's columns where it is not asked: TRL would show what the last batch had in them."""
        if log_extra is not None:
            for column in sorted(self._columns):
                log_extra(column, [None] * count)

    def _count_failures(self, found: Sequence[Any]) -> None:
        failures = [one.failure for one in found if getattr(one, "failure", None) is not None]
        if failures:
            _log.warning(
                "%d of %d rollouts lost their interpreter: %s", len(failures), len(found), one_line(failures[0].detail)
            )
        if self.breaker is None:
            return
        self._bad_in_a_row = self._bad_in_a_row + 1 if len(failures) > self.breaker.share * len(found) else 0
        if self._bad_in_a_row >= self.breaker.batches:
            why = f"{failures[0].kind}: {one_line(failures[0].detail)}"
            raise CircuitBreakerOpen(
                f"{self._bad_in_a_row} batches in a row had no interpreter for more than {self.breaker.share:.0%} of "
                f"their rollouts ({why}): training on would be training on nothing"
            )


def _inner(environment: Any) -> Any:
    return environment.environment if isinstance(environment, QuietEnvironment) else environment


def _finish(environment: Any) -> None:
    """End the rollout's interpreter; raises what only the user can repair."""
    if isinstance(environment, InterpreterEnvironment):
        environment._close()
        if environment.error is not None:
            raise environment.error


def _put_what_was_said(completions: Any, environments: Sequence[Any]) -> None:
    for completion, environment in zip(completions, environments, strict=True):
        if isinstance(environment, QuietEnvironment) and environment.messages and isinstance(completion, list):
            completion[:] = environment.messages
        if isinstance(completion, list):
            completion[:] = map(tabular, completion)


def _write_figures(found: Sequence[Any], environments: Sequence[Any], *, log_metric: Any) -> None:
    """Log what TRL does not know of the calls, by TRL's own names where it has some."""
    ours = [one for one in found if isinstance(one, InterpreterEnvironment)]
    if log_metric is None or not ours:
        return
    calls = sum(one.calls for one in ours)
    log_metric("agent/calls", calls / len(ours))
    log_metric("agent/stopped_calls", sum(one.stopped_calls for one in ours) / max(1, calls))
    log_metric("agent/unjudged", sum(one.failure is not None for one in ours) / len(ours))
    quiet = [one for one in environments if isinstance(one, QuietEnvironment)]
    if quiet:
        asked = [message for one in quiet for message in one.messages if message["role"] == "tool"]
        log_metric("tools/call_frequency", len(asked) / len(quiet))
        log_metric("tools/failure_frequency", sum(one.failed_calls for one in quiet) / max(1, len(asked)))


def _chosen(values: Any, known: Sequence[int], count: int) -> Any:
    if isinstance(values, (list, tuple)) and len(values) == count:
        return [values[i] for i in known]
    return values


def _spread(values: Sequence[Any], known: Sequence[int], count: int) -> list[Any]:
    spread: list[Any] = [None] * count
    for i, value in zip(known, values, strict=True):
        spread[i] = value
    return spread
