"""The batch engine: units in, outcomes out, from a synchronous or an asynchronous caller, always in time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import CircuitBreakerOpen, ConfigurationError
from ..grades import BatchFigures, Grade, Verdict
from ..sandboxes.base import Sandbox
from .batch import CLEANUP_S, Batch, BatchSettings
from .breaker import BatchRecord, CircuitBreaker
from .loop import BackgroundLoop, Work
from .trial import Outcome, Unit
from .workplace import Workplace, announce

SHORTEST_RERUN_S = 1.0
_log = logging.getLogger("rewards")


class Grader:
    """Runs batches in one sandbox, and remembers how many of them in a row came to nothing."""

    def __init__(
        self,
        sandbox: str | Sandbox,
        *,
        settings: BatchSettings,
        breaker: CircuitBreaker | None,
        fallback: str | Sandbox | None = None,
    ) -> None:
        self.workplace = Workplace(sandbox)
        self._fallback = None if fallback is None else Workplace(fallback)
        self._fallback_name = fallback if fallback is None or isinstance(fallback, str) else fallback.name
        self._names: list[str] = []
        self._usage: dict[str, float] = {}
        self._announces = sandbox == "auto"
        self._settings = settings
        self._record = BatchRecord(breaker)
        self._warned_of_limits = False
        self._moves = 0
        self._moving = threading.Lock()

    def run(self, units: Sequence[Unit], *, spent_s: float = 0.0) -> tuple[list[Outcome], BatchFigures]:
        """Run *units* and wait, whatever else the calling thread has under way; *spent_s* of the deadline are over."""
        settings, moves = self._settings_after(spent_s), self._moves
        loop, batch = self._batch_of(units, settings)
        if loop.is_current_thread:
            raise ConfigurationError("a reward was called on its own background loop: await its `acall` or `agrade`")
        work = loop.prepare(batch.run())
        try:
            work.begin()
            concurrent.futures.wait([work.future], timeout=settings.patience_s)
        except BaseException:  # KeyboardInterrupt, above all: the batch must not run on behind the user's back
            work.cancel()
            concurrent.futures.wait([work.future], timeout=2 * CLEANUP_S)
            raise
        return self._settled(loop, batch, work, moves)

    async def run_async(self, units: Sequence[Unit], *, spent_s: float = 0.0) -> tuple[list[Outcome], BatchFigures]:
        """Run *units* and await them on whatever loop the caller has."""
        settings, moves = self._settings_after(spent_s), self._moves
        loop, batch = self._batch_of(units, settings)
        work = loop.begin(batch.run())
        waiter = asyncio.wrap_future(work.future)
        try:
            await asyncio.wait([waiter], timeout=settings.patience_s)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([waiter], timeout=2 * CLEANUP_S)
            raise
        finally:
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # it is raised below, from the other future; asyncio would log it as forgotten
        return self._settled(loop, batch, work, moves)

    def count(self, grades: Sequence[Grade], figures: BatchFigures) -> bool:
        """Count a batch of completions, and tell whether it has to run again, because the sandbox was changed.

        Raises `CircuitBreakerOpen` where there is no other sandbox, or that one judges nothing either.
        """
        run = [grade for grade in grades if grade.tests]
        unjudged = [grade for grade in run if is_lost(grade)]
        reason = unjudged[0].detail if unjudged else ""
        with self._moving:
            if figures.moves < self._moves:  # it ran where nobody works any more: no word on the sandbox of now
                return bool(unjudged)
            try:
                self._record.add(unjudged=len(unjudged), run=len(run), reason=reason)
                return False
            except CircuitBreakerOpen as error:
                if self._fallback is None:
                    raise
                left = self._move(self._fallback, error)
        left.close()
        return True

    def _move(self, to: Workplace, error: CircuitBreakerOpen) -> Workplace:
        """Work elsewhere from here on, for good (a reward must not mean two things), and return what was left."""
        left, self.workplace, self._fallback = self.workplace, to, None
        self._moves += 1
        self._record.reset()
        _log.error("moving to the sandbox %r, where this batch is run again. %s", self._fallback_name, error)
        self._announces = False
        return left

    def close(self) -> None:
        """Let go of the sandbox."""
        self.workplace.close()
        if self._fallback is not None:
            self._fallback.close()

    def _settings_after(self, spent_s: float) -> BatchSettings:
        """Return the settings for a batch of which *spent_s* are over: a second run of it is no reason to be late."""
        deadline_s = self._settings.batch_deadline_s
        if deadline_s is None or not spent_s:
            return self._settings
        return replace(self._settings, batch_deadline_s=max(deadline_s - spent_s, SHORTEST_RERUN_S))

    def _batch_of(self, units: Sequence[Unit], settings: BatchSettings) -> tuple[BackgroundLoop, Batch]:
        loop, sandbox = self.workplace.enter()
        self._warn_of_limits(units)
        if self._announces:
            return loop, Batch(units, sandbox=sandbox, settings=settings, on_start=announce)
        return loop, Batch(units, sandbox=sandbox, settings=settings)

    def _warn_of_limits(self, units: Sequence[Unit]) -> None:
        """Say once that the deadline ends programs before their own limit does: the slow ones teach nothing then."""
        deadline_s = self._settings.batch_deadline_s
        longest_s = max((unit.problem.limits.wall_limit_s for unit in units), default=0.0)
        if self._warned_of_limits or deadline_s is None or longest_s <= deadline_s:
            return
        self._warned_of_limits = True
        _log.warning(
            "one test may take %g s by the clock (wall_s of its limits) and a whole batch %g s (batch_deadline_s): a "
            "program that is too slow will be None there and not a time-out. Raise the one or lower the other; this "
            "is said once",
            longest_s,
            deadline_s,
        )

    def _settled(
        self, loop: BackgroundLoop, batch: Batch, work: Work[None], moves: int
    ) -> tuple[list[Outcome], BatchFigures]:
        if work.future.done():
            work.future.result()
        else:
            loop.given_up = True
            work.cancel()
            _log.error("the sandbox blocks its event loop: the batch ends without it, and the next one gets another")
        outcomes = batch.settle()
        answered = [(outcome.latency_s, outcome.queue_s) for outcome in outcomes if outcome.latency_s is not None]
        return outcomes, BatchFigures(
            queue_s=sum(queue_s for _, queue_s in answered) / max(1, len(answered)),
            cpu_s=sum(outcome.cpu_s for outcome in outcomes),
            latencies_s=tuple(latency_s for latency_s, _ in answered),
            retries=batch.retries,
            rescued=batch.rescued,
            sandboxes=self._all_names(batch.sandbox_name),
            usage=self._all_usage(batch.usage()),
            moves=moves,
            failures=tuple(sorted(batch.failures.items())),
            first_failure=batch.first_failure,
        )

    def _all_usage(self, totals: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        """Return the totals, with the last ones of a sandbox that was left."""
        self._usage |= totals
        return tuple(self._usage.items())

    def _all_names(self, current: str) -> tuple[str, ...]:
        """Return the sandboxes that may be used, the same for every batch: metrics have fixed names."""
        for name in (current, self._fallback_name):
            if name and name not in self._names:
                self._names.append(name)
        return tuple(self._names)


def is_lost(grade: Grade) -> bool:
    """Say whether the sandbox is the reason that *grade* says nothing; a scorer may have its own for None."""
    return grade.verdict is Verdict.UNJUDGED or (
        grade.score is None and any(test.verdict is Verdict.UNJUDGED for test in grade.tests)
    )
