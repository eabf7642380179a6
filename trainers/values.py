"""Values as YAML has them, against the type of the key that they stand behind."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import enum
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from rewards import ConfigurationError

_MISFIT = object()
_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def checked_fields(values: Mapping[Any, Any], owner: type[Any], *, what: str) -> dict[str, Any]:
    """Return the *values* of a dataclass's fields; raises `ConfigurationError` for an unknown key or a wrong type."""
    hints = get_type_hints(owner)
    known = [field.name for field in dataclasses.fields(owner)]
    for key in values:
        if key not in known:
            raise ConfigurationError(f"{what}: {unknown_key(str(key), known)}")
    return {key: checked(value, hints[key], what=f"{what}, {key}") for key, value in values.items()}


def unknown_key(name: str, known: Collection[str]) -> str:
    """Return a complaint about *name* that names the nearest of the *known* keys."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"unknown option {name!r}" + (f": did you mean {nearest[0]!r}?" if nearest else "")


def checked(value: Any, hint: Any, *, what: str) -> Any:
    """Return *value* as the type *hint* asks for it; raises `ConfigurationError` where it is another kind of value.

    Numbers may be text, because YAML reads `1e-6` as such.
    """
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if value is None and (types.NoneType in kinds or Any in kinds):
        return None
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    for kind in kinds:
        found = _MISFIT if value is None else _read(value, kind)
        if found is not _MISFIT:
            return found
    wanted = " or ".join(map(_name, kinds))
    raise ConfigurationError(f"{what}: expected {wanted}, found {_shown(value, kinds)}")


def _read(value: Any, kind: Any) -> Any:
    origin = get_origin(kind) or kind
    if origin in _READERS:
        return _READERS[origin](value)
    if origin is list:
        items = [_read(item, *get_args(kind)) if get_args(kind) else item for item in _as(list, value, [_MISFIT])]
        return _MISFIT if any(item is _MISFIT for item in items) else items
    if origin is Literal:
        return value if value in get_args(kind) else _MISFIT
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return value if value in [member.value for member in origin] else _MISFIT
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _as(dict, value, _MISFIT)
    return value  # a kind of TRL's that no YAML file has, or a dataclass, which looks for itself


def _flag(value: Any) -> Any:
    words = {"true": True, "false": False}
    return value if isinstance(value, bool) else words.get(str(value).lower(), _MISFIT)


def _whole(value: Any) -> Any:
    number = _number(value)
    return int(number) if number is not _MISFIT and number == number // 1 else _MISFIT


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    with contextlib.suppress(ValueError):
        return float(_as(str, value, ""))
    return _MISFIT


def _text(value: Any) -> Any:
    return _as(str, value, _MISFIT)


def _as(kind: type[Any], value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, kind) else otherwise


_READERS: dict[Any, Callable[[Any], Any]] = {bool: _flag, int: _whole, float: _number, str: _text, Any: lambda it: it}


def _name(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin is list:
        return f"a list of {_name(get_args(kind)[0])}" if get_args(kind) else "a list"
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return f"one of {', '.join(str(member.value) for member in origin)}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping"
    return _NAMES.get(origin, "mappings")


def _shown(value: Any, kinds: Collection[Any]) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{str(value).lower()}" + (", which is no text without quotes" if str in kinds else "")
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'a mapping'} {value!r:.60}"
    return f"{value!r:.60}"
