"""Options as JSON, so that two runs can be told to have had the same ones."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Mapping
from typing import Any


def told_as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* as JSON: dataclasses by their fields, functions by their name and what their source says."""
    return {name: _told(value) for name, value in options.items()}


def _told(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _told(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _told(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return _named(value)


def _named(function: Any) -> str:
    kind = function if hasattr(function, "__qualname__") else type(function)
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or made of C
        return name
    return f"{name}#{hashlib.blake2b(source.encode(), digest_size=6).hexdigest()}"
