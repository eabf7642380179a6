"""Two evaluations of the same problems: which ones flipped, and whether that is more than chance."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rewards import ConfigurationError

from .store import read_results, read_settings

logger = logging.getLogger(__name__)
_OF_COMPLETIONS = ("dataset", "rows", "completions", "labels")
"""Settings in which evaluations that are compared may differ."""
ROUNDS = 10_000
"""Random signs that the difference is compared with."""


@dataclass(frozen=True)
class Comparison:
    """What changed from the first run to the second one, over the problems that both have judged."""

    problems: int
    first: float
    """Mean pass rate of the problems in the first run."""
    second: float
    low: float
    """The difference lies from here to `high` with 95 %: a bootstrap over the problems."""
    high: float
    p_value: float
    """How often chance alone makes a difference at least as large: McNemar's exact test where each problem has one
    completion in both runs, else random signs for the problems' differences."""
    test: str
    gained: tuple[str, ...]
    """Problems with a greater pass rate in the second run."""
    lost: tuple[str, ...]
    only_first: tuple[str, ...]
    """Problems that the other run has not, or has not judged."""
    only_second: tuple[str, ...]

    @property
    def difference(self) -> float:
        """Return the second pass rate less the first one."""
        return self.second - self.first


def compare_evaluations(first: str | Path, second: str | Path, *, seed: int = 0) -> Comparison:
    """Compare two evaluations by their folders, problem by problem.

    Raises `ConfigurationError` where they have no problem in common.
    """
    _tell_what_differs(first, second)
    one, other = _rates(first), _rates(second)
    both = [name for name in one if name in other]
    if not both:
        raise ConfigurationError(f"{first} and {second} have no judged problem in common")
    before = np.array([one[name][0] / one[name][1] for name in both])
    after = np.array([other[name][0] / other[name][1] for name in both])
    single = all(one[name][1] == other[name][1] == 1 for name in both)
    rng = np.random.default_rng(seed)
    low, high = _interval(after - before, rng)
    return Comparison(
        problems=len(both),
        first=float(before.mean()),
        second=float(after.mean()),
        low=low,
        high=high,
        p_value=_mcnemar(before, after) if single else _by_signs(after - before, rng),
        test="McNemar, exact" if single else "random signs",
        gained=tuple(name for name, change in zip(both, after - before, strict=True) if change > 0),
        lost=tuple(name for name, change in zip(both, after - before, strict=True) if change < 0),
        only_first=tuple(name for name in one if name not in other),
        only_second=tuple(name for name in other if name not in one),
    )


def _tell_what_differs(first: str | Path, second: str | Path) -> None:
    """Warn where the two were graded by other rules: a difference would be none of the completions'."""
    one, other = (read_settings(folder) for folder in (first, second))
    names = [name for name in sorted(one.keys() | other.keys()) if name not in _OF_COMPLETIONS]
    differing = [name for name in names if one.get(name) != other.get(name)]
    for name in differing:
        told = (name, one.get(name), first, other.get(name), second)
        logger.warning("graded by other rules: %s is %.80r in %s and %.80r in %s", *told)


def _rates(folder: str | Path) -> Mapping[str, tuple[int, int]]:
    """Return, for each problem with a judged completion, how many are right and how many judged."""
    counts: dict[str, tuple[int, int]] = {}
    for result in read_results(folder):
        if result.passed is not None:
            right, judged = counts.get(result.problem, (0, 0))
            counts[result.problem] = right + result.passed, judged + 1
    return counts


def _mcnemar(before: np.ndarray, after: np.ndarray) -> float:
    """Return the two-sided chance of flips as one-sided as these, if either way were as likely."""
    gained, lost = int(((before == 0) & (after == 1)).sum()), int(((before == 1) & (after == 0)).sum())
    flips = gained + lost
    if not flips:
        return 1.0
    tail = sum(math.comb(flips, i) for i in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2**flips))


def _by_signs(changes: np.ndarray, rng: np.random.Generator) -> float:
    changed = changes[changes != 0]
    if not len(changed):
        return 1.0
    seen = float(abs(changed.sum()))
    hits = sum(
        int((abs((rng.integers(0, 2, (100, len(changed))) * 2 - 1) @ changed) >= seen - 1e-12).sum())
        for _ in range(ROUNDS // 100)
    )
    return float(hits + 1) / (ROUNDS + 1)


def _interval(changes: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    values, counts = np.unique(changes, return_counts=True)
    drawn = rng.multinomial(len(changes), counts / len(changes), size=2_000) @ values / len(changes)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
