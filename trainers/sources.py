"""Where rows come from: the Hub, files, and folders, as one `datasets.Dataset`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import datasets

from rewards import ConfigurationError, DatasetError

from .columns import of_one_type

BUILDERS = ("json", "parquet")
"""What `datasets.load_dataset` calls a format, with `data_files` beside it."""
_SUFFIXES = (".jsonl", ".json", ".parquet", ".gz")
_ONLY_SPLIT = "train"
"""What `datasets` calls the rows of something that has no splits."""


def load_source(
    path: str, *, name: str | None = None, data_files: list[str] | str | None = None, split: str = "train"
) -> datasets.Dataset:
    """Return the rows of a split; files have none but `train`, which is all of them.

    Raises `DatasetError` or `ConfigurationError` where there is nothing, or no rows in it.
    """
    place = Path(path).expanduser()
    if data_files is not None and path in BUILDERS:
        _refuse_what_files_lack(path, split, dataset_config=name)
        files = [data_files] if isinstance(data_files, str) else data_files
        return _one_behind_the_other([_read_file(Path(file).expanduser()) for file in files])
    if place.is_dir() and any((place / known).exists() for known in ("state.json", "dataset_dict.json")):
        saved = datasets.load_from_disk(str(place))
        has_splits = isinstance(saved, datasets.DatasetDict)
        _refuse_what_files_lack(path, _ONLY_SPLIT if has_splits else split, dataset_config=name, data_files=data_files)
        return _split_of(saved, split, path) if has_splits else saved
    if place.is_file() or (place.suffix in _SUFFIXES and not place.is_dir()):
        _refuse_what_files_lack(path, split, dataset_config=name, data_files=data_files)
        return _read_file(place)
    try:
        return datasets.load_dataset(path, name, data_files=data_files, split=split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:  # no such name, no network, no such split
        raise ConfigurationError(f"the dataset {path!r} cannot be loaded: {error}") from error


def _refuse_what_files_lack(path: str, split: str, **options: Any) -> None:
    """Refuse what would be left aside: by another split's name the very rows of training would be evaluated on."""
    if split != _ONLY_SPLIT:
        raise ConfigurationError(
            f"{path!r} has no splits, so there is no {split!r}: eval_rows holds rows out, max_rows takes the first"
        )
    for key, value in options.items():
        if value is not None:
            raise ConfigurationError(f"{key} stands beside {path!r}, which is all there is: it is for names on the Hub")


def _one_behind_the_other(parts: list[datasets.Dataset]) -> datasets.Dataset:
    try:
        return datasets.concatenate_datasets(parts)
    except (ValueError, TypeError) as error:
        raise DatasetError(f"data_files have columns of different types, as only datasets may: {error}") from error


def _split_of(saved: datasets.DatasetDict, split: str, path: str) -> datasets.Dataset:
    if split not in saved:
        raise ConfigurationError(f"{path!r} has no split {split!r}; found: {', '.join(saved)}")
    return saved[split]


def _read_file(path: Path) -> datasets.Dataset:
    if not path.is_file():
        raise ConfigurationError(f"no file {str(path)!r}")
    if path.suffix != ".parquet":
        return _read_json(path)
    try:
        return datasets.Dataset.from_parquet(str(path))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DatasetError(f"{path} is no Parquet file: {error}") from error


def _read_json(path: Path) -> datasets.Dataset:
    """Read JSON Lines, or one JSON list, plain or gzipped.

    A table has the columns of all its rows. `columns.of_one_type` says what their cells become.
    """
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
        found = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(x) for x in text.split("\n") if x.strip()]
        )
    except ValueError as error:
        raise DatasetError(f"{path} is neither JSON Lines nor a JSON list: {error}") from None
    if not found:
        raise DatasetError(f"{path} has no rows")
    for i, row in enumerate(found):
        if not isinstance(row, dict):
            raise DatasetError(f"{path}: row {i} is no JSON object")
    names = dict.fromkeys(name for row in found for name in row)  # `from_list` would look at the first row alone
    columns = {name: of_one_type([row.get(name) for row in found]) for name in names}
    try:
        return datasets.Dataset.from_dict(columns)
    except (ValueError, TypeError) as error:  # messages beside text, or what no table can hold
        raise DatasetError(f"{path}: its rows do not make a table: {error}") from error
