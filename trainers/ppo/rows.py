"""Rows as a PPO trainer and its reward model need them."""

from __future__ import annotations

import logging
from typing import Any

import datasets

from rewards import ConfigurationError

from ..tokens import prompt_ids

_log = logging.getLogger("trainers")


def tokenized(rows: datasets.Dataset, *, tokenizer: Any) -> datasets.Dataset:
    """Return *rows* with `input_ids`, the ids of each `prompt`: messages go through the tokenizer's chat template.

    Raises `ConfigurationError` for messages where the tokenizer has no template.
    """
    if "prompt" not in rows.column_names:
        raise ConfigurationError(f"no column 'prompt' to make input_ids of; found: {', '.join(rows.column_names)}")
    return rows.map(lambda row: {"input_ids": prompt_ids(row["prompt"], tokenizer)})


def without_repetitions(rows: datasets.Dataset) -> datasets.Dataset:
    """Return the rows without those whose prompt another row had before: PPO tells rows apart by nothing else."""
    seen: set[tuple[int, ...]] = set()
    kept = []
    for i, ids in enumerate(rows["input_ids"]):
        key = tuple(ids)
        if key not in seen:
            seen.add(key)
            kept.append(i)
    if len(kept) == len(rows):
        return rows
    _log.warning("%d of %d rows have the prompt of an earlier one and are left out", len(rows) - len(kept), len(rows))
    return rows.select(kept)
