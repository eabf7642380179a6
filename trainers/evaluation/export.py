"""What an evaluation leaves beside its results: the summary, a parquet file, and the report."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from .page import write_page
from .sample import Result
from .store import read_results, replacing
from .summary import summarize

logger = logging.getLogger(__name__)
SUMMARY, TABLE = "summary.json", "results.parquet"
ROWS_AT_ONCE = 1_000
_TEXTS = ("problem", "verdict", "detail", "program", "prompt", "completion", "tests")


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation."""

    folder: Path
    summary: dict[str, Any]

    @property
    def results(self) -> Iterator[Result]:
        """Read every sample's result, in order."""
        return read_results(self.folder)

    @property
    def pass_at_1(self) -> float | None:
        """Return pass@1; None where nothing was judged."""
        found = self.summary["pass_at_k"].get("pass@1")
        return None if found is None else float(found["value"])

    def to_dataset(self) -> datasets.Dataset:
        """Return the results as a `Dataset`, one row a sample."""
        return datasets.Dataset.from_parquet(str(self.folder / TABLE))


def finish(folder: Path, options: Any, settings: dict[str, Any], *, judged: int, wall_s: float) -> Evaluation:
    """Write the summary, the parquet file and the report for what lies in *folder*, and push it where that is asked."""
    summary = summarize(read_results(folder), seed=options.seed)
    found = {group["label"] for group in summary["groups"]}
    for label in [name for name in settings["labels"] if name not in found and summary["samples"]]:
        logger.warning("no sample has a label %r: no figures are told apart by it", label)
    summary |= {"settings": settings, "judged_now": judged, "wall_s": wall_s}
    with replacing(folder / SUMMARY) as path:
        path.write_text(json.dumps(summary, indent=1) + "\n")
    with replacing(folder / TABLE) as path:
        write_parquet(read_results(folder), path)
    if options.report:
        write_page(folder, summary)
    evaluation = Evaluation(folder, summary)
    if options.push_to_hub:
        evaluation.to_dataset().push_to_hub(options.push_to_hub, private=options.hub_private_repo)
    return evaluation


def write_parquet(results: Iterator[Result], path: Path) -> None:
    """Write one row a sample, a thousand of them in memory; completions that are messages and tests are JSON text."""
    import pyarrow as arrow
    from pyarrow import parquet

    schema = arrow.schema(
        [
            *((name, arrow.string()) for name in _TEXTS),
            *((name, arrow.float64()) for name in ("score", "cpu_s", "wall_s")),
            *((name, arrow.int64()) for name in ("number", "tests_passed", "tests_total")),
            ("passed", arrow.bool_()),
            *((name, arrow.string()) for name in ("sandbox", "labels", "digest")),
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while rows := [_row(result) for result in itertools.islice(results, ROWS_AT_ONCE)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


def _row(result: Result) -> dict[str, Any]:
    told = dataclasses.asdict(result)
    told["tests"], told["labels"] = json.dumps(told["tests"]), json.dumps(told["labels"])
    if not isinstance(told["completion"], str):
        told["completion"] = json.dumps(told["completion"])
    return {name: _encodable(value) for name, value in told.items()}


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
