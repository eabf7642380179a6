"""From the datasets of a run, wherever they are, to the rows that a trainer and a reward need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import datasets

from rewards import ConfigurationError, DatasetError
from rewards.intake.columns import NOT_COLUMNS

from .arguments import DataArguments, DatasetPart
from .data_arguments import FILES_COLUMN, SOURCE_COLUMN
from .mixture import drawn, mixed
from .silence import SilentPrompts
from .sources import load_source

KNOWN_SOLUTION = "known_solution"
"""The column of a right program for each row, which only a dry run has."""
Finder = Callable[..., str | None]
"""Finds a right program in a row: (row, column=...), where the column may be None. `gold.known_solution` is one."""
_TAKEN_BY_TRL = frozenset(
    {
        *("prompts", "completion", "completions", "completion_ids"),
        *NOT_COLUMNS,
        *("image", "images", "tools"),
    }
)
"""Column names that would collide with what TRL itself passes to a reward, or that switch another mode on."""
_LOOKED_AT = 100
"""Rows whose prompts are compared with their tests."""
_log = logging.getLogger("trainers")


def load_rows(
    arguments: DataArguments, *, seed: int = 0, solutions: Finder | None = None
) -> tuple[datasets.Dataset, datasets.Dataset | None]:
    """Return the rows to train on and those to evaluate on, each with `prompt` and the reward's columns.

    With *solutions* each row also has what that finds in it, in the column `known_solution`. Raises `DatasetError` or
    `ConfigurationError` when a file, a column or a template does not fit.
    """
    train = _load(arguments, arguments.train_split, seed=seed, solutions=solutions)
    held_out = None
    if arguments.eval_split is not None:
        if arguments.eval_rows:
            raise ConfigurationError("eval_rows stands beside eval_split: it holds rows of the training split out")
        held_out = _load(arguments, arguments.eval_split, seed=seed, solutions=solutions)
    elif arguments.eval_rows:
        if not 0 < arguments.eval_rows < len(train):
            raise ConfigurationError(f"eval_rows={arguments.eval_rows} leaves nothing of {len(train)} rows")
        parts = train.train_test_split(test_size=arguments.eval_rows, seed=seed)
        train, held_out = parts["train"], parts["test"]
    if held_out is not None:
        _warn_of_shared_prompts(train, held_out)
    return train, held_out


def _warn_of_shared_prompts(train: datasets.Dataset, held_out: datasets.Dataset) -> None:
    seen = set(_fingerprints(train))
    shared = sum(prompt in seen for prompt in _fingerprints(held_out))
    if shared:
        _log.warning("%d of the %d prompts to evaluate on are also trained on", shared, len(held_out))


def _fingerprints(rows: datasets.Dataset) -> Iterator[int]:
    for batch in rows.select_columns(["prompt"]).iter(1000):  # other columns may be megabytes a row
        yield from (hash(str(prompt)) for prompt in batch["prompt"])


def adapt(rows: datasets.Dataset, arguments: DataArguments, *, solutions: Finder | None = None) -> datasets.Dataset:
    """Return *rows* with a `prompt` that TRL understands and the columns that the reward reads, unchanged.

    A HumanEval row also gets `code_prompt`, its original prompt: TRL keeps `prompt` to itself, and the reward needs the
    source text that a program continues.
    """
    if arguments.prompt_column not in rows.column_names:
        raise DatasetError(
            f"no column {arguments.prompt_column!r} to make prompts of; found: {', '.join(rows.column_names)}"
        )
    _refuse_a_missing_solution(rows, arguments.solution_column)
    kept = _reward_columns(rows.column_names, arguments)
    add_source = "code_prompt" not in rows.column_names and {"entry_point", "test"} <= set(rows.column_names)

    def adapted(row: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"prompt": make_prompt(row, arguments)}
        if add_source and isinstance(row[arguments.prompt_column], str):
            found["code_prompt"] = row[arguments.prompt_column]
        if solutions is not None:
            found[KNOWN_SOLUTION] = solutions({**row, **found}, column=arguments.solution_column)
        return found

    _look_at_prompts(rows, arguments)
    dropped = [name for name in rows.column_names if name not in kept]
    return rows.map(adapted, remove_columns=dropped)


def _look_at_prompts(rows: datasets.Dataset, arguments: DataArguments) -> None:
    """Warn where the first rows' prompts do not say which function their tests call."""
    silent = SilentPrompts()
    for number, row in enumerate(rows.select(range(min(_LOOKED_AT, len(rows))))):
        silent.see(row, number, make_prompt(row, arguments))


def make_prompt(row: Mapping[str, Any], arguments: DataArguments) -> str | list[dict[str, str]]:
    """Return the prompt of one row: text, or messages; a statement that is messages already stays as it is."""
    statement = row[arguments.prompt_column]
    system = [{"role": "system", "content": arguments.system_prompt}] if arguments.system_prompt else []
    if statement is None:
        raise DatasetError(f"a row has nothing in its column {arguments.prompt_column!r} to make a prompt of")
    if not isinstance(statement, str):
        if system and any(message["role"] == "system" for message in statement):
            raise DatasetError(
                "a row's messages have a system message, and system_prompt would be a second: leave it out"
            )
        return [*system, *({"role": message["role"], **message} for message in statement)]
    try:
        text = arguments.prompt_template.format_map(
            {**{name: _told(value) for name, value in row.items()}, "prompt": statement}
        )
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigurationError(
            f"prompt_template does not fit the columns {', '.join(row)}: {error!r}; double literal braces"
        ) from None
    if arguments.conversational:
        return [*system, {"role": "user", "content": text}]
    return "\n\n".join([*([arguments.system_prompt] if arguments.system_prompt else []), text])


def _told(value: Any) -> Any:
    """Return a list of texts as lines, which a person would write, and nothing as nothing; anything else as it is."""
    if value is None:
        return ""
    return "\n".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value


def _load(arguments: DataArguments, split: str, *, seed: int, solutions: Finder | None) -> datasets.Dataset:
    parts = [_load_part(part, arguments, split, seed=seed, solutions=solutions) for part in arguments.parts]
    rows = mixed(parts, [part.fraction for part in arguments.parts], seed=seed)
    return rows if arguments.max_rows is None else rows.select(range(min(arguments.max_rows, len(rows))))


def _load_part(
    part: DatasetPart, arguments: DataArguments, split: str, *, seed: int, solutions: Finder | None
) -> datasets.Dataset:
    rows = load_source(part.path, name=part.name, data_files=part.data_files, split=part.split or split)
    if arguments.max_rows is not None and not arguments.datasets:
        rows = rows.select(range(min(arguments.max_rows, len(rows))))  # before the work on each row
    rows = drawn(_renamed(rows, part), part.rows, seed=seed)
    if part.language is not None:
        rows = _with_language(rows, part.language)
    own = {name: getattr(part, name) for name in _OF_A_PART if getattr(part, name) is not None}
    return adapt(rows, replace(arguments, **own), solutions=solutions)


_OF_A_PART = ("prompt_column", "prompt_template", "system_prompt", "reward_columns", "solution_column")
"""What an entry of a mixture may say otherwise than the run."""


def _renamed(rows: datasets.Dataset, part: DatasetPart) -> datasets.Dataset:
    """Return *rows* with our names for their columns; a column that had such a name itself gives way."""
    columns = part.renamed
    for theirs in columns:
        if theirs not in rows.column_names:
            raise DatasetError(f"columns: {part.path} has no column {theirs!r}; found: {', '.join(rows.column_names)}")
    replaced = [ours for ours in columns.values() if ours in rows.column_names and ours not in columns]
    return rows.remove_columns(replaced).rename_columns({a: b for a, b in columns.items() if a != b})


def _with_language(rows: datasets.Dataset, language: str) -> datasets.Dataset:
    said = rows["language"] if "language" in rows.column_names else [None] * len(rows)
    others = rows.remove_columns("language") if "language" in rows.column_names else rows
    return others.add_column("language", [own or language for own in said])


def _refuse_a_missing_solution(rows: datasets.Dataset, column: str | None) -> None:
    if column is not None and column not in rows.column_names:
        raise DatasetError(f"no column {column!r} for known solutions; found: {', '.join(rows.column_names)}")


def _reward_columns(found: list[str], arguments: DataArguments) -> list[str]:
    if arguments.reward_columns is None:
        return [name for name in found if name not in _TAKEN_BY_TRL and name not in ("prompt", arguments.prompt_column)]
    for name in arguments.reward_columns:
        if name not in found:
            raise DatasetError(f"no column {name!r} for the reward; found: {', '.join(found)}")
        if name in _TAKEN_BY_TRL:
            raise ConfigurationError(f"column {name!r} has a name that TRL uses itself: rename it (columns: ...)")
    others = [SOURCE_COLUMN, FILES_COLUMN, *(["language"] if arguments.datasets else [])]
    return [*dict.fromkeys([*arguments.reward_columns, *(name for name in others if name in found)])]
