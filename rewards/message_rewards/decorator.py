"""`@reward_function`: a function of your own that grades one conversation becomes a reward for all callers."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, overload

from ..errors import ConfigurationError
from ..options import check_options, shown, whole
from .engine import Engine
from .output import MetricRewardOutput, RewardOutput, finite_score
from .reward import MessageReward

Function = Callable[..., Any]
"""Returns a number, None, a `RewardOutput`, or an awaitable of one of these."""

THREADS = 16


@overload
def reward_function(function: Function, /) -> MessageReward: ...


@overload
def reward_function(
    *, name: str | None = None, at_once: int = THREADS, batch_deadline_s: float | None = None
) -> Callable[[Function], MessageReward]: ...


def reward_function(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    at_once: int = THREADS,
    batch_deadline_s: float | None = None,
) -> MessageReward | Callable[[Function], MessageReward]:
    """Turn `f(messages, **row)` or `f(response, **row)` into a reward for one conversation and for batches.

    The function gets the conversation as a list of `Message`, or the response as text, and the values of a row by the
    names of its parameters. It returns a finite number, None for "not known", or a `RewardOutput`. A batch is graded
    concurrently, *at_once* at a time: in threads, or on one loop where the function is async, which must not block it.
    What the function raises is raised to the caller, with a note that says for which completion. After
    *batch_deadline_s* seconds, if any are given, the rest of a batch is None; a thread cannot be stopped.
    """

    def decorate(found: Function) -> MessageReward:
        check_options({"at_once": at_once}, {"at_once": whole(1)})
        if not callable(found) or isinstance(found, MessageReward):
            raise ConfigurationError(f"reward_function decorates a function, found {shown(found)}")
        grading = Grading(found, threads=at_once)
        return MessageReward(
            grading,
            name=name or grading.__name__,
            qualname=grading.__qualname__,
            at_once=at_once,
            batch_deadline_s=batch_deadline_s,
            breaker=None,
        )

    return decorate if function is None else decorate(function)


class Grading:
    """Calls a user's function, where it can do no harm to what else runs, and reads what it returns."""

    def __init__(self, function: Function, *, threads: int) -> None:
        self.__name__ = str(getattr(function, "__name__", type(function).__name__))
        self.__qualname__ = str(getattr(function, "__qualname__", self.__name__))
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        own = inspect.signature(function)
        if next(iter(own.parameters), "") in ("self", "cls"):
            raise ConfigurationError(f"{self.__qualname__}: decorate a bound method, `reward_function(object.method)`")
        if any(p.kind is inspect.Parameter.POSITIONAL_ONLY for p in own.parameters.values()):
            raise ConfigurationError(
                f"{self.__name__}: its arguments are passed by name, so none may be positional-only"
            )
        engine = inspect.Parameter("engine", inspect.Parameter.POSITIONAL_ONLY)
        self.__signature__ = inspect.Signature([engine, *own.parameters.values()])
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - whether it is async is the question, not whether it is callable
        )
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    async def __call__(self, engine: Engine, /, **arguments: Any) -> RewardOutput:
        """Return what the function says of one conversation.

        Raises `RuntimeError` for what would end the loop instead of the call, and let everybody wait for ever.
        """
        try:
            return read_answer(await self._answer(arguments), self.__name__)
        except (StopIteration, SystemExit, KeyboardInterrupt) as error:
            raise RuntimeError(f"{self.__name__} raised {type(error).__name__}") from error

    async def _answer(self, arguments: Mapping[str, Any]) -> Any:
        if self._is_async:
            return await self.__wrapped__(**arguments)
        context = contextvars.copy_context()
        call = functools.partial(context.run, _without_stop_iteration, self.__wrapped__, arguments)
        answer = await asyncio.get_running_loop().run_in_executor(self._executor(), call)
        return await answer if inspect.isawaitable(answer) else answer

    def close(self) -> None:
        """Let the threads end."""
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.shutdown(wait=False)

    def _executor(self) -> ThreadPoolExecutor:
        """Return threads of this function's own: in the loop's, a slow function would hold up the sandboxes."""
        if self._pool is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=f"rewards-{self.__name__}")
        return self._pool


def _without_stop_iteration(function: Function, arguments: Mapping[str, Any]) -> Any:
    """Call *function*, and name a `StopIteration`, as of a bare `next`, what no future can hold by its name."""
    try:
        return function(**arguments)
    except StopIteration as error:
        raise RuntimeError(f"{getattr(function, '__name__', function)} raised StopIteration") from error


def read_answer(answer: Any, owner: str) -> RewardOutput:
    """Return the result that *answer* means; raises `ConfigurationError` for one that means none.

    Besides numbers, None and `RewardOutput` there is `(score, {metric: score})`, which older functions return.
    """
    if isinstance(answer, RewardOutput):
        return answer
    if answer is None:
        return RewardOutput(None, f"{owner} returned None")
    if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping):
        metrics = {str(name): MetricRewardOutput(score) for name, score in answer[1].items()}
        return RewardOutput(finite_score(answer[0], f"the score of {owner}"), "", metrics)
    return RewardOutput(finite_score(answer, f"what {owner} returns"))
