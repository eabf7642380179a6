"""Another try for what an evaluation could not judge: the sandbox may be well again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from .grading import Grader
from .sample import Result, Sample
from .store import ResultStore

_UNJUDGED = "unjudged"


async def judge_again(samples: Iterator[Sample], grader: Grader, store: ResultStore, *, batch_size: int) -> int:
    """Grade the unjudged ones of what is in *store* again, in their places; return how many that were.

    *samples* are those that were judged, from the first one on. Until all are graded the results stay as they are.
    """
    pairs, tried = zip(store.results(), samples, strict=False), 0  # so that no sample is made which has no result
    with store.rewriting() as write:
        while batch := list(itertools.islice(pairs, batch_size)):
            again = [sample for result, sample in batch if result.verdict == _UNJUDGED]
            graded = iter(await grader.grade(again) if again else ())
            tried += len(again)
            write([_of(result, graded) for result, _ in batch])
    return tried


def _of(result: Result, graded: Iterator[Result]) -> Result:
    return next(graded) if result.verdict == _UNJUDGED else result
