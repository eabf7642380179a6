"""One batch on its way through a sandbox: many units at a time, in bounded memory, within a deadline."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import ConfigurationError, SandboxUnavailable
from ..grades import Verdict
from ..judging import grade_of
from ..records import Job, JobResult, SandboxFailure
from ..sandboxes.base import Sandbox
from ..sandboxes.canary import canary_for, is_healthy
from .checking import Checkers, was_killed
from .trial import Outcome, Trial, Unit, is_run

CLEANUP_S = 5.0
"""How long a cancelled job may take to clean up before it is left behind."""

_RESCUE_SHARE = 0.1
_RESCUE_WITHOUT_DEADLINE_S = 90.0
_log = logging.getLogger("rewards")
_jitter = random.Random()  # not the module's own generator: trainers seed that one, and their runs must repeat


@dataclass(frozen=True)
class BatchSettings:
    """How patiently a batch is run."""

    stop_at_first_failure: bool = False
    batch_deadline_s: float | None = 900.0
    retries: int = 2
    guard_s: float = 3 * CLEANUP_S
    """What the waiting side grants beyond the deadline: cleaning up may take `CLEANUP_S` twice on a busy machine."""
    keep_runs: bool = False
    """Whether outcomes hold what programs printed and showed, besides the verdicts on it."""

    def __post_init__(self) -> None:
        if self.batch_deadline_s is not None and not self.batch_deadline_s > 0:
            raise ConfigurationError(f"batch_deadline_s must be positive or None, found {self.batch_deadline_s!r}")
        if not isinstance(self.retries, int) or self.retries < 0:
            raise ConfigurationError(f"retries must be a whole number, 0 or more, found {self.retries!r}")

    @property
    def patience_s(self) -> float | None:
        """Return how long the side that waits for a batch waits for it."""
        return None if self.batch_deadline_s is None else self.batch_deadline_s + self.guard_s


class Batch:
    """Runs units and holds what became of them. `run` lives on the background loop; `settle` may be called anywhere."""

    def __init__(
        self,
        units: Sequence[Unit],
        *,
        sandbox: Sandbox,
        settings: BatchSettings,
        on_start: Callable[[Sandbox], None] = lambda sandbox: None,
    ) -> None:
        self.retries = 0
        self.rescued = 0
        self.failures: Counter[str] = Counter()
        self.first_failure = ""
        self._units = units
        self._sandbox = sandbox
        self._settings = settings
        self._on_start = on_start
        self._checkers = Checkers(self._answer_to_checker)
        self._has_failed_before = False
        self._outcomes: list[Outcome | None] = [None] * len(units)
        self._under_way: dict[int, Trial] = {}
        self._failed: dict[int, Outcome] = {}
        self._killed: set[int] = set()
        self._began = time.monotonic()
        allowed = settings.batch_deadline_s
        self._until = None if allowed is None else self._began + allowed

    async def run(self) -> None:
        """Run every unit that the time allows; raises what the sandbox raises, which is then broken or missing."""
        await _in_time([asyncio.ensure_future(self._sandbox.start())], self._until)
        if self._until is not None and time.monotonic() >= self._until:
            return
        self._on_start(self._sandbox)
        if self._sandbox.capacity < 1:
            raise ConfigurationError(f"sandbox {self.sandbox_name!r} runs {self._sandbox.capacity!r} jobs at once")
        await self._run_units(range(len(self._units)), self._sandbox.capacity, self._keep, self._until)
        starved = [i for i, outcome in enumerate(self._outcomes) if outcome is not None and outcome.starved]
        if starved:
            await self._run_units(starved, 1, self._keep_if_rescued, self._rescue_until())

    @property
    def sandbox_name(self) -> str:
        """Return the name of the sandbox that the batch runs in, for metrics."""
        return self._sandbox.name

    def usage(self) -> Mapping[str, float]:
        """Return what the sandbox says that it has used; one without a word on it costs nothing."""
        usage = getattr(self._sandbox, "usage", None)
        return {} if usage is None else dict(usage())

    def settle(self) -> list[Outcome]:
        """Return an outcome for each unit, with what is known so far for those that have none."""
        return [self._unfinished(i) if known is None else known for i, known in enumerate(self._outcomes)]

    def _keep(self, i: int, outcome: Outcome) -> None:
        self._outcomes[i] = outcome

    def _keep_if_rescued(self, i: int, outcome: Outcome) -> None:
        if not outcome.starved and outcome.latency_s is not None:
            self._outcomes[i] = outcome
            self.rescued += 1

    def _rescue_until(self) -> float:
        allowed = self._settings.batch_deadline_s
        budget = _RESCUE_WITHOUT_DEADLINE_S if allowed is None else _RESCUE_SHARE * allowed
        rescue_until = time.monotonic() + budget
        return rescue_until if self._until is None else min(self._until, rescue_until)

    async def _run_units(
        self, indexes: Iterable[int], width: int, keep: Callable[[int, Outcome], None], until: float | None
    ) -> None:
        queue = iter(indexes)
        workers = min(width, len(self._units))
        await _in_time([asyncio.ensure_future(self._work(queue, keep)) for _ in range(workers)], until)

    async def _work(self, queue: Iterator[int], keep: Callable[[int, Outcome], None]) -> None:
        for i in queue:
            keep(i, await self._outcome_of(i))
            self._under_way.pop(i, None)

    async def _outcome_of(self, i: int) -> Outcome:
        """Run unit *i*, again where the sandbox failed, with a canary between to tell whose fault it was."""
        unit, deaths = self._units[i], 0
        job = unit.job()
        tries_left = self._settings.retries
        while True:
            trial = Trial(
                unit,
                stop_at_first_failure=self._settings.stop_at_first_failure,
                keep_runs=self._settings.keep_runs,
            )
            self._under_way[i] = trial
            waited_s = time.monotonic() - self._began
            answer = await self._answer_to(job, trial)
            if isinstance(answer, JobResult):
                if self._doubts(i, answer):
                    continue
                await self._checkers.settle(trial, trial.judge_rest(answer))
                return trial.complete(answer, waited_s=waited_s)
            self._log_failure(answer)
            failed = self._failed[i] = trial.unjudged(answer)
            if not answer.retryable:
                return failed
            del self._under_way[i]  # the canary's time and the pause are not the program's
            healthy = await self._is_healthy_for(job)
            deaths += healthy and answer.kind == "died"
            if deaths == 2:
                return trial.killed_its_sandbox(answer)
            if not tries_left:
                return failed
            self.retries += 1
            if not healthy:
                await self._pause(tries_left)
            tries_left -= 1

    async def _answer_to_checker(self, job: Job) -> JobResult | SandboxFailure | None:
        """Run a checker as patiently as programs are run; None where it ends its sandbox, and nothing else does."""
        deaths, kills = 0, 0
        for tries_left in reversed(range(self._settings.retries + 1)):
            answer = await self._answer_to(job)
            if isinstance(answer, JobResult):
                kills += was_killed(answer)
                if kills != 1 or not tries_left:
                    return answer
            else:
                self._log_failure(answer)
                if not answer.retryable:
                    return answer
                healthy = await self._is_healthy_for(job)
                deaths += healthy and answer.kind == "died"
                if deaths == 2:
                    return None
                if not healthy and tries_left:
                    await self._pause(tries_left)
            self.retries += tries_left > 0
        return answer

    async def _is_healthy_for(self, job: Job) -> bool:
        """Say whether the sandbox works for jobs like *job*."""
        canary = canary_for(job)
        return is_healthy(await self._answer_to(canary), canary)

    async def _answer_to(self, job: Job, trial: Trial | None = None) -> JobResult | SandboxFailure:
        """Return what the sandbox answers; where it breaks its contract, that is a failure of the sandbox."""
        try:
            answer = await self._sandbox.run(job, keep_going=None if trial is None else trial.keep_going)
        except (ConfigurationError, SandboxUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary to a sandbox, which may raise anything; see below
            # It becomes a failure value, which is tried again and ends as None, and never a number.
            if trial is not None and trial.fault is not None:
                raise trial.fault from None
            _log.log(self._level(), "sandbox %s raised", self.sandbox_name, exc_info=True)
            return SandboxFailure("transport", f"the sandbox raised {type(error).__name__}: {error}")
        if trial is not None and trial.fault is not None:
            raise trial.fault  # the sandbox has swallowed it
        return _checked(answer, job)

    def _doubts(self, i: int, result: JobResult) -> bool:
        """Say whether unit *i* has to run again, because a run of it was killed for the first time.

        The machine's out-of-memory killer and a careless `kill` end a right program just so. A program that kills
        itself will do it again.
        """
        if i in self._killed or not was_killed(result):
            return False
        self._killed.add(i)
        self.retries += 1
        return True

    def _log_failure(self, failure: SandboxFailure) -> None:
        """Count a failure; who waits for the batch tells of all of them in one line."""
        self.failures[failure.kind] += 1
        self.first_failure = self.first_failure or f"{self.sandbox_name}: {failure.detail}"
        _log.info("sandbox %s failed (%s): %r", self.sandbox_name, failure.kind, failure.detail)

    def _level(self) -> int:
        level = logging.INFO if self._has_failed_before else logging.WARNING
        self._has_failed_before = True
        return level

    async def _pause(self, tries_left: int) -> None:
        """Give a sick sandbox a moment, longer each time, and not every job the same one."""
        turns = self._settings.retries - tries_left
        await asyncio.sleep(min(5.0, 0.05 * 4**turns) * _jitter.uniform(0.5, 1.5))

    def _unfinished(self, i: int) -> Outcome:
        trial = self._under_way.get(i)
        if trial is not None:
            return trial.at_deadline()
        if i in self._failed:
            return self._failed[i]
        detail = "not started before the batch's deadline"
        tests = self._units[i].problem.tests
        return Outcome(tuple(grade_of(test, Verdict.UNJUDGED, detail) for test in tests), detail)


def _checked(answer: object, job: Job) -> JobResult | SandboxFailure:
    """Return *answer* if it can be an answer to *job*; otherwise the sandbox has failed."""
    if isinstance(answer, SandboxFailure):
        return answer
    if not isinstance(answer, JobResult):
        return SandboxFailure("transport", f"the sandbox returned {type(answer).__name__} and no result")
    if len(answer.runs) != len(job.steps):
        return SandboxFailure("transport", f"the sandbox returned {len(answer.runs)} runs for {len(job.steps)} steps")
    if not all(map(is_run, answer.runs)):
        return SandboxFailure("transport", "the sandbox returned runs that are none")
    return answer


async def _in_time(tasks: Sequence[asyncio.Future[None]], until: float | None) -> None:
    """Wait for *tasks*, to their end or to the time *until*; cancel what is left, and raise what any of them raised.

    A task that does not react to its cancellation is left behind, because whoever waits for the batch matters more.
    """
    if not tasks:
        return
    try:
        timeout = None if until is None else max(0.0, until - time.monotonic())
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _cancelled(tasks)
    errors = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    for error in errors:
        if error is not None:
            raise error


async def _cancelled(tasks: Sequence[asyncio.Future[None]]) -> None:
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    if unfinished:
        _, stuck = await asyncio.wait(unfinished, timeout=CLEANUP_S)
        if stuck:
            _log.error("%d jobs did not stop when they were cancelled and are left behind", len(stuck))
