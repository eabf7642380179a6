"""How each type that is data is read: by that type's own methods, whatever a subclass has put in their place."""

from __future__ import annotations

import base64
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .wire import (
    ARRAY_DTYPE,
    MAX_DECIMAL_EXPONENT,
    MAX_DECIMAL_TEXT,
    MAX_INT_BITS,
    MAX_PART_BITS,
    MAX_PLAIN_INT,
    MAX_RANGE,
    NAMED,
    ArrayData,
    Iterated,
    Opaque,
)

if TYPE_CHECKING:
    from .encoding import Encoder

Reader = Callable[["Encoder", Any], Any]

_NAMES = {id(thing): name for name, thing in NAMED.items()}
_numerator: Callable[[Fraction], int] = Fraction.__dict__["numerator"].fget
_denominator: Callable[[Fraction], int] = Fraction.__dict__["denominator"].fget


def _read_int(encoder: Encoder, value: int) -> Any:
    number = int.__index__(value)
    if -MAX_PLAIN_INT < number < MAX_PLAIN_INT:
        return number
    if number.bit_length() > MAX_INT_BITS:
        return encoder.opaque(value)
    encoder.spend(number.bit_length() // 4)
    return {"n": hex(number)}


def _read_float(encoder: Encoder, value: float) -> Any:
    return float.__float__(value)


def _read_str(encoder: Encoder, value: str) -> Any:
    text = str.__str__(value)
    encoder.spend(len(text))
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON would join two lone surrogates into one character
        return {"s": text.encode("utf-8", "surrogatepass").hex()}
    return text


def _container(tag: str, items_of: Callable[[Any], Iterable[Any]]) -> Reader:
    def read(encoder: Encoder, value: Any) -> Any:
        items = encoder.inside(value, list(items_of(value)))
        return encoder.opaque(value) if items is None else {tag: items}

    return read


def _read_list(encoder: Encoder, value: list[Any]) -> Any:
    items = encoder.inside(value, list.copy(value))
    return encoder.opaque(value) if items is None else items


def _pairs(items: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [thing for pair in list(items) for thing in pair]


def _mapping(name_of: Callable[[Any], str], items_of: Callable[[Any], Iterable[tuple[Any, Any]]]) -> Reader:
    def read(encoder: Encoder, value: Any) -> Any:
        items = encoder.inside(value, _pairs(items_of(value)))
        return encoder.opaque(value) if items is None else {"m": [name_of(value), items]}

    return read


def _factory_name(value: defaultdict[Any, Any]) -> str:
    factory = defaultdict.__dict__["default_factory"].__get__(value)
    return "defaultdict:" + _NAMES.get(id(factory), "NoneType")


def _read_deque(encoder: Encoder, value: deque[Any]) -> Any:
    items = encoder.inside(value, list(deque.__iter__(value)))
    maxlen = deque.__dict__["maxlen"].__get__(value)
    return encoder.opaque(value) if items is None else {"q": [items, maxlen]}


def _read_bytes(tag: str, to_bytes: Callable[[Any], bytes]) -> Reader:
    def read(encoder: Encoder, value: Any) -> Any:
        data = to_bytes(value)
        encoder.spend(len(data))
        return {tag: base64.b64encode(data).decode("ascii")}

    return read


def _read_decimal(encoder: Encoder, value: Decimal) -> Any:
    if Decimal.is_snan(value) or (Decimal.is_finite(value) and abs(Decimal.adjusted(value)) > MAX_DECIMAL_EXPONENT):
        return encoder.opaque(value)
    text = Decimal.__str__(value)
    encoder.spend(len(text))
    return {"D": text} if len(text) <= MAX_DECIMAL_TEXT else encoder.opaque(value)


def _read_fraction(encoder: Encoder, value: Fraction) -> Any:
    parts = [_numerator(value), _denominator(value)]
    if any(type(part) is not int or part.bit_length() > MAX_PART_BITS for part in parts):
        return encoder.opaque(value)
    return {"Q": [_read_int(encoder, part) for part in parts]}


def _read_range(encoder: Encoder, value: range) -> Any:
    bounds = [value.start, value.stop, value.step]
    small = all(-MAX_PLAIN_INT < bound < MAX_PLAIN_INT for bound in bounds)
    return (
        {"r": bounds}
        if small and (not value or (value[-1] - value[0]) // value.step < MAX_RANGE)
        else (encoder.opaque(value))
    )


def _offset(value: datetime | time) -> int | None:
    kind = datetime if isinstance(value, datetime) else time
    offset = kind.utcoffset(value)  # type: ignore[arg-type]
    return None if offset is None else offset // timedelta(microseconds=1)


def _clock(value: datetime | time) -> list[Any]:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, _offset(value)]


def _read_datetime(encoder: Encoder, value: datetime) -> Any:
    return {"dt": [date.toordinal(value), *_clock(value)]}


def _read_named(encoder: Encoder, value: object) -> Any:
    name = _NAMES.get(id(value))
    return encoder.opaque(value) if name is None else {"b": name}


def _read_array_data(encoder: Encoder, value: ArrayData) -> Any:
    items = encoder.inside(value, list(value.items))
    return encoder.opaque(value) if items is None else {"nd": [value.dtype, list(value.shape), items]}


def _read_iterated(encoder: Encoder, value: Iterated) -> Any:
    items = encoder.inside(value, list(value.items))
    return encoder.opaque(value) if items is None else {"i": [value.kind, items, value.complete]}


_VIEWS: tuple[Any, ...] = ({}, OrderedDict())
_READERS: tuple[tuple[type, Reader], ...] = (
    (int, _read_int),
    (bool, lambda encoder, value: value),
    (type(None), lambda encoder, value: value),
    (float, _read_float),
    (str, _read_str),
    (list, _read_list),
    (tuple, _container("t", lambda value: tuple.__getitem__(value, slice(None)))),
    (set, _container("S", set.__iter__)),
    (frozenset, _container("F", frozenset.__iter__)),
    (dict, _container("d", lambda value: _pairs(dict.items(value)))),
    (OrderedDict, _mapping(lambda value: "OrderedDict", OrderedDict.items)),
    (Counter, _mapping(lambda value: "Counter", dict.items)),
    (defaultdict, _mapping(_factory_name, dict.items)),
    (deque, _read_deque),
    (complex, lambda encoder, value: {"c": [complex.__complex__(value).real, complex.__complex__(value).imag]}),
    (bytes, _read_bytes("B", lambda value: bytes.__getitem__(value, slice(None)))),
    (bytearray, _read_bytes("Y", lambda value: bytes(bytearray.__getitem__(value, slice(None))))),
    (memoryview, _read_bytes("B", memoryview.tobytes)),
    (range, _read_range),
    (Decimal, _read_decimal),
    (Fraction, _read_fraction),
    (datetime, _read_datetime),
    (date, lambda encoder, value: {"da": date.toordinal(value)}),
    (time, lambda encoder, value: {"ti": _clock(value)}),
    (timedelta, lambda encoder, value: {"td": [value.days, value.seconds, value.microseconds]}),
    (timezone, lambda encoder, value: {"tz": timezone.utcoffset(value, None) // timedelta(microseconds=1)}),
    (type, _read_named),
    (type(Ellipsis), _read_named),
    (type(NotImplemented), _read_named),
    (ArrayData, _read_array_data),
    (Iterated, _read_iterated),
    (Opaque, lambda encoder, value: {"o": [value.type_name, None, value.truth]}),
    *(
        (type(view), lambda encoder, value: encoder.iterated(value))
        for mapping in _VIEWS
        for view in (mapping.keys(), mapping.values(), mapping.items())
    ),
)
READERS = {id(kind): reader for kind, reader in _READERS}

SUBCLASSED = {
    id(kind)
    for kind in (
        int,
        float,
        str,
        bytes,
        bytearray,
        complex,
        list,
        tuple,
        set,
        frozenset,
        dict,
        OrderedDict,
        Counter,
        defaultdict,
        deque,
        Decimal,
        Fraction,
        date,
        datetime,
        time,
        timedelta,
    )
}
"""Where an instance of a subclass may have more to it than its data."""


def numpy_reader(base: type) -> Reader | None:
    """Return how to read numpy's scalars and arrays; nothing here imports numpy, which the program may have done."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if base is getattr(numpy, "ndarray", None):
        return _read_array
    return _read_numpy_scalar if base is getattr(numpy, "generic", None) else None


def _read_numpy_scalar(encoder: Encoder, value: Any) -> Any:
    plain = value.item()
    # A long double's item is itself, and a time's may be a bare integer: no builtin type holds them.
    return encoder.opaque(value) if type(plain) is type(value) or value.dtype.kind in "mMV" else encoder.tag(plain)


def _read_array(encoder: Encoder, value: Any) -> Any:
    ndarray = sys.modules["numpy"].ndarray
    array = ndarray.view(value, ndarray)
    if not re.fullmatch(ARRAY_DTYPE, array.dtype.str):
        return encoder.opaque(value)
    encoder.spend(2 * array.size)
    items = encoder.inside(value, array.reshape(-1).tolist())
    return encoder.opaque(value) if items is None else {"nd": [array.dtype.str, list(array.shape), items]}
