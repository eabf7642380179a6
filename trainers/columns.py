"""The cells of a table's column, which Arrow wants to be of one type: where they are not, JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

_MESSAGES, _HUGE = "messages", "a huge number"
_LARGEST = 2**63
"""Arrow's whole numbers are smaller."""


def of_one_type(values: Sequence[Any]) -> list[Any]:
    """Return the cells of a column out of JSON: objects and lists of other things than texts and messages as JSON text.

    `datasets` would add to every test the keys that only other tests have. Where that leaves cells of several types, as
    where an answer is now a number and now a list, all are text. Messages stay what they are beside anything else: a
    prompt that was made JSON would be shown as such.
    """
    stored = [_stored(value) for value in values]
    kinds = {_kind(value) for value in stored if value is not None}
    is_one = len(kinds) < 2 or kinds in ({"nothing", "texts"}, {"nothing", _MESSAGES})
    return stored if (is_one and _HUGE not in kinds) or _MESSAGES in kinds else [as_text(value) for value in stored]


def _kind(value: Any) -> str:
    """Return what Arrow would take a cell for."""
    if isinstance(value, list):
        return "nothing" if not value else "texts" if isinstance(value[0], str) else _MESSAGES
    if isinstance(value, int) and not isinstance(value, bool):
        return "number" if -_LARGEST <= value < _LARGEST else _HUGE
    return "number" if isinstance(value, float) else type(value).__name__


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list) and not all(isinstance(item, str) for item in value) and not _is_conversation(value):
        return json.dumps(value)
    return value


def _is_conversation(value: list[Any]) -> bool:
    return all(
        isinstance(item, dict) and isinstance(item.get("role"), str) and isinstance(item.get("content"), str)
        for item in value
    )


def as_text(value: Any) -> str | None:
    """Return text as it is, nothing as None, and anything else as JSON, without the keys that hold nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, str) else json.dumps(_without_gaps(value), default=str)


def _without_gaps(value: Any) -> Any:
    """Return *value* without the None that `datasets` puts where other rows have a key."""
    if isinstance(value, dict):
        return {name: _without_gaps(item) for name, item in value.items() if item is not None}
    return [_without_gaps(item) for item in value] if isinstance(value, list) else value
