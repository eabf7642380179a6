"""Grade known completions, and run known notebooks beside them, in one pool and while the faults strike."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from e2b_service.handle import ServiceHandle, start_service
from e2b_service.settings import Settings

from rewards import BatchGrade, CodeReward, Verdict
from rewards.grader.loop import background_loop
from rewards.grades import Grade
from rewards.records import JobResult, SandboxFailure
from rewards.reports.metrics import summarize
from rewards.sandboxes.e2b_cloud import E2BSandbox

from .completions import Known, known_completions
from .figures import Figures
from .notebooks import KnownNotebook, known_notebooks
from .weather import let_it_rain

GUARD_S = 15.0
"""What the grader itself grants beyond its deadline for cleaning up."""
GONE_S = 30.0
"""For sandboxes that the reaper has to kill, under the same faults."""
Answer = JobResult | SandboxFailure | None


@dataclass(frozen=True)
class Plan:
    """What is asked."""

    completions: int = 2000
    sandboxes: int = 20
    seed: int = 0
    cells_share: float = 0.1
    deadline_s: float = 600.0
    strength: float = 1.0


def settings_for(plan: Plan) -> Settings:
    """Return a service that makes machines quickly, and no more of them than the plan allows."""
    return Settings(
        creates_per_s=10.0, max_sandboxes=plan.sandboxes, create_latency_s=0.1, keepalive_s=1.0, seed=plan.seed
    )


def pool_for(plan: Plan, service: ServiceHandle) -> E2BSandbox:
    """Return a pool that loses patience soon, so that a fault costs seconds."""
    return E2BSandbox(
        api_key=service.api_key,
        api_url=service.url,
        sandbox_url=service.url,
        creates_per_s=9.0,
        max_sandboxes=plan.sandboxes,
        cell_jobs_per_sandbox=10,
        retries=5,
        silence_s=6.0,
        request_timeout_s=8.0,
        ttl_s=60,
    )


def run_chaos(plan: Plan) -> Figures:
    """Start a service, let it rain, ask everything, and return what came of it."""
    with start_service(settings_for(plan)) as service:
        let_it_rain(service, seed=plan.seed, strength=plan.strength)
        return ask_everything(plan, service)


def ask_everything(plan: Plan, service: ServiceHandle) -> Figures:
    """Ask for every score, close the reward, and see what is left."""
    chance = random.Random(plan.seed)
    cells = round(plan.completions * plan.cells_share)
    known, notebooks = known_completions(plan.completions - cells, chance), known_notebooks(cells, chance)
    pool = pool_for(plan, service)
    reward = CodeReward(
        sandbox=pool, scoring="fraction_passed", batch_deadline_s=plan.deadline_s, breaker=None, name="chaos"
    )
    with reward:
        began = time.monotonic()
        working = background_loop().begin(_run_notebooks(pool, notebooks, plan.deadline_s))
        batch = reward.grade(completions=[one.completion for one in known], tests=[one.tests for one in known])
        answers = working.future.result(plan.deadline_s + GUARD_S)
        wall_s = time.monotonic() - began
        used = str(pool.figures())
        closing = time.monotonic()
    closed = time.monotonic()
    alive = _left(service)
    wrong, unjudged, uncounted = _compare(known, batch, notebooks, answers)
    return Figures(
        asked=plan.completions,
        wrong=tuple(wrong),
        unjudged=unjudged,
        uncounted=uncounted,
        faults=service.stats().faults,
        wall_s=wall_s,
        deadline_s=plan.deadline_s + GUARD_S,
        alive=alive,
        gone_after_s=time.monotonic() - closed,
        close_s=closed - closing,
        used=used,
    )


def _left(service: ServiceHandle) -> int:
    """Return how many sandboxes are left after the time that the reaper may take."""
    until = time.monotonic() + GONE_S
    while (alive := len(service.alive())) and time.monotonic() < until:
        time.sleep(0.1)
    return alive


async def _run_notebooks(pool: E2BSandbox, known: Sequence[KnownNotebook], deadline_s: float) -> list[Answer]:
    tasks = [asyncio.ensure_future(pool.run(one.job)) for one in known]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=deadline_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return [None if task.cancelled() else task.result() for task in tasks]


def _compare(
    known: Sequence[Known], batch: BatchGrade, notebooks: Sequence[KnownNotebook], answers: Sequence[Answer]
) -> tuple[list[str], Counter[str], int]:
    """Return what is wrong, what is unjudged by kind, and how many unjudged ones the trainer's log does not tell of."""
    wrong, unjudged = list[str](), Counter[str]()
    logged = round(summarize(batch)[Verdict.UNJUDGED.value] * len(known))
    uncounted = abs(logged - batch.scores.count(None))
    for one, grade in zip(known, batch.grades, strict=True):
        unjudged[one.kind] += grade.score is None
        if not _is_right(one, grade):
            wrong.append(f"a program that {one.kind}: {grade.score}, {_told(grade)}\n{one.completion}{one.tests}")
    for notebook, answer in zip(notebooks, answers, strict=True):
        if not isinstance(answer, JobResult):
            unjudged[f"a notebook that {notebook.kind}"] += 1
        elif not all(end.fits(run) for end, run in zip(notebook.ends, answer.runs, strict=True)):
            wrong.append(f"a notebook that {notebook.kind}: {answer.runs}\n{notebook.job}")
    return wrong, +unjudged, uncounted


def _is_right(known: Known, grade: Grade) -> bool:
    """Say whether all verdicts are the known ones, or unjudged, and the score follows from them."""
    fits = all(
        test.verdict in (Verdict.UNJUDGED, expected)
        for expected, test in zip(known.verdicts, grade.tests, strict=False)
    )
    return fits and grade.score in (None, known.score)


def _told(grade: Grade) -> Any:
    return [(test.verdict.value, test.detail) for test in grade.tests] or grade.verdict.value
