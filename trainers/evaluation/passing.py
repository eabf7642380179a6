"""pass@k: the chance that at least one of k completions of a problem is right, and how sure that figure is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2_000
CONFIDENCE = 0.95
_Z = 1.959963984540054
"""The normal distribution's quantile of 0.975."""


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate for a problem of which *c* of *n* completions are right.

    Chen et al., "Evaluating Large Language Models Trained on Code", 2021. Raises ValueError unless 1 <= k <= n.
    """
    if not (1 <= k <= n and 0 <= c <= n):
        raise ValueError(f"pass@{k} needs at least {k} completions, and there are {n} with {c} right")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


@dataclass(frozen=True)
class Estimate:
    """A mean over problems with an interval of 95 %."""

    value: float
    low: float
    high: float
    problems: int
    interval: str
    """`wilson` where every problem has one completion, else `bootstrap` over the problems."""


def estimate(counts: Mapping[tuple[int, int], int], k: int, *, seed: int = 0) -> Estimate | None:
    """Return pass@k over the problems with at least *k* judged completions; None where there are none.

    *counts* holds how many problems have (judged, right) completions: all that the figure and its error depend on.
    """
    kept = {pair: count for pair, count in counts.items() if pair[0] >= k and count}
    if not kept:
        return None
    values = np.array([pass_at_k(n, c, k) for n, c in kept])
    weights = np.array(list(kept.values()), dtype=np.int64)
    problems = int(weights.sum())
    value = float(values @ weights / problems)
    if all(n == 1 for n, _ in kept):
        low, high = wilson(round(value * problems), problems)
        return Estimate(value, low, high, problems, "wilson")
    drawn = np.random.default_rng(seed).multinomial(problems, weights / problems, size=RESAMPLES)
    low, high = np.quantile(drawn @ values / problems, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high), problems, "bootstrap")


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return Wilson's score interval of 95 % for *right* out of *n*."""
    share, spread = right / n, _Z * _Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
