"""The rows of a data set, one after another and never all in memory: from an object, a file, or the Hub."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import datasets

from rewards import ConfigurationError, DatasetError

from .counting import rows_in

FILES = (".jsonl", ".json", ".parquet", ".jsonl.gz", ".json.gz", ".csv")
IDS = ("task_id", "question_id", "problem_id", "id", "name")
"""Columns that name a problem, in the order in which they are asked for."""


@dataclass(frozen=True)
class Rows:
    """A data set that can be read from its beginning as often as wanted."""

    source: Any
    """What was handed over."""
    split: str | None = None
    configuration: str | None = None
    most: int | None = None
    """Rows to take; unset: all."""
    id_column: str | None = None

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise ConfigurationError(f"max_rows must be at least 1, found {self.most}")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Read the rows in their order; raises `DatasetError` where one is none."""
        for number, row in enumerate(itertools.islice(self._rows(), self.most)):
            if not isinstance(row, Mapping):
                raise DatasetError(f"row {number} of {self.described} is no JSON object but {type(row).__name__}")
            yield dict(row)

    def name_of(self, row: Mapping[str, Any], number: int) -> str:
        """Return what *row* calls its problem, else its *number*."""
        if self.id_column is not None:
            if row.get(self.id_column) is None:
                raise DatasetError(f"row {number} has no {self.id_column!r}; its columns: {', '.join(row)}")
            return str(row[self.id_column])
        return next((str(row[name]) for name in IDS if row.get(name) is not None), str(number))

    @property
    def described(self) -> str:
        """Return what this is, for settings and messages; a path without its folders, which may move."""
        if isinstance(self.source, str | Path):
            path = Path(self.source)
            name = path.name if path.exists() else str(self.source)
            return " ".join(part for part in (name, self.configuration, self.split) if part)
        return type(self.source).__name__

    def count(self) -> int | None:
        """Return how many rows there are, where that is known without reading them; of a text file about how many."""
        known = None
        if isinstance(self.source, str | Path):
            known = rows_in(Path(self.source).expanduser())
        elif hasattr(self.source, "__len__") and not isinstance(self.source, Mapping):
            known = len(self.source)
        return known if known is None or self.most is None else min(known, self.most)

    def _rows(self) -> Iterable[Any]:
        source = self.source
        if isinstance(source, str | Path):
            return _named(source, self.configuration, self.split)
        if isinstance(source, Mapping):  # a DatasetDict
            if self.split is None or self.split not in source:
                raise ConfigurationError(f"which split? There are: {', '.join(map(str, source))}")
            return source[self.split]  # type: ignore[no-any-return]
        if isinstance(source, Iterator):
            raise ConfigurationError(
                "a data set is read twice when an evaluation goes on, and an iterator can be read once only: pass a "
                "list, a Dataset, an IterableDataset or a path"
            )
        if not isinstance(source, Iterable):
            raise ConfigurationError(f"dataset must be a path, a name or rows, found {type(source).__name__}")
        return source


def _named(source: str | Path, configuration: str | None, split: str | None) -> Iterable[Any]:
    path = Path(source).expanduser()
    if path.is_dir():
        try:
            saved = datasets.load_from_disk(str(path))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{source} is no folder of `save_to_disk`: name a file in it ({error})") from error
        if isinstance(saved, datasets.DatasetDict):
            return Rows(saved, split=split)._rows()
        return saved  # type: ignore[no-any-return]  # datasets is not type-checked here
    if path.name.endswith(FILES):
        if not path.is_file():
            raise ConfigurationError(f"no file {source}")
        return _read_file(path)
    if path.is_file():
        raise ConfigurationError(f"{source}: a file of rows ends in {', '.join(FILES)}")
    try:
        return datasets.load_dataset(str(source), configuration, split=split or "test", streaming=True)  # type: ignore[no-any-return]
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:  # no name, network or split
        raise ConfigurationError(f"the data set {str(source)!r} cannot be loaded: {error}") from error


def _read_file(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        yield from _read_parquet(path)
    elif path.suffix == ".csv":
        yield from _read_csv(path)
    else:
        yield from read_json(path)


def _read_parquet(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise DatasetError(f"{path} is no Parquet file: {error}") from error


def _read_csv(path: Path) -> Iterator[Any]:
    import csv
    import sys

    csv.field_size_limit(sys.maxsize)  # of the whole process; a row's tests may have megabytes
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from error


def read_json(path: Path) -> Iterator[Any]:
    """Read JSON Lines one by one, or one JSON list, plain or gzipped; raises `DatasetError` with the line's number."""
    try:
        with _opened(path) as file:
            first = next((line for line in file if line.strip()), "")
            if first.lstrip().startswith("["):
                yield from _parsed(first + file.read(), path, 1)
                return
            for number, line in enumerate(itertools.chain([first], file), start=1):
                if line.strip():
                    yield _parsed(line, path, number)
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is no {'gzipped ' * (path.suffix == '.gz')}text in UTF-8: {error}") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return open(path, encoding="utf-8-sig")


def _parsed(text: str, path: Path, number: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DatasetError(f"{path}, line {number}: not JSON: {error}") from None
