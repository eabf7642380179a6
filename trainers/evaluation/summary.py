"""What an evaluation found out, in figures: one pass over its results, in memory that does not grow with them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .passing import Estimate, estimate
from .sample import Result
from .tally import ALL, Tally

SHOWN_K = (1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000)
"""Beyond ten, not every k is worth a line; the greatest one always is."""


def summarize(results: Iterable[Result], *, every_k: bool = True, seed: int = 0) -> dict[str, Any]:
    """Return the summary as JSON: counts, verdict shares, pass@k with its interval, and the same for each label.

    Unjudged completions are counted apart: they say nothing about the model, so that rates are over judged ones, and
    the rate would lie within `pass_rate_bounds` whatever they were.
    """
    verdicts: Counter[str] = Counter()
    scored, total, cpu_s = 0, 0.0, 0.0
    with contextlib.closing(Tally()) as tally:
        for result in results:
            verdicts[result.verdict] += 1
            cpu_s += result.cpu_s
            if result.score is not None:
                scored, total = scored + 1, total + result.score
            tally.add(result.problem, result.labels, passed=result.passed)
        samples = sum(verdicts.values())
        groups = [group for group in tally.groups() if group != ALL]
        return {
            **_figures(tally, ALL, every_k=every_k, seed=seed),
            "mean_score": total / scored if scored else None,
            "verdicts": dict(verdicts.most_common()),
            "verdict_shares": {name: count / samples for name, count in verdicts.most_common()},
            "cpu_s": cpu_s,
            "groups": [
                {"label": label, "value": value, **_figures(tally, (label, value), every_k=False, seed=seed)}
                for label, value in groups
            ],
        }


def _figures(tally: Tally, group: tuple[str, str], *, every_k: bool, seed: int) -> dict[str, Any]:
    problems, samples, judged, passed = tally.totals(group)
    counts = tally.counts(group)
    most = max((n for n, _ in counts), default=0)
    wanted = range(1, most + 1) if every_k else [k for k in SHOWN_K if k < most] + [most] * (most > 0)
    found = {f"pass@{k}": _told(estimate(counts, k, seed=seed)) for k in wanted}
    return {
        "problems": problems,
        "samples": samples,
        "judged": judged,
        "unjudged": samples - judged,
        "passed": passed,
        "pass_rate": passed / judged if judged else None,
        "pass_rate_bounds": [passed / samples, (passed + samples - judged) / samples] if samples else None,
        "pass_at_k": found,
    }


def _told(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else dataclasses.asdict(found)
