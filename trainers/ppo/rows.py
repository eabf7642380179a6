"""Rows as a PPO trainer and its reward model need them."""

from __future__ import annotations

import logging
from typing import Any

import datasets

from rewards import ConfigurationError

_log = logging.getLogger("trainers")


def tokenized(rows: datasets.Dataset, *, tokenizer: Any) -> datasets.Dataset:
    """Return *rows* with `input_ids`, the ids of each `prompt`: messages go through the tokenizer's chat template.

    Raises `ConfigurationError` for messages where the tokenizer has no template.
    """
    if "prompt" not in rows.column_names:
        raise ConfigurationError(f"no column 'prompt' to make input_ids of; found: {', '.join(rows.column_names)}")
    return rows.map(lambda row: {"input_ids": _prompt_ids(row["prompt"], tokenizer)})


def _prompt_ids(prompt: Any, tokenizer: Any) -> list[int]:
    if isinstance(prompt, str):
        return list(tokenizer(prompt)["input_ids"])
    if tokenizer.chat_template is None:
        raise ConfigurationError(
            "the tokenizer has no chat template for prompts of messages: set conversational: false"
        )
    text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])  # the template has written them


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
