"""The loop of an evaluation: samples in, batches graded a few at a time, results out in the samples' order."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rewards import ConfigurationError

from .grading import Grader
from .sample import Result, Sample
from .store import ResultStore

IN_FLIGHT = 3
"""Batches at once, so that the sandbox has work while the last program of one is awaited."""
BATCH_CHARS = 16 << 20
"""Of a batch's rows: data sets with tests of megabytes each get smaller batches."""

OnResults = Callable[[Sequence[Result]], None]


async def grade_samples(
    samples: Iterator[Sample],
    grader: Grader,
    store: ResultStore,
    *,
    batch_size: int,
    on_results: OnResults,
    stop_samples: Callable[[], object] = lambda: None,
) -> None:
    """Grade what is not judged yet and append it to *store*; *on_results* is told of each batch.

    *stop_samples* is called at the end, however that comes, so that nobody waits for samples that nobody wants.

    Raises `ConfigurationError` where the samples that were judged before are not those that come first now.
    """
    found = batches(samples, batch_size)
    waiting: deque[asyncio.Task[list[Result]]] = deque()
    # In a thread: a batch may have to be generated first, and results are to be written meanwhile.
    pulling: asyncio.Task[list[Sample] | None] | None = _pull(found)
    try:
        while pulling is not None or waiting:
            pulled = {pulling} if pulling is not None and len(waiting) < IN_FLIGHT else set()
            await asyncio.wait(pulled | set(itertools.islice(waiting, 1)), return_when=asyncio.FIRST_COMPLETED)
            if waiting and waiting[0].done():
                await _take(waiting, store, on_results)
            if pulling is not None and pulling.done() and len(waiting) < IN_FLIGHT:
                batch = pulling.result()
                pulling = None if batch is None else _pull(found)
                if batch is not None:
                    waiting.append(asyncio.ensure_future(grader.grade(batch)))
    finally:
        stop_samples()
        await _stop([*waiting, *([pulling] if pulling is not None else [])])


def _pull(found: Iterator[list[Sample]]) -> asyncio.Task[list[Sample] | None]:
    return asyncio.ensure_future(asyncio.to_thread(next, found, None))


async def _stop(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _take(waiting: deque[asyncio.Task[list[Result]]], store: ResultStore, on_results: OnResults) -> None:
    results = await waiting[0]
    waiting.popleft()
    store.append(results)
    on_results(results)


def batches(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    """Give the samples in lists of at most *size*, fewer where their rows are large."""
    batch: list[Sample] = []
    chars, last_row = 0, None
    for sample in samples:
        if sample.row is not last_row:
            last_row = sample.row
            chars += _chars_in(sample.row)
        batch.append(sample)
        if len(batch) >= size or chars > BATCH_CHARS:
            yield batch
            batch, chars, last_row = [], 0, None
    if batch:
        yield batch


def _chars_in(row: Mapping[str, Any]) -> int:
    """Return how much text *row* holds, in lists and structures too: CodeContests keeps its tests in such."""
    chars, left = 0, list(row.values())
    while left:
        value = left.pop()
        if isinstance(value, str | bytes):
            chars += len(value)
        elif isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return chars


def skip_judged(samples: Iterator[Sample], digests: Iterator[str]) -> tuple[Iterator[Sample], int]:
    """Return the samples that are not judged yet, and how many are.

    Raises `ConfigurationError` where what was judged is not what comes first: the data set or the completions are
    others now.
    """
    judged = 0
    for digest in digests:
        sample = next(samples, None)
        if sample is None or sample.digest != digest:
            raise ConfigurationError(
                f"sample {judged} is not the one that was judged there before: the data set or the completions have "
                "changed. Name another output folder, or remove this one"
            )
        judged += 1
    return itertools.chain(samples), judged
