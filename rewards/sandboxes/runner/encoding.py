"""Turn a value into bytes, without trusting what its type says about itself.

A subclass of a builtin type is read by the builtin type's own methods, so that a `Counter` is the dict and an `int`
with an `__eq__` of its own the integer that it is. What is no data becomes an `Opaque`. There is no pickle and no
`eval` here, in `readers.py` or in `decoding.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .decoding import decode
from .frames import read_frame, read_frames, write_frame
from .readers import READERS, SUBCLASSED, numpy_reader
from .wire import MAX_DEPTH, MAX_ITERATED, MAX_NAME, MAX_PLAIN_INT, ArrayData, EncodingError, Iterated, Opaque, TooLarge

__all__ = [
    "ArrayData",
    "EncodingError",
    "Iterated",
    "Opaque",
    "TooLarge",
    "decode",
    "encode",
    "read_frame",
    "read_frames",
    "write_frame",
]

DEFAULT_LIMIT = 16 << 20
LARGEST_FLAT = 64
Handle = Callable[[object], int | None]

# A class may override these, in itself or in its metaclass; the slots of `type` itself it cannot.
mro_of = type.__dict__["__mro__"].__get__
namespace_of = type.__dict__["__dict__"].__get__
_name_of = type.__dict__["__name__"].__get__

_dumps = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_INT_ID, _STR_ID = id(int), id(str)
_PLAIN_IDS = {id(float), id(bool), id(type(None))}


def encode(value: object, *, handle: Handle | None = None, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return *value* as bytes for `decode`; raises `TooLarge` beyond about *limit* of them.

    *handle* is asked for a number for what is not data: objects, functions, iterators, and, beside their data,
    instances of subclasses of builtin types. Where it says None or is not given, the receiver gets an `Opaque` for
    objects and the first items of iterators.
    """
    plain = value if type(value) is list and _is_flat(value) else Encoder(handle, limit).tag(value)
    encoded = _dumps(plain).encode("ascii")
    if len(encoded) > limit:
        raise TooLarge(len(encoded))
    return encoded


def _is_flat(values: list[object]) -> bool:
    """Say whether JSON holds *values* as they are: a few numbers and ASCII texts, as most answers of programs."""
    if len(values) > LARGEST_FLAT:
        return False
    for value in values:
        kind = id(type(value))
        if kind == _INT_ID:
            if not -MAX_PLAIN_INT < value < MAX_PLAIN_INT:  # type: ignore[operator]
                return False
        elif kind == _STR_ID:
            if len(value) > LARGEST_FLAT or not value.isascii():  # type: ignore[arg-type, attr-defined]
                return False
        elif kind not in _PLAIN_IDS:
            return False
    return True


def type_name(kind: type) -> str:
    """Return the name of a class as `type` knows it, short enough to send."""
    name: str = _name_of(kind)
    return name[:MAX_NAME]


class Encoder:
    """One encoding in progress."""

    __slots__ = ("_active", "_budget", "_handle")

    def __init__(self, handle: Handle | None, limit: int) -> None:
        self._handle = handle
        self._budget = limit
        self._active: list[int] = []

    def tag(self, value: Any) -> Any:
        """Return what JSON shall say for *value*."""
        kind = type(value)
        # By identity: a metaclass may define how a class compares and hashes.
        kind_id = id(kind)
        if kind_id in _PLAIN_IDS:
            return value
        reader = READERS.get(kind_id)
        if reader is not None:
            return reader(self, value)
        return self._subclass_or_object(value, kind)

    def items(self, values: list[Any]) -> list[Any]:
        """Return what JSON shall say for each of *values*."""
        if len(values) > 8:
            kinds = set(map(id, map(type, values)))
            if kinds <= _PLAIN_IDS:
                return values
            if kinds == {_INT_ID} and max(values) < MAX_PLAIN_INT and min(values) > -MAX_PLAIN_INT:
                return values
        tag = self.tag
        return [tag(value) for value in values]

    def inside(self, container: object, values: list[Any]) -> list[Any] | None:
        """Return `items(values)`; None for a *container* that holds itself or nests too deep to be rebuilt."""
        self.spend(2 * len(values) + 2)
        active = self._active
        if len(active) >= MAX_DEPTH or id(container) in active:
            return None
        active.append(id(container))
        tagged = self.items(values)
        active.pop()
        return tagged

    def spend(self, size: int) -> None:
        """Count bytes before they are made: one object may be shared a million times within a value."""
        self._budget -= size
        if self._budget < 0:
            raise TooLarge(size)

    def opaque(self, value: object) -> Any:
        """Return the stand-in of an object that is not data."""
        number = self._handle(value) if self._handle is not None else None
        name = type_name(type(value))
        self.spend(len(name) + 10)
        return {"o": [name, number, _truth(value)]}

    def iterated(self, value: Any) -> Any:
        """Return the first items of an iterator or a view; cut off at an exception and at what cannot be sent."""
        items: list[Any] = []
        complete = True
        depth, budget = len(self._active), self._budget
        try:
            for item in value:
                if len(items) == MAX_ITERATED or depth >= MAX_DEPTH:
                    complete = False
                    break
                budget = self._budget
                self.spend(2)
                self._active.append(id(value))
                items.append(self.tag(item))
                self._active.pop()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - the boundary to the program's own iterator, which may raise anything
            complete, self._budget = False, budget
            del self._active[depth:]
        return {"i": [type_name(type(value)), items, complete]}

    def _subclass_or_object(self, value: object, kind: type) -> Any:
        for base in mro_of(kind):
            reader = READERS.get(id(base)) or numpy_reader(base)
            if reader is not None:
                data = reader(self, value)
                number = self._handle(value) if self._handle is not None and id(base) in SUBCLASSED else None
                return data if number is None else {"x": [data, type_name(kind), number]}
        if any("__next__" in namespace_of(base) for base in mro_of(kind)):
            number = self._handle(value) if self._handle is not None else None
            return self.iterated(value) if number is None else {"o": [type_name(kind), number, True]}
        return self.opaque(value)


def _truth(value: object) -> bool | None:
    if not any("__bool__" in namespace_of(base) or "__len__" in namespace_of(base) for base in mro_of(type(value))):
        return True
    try:
        return bool(value)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the boundary to the program's own `__bool__`, which may raise anything
        return None
