"""A bounded, even choice of the completions of a run, kept on disk so that a resumed run goes on with it."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rewards.reports.listening import GradedBatch

from .report import Sample, SampleTest, sample_of
from .report.writing import write_whole

SAMPLES_FILE = "samples.jsonl"
TRAINING, EVALUATION = "training", "evaluation"
_MOST_OF_A_STEP = 64
_FEWEST_OF_A_STEP = 4
"""Where steps are too many for so many of each, every second step is given up instead."""
_THINNED_SHARE = 0.25
"""Of the samples allowed, from which on what a run has left is taken for thinned."""
_MOST_PENDING = 512
"""Of an evaluation, which is one step however many batches it has."""
_log = logging.getLogger("trainers")


class Recording:
    """Hears what a reward grades, and keeps at most *most* samples of it, about as many of each step that it keeps.

    Which step a batch belonged to, and whether to training or to an evaluation, is known after it: `settle` says so.
    Of a step one sample of each verdict comes first, then an even choice. Nothing here ends a run: what goes wrong is
    warned of once.
    """

    def __init__(self, folder: str | Path, *, most: int) -> None:
        self._path = Path(folder) / SAMPLES_FILE
        self._most = most
        self._quota = max(1, min(_MOST_OF_A_STEP, most))
        self._gaps = {TRAINING: 0, EVALUATION: 0}
        """Steps from one that is kept to the next one."""
        self._pending: list[Sample] = []
        self._stretches: list[tuple[Sample, ...]] = []
        self._has_warned = False

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Return what is kept, in the order of the run."""
        return tuple(sample for stretch in self._stretches for sample in stretch)

    def hear(self, batch: GradedBatch) -> None:
        """Take a graded batch; for `CodeReward.listen`."""
        if self._most <= 0:
            return
        try:
            self._pending += _samples_of(batch, self._quota)
            if len(self._pending) > _MOST_PENDING:
                self._pending = _interesting(self._pending, _MOST_PENDING // 2)
        except Exception as error:  # noqa: BLE001 - the boundary between a run and its report, which must not end it
            self._warn(error)

    def settle(self, step: int, phase: str) -> None:
        """Say to which step of what the batches belonged that were heard since the last time."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        before = self._steps_of(phase)
        if before and step - before[-1] < self._gaps[phase]:
            return
        stretch = tuple(_belonging(sample, step, phase) for sample in _interesting(pending, self._quota))
        self._stretches.append(stretch)
        if self._thin():
            self._rewrite()
        else:
            self._append(stretch)

    def resume(self, step: int) -> None:
        """Take up the samples that a run has left up to *step*, from which this one goes on; drop all later ones.

        Later steps are kept as sparsely as those are, or they would push them out.
        """
        self._pending, self._stretches = [], []
        if step > 0 and self._most > 0:
            self._stretches = self._read(step)
        if sum(map(len, self._stretches)) > _THINNED_SHARE * self._most:
            self._quota = min(self._quota, max(map(len, self._stretches)))
            if self._quota <= _FEWEST_OF_A_STEP:
                self._measure_gaps()
        self._thin()
        self._rewrite()

    def end(self) -> None:
        """Hear nothing any more; what is kept stays."""
        self._most = 0

    def _thin(self) -> bool:
        """Bring the number down to what is allowed, and say whether there was anything to do."""
        was_thinned = False
        while self._stretches and sum(map(len, self._stretches)) > self._most:
            was_thinned = True
            if self._quota > _FEWEST_OF_A_STEP or len(self._stretches) == 1:
                self._quota = max(1, self._quota // 2)
                self._stretches = [stretch[: self._quota] for stretch in self._stretches]
            else:
                self._stretches = _every_second(self._stretches)
                self._measure_gaps()
        return was_thinned

    def _measure_gaps(self) -> None:
        for phase, known in self._gaps.items():
            self._gaps[phase] = max([known, *_smallest_distance(self._steps_of(phase))])

    def _steps_of(self, phase: str) -> list[int]:
        label = (("phase", phase),)
        return [stretch[0].step or 0 for stretch in self._stretches if stretch[0].labels[:1] == label]

    def _read(self, last_step: int) -> list[tuple[Sample, ...]]:
        grouped: dict[Any, list[Sample]] = {}
        try:
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                sample = _sample_in(line)
                if sample is not None and isinstance(sample.step, int) and sample.step <= last_step:
                    grouped.setdefault((sample.step, sample.labels[:1]), []).append(sample)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._warn(error)
        return [tuple(samples) for samples in grouped.values()]

    def _append(self, samples: Iterable[Sample]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(_line(sample) for sample in samples)
        except OSError as error:
            self._warn(error)

    def _rewrite(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, "".join(map(_line, self.samples)).encode())
        except OSError as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning("samples of this run cannot be kept in %s; the run goes on: %r", self._path, error)


def _samples_of(batch: GradedBatch, n: int) -> list[Sample]:
    grades = batch.grade.grades
    chosen = _by_interest([grade.verdict.value for grade in grades])[:n]
    prompts = batch.prompts if len(batch.prompts) == len(grades) else [""] * len(grades)
    return [
        sample_of(
            prompts[i],
            batch.completions[i],
            grade=grades[i],
            labels=[("sandbox", grades[i].sandbox)] if grades[i].sandbox else [],
        )
        for i in chosen
    ]


def _interesting(samples: Sequence[Sample], n: int) -> list[Sample]:
    return [samples[i] for i in _by_interest([sample.verdict for sample in samples])[:n]]


def _belonging(sample: Sample, step: int, phase: str) -> Sample:
    return dataclasses.replace(sample, step=step, labels=(("phase", phase), *sample.labels))


def _by_interest(verdicts: Sequence[str]) -> list[int]:
    """Return indices such that each beginning of them holds each verdict, if it can, and the rest evenly."""
    n = len(verdicts)
    evenly = sorted(range(n), key=lambda i: _reversed_bits(i, n))
    first = list({verdicts[i]: i for i in reversed(evenly)}.values())[::-1]
    return first + [i for i in evenly if i not in first]


def _reversed_bits(i: int, n: int) -> int:
    """Return where *i* stands in an order in which every beginning is spread over the whole range."""
    return int(format(i, f"0{max(1, (n - 1).bit_length())}b")[::-1], 2)


def _smallest_distance(steps: Sequence[int]) -> list[int]:
    distances = [later - step for step, later in pairwise(steps)]
    return [min(distances)] if distances else []


def _every_second(stretches: Sequence[tuple[Sample, ...]]) -> list[tuple[Sample, ...]]:
    """Leave out every other stretch of each phase, and keep the latest one of each."""
    kept: list[tuple[Sample, ...]] = []
    seen: dict[Any, int] = {}
    for stretch in reversed(stretches):
        phase = stretch[0].labels[:1]
        seen[phase] = seen.get(phase, 0) + 1
        if seen[phase] % 2:
            kept.append(stretch)
    return kept[::-1]


def _line(sample: Sample) -> str:
    return json.dumps(dataclasses.asdict(sample)) + "\n"


def _sample_in(line: str) -> Sample | None:
    """Return the sample that a line holds; None for the half of a line that a killed run leaves."""
    try:
        found = json.loads(line)
        found["tests"] = tuple(SampleTest(**test) for test in found["tests"])
        found["labels"] = tuple((name, value) for name, value in found["labels"])
        return Sample(**found)
    except (ValueError, TypeError, KeyError):
        return None
