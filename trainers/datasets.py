"""From a dataset, wherever it is, to the rows that a trainer and a reward need."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets

from rewards import ConfigurationError, DatasetError

from .arguments import DataArguments

_TAKEN_BY_TRL = frozenset(
    {
        *("prompts", "completion", "completions", "completion_ids"),
        *("trainer_state", "log_extra", "log_metric", "environments"),
        *("image", "images", "tools"),
    }
)
"""Column names that would collide with what TRL itself passes to a reward, or that switch another mode on."""


def load_rows(arguments: DataArguments, *, seed: int = 0) -> tuple[datasets.Dataset, datasets.Dataset | None]:
    """Return the rows to train on and those to evaluate on, each with `prompt` and the reward's columns.

    Raises `DatasetError` or `ConfigurationError` when a file, a column or a template does not fit.
    """
    train = adapt(_load(arguments, arguments.train_split), arguments)
    if arguments.eval_split is not None:
        return train, adapt(_load(arguments, arguments.eval_split), arguments)
    if arguments.eval_rows:
        if not 0 < arguments.eval_rows < len(train):
            raise ConfigurationError(f"eval_rows={arguments.eval_rows} leaves nothing of {len(train)} rows")
        parts = train.train_test_split(test_size=arguments.eval_rows, seed=seed)
        return parts["train"], parts["test"]
    return train, None


def adapt(rows: datasets.Dataset, arguments: DataArguments) -> datasets.Dataset:
    """Return *rows* with a `prompt` that TRL understands and the columns that the reward reads, unchanged.

    A HumanEval row also gets `code_prompt`, its original prompt: TRL keeps `prompt` to itself, and the reward needs the
    source text that a program continues.
    """
    if arguments.prompt_column not in rows.column_names:
        raise DatasetError(
            f"no column {arguments.prompt_column!r} to make prompts of; found: {', '.join(rows.column_names)}"
        )
    kept = _reward_columns(rows.column_names, arguments)
    add_source = "code_prompt" not in rows.column_names and {"entry_point", "test"} <= set(rows.column_names)

    def adapted(row: dict[str, Any]) -> dict[str, Any]:
        found = {"prompt": make_prompt(row, arguments)}
        if add_source and isinstance(row[arguments.prompt_column], str):
            found["code_prompt"] = row[arguments.prompt_column]
        return found

    dropped = [name for name in rows.column_names if name not in kept]
    return rows.map(adapted, remove_columns=dropped)


def make_prompt(row: Mapping[str, Any], arguments: DataArguments) -> str | list[dict[str, str]]:
    """Return the prompt of one row: text, or messages; a statement that is messages already stays as it is."""
    statement = row[arguments.prompt_column]
    system = [{"role": "system", "content": arguments.system_prompt}] if arguments.system_prompt else []
    if not isinstance(statement, str):
        return [*system, *statement]
    try:
        text = arguments.prompt_template.format_map({**row, "prompt": statement})
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigurationError(
            f"prompt_template does not fit the columns {', '.join(row)}: {error!r}; double literal braces"
        ) from None
    if arguments.conversational:
        return [*system, {"role": "user", "content": text}]
    return "\n\n".join([*([arguments.system_prompt] if arguments.system_prompt else []), text])


def _reward_columns(found: list[str], arguments: DataArguments) -> list[str]:
    if arguments.reward_columns is None:
        return [name for name in found if name not in _TAKEN_BY_TRL and name not in ("prompt", arguments.prompt_column)]
    for name in arguments.reward_columns:
        if name not in found:
            raise DatasetError(f"no column {name!r} for the reward; found: {', '.join(found)}")
        if name in _TAKEN_BY_TRL:
            raise ConfigurationError(f"column {name!r} has a name that TRL uses itself: rename it")
    return list(arguments.reward_columns)


def _load(arguments: DataArguments, split: str) -> datasets.Dataset:
    rows = _load_split(arguments.dataset, arguments.dataset_config, split)
    return rows if arguments.max_rows is None else rows.select(range(min(arguments.max_rows, len(rows))))


def _load_split(name: str, configuration: str | None, split: str) -> datasets.Dataset:
    path = Path(name).expanduser()
    if path.is_dir():
        saved = datasets.load_from_disk(str(path))
        return saved[split] if isinstance(saved, datasets.DatasetDict) else saved
    if path.suffix == ".parquet" and path.is_file():
        return datasets.Dataset.from_parquet(str(path))
    if path.is_file():
        return _read_json(path)
    if path.suffix in (".jsonl", ".json", ".parquet", ".gz"):
        raise ConfigurationError(f"no file {name!r}")
    return datasets.load_dataset(name, configuration, split=split)


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
