"""Several datasets as one: rows of different schemas beside each other, in the shares that were asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import datasets

from rewards import ConfigurationError

from .columns import as_text

_NUMBERS = ("int", "uint", "float")
_NOTHING = "null"
"""The type of a column in which no row has anything, which goes with any other."""


def mixed(parts: Sequence[datasets.Dataset], fractions: Sequence[float | None], *, seed: int) -> datasets.Dataset:
    """Return the rows of all *parts*, shuffled; *fractions* are of the mixture, and no row stands in it twice.

    The mixture is as large as it can be: at least one part is used up.
    """
    if len(parts) == 1:
        return parts[0]
    weights = [fraction for fraction in fractions if fraction is not None]
    if weights:
        total = min(len(part) * sum(weights) / weight for part, weight in zip(parts, weights, strict=True))
        counts = [math.floor(weight / sum(weights) * total + 1e-9) for weight in weights]
        parts = [drawn(part, count, seed=seed) for part, count in zip(parts, counts, strict=True)]
    if not all(map(len, parts)):
        raise ConfigurationError("a dataset of the mixture has no rows, or a share too small for one of them")
    return datasets.concatenate_datasets(alike(parts)).shuffle(seed=seed)


def drawn(rows: datasets.Dataset, count: int | None, *, seed: int) -> datasets.Dataset:
    """Return *count* of the rows, the same for the same seed; all of them where there are no more."""
    if count is None or count >= len(rows):
        return rows
    return rows.shuffle(seed=seed).select(range(count))


def alike(parts: Sequence[datasets.Dataset]) -> list[datasets.Dataset]:
    """Return *parts* with one type for each column that more than one has: where theirs differ, JSON text.

    An Arrow column has one type, and a struct in it the keys of all. Every reader of ours takes JSON text for what it
    stands for.
    """
    kinds: dict[str, set[str]] = {}
    for part in parts:
        for name, feature in part.features.items():
            kinds.setdefault(name, set()).add(str(getattr(feature, "dtype", feature)))
    mixed_kinds = {name: found - {_NOTHING} for name, found in kinds.items() if len(found - {_NOTHING}) > 1}
    numbers = {name for name, found in mixed_kinds.items() if all(kind.startswith(_NUMBERS) for kind in found)}
    texts = mixed_kinds.keys() - numbers
    if "prompt" in texts:
        raise ConfigurationError(
            "the mixture has prompts of different kinds: texts, messages, or messages with more keys"
        )
    return [_with_numbers(_with_texts(part, sorted(texts & set(part.column_names))), numbers) for part in parts]


def _with_numbers(rows: datasets.Dataset, names: set[str]) -> datasets.Dataset:
    for name in sorted(names & set(rows.column_names)):
        rows = rows.cast_column(name, datasets.Value("float64"))
    return rows


def _with_texts(rows: datasets.Dataset, names: Sequence[str]) -> datasets.Dataset:
    if not names:
        return rows
    features = rows.features.copy()
    features.update({name: datasets.Value("large_string") for name in names})
    return rows.map(lambda row: {name: as_text(row[name]) for name in names}, features=features)
