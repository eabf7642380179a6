"""The report of an evaluation: its figures, pass@k, the shares of verdicts, and a browser of its samples."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..report import Chart, KeyFigure, ReportData, Sample, SampleTest, Series, Table, write_report
from ..report.sampling import MOST_TESTS
from .sample import Result
from .store import read_results

MOST_SAMPLES = 5_000
_GREEN, _GREY = "#2e9e5b", "#8a8f98"


def write_page(folder: Path, summary: Mapping[str, Any]) -> Path:
    """Write `report.html` and its pictures for the results in *folder*, and return the page's path."""
    return write_report(page_data(summary, read_results(folder)), folder)


def page_data(summary: Mapping[str, Any], results: Iterator[Result]) -> ReportData:
    """Return what the page shows; of many samples every n-th is kept."""
    every = max(1, -(-summary["samples"] // MOST_SAMPLES))
    settings = summary["settings"]
    unjudged = summary["unjudged"]
    return ReportData(
        title=f"Evaluation of {settings.get('dataset', 'a data set')}",
        subtitle=f"{_completions(settings.get('completions', 'a source'))} · graded by {settings['reward']}",
        alert=_alert(summary) if unjudged else "",
        figures=_figures(summary),
        charts=_charts(summary),
        tables=_tables(summary),
        samples=tuple(_sample(result) for result in itertools.islice(results, 0, None, every)),
        samples_note=f"Every {every}th of {summary['samples']:,} samples." if every > 1 else "All samples.",
    )


def _completions(told: Any) -> str:
    if isinstance(told, Mapping) and {"model", "n", "temperature"} <= told.keys():
        return f"completions by {told['model']}, n={told['n']}, temperature {told['temperature']:g}"
    return f"completions in {told}"


def _alert(summary: Mapping[str, Any]) -> str:
    low, high = summary["pass_rate_bounds"]
    return (
        f"{summary['unjudged']:,} of {summary['samples']:,} completions could not be judged and are left out of every "
        f"rate. The pass rate lies between {low:.1%} and {high:.1%}, whatever they were."
    )


def _figures(summary: Mapping[str, Any]) -> tuple[KeyFigure, ...]:
    found = []
    estimates = [(name, one) for name, one in summary["pass_at_k"].items() if one is not None]
    for name, one in [*estimates[:1], *estimates[1:][-1:]]:
        found.append(KeyFigure(name, f"{one['value']:.1%}", f"95 %: {one['low']:.1%} to {one['high']:.1%}"))
    found.append(KeyFigure("problems", f"{summary['problems']:,}"))
    found.append(KeyFigure("completions", f"{summary['samples']:,}", f"{summary['unjudged']:,} unjudged"))
    if summary["mean_score"] is not None:
        found.append(KeyFigure("mean score", f"{summary['mean_score']:.3f}"))
    found.append(KeyFigure("CPU of all programs", f"{summary['cpu_s']:,.3g} s"))
    return tuple(found)


def _charts(summary: Mapping[str, Any]) -> tuple[Chart, ...]:
    told = [(int(name[5:]), one) for name, one in summary["pass_at_k"].items() if one is not None]
    if len(told) < 2:
        return ()
    lines = (
        Series("pass@k", tuple((k, one["value"]) for k, one in told), _GREEN),
        Series("95 %, low", tuple((k, one["low"]) for k, one in told), _GREY, dashed=True),
        Series("95 %, high", tuple((k, one["high"]) for k, one in told), _GREY, dashed=True),
    )
    return (Chart("pass_at_k", "pass@k", lines, x_label="k", is_share=True, note="Unbiased estimate over problems."),)


def _tables(summary: Mapping[str, Any]) -> tuple[Table, ...]:
    rows = [(name, f"{count:,}", f"{count / summary['samples']:.1%}") for name, count in summary["verdicts"].items()]
    tables = [Table("Verdicts", ("verdict", "completions", "share"), tuple(rows))]
    labels = dict.fromkeys(group["label"] for group in summary["groups"])
    for label in labels:
        groups = [group for group in summary["groups"] if group["label"] == label]
        tables.append(Table(f"By {label}", (label, "problems", "judged", "unjudged", "pass@1", "95 %"), _rows(groups)))
    return tuple(tables)


def _rows(groups: list[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (group["value"], f"{group['problems']:,}", f"{group['judged']:,}", f"{group['unjudged']:,}", *_rate(group))
        for group in groups
    )


def _rate(group: Mapping[str, Any]) -> tuple[str, str]:
    found = group["pass_at_k"].get("pass@1")
    return ("-", "-") if found is None else (f"{found['value']:.1%}", f"{found['low']:.1%} to {found['high']:.1%}")


def _sample(result: Result) -> Sample:
    completion = result.completion if isinstance(result.completion, str) else json.dumps(result.completion, indent=1)
    return Sample(
        prompt=result.prompt,
        completion=completion,
        verdict=result.verdict,
        program=result.program or None,
        score=result.score,
        detail=result.detail,
        tests=tuple(_test(result, i) for i in _telling(result)),
        n_tests=result.tests_total,
        n_passed=result.tests_passed,
        labels=(("problem", result.problem), *result.labels.items()),
    )


def _telling(result: Result) -> list[int]:
    """Return which tests are shown: as in training, those that were not passed come first where not all of them fit."""
    order = sorted(range(len(result.tests)), key=lambda i: result.tests[i].verdict == "accepted")
    return sorted(order[:MOST_TESTS])


def _test(result: Result, i: int) -> SampleTest:
    test = result.tests[i]
    return dataclasses.replace(test, name=f"{i + 1} {test.name}".strip())
