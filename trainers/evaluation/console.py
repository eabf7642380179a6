"""What an evaluation, and a comparison of two, say on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .comparison import Comparison
from .export import Evaluation


def summary_lines(found: Evaluation) -> list[str]:
    """Return the summary for people."""
    told = found.summary
    lines = [f"{told['samples']} completions of {told['problems']} problems, {told['unjudged']} unjudged"]
    for name, estimate in told["pass_at_k"].items():
        if estimate is not None and (name == "pass@1" or name == list(told["pass_at_k"])[-1]):
            lines.append(f"{name:>9}  {estimate['value']:.3f}  [{estimate['low']:.3f}, {estimate['high']:.3f}]")
    lines += [f"{share:9.1%}  {name}" for name, share in told["verdict_shares"].items()]
    lines += [
        f"{_percent(group['pass_at_k'].get('pass@1')):>9}  {group['label']}: {group['value']} "
        f"({group['judged']} judged)"
        for group in told["groups"]
    ]
    return [*lines, f"results, summary and report in {found.folder}"]


def _percent(estimate: Mapping[str, Any] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.1%}"


def comparison_lines(found: Comparison) -> list[str]:
    """Return a comparison for people."""
    interval = f"[{found.low:+.1%}, {found.high:+.1%}]"
    return [
        f"{found.problems} problems in both: {found.first:.1%} -> {found.second:.1%}",
        f"difference {found.difference:+.1%}  {interval}, p = {found.p_value:.3g} ({found.test})",
        f"gained {len(found.gained)}: {', '.join(found.gained[:20])}",
        f"lost {len(found.lost)}: {', '.join(found.lost[:20])}",
        *([f"only in the first: {len(found.only_first)}"] if found.only_first else []),
        *([f"only in the second: {len(found.only_second)}"] if found.only_second else []),
    ]
