"""Where rows come from: the Hub, files, and folders, as one `datasets.Dataset`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import datasets

from rewards import ConfigurationError, DatasetError

_BUILDERS = ("json", "parquet")
"""What `datasets.load_dataset` calls a format, with `data_files` beside it."""
_SUFFIXES = (".jsonl", ".json", ".parquet", ".gz")


def load_source(
    path: str, *, name: str | None = None, data_files: list[str] | str | None = None, split: str = "train"
) -> datasets.Dataset:
    """Return the rows of a split; files have none.

    Raises `DatasetError` or `ConfigurationError` where there is nothing, or no rows in it.
    """
    place = Path(path).expanduser()
    if data_files is not None and path in _BUILDERS:
        files = [data_files] if isinstance(data_files, str) else data_files
        return datasets.concatenate_datasets([_read_file(Path(file).expanduser()) for file in files])
    if place.is_dir() and any((place / known).exists() for known in ("state.json", "dataset_dict.json")):
        saved = datasets.load_from_disk(str(place))
        return _split_of(saved, split, path) if isinstance(saved, datasets.DatasetDict) else saved
    if place.is_file() or (place.suffix in _SUFFIXES and not place.is_dir()):
        return _read_file(place)
    try:
        return datasets.load_dataset(path, name, data_files=data_files, split=split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:  # no such name, no network, no such split
        raise ConfigurationError(f"the dataset {path!r} cannot be loaded: {error}") from error


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

    Objects become JSON text: an Arrow column has one type, and `datasets` would add to every test the keys that only
    other tests have, or refuse a column in which an answer is now a number and now a list.
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
    return datasets.Dataset.from_list([{name: _stored(value) for name, value in row.items()} for row in found])


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list) and not all(isinstance(item, str) for item in value) and not _is_conversation(value):
        return json.dumps(value)
    return value


def _is_conversation(value: list[Any]) -> bool:
    return all(isinstance(item, dict) and item.keys() == {"role", "content"} for item in value)
