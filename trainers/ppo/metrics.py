"""Figures between two logs of a trainer that has no place for those of a reward."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

_LATEST = frozenset({"lr", "episode", "epoch"})
"""Figures of which a window's last one says more than their mean."""
Sums = dict[str, tuple[float, int]]


class MetricBuffer:
    """Takes what a reward logs, as often as it likes, and gives sums and counts away at each log."""

    def __init__(self) -> None:
        self._sums: Sums = {}

    def add(self, name: str, value: float) -> None:
        """Count *value* in the mean of *name*; NaN says nothing and is left out, as TRL does."""
        number = float(value)
        if math.isnan(number):
            return
        total, n = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total + number, n + 1)

    def drain(self) -> Sums:
        """Return the sum and the count of each name since the last time."""
        drained, self._sums = self._sums, {}
        return drained


def means_of(parts: Iterable[Sums]) -> dict[str, float]:
    """Return the mean of each name over all *parts*, such as those of all ranks."""
    totals: Sums = {}
    for part in parts:
        for name, (total, n) in part.items():
            before = totals.get(name, (0.0, 0))
            totals[name] = (before[0] + total, before[1] + n)
    return {name: total / n for name, (total, n) in totals.items()}


def mean_log(window: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return one log for those of a *window* of steps; what is not in all of them is averaged over those it is in."""
    names = dict.fromkeys(name for logs in window for name in logs)
    found = {name: [logs[name] for logs in window if name in logs] for name in names}
    return {name: values[-1] if name in _LATEST else math.fsum(values) / len(values) for name, values in found.items()}
