"""Turn bytes from an untrusted sender into a value of exact builtin types, or into an `EncodingError`.

Nothing is imported by name, called or executed on the sender's behalf, and no value takes much more memory or time
to build than its bytes took to send.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .wire import (
    ARRAY_DTYPE,
    MAX_DECIMAL_EXPONENT,
    MAX_DECIMAL_TEXT,
    MAX_INT_BITS,
    MAX_JSON_DEPTH,
    MAX_NAME,
    MAX_PART_BITS,
    MAX_RANGE,
    NAMED,
    STRINGS,
    Allowance,
    ArrayData,
    EncodingError,
    Iterated,
    Opaque,
    colliding,
)

OpaqueHook = Callable[[str, int | None], object]
SubclassHook = Callable[[object, str, int], object]
Tags = dict[str, Callable[[Any], Any]]

_BRACKETS = re.compile(STRINGS.pattern + rb"|[\[\]{}]", re.DOTALL)
_HEXADECIMAL = re.compile(rf"-?0x[0-9a-f]{{1,{MAX_INT_BITS // 4}}}")


def decode(
    data: bytes,
    *,
    opaque: OpaqueHook | None = None,
    subclass: SubclassHook | None = None,
    tags: Tags | None = None,
    allowance: Allowance | None = None,
) -> object:
    """Return the value that *data* stands for; raises `EncodingError`, and nothing else, on any other bytes.

    *opaque* returns what to put for an object that is no data, by its type's name and its sender's number; *subclass*
    what to put for data that the sender has as an instance of a subclass. *tags* takes precedence in saying what to
    build. *allowance* is shared between the frames of one sender.
    """
    allowance = allowance or Allowance()
    allowance.admit(data)
    if b"{" not in data:
        return _parse(_untagged, data)
    special = {**(tags or {}), **_hooked(opaque, subclass)}
    return _parse(_decoder({**_TAGS, **special} if special else _TAGS, allowance), data)


def _parse(decoder: json.JSONDecoder, data: bytes) -> object:
    if _too_deep(data):
        raise EncodingError("nested too deep")
    try:
        text = str(data, "ascii")
        value, end = decoder.raw_decode(text)
    except EncodingError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise EncodingError(f"not a value: {type(error).__name__}") from None
    if end != len(text):
        raise EncodingError("more than a value")
    return value


def _too_deep(data: bytes) -> bool:
    # Python's JSON scanner recurses in C, where a caller who raised the recursion limit would crash.
    if data.count(b"[") + data.count(b"{") <= MAX_JSON_DEPTH:
        return False
    depth = 0
    for match in _BRACKETS.finditer(data):
        if match[0] in (b"[", b"{"):
            depth += 1
        elif match[0] in (b"]", b"}"):
            depth -= 1
        if depth > MAX_JSON_DEPTH:
            return True
    return False


def _decoder(tags: Tags, allowance: Allowance) -> json.JSONDecoder:
    def hook(pairs: dict[str, Any]) -> Any:
        if len(pairs) != 1:
            raise EncodingError("an object has one tag")
        ((tag, content),) = pairs.items()
        allowance.tagged(tag, content)
        return tags[tag](content)

    return json.JSONDecoder(object_hook=hook, parse_int=_plain_int)


def _hooked(opaque: OpaqueHook | None, subclass: SubclassHook | None) -> Tags:
    tags: Tags = {}
    if opaque is not None:
        tags["o"] = lambda content: opaque(*_read_object(content)[:2])
    if subclass is not None:
        tags["x"] = lambda content: subclass(*_read_subclass(content))
    return tags


def check(holds: object, what: str) -> None:
    """Raise EncodingError(*what*) unless it *holds*."""
    if not holds:
        raise EncodingError(what)


def listed(content: Any, *kinds: type | tuple[type, ...]) -> Any:
    """Return *content*, a list of as many things as there are *kinds*, each of exactly such a type."""
    check(type(content) is list and len(content) == len(kinds), "a list of another length was announced")
    for thing, kind in zip(content, kinds, strict=True):
        check(type(thing) in (kind if isinstance(kind, tuple) else (kind,)), "another type was announced")
    return content


def _plain_int(digits: str) -> int:
    check(len(digits) <= 20, "an integer in too many digits")
    return int(digits)


_untagged = json.JSONDecoder(parse_int=_plain_int)
"""For the many answers of numbers and texts alone: to make a decoder takes as long as to use it."""


def _read_integer(content: Any) -> int:
    check(type(content) is str and _HEXADECIMAL.fullmatch(content), "not a hexadecimal integer")
    return int(content, 16)


def _items(content: Any) -> list[Any]:
    check(type(content) is list, "contents are not a list")
    return content  # type: ignore[no-any-return]


def distinct(content: Any) -> list[Any]:
    """Return *content*, a list that a dict can take as keys in reasonable time, and a set from that dict."""
    items = _items(content)
    check(not colliding(items), "too many keys of the same hash")
    return items


def read_dict(content: Any) -> dict[Any, Any]:
    """Return the dict of keys and values in turn."""
    items = _items(content)
    check(len(items) % 2 == 0, "a key without a value")
    return dict(zip(distinct(items[::2]), items[1::2], strict=True))


def _read_deque(content: Any) -> deque[Any]:
    items, maxlen = listed(content, list, (int, type(None)))
    check(maxlen is None or len(items) <= maxlen < 1 << 62, "a deque longer than itself")
    return deque(items, maxlen)


def _read_bytes(content: Any) -> bytes:
    check(type(content) is str, "bytes are not text")
    return base64.b64decode(content, validate=True)


def _read_decimal(content: Any) -> Decimal:
    check(type(content) is str and len(content) <= MAX_DECIMAL_TEXT, "not a decimal number")
    number = Decimal(content)
    # A signalling NaN raises when it is compared.
    check(not number.is_snan(), "a signalling NaN")
    check(not number.is_finite() or abs(number.adjusted()) <= MAX_DECIMAL_EXPONENT, "an exponent out of bounds")
    return number


def _read_fraction(content: Any) -> Fraction:
    parts = listed(content, int, int)
    check(all(part.bit_length() <= MAX_PART_BITS for part in parts), "a fraction out of bounds")
    return Fraction(*parts)


def _read_range(content: Any) -> range:
    numbers = range(*listed(content, int, int, int))
    check(len(numbers) <= MAX_RANGE, "a range out of bounds")
    return numbers


def _read_object(content: Any) -> tuple[str, int | None, bool | None]:
    name, number, truth = listed(content, str, (int, type(None)), (bool, type(None)))
    check(len(name) <= MAX_NAME, "a name out of bounds")
    return name, number, truth


def _read_subclass(content: Any) -> tuple[object, str, int]:
    check(type(content) is list and len(content) == 3, "not an instance of a subclass")
    value, name, number = content
    check(type(name) is str and len(name) <= MAX_NAME and type(number) is int, "not an instance of a subclass")
    return value, name, number


def _read_placeholder(content: Any) -> Opaque:
    name, _, truth = _read_object(content)
    return Opaque(name, truth)


def _read_mapping(content: Any) -> dict[Any, Any]:
    return read_dict(listed(content, str, list)[1])


def read_iterated(content: Any) -> Iterated:
    """Return what an iterator or view yielded."""
    kind, items, complete = listed(content, str, list, bool)
    check(len(kind) <= MAX_NAME, "a name out of bounds")
    return Iterated(kind, tuple(items), complete)


def read_array(content: Any) -> ArrayData:
    """Return an array whose shape fits its items."""
    dtype, shape, items = listed(content, str, list, list)
    check(re.fullmatch(ARRAY_DTYPE, dtype) and len(shape) <= 32, "not an array")
    check(all(type(size) is int and 0 <= size <= max(len(items), 1000) for size in shape), "not a shape")
    check(math.prod(shape) == len(items), "a shape of another size")
    leading = shape[: shape.index(0)] if 0 in shape else []
    check(math.prod(leading) <= 1000, "too much of nothing")
    return ArrayData(dtype, tuple(shape), tuple(items))


def _zone(microseconds: int | None) -> timezone | None:
    return None if microseconds is None else timezone(timedelta(microseconds=microseconds))


def _read_datetime(content: Any) -> datetime:
    check(type(content) is list and content, "not a date and time")
    return datetime.combine(date.fromordinal(content[0]), _read_time(content[1:]))


def _read_time(content: Any) -> time:
    hour, minute, second, microsecond, fold, offset = listed(content, int, int, int, int, int, (int, type(None)))
    return time(hour, minute, second, microsecond, _zone(offset), fold=fold)


def _exactly(kind: type, then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(content: Any) -> Any:
        check(type(content) is kind, "another type was announced")
        return then(content)

    return read


_TAGS: Tags = {
    "n": _read_integer,
    "s": _exactly(str, lambda content: bytes.fromhex(content).decode("utf-8", "surrogatepass")),
    "t": lambda content: tuple(_items(content)),
    "S": lambda content: set(dict.fromkeys(distinct(content))),
    "F": lambda content: frozenset(dict.fromkeys(distinct(content))),
    "d": read_dict,
    "m": _read_mapping,
    "q": _read_deque,
    "c": lambda content: complex(*listed(content, float, float)),
    "B": _read_bytes,
    "Y": lambda content: bytearray(_read_bytes(content)),
    "r": _read_range,
    "D": _read_decimal,
    "Q": _read_fraction,
    "dt": _read_datetime,
    "da": _exactly(int, date.fromordinal),
    "ti": _read_time,
    "td": lambda content: timedelta(*listed(content, int, int, int)),
    "tz": _exactly(int, _zone),
    "b": _exactly(str, NAMED.__getitem__),
    "i": read_iterated,
    "nd": read_array,
    "o": _read_placeholder,
    "x": lambda content: _read_subclass(content)[0],
}
