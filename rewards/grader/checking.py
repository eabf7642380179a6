"""Run the checkers of a batch, in the sandbox that its programs ran in."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby

from ..cases import Checker
from ..grades import Verdict
from ..judging.checkers import CheckerAnswer, CheckerCase, answered_finding, checker_answer, checker_job
from ..records import Ended, Job, JobResult, SandboxFailure, TestRun
from .trial import Trial

MOST_BREAKS = 3
"""Outputs of one program that may break their checker before no more of its outputs are checked: each takes time."""

_CHUNK = 32
_FIRST_CHUNK = 2
_KILLED_ITS_SANDBOX = CheckerAnswer(fault="brought down its sandbox twice, which then ran another program well")
_BROKE_OFTEN = (Verdict.WRONG_ANSWER, f"not checked: the checker broke on {MOST_BREAKS} outputs of this program")

Run = Callable[[Job], Awaitable[JobResult | SandboxFailure | None]]
"""Runs a job patiently; None where the job, and nothing but this job, ended its sandbox time and again."""


class Checkers:
    """Answers each question of a batch once: a group of right programs prints the same outputs over and over."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._answers: dict[bytes, asyncio.Future[CheckerAnswer]] = {}
        self._waiting: dict[Checker, dict[bytes, CheckerCase]] = {}
        self._turns: dict[Checker, asyncio.Lock] = {}

    async def settle(self, trial: Trial, cases: Mapping[int, CheckerCase]) -> None:
        """Ask the checkers of *trial*, a few tests at a time, until all are answered or the rest does not matter."""
        numbers = sorted(cases)
        size, breaks = (_FIRST_CHUNK if trial.stops_at_first_failure else _CHUNK), 0
        while numbers:
            chunk, numbers = numbers[:size], numbers[size:]
            size *= 2
            failed, broken = await self._settle(trial, {number: cases[number] for number in chunk})
            breaks += broken
            if failed and trial.stops_at_first_failure:
                return
            if breaks >= MOST_BREAKS:
                for number in numbers:
                    trial.settle(number, _BROKE_OFTEN)
                return

    async def _settle(self, trial: Trial, cases: Mapping[int, CheckerCase]) -> tuple[bool, int]:
        """Settle these tests; returns whether one of them failed, and how many outputs broke their checker."""
        answers = await self._ask(cases)
        broken = {number: cases[number].control for number, answer in answers.items() if answer.finding is None}
        controls = await self._ask({number: case for number, case in broken.items() if case != cases[number]})
        failed, breaks = False, 0
        for number, answer in answers.items():
            control = controls.get(number)
            finding = answered_finding(answer, control)
            failed |= finding[0] not in (Verdict.ACCEPTED, Verdict.UNJUDGED)
            breaks += number in broken and finding[0] is Verdict.WRONG_ANSWER
            trial.settle(number, finding, starved=answer.starved or (control is not None and control.starved))
        return failed, breaks

    async def _ask(self, cases: Mapping[int, CheckerCase]) -> dict[int, CheckerAnswer]:
        """Return an answer to each of *cases*, after asking those that nobody has asked yet."""
        loop = asyncio.get_running_loop()
        mine: dict[bytes, CheckerCase] = {}
        wanted: list[asyncio.Future[CheckerAnswer]] = []
        for case in cases.values():
            key = case.digest
            if key not in self._answers:
                mine[key], self._answers[key] = case, loop.create_future()
            wanted.append(self._answers[key])
        claimed = {key: self._answers[key] for key in mine}
        try:
            by_checker = sorted(mine.items(), key=lambda item: item[1].checker.source)
            for _, same in groupby(by_checker, key=lambda item: item[1].checker):
                await self._ask_one_checker(dict(same))
        finally:
            for key, future in claimed.items():
                if not future.done():  # the whole batch is being given up
                    future.cancel()
                    del self._answers[key]
        if wanted:
            await asyncio.wait(wanted)  # `gather` would cancel what others wait for, too
        return {number: future.result() for number, future in zip(cases, wanted, strict=True)}

    async def _ask_one_checker(self, cases: Mapping[bytes, CheckerCase]) -> None:
        checker = next(iter(cases.values())).checker
        if checker.language == "python":
            await self._put(cases)
            return
        # A compiler takes seconds: while one job compiles, the questions of other programs gather for the next one.
        waiting = self._waiting.setdefault(checker, {})
        waiting.update(cases)
        async with self._turns.setdefault(checker, asyncio.Lock()):
            while any(key in waiting for key in cases):
                await self._put({key: waiting.pop(key) for key in list(waiting)[:_CHUNK]})

    async def _put(self, cases: Mapping[bytes, CheckerCase]) -> None:
        """Ask *cases* of one checker, and hand out the answers."""
        answers = await self._answers_of(list(cases.values()))
        for key, answer in zip(cases, answers, strict=True):
            self._answers[key].set_result(answer)
            if answer.starved or answer.failed:
                del self._answers[key]  # whoever asks later may have better luck

    async def _answers_of(self, cases: Sequence[CheckerCase]) -> list[CheckerAnswer]:
        result = await self._run(checker_job(cases))
        if result is None and len(cases) > 1:  # one output did it, which must not be held against the others
            return [answer for case in cases for answer in await self._answers_of([case])]
        if result is None:
            return [_KILLED_ITS_SANDBOX]
        if isinstance(result, SandboxFailure):
            reason = f"sandbox failure while a checker ran ({result.kind}): {result.detail}"
            return [CheckerAnswer((Verdict.UNJUDGED, reason), failed=True)] * len(cases)
        runs = result.runs
        later = [i for i, run in enumerate(runs) if _was_left_out(run)]
        if 0 < len(later) < len(cases):  # the others used up the job's time: each is answered for itself alone
            again = await self._answers_of([cases[i] for i in later])
            answers = [checker_answer(cases[0].checker, run) for run in runs]
            return [again[later.index(i)] if i in later else answer for i, answer in enumerate(answers)]
        return [checker_answer(cases[0].checker, run) for run in runs]


def _was_left_out(run: TestRun) -> bool:
    """Say whether nothing was run at all, because what came before in the job had taken all of its time."""
    return run.ended in (Ended.CPU_LIMIT, Ended.WALL_LIMIT) and run.cpu_s == run.wall_s == 0


def was_killed(result: JobResult) -> bool:
    """Say whether a run of *result* was killed, which the machine may have done as well as the program."""
    return any(run.ended is Ended.SIGNALLED and run.signal == signal.SIGKILL for run in result.runs)
