"""What a trainer hands to a reward, checked at the door: one completion, one prompt and one row for each sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError, DatasetError

NOT_COLUMNS = ("trainer_state", "log_extra", "log_metric", "environments")
"""What TRL passes beside the dataset's columns; a reward needs none of them."""


@dataclass(frozen=True)
class Call:
    """The samples of one call of a reward."""

    completions: Sequence[Any]
    prompts: Sequence[Any] | None
    columns: Mapping[str, Sequence[Any]]

    def row(self, i: int) -> dict[str, Any]:
        """Return the dataset row of sample *i*, with its prompt under `prompts` where that may be source code."""
        row = {name: values[i] for name, values in self.columns.items()}
        prompt = None if self.prompts is None else self.prompts[i]
        if isinstance(prompt, str) and row.get("code_prompt") is None:
            row["prompts"] = prompt
        return row


def read_call(prompts: Any, completions: Any, columns: Mapping[str, Any], *, needs_columns: bool = True) -> Call:
    """Check what a reward was called with; raises before anything runs."""
    if completions is None:
        first = "" if prompts is None else ". The first positional argument is `prompts`: name the arguments"
        raise ConfigurationError(
            f"a reward needs `completions`, one for each sample; TRL passes them by keyword{first}"
        )
    completions = _listed(completions, "completions")
    count = len(completions)
    kept = {name: _listed(values, name) for name, values in columns.items() if _may_be_column(name, values)}
    if prompts is not None:
        prompts = _listed(prompts, "prompts")
    for name, values in {**kept, **({} if prompts is None else {"prompts": prompts})}.items():
        if len(values) != count:
            raise ConfigurationError(f"column {name!r} has {len(values)} values for {count} completions")
    if count and needs_columns and not kept:
        raise DatasetError(
            "no column came with the completions, so nothing tells what is right. Pass the dataset's columns by "
            "keyword, as TRL does unless `remove_unused_columns=True`"
        )
    return Call(completions, prompts, kept)


_ONE_VALUE = (str, bytes, bytearray, memoryview)
_UNORDERED = (Mapping, Set)


def _may_be_column(name: str, values: Any) -> bool:
    """Say whether *values* is meant as a column: a later TRL may pass further objects that are none."""
    return name not in NOT_COLUMNS and (isinstance(values, Iterable) or hasattr(type(values), "__getitem__"))


def _listed(values: Any, name: str) -> Sequence[Any]:
    """Return *values* by position: a table's column has labels of its own, and `values[0]` may be another sample's."""
    if isinstance(values, list | tuple):
        return values
    if (problem := _unfit(values)) is not None:
        raise ConfigurationError(
            f"{name!r} must be a list, one value a completion in their order, found {type(values).__name__}, "
            f"{problem}: pass a list"
        )
    return list(values)


def _unfit(values: Any) -> str | None:
    """Return why *values* cannot be taken for one entry a sample, None where it can."""
    if isinstance(values, _ONE_VALUE) or getattr(values, "ndim", 1) == 0:
        return "which is one value"
    if isinstance(values, _UNORDERED) or (hasattr(values, "keys") and getattr(values, "ndim", 0) != 1):
        return "which does not say which entry is which sample's"
    if isinstance(values, Iterator):
        return "which can be read only once"
    return None if hasattr(values, "__len__") else "which has no length"
