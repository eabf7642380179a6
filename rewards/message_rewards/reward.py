"""One object for one conversation and for a trainer's batch, made of a function that grades one conversation."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..grader.batch import CLEANUP_S, BatchSettings
from ..grader.breaker import BatchRecord, CircuitBreaker
from ..options import SECONDS, check_options, or_none, whole
from ..reports.trouble import Trouble, TroubleLog
from .arguments import Arguments
from .engine import Engine
from .output import RewardOutput
from .waiting import await_for, wait_for

Implementation = Callable[..., Awaitable[RewardOutput]]
"""Called with an `Engine` and, by keyword, `messages` (a list of `Message`) or `response`, and a row's values."""

_BATCH = ("prompts", "completions")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_OPTIONS = {"at_once": whole(1), "batch_deadline_s": or_none(SECONDS)}
_log = logging.getLogger("rewards")


class MessageReward:
    """Grades one conversation, or a batch of completions.

    `reward(messages, ...)` returns a `RewardOutput`; the messages are dicts or objects with role and content, or simply
    the response as text. An argument that means nothing to the reward is a `TypeError`.

    `reward(prompts=..., completions=[...], **columns)` is the call of TRL's trainers: it returns one score for each
    completion, None where nothing is known. Values of a column go to the parameter of that name, and what no parameter
    asks for is ignored. A text or a number in place of a list goes for every completion.

    `configured(...)` returns a reward with some arguments given beforehand, for trainers. `evaluate` returns whole
    results for a batch, `acall` is the twin for callers that await. Picklable as a function is: by its name.
    """

    def __init__(
        self,
        implementation: Implementation,
        *,
        name: str | None = None,
        qualname: str | None = None,
        options: Iterable[str] = (),
        at_once: int = 256,
        batch_deadline_s: float | None = 900.0,
        breaker: CircuitBreaker | None = CircuitBreaker(),  # noqa: B008 - frozen
    ) -> None:
        check_options({"at_once": at_once, "batch_deadline_s": batch_deadline_s}, _OPTIONS)
        self._implementation = implementation
        self._at_once = at_once
        self._deadline_s = batch_deadline_s
        self._breaker = breaker
        self.__name__: str = name or str(getattr(implementation, "__name__", "reward"))
        self.__qualname__ = qualname or self.__name__
        self.__module__ = implementation.__module__
        self.__doc__ = implementation.__doc__
        self._arguments = Arguments.of(_without_engine(implementation), owner=self.__name__, options=options)
        self.__signature__ = self._arguments.signature
        self._preset = _NOTHING
        self._base: MessageReward | None = None
        self._engine = Engine()
        self._record = BatchRecord(breaker)
        self._trouble = TroubleLog(self.__name__)

    def __repr__(self) -> str:
        given = "".join(f", {name}=..." for name in self._preset)
        return f"<message reward {self.__module__}.{self.__name__}{given}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._base is None:
            return self.__qualname__
        return _configured, (self._base, self.__name__, dict(self._preset))

    def configured(self, reward_name: str | None = None, /, **arguments: Any) -> MessageReward:
        """Return this reward with *arguments* given, over whatever rows say, and a name of its own if it has one.

        Raises `TypeError` for an argument that it does not know.
        """
        self._arguments.refuse_unknown(arguments)
        return _configured(self, reward_name or self.__name__, {**self._preset, **arguments})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return a `RewardOutput` for one conversation or, with `completions=`, a list of scores; see the class.

        Raises `TypeError`, `ConfigurationError` or `DatasetError` for what the caller did wrong, and
        `CircuitBreakerOpen` when batch after batch could not be judged.
        """
        rows = self._rows(args, kwargs)
        outputs = wait_for(lambda: self._graded(rows, self._deadline_s), patience_s=self._patience_s)
        return self._result(kwargs, rows, outputs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Do what a call does, for callers that await; cancelling it stops the programs."""
        rows = self._rows(args, kwargs)
        outputs = await await_for(lambda: self._graded(rows, self._deadline_s), patience_s=self._patience_s)
        return self._result(kwargs, rows, outputs)

    def evaluate(self, prompts: Any = None, completions: Any = None, **columns: Any) -> list[RewardOutput]:
        """Return the whole result for each completion, in order, as an evaluation wants it: without a deadline."""
        rows = self._arguments.of_batch(prompts, completions, columns, preset=self._preset)
        return wait_for(lambda: self._graded(rows, None), patience_s=None) or []

    async def aevaluate(self, prompts: Any = None, completions: Any = None, **columns: Any) -> list[RewardOutput]:
        """Do what `evaluate` does, for callers that await."""
        rows = self._arguments.of_batch(prompts, completions, columns, preset=self._preset)
        return await await_for(lambda: self._graded(rows, None), patience_s=None) or []

    def get_trl_adapter(self) -> MessageReward:
        """Return this object: what RewardKit needs an adapter for, it does itself."""
        return self

    def close(self) -> None:
        """Let go of the sandboxes, which are closed unless something else uses them; a later call starts anew."""
        self._engine.close()
        close = getattr(self._implementation, "close", None)
        if close is not None:
            close()

    @property
    def given(self) -> Mapping[str, Any]:
        """Return the arguments that `configured` has given."""
        return self._preset

    @property
    def _patience_s(self) -> float | None:
        """Return how long to wait for the loop, whose own clock rings before."""
        return BatchSettings(batch_deadline_s=self._deadline_s).patience_s

    def _rows(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the arguments for each conversation of a call, which may be of either form."""
        if "completions" in kwargs:
            if args:
                raise TypeError(f"{self.__name__}() takes a batch by keyword: prompts=..., completions=..., columns")
            columns = {name: values for name, values in kwargs.items() if name not in _BATCH}
            return self._arguments.of_batch(kwargs.get("prompts"), kwargs["completions"], columns, preset=self._preset)
        preset = {name: value for name, value in self._preset.items() if name not in kwargs}
        return [self._arguments.of_one(args, {**preset, **kwargs})]

    def _result(
        self, kwargs: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], outputs: list[RewardOutput] | None
    ) -> RewardOutput | list[float | None]:
        if outputs is None:
            outputs = [RewardOutput.unjudged("something blocked the event loop of the sandboxes") for _ in rows]
        return self._scores(outputs) if "completions" in kwargs else outputs[0]

    async def _graded(self, rows: Sequence[Mapping[str, Any]], deadline_s: float | None) -> list[RewardOutput]:
        """Grade *rows* at the same time, as many as is allowed; those that the deadline cuts off are unjudged."""
        places = asyncio.Semaphore(self._at_once)

        async def graded(i: int) -> RewardOutput:
            async with places:
                try:
                    return await self._implementation(self._engine, **rows[i])
                except Exception as error:
                    error.add_note(f"raised by {self.__name__} for completion {i} of {len(rows)}")
                    raise

        tasks = [asyncio.ensure_future(graded(i)) for i in range(len(rows))]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=deadline_s, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            await _stop([task for task in tasks if not task.done()])
        errors = [task.exception() for task in tasks if task.done() and not task.cancelled()]
        for error in errors:
            if error is not None:
                raise error
        return [_output(task) for task in tasks]

    def _scores(self, outputs: Sequence[RewardOutput]) -> list[float | None]:
        run = [output for output in outputs if _was_run(output)]
        lost = [output for output in run if output.reward is None]
        reason = lost[0].reason if lost else ""
        self._trouble.see(Trouble(len(outputs), len(lost), reason))
        self._record.add(unjudged=len(lost), run=len(run), reason=reason)
        return [output.reward for output in outputs]


def _configured(base: MessageReward, name: str, preset: dict[str, Any]) -> MessageReward:
    reward = MessageReward(
        base._implementation,
        name=name,
        qualname=base.__qualname__,
        options=base._arguments.options,
        at_once=base._at_once,
        batch_deadline_s=base._deadline_s,
        breaker=base._breaker,
    )
    reward._base, reward._preset = base._base or base, MappingProxyType(preset)
    return reward


def _without_engine(implementation: Implementation) -> Callable[..., Any]:
    """Return something with the signature that callers see: the engine is ours to give."""

    def seen_by_callers() -> None:
        """Stand for a signature."""

    signature = inspect.signature(implementation)
    seen_by_callers.__signature__ = signature.replace(  # type: ignore[attr-defined]  # `inspect` reads it
        parameters=list(signature.parameters.values())[1:]
    )
    return seen_by_callers


def _was_run(output: RewardOutput) -> bool:
    """Say whether *output* tells anything about the sandbox: a response without a program does not."""
    extracted = output.metrics.get("extracted_code")
    return output.reward is None or extracted is None or extracted.is_score_valid


def _output(task: asyncio.Future[RewardOutput]) -> RewardOutput:
    if not task.done() or task.cancelled():
        return RewardOutput.unjudged("not judged before the deadline")
    return task.result()


async def _stop(tasks: Sequence[asyncio.Future[RewardOutput]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        _, stuck = await asyncio.wait(tasks, timeout=CLEANUP_S)
        if stuck:
            _log.error("%d conversations could not be stopped and are left behind", len(stuck))
