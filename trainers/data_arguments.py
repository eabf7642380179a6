"""The keys of a run's YAML file about its rows: one dataset, or a mixture of several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewards import ConfigurationError

from .values import checked_fields

DEMO = "demo"
"""The name of the generated dataset, which also brings its own small model."""
MIXTURE = "mixture"
"""What `dataset` is called where `datasets` lists several."""
SOURCE_COLUMN, FILES_COLUMN = "environment_setup", "environment_files"
"""Columns that the interpreter of a rollout reads, and no reward."""
_DATASET = "A name on the Hub, a .jsonl, .json or .parquet file, a folder"
_COLUMNS = "Their columns' names to ours, as {question: prompt}; done first."


@dataclass(frozen=True)
class DatasetPart:
    """One dataset of a mixture: an entry of `datasets`. What it leaves out, the run's own key says."""

    path: str
    name: str | None = None
    data_files: list[str] | str | None = None
    split: str | None = None
    columns: dict[str, str] | str | None = None
    rows: int | None = None
    """Rows drawn from it at most."""
    fraction: float | None = None
    """Its share of the mixture; all entries have one, or none has, and no row is taken twice."""
    prompt_column: str | None = None
    prompt_template: str | None = None
    system_prompt: str | None = None
    reward_columns: list[str] | None = None
    language: str | None = None
    """The language of its programs, for rows that say nothing."""
    solution_column: str | None = None

    @property
    def renamed(self) -> dict[str, str]:
        """Return our name for each of their columns that has another one."""
        return _mapping(self.columns) or {}

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _mapping(self.columns))
        if self.fraction is not None and self.fraction <= 0:
            raise ConfigurationError(f"datasets: fraction must be above 0, found {self.fraction!r}")
        if self.rows is not None and self.rows < 1:
            raise ConfigurationError(f"datasets: rows must be at least 1, found {self.rows!r}")


@dataclass(frozen=True)
class DataArguments:
    """Which rows to train on, and how a row becomes a prompt."""

    dataset: str = field(default=DEMO, metadata={"help": f"{_DATASET}, or {DEMO}."})
    dataset_config: str | None = field(default=None, metadata={"help": "The configuration of a dataset on the Hub."})
    data_files: list[str] | str | None = field(
        default=None, metadata={"help": "Files of the dataset, as `datasets.load_dataset` takes them."}
    )
    datasets: list[DatasetPart] = field(
        default_factory=list,
        metadata={
            "help": "In place of dataset: a mixture, [{path, rows or fraction, columns, prompt_column, ...}, ...]."
        },
    )
    columns: dict[str, str] | str | None = field(default=None, metadata={"help": _COLUMNS})
    train_split: str = field(default="train", metadata={"help": "The split to train on."})
    eval_split: str | None = field(default=None, metadata={"help": "The split to evaluate on."})
    eval_rows: int = field(default=0, metadata={"help": "Without eval_split: rows to hold out of the training split."})
    max_rows: int | None = field(default=None, metadata={"help": "Use the first rows of a split only."})
    prompt_column: str = field(default="prompt", metadata={"help": "The column that holds the problem's statement."})
    prompt_template: str = field(
        default="{prompt}", metadata={"help": "The user's message; {prompt} is the statement, {name} any column."}
    )
    system_prompt: str | None = field(default=None, metadata={"help": "A system message before the user's."})
    conversational: bool = field(default=True, metadata={"help": "Prompts are messages for a chat template, not text."})
    reward_columns: list[str] | None = field(
        default=None, metadata={"help": "Columns handed to the reward; unset: all that TRL can pass on."}
    )
    solution_column: str | None = field(
        default=None, metadata={"help": "Where a dry run finds a right program; unset: where the schema has one."}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _mapping(self.columns))
        object.__setattr__(self, "datasets", [_part(entry, i) for i, entry in enumerate(self.datasets)])
        if self.datasets:
            self._refuse_beside_a_mixture()
            object.__setattr__(self, "dataset", MIXTURE)

    def _refuse_beside_a_mixture(self) -> None:
        if self.dataset not in (DEMO, MIXTURE):
            raise ConfigurationError("dataset and datasets are both given: say either")
        for name, why in (("columns", "columns"), ("data_files", "data_files"), ("dataset_config", "name")):
            if getattr(self, name) is not None:
                raise ConfigurationError(f"{name} stands beside datasets: each entry has its own {why}")
        if self.eval_split is not None:
            raise ConfigurationError("eval_split stands beside datasets: eval_rows holds rows of the mixture out")
        given = [part.fraction is not None for part in self.datasets]
        if any(given) and not all(given):
            raise ConfigurationError("datasets: fraction stands in some entries only: give every entry one, or none")

    @property
    def parts(self) -> list[DatasetPart]:
        """Return the datasets to load: one, or those of the mixture."""
        if self.datasets:
            return self.datasets
        return [DatasetPart(self.dataset, self.dataset_config, self.data_files, columns=self.columns)]


def _mapping(columns: Any) -> dict[str, str] | None:
    """Return the renaming, of which the command line gives JSON text."""
    wanted = "columns must map their names to ours, as {question: prompt}"
    if isinstance(columns, str):
        try:
            columns = json.loads(columns)
        except ValueError:
            raise ConfigurationError(f"{wanted}; on the command line in JSON, found {columns[:60]!r}") from None
    if columns is None:
        return None
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for pair in columns.items() for name in pair):
        raise ConfigurationError(f"{wanted}, found {columns!r:.80}")
    if len(set(columns.values())) < len(columns):
        raise ConfigurationError("columns gives two of their columns one name")
    return dict(columns)


def _part(entry: Any, i: int) -> DatasetPart:
    """Return an entry of `datasets`; on the command line it is a path, or JSON text."""
    text = entry.path if isinstance(entry, DatasetPart) else entry
    if isinstance(text, str):
        if not text.startswith("{"):
            return DatasetPart(text)
        try:
            entry = json.loads(text)
        except ValueError as error:
            raise ConfigurationError(f"datasets, entry {i}: neither a path nor JSON: {error}") from None
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"datasets, entry {i}: expected a mapping such as {{path: ...}}, found {entry!r:.60}")
    if "path" not in entry:
        raise ConfigurationError(f"datasets, entry {i}: path is missing: which dataset?")
    return DatasetPart(**checked_fields(entry, DatasetPart, what=f"datasets, entry {i}"))
