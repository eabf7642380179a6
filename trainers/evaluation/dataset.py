"""Evaluate the completions for a data set with the reward that trains on it."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewards import ConfigurationError

from .completions import ColumnSource, FileSource, Source
from .engine import grade_samples, skip_judged
from .export import Evaluation, finish
from .grading import grader_for
from .progress import EvaluationBar
from .retrying import judge_again
from .rows import Rows
from .running import run_to_end
from .store import ResultStore


@dataclass(frozen=True)
class EvaluationOptions:
    """How an evaluation is run and what it leaves."""

    batch_size: int = 256
    """Samples that are handed to the reward at once; three such batches are under way."""
    pass_score: float = 1.0
    """Score from which a completion counts as right, for rewards that tell no verdict."""
    retry_unjudged: bool = False
    """Grade again what an earlier run in this folder could not judge."""
    report: bool = True
    """Write report.html."""
    push_to_hub: str | None = None
    """A repository on the Hub to push the results to."""
    hub_private_repo: bool = False
    """Make that a private one; otherwise everybody sees the completions, unless the organisation says otherwise."""
    progress: bool | None = None
    """False hides the bar; unset: shown where there is a terminal."""
    seed: int = 0
    """For the bootstrap."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigurationError(f"batch_size must be at least 1, found {self.batch_size}")


def evaluate_dataset(
    reward: Any = None,
    dataset: Any = None,
    *,
    output_dir: str | Path | None = None,
    split: str | None = None,
    configuration: str | None = None,
    completions: str | Source | None = None,
    samples: str | Path | None = None,
    labels: Sequence[str] = (),
    id_column: str | None = None,
    max_rows: int | None = None,
    options: EvaluationOptions = EvaluationOptions(),
    reward_function: Any = None,
    dataset_path: str | Path | None = None,
    additional_fields: Sequence[str] | None = None,
) -> Evaluation:
    """Grade every completion, write what each one got, and return the summary with where it lies.

    *reward* is a `CodeReward`, a message reward, or a function of TRL's form. *dataset* is a `Dataset`, an
    `IterableDataset`, rows, a path (JSON Lines, JSON, parquet, CSV, a saved folder) or a name on the Hub, which is
    streamed. Completions are in the column *completions*, in a file of *samples*, or come from a `Source` such as
    `local_model.ModelSource` and `endpoint.EndpointSource`. *labels* names columns by which figures are told apart.

    With the same *output_dir* an evaluation that was interrupted goes on, and repeats nothing; without one the results
    are in a new temporary folder. `reward_function`, `dataset_path` and `additional_fields`, the columns that the
    reward is handed, are RewardKit's names.

    Raises `ConfigurationError` and `DatasetError` for what the caller did wrong, also where the folder holds results of
    another reward, data set or other limits, and what the reward raises; what was judged before is kept.
    """
    reward = _one_of("reward", reward, "reward_function", reward_function)
    dataset = _one_of("dataset", dataset, "dataset_path", dataset_path)
    labels = (labels,) if isinstance(labels, str) else labels  # one name is a sequence of letters, too
    additional_fields = (additional_fields,) if isinstance(additional_fields, str) else additional_fields
    rows = Rows(dataset, split, configuration, max_rows, id_column)
    source = _source(rows, completions, samples, labels)
    folder = Path(output_dir) if output_dir is not None else Path(tempfile.mkdtemp(prefix="evaluation-"))
    grader = grader_for(reward, fields=additional_fields, pass_score=options.pass_score)
    began = time.monotonic()
    with contextlib.closing(grader):
        settings = {**grader.settings(), **source.settings(), "labels": list(labels)}
        with ResultStore(folder, settings) as store:
            judged = _judge_again(source, grader, store, options) if options.retry_unjudged else 0
            judged += _judge(source, grader, store, options)
            return finish(folder, options, settings, judged=judged, wall_s=time.monotonic() - began)


def _judge(source: Source, grader: Any, store: ResultStore, options: EvaluationOptions) -> int:
    """Grade what is left, and return how many samples that was."""
    found = source.samples(store.folder)
    left, judged = skip_judged(found, store.digests())
    new = 0
    with contextlib.ExitStack() as ending:
        ending.callback(getattr(found, "close", lambda: None))  # a generator that nobody will go on with
        bar = ending.enter_context(
            EvaluationBar(total=source.count(), judged=judged, disable=_hidden(options.progress))
        )

        def count(results: Sequence[Any]) -> None:
            nonlocal new
            new += len(results)
            bar.add(results)

        stop = getattr(source, "stop", lambda: None)  # of sources that may wait for long
        grading = grade_samples(left, grader, store, batch_size=options.batch_size, on_results=count, stop_samples=stop)
        run_to_end(grading)
    return new


def _judge_again(source: Source, grader: Any, store: ResultStore, options: EvaluationOptions) -> int:
    skip_judged(source.samples(store.folder), store.digests())  # or an error: these are other samples
    found = source.samples(store.folder)
    return run_to_end(judge_again(found, grader, store, batch_size=options.batch_size))


def _hidden(progress: bool | None) -> bool | None:
    return None if progress is None else not progress


def _source(rows: Rows, completions: str | Source | None, samples: str | Path | None, labels: Sequence[str]) -> Source:
    if samples is not None and completions is not None:
        raise ConfigurationError("completions come from a column or from a file of samples: pass one of the two")
    if samples is not None:
        return FileSource(rows, Path(samples), tuple(labels))
    if completions is None or isinstance(completions, str):
        return ColumnSource(rows, completions, tuple(labels))
    return completions


def _one_of(name: str, value: Any, other_name: str, other: Any) -> Any:
    if (value is None) == (other is None):
        raise ConfigurationError(f"pass {name}, or {other_name} by RewardKit's name, and not both")
    return other if value is None else value


def read_summary(folder: str | Path) -> dict[str, Any]:
    """Return the summary of a finished evaluation from its folder; raises `ConfigurationError` where there is none."""
    path = Path(folder) / "summary.json"
    if not path.is_file():
        raise ConfigurationError(f"no finished evaluation in {folder}: summary.json is missing")
    return json.loads(path.read_text())  # type: ignore[no-any-return]  # what `finish` has written
