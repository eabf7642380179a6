"""Decode for code that goes on to use the values: the standard library's containers, iterators, views, numpy arrays."""

from __future__ import annotations

import importlib
import math
from collections import Counter, OrderedDict, defaultdict
from typing import Any

from .decoding import (
    OpaqueHook,
    SubclassHook,
    Tags,
    check,
    decode,
    distinct,
    listed,
    read_array,
    read_dict,
    read_iterated,
)
from .wire import MAX_BYTES, NAMED, Allowance


def decode_live(data: bytes, *, opaque: OpaqueHook | None = None, subclass: SubclassHook | None = None) -> object:
    """Return what `decode` does, with objects of the original types in the place of dicts, `Iterated`, `ArrayData`.

    For a process whose own crash or delay is its own affair.
    """
    allowance = Allowance(frame=MAX_BYTES, memory=math.inf)
    return decode(data, opaque=opaque, subclass=subclass, tags=_LIVE, allowance=allowance)


def _live_mapping(content: Any) -> dict[Any, Any]:
    name, items = listed(content, str, list)
    pairs = read_dict(items)
    kind, _, factory = name.partition(":")
    if kind == "OrderedDict":
        return OrderedDict(pairs)
    if kind == "Counter":
        return Counter(pairs)
    maker: Any = NAMED[factory]
    check(kind == "defaultdict" and isinstance(maker, type), "an unknown mapping")
    return defaultdict(None if maker is type(None) else maker, pairs)


def _live_iterated(content: Any) -> object:
    found = read_iterated(content)
    view = found.kind.removeprefix("o")
    if not found.complete or not view.startswith("dict_"):
        return iter(found)
    if view == "dict_items":
        check(all(type(item) is tuple and len(item) == 2 for item in found.items), "items are not pairs")
        return OrderedDict(zip(*_columns(found.items), strict=True)).items()
    if view == "dict_keys":
        return dict.fromkeys(distinct(list(found.items))).keys()
    return dict(enumerate(found.items)).values()


def _columns(items: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    return distinct([key for key, _ in items]), [value for _, value in items]


def _live_array(content: Any) -> object:
    found = read_array(content)
    try:
        numpy = importlib.import_module("numpy")
    except ImportError:
        return found
    dtype = numpy.dtype(found.dtype)
    check(dtype.itemsize * len(found.items) <= 4 * MAX_BYTES, "an array out of bounds")
    array = numpy.empty(len(found.items), dtype=dtype)
    for at, item in enumerate(found.items if dtype.hasobject else ()):  # a list as an item is no further dimension
        array[at] = item
    if not dtype.hasobject:
        array[:] = list(found.items)
    return array.reshape(found.shape)


_LIVE: Tags = {"m": _live_mapping, "i": _live_iterated, "nd": _live_array}
