"""What the format on the wire can hold: its bounds, its one error, and the stand-ins for what is not plain data.

Values travel as JSON. A list is a JSON array; everything JSON lacks is an object with one key, the tag. Both sides
keep to the same bounds, so that whatever an honest sender may write, a receiver will read.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 120
"""Containers within containers; Python's own recursion limit leaves room for two frames for each of them."""
MAX_JSON_DEPTH = 3 * MAX_DEPTH + 30
"""A level of a value is at most three of JSON: its tag, its contents, and pairs or a shape inside."""
MAX_BYTES = 64 << 20
MAX_INT_BITS = 1 << 20
MAX_PLAIN_INT = 1 << 63
"""Integers beyond go by their hexadecimal digits: decimal ones take quadratic time, and Python refuses long ones."""
MAX_PART_BITS = 1 << 14
"""Of a fraction's parts: reducing it takes quadratic time."""
MAX_DECIMAL_TEXT = 5000
MAX_DECIMAL_EXPONENT = 20_000
"""`int(Decimal("1e999999999"))` is a gigabyte that was sent in twelve bytes."""
MAX_RANGE = 1_000_000
MAX_ITERATED = 100_000
MAX_NAME = 200

ARRAY_DTYPE = r"[<>|=](b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,3}|O8?)"
"""What an array may be made of, so that a receiver can build it again without surprises."""

NAMED: dict[str, object] = {
    name: thing
    for name, thing in vars(builtins).items()
    if isinstance(thing, type) and not name.startswith("_") and not name.endswith("ExceptionGroup")
} | {"NoneType": type(None), "Ellipsis": ..., "NotImplemented": NotImplemented}
"""What is data by its name: a test may pass `int` to a program, and a program may return it."""


class EncodingError(ValueError):
    """The bytes are not a value: whoever sent them did not use the encoder."""


class TooLarge(Exception):
    """A value needs more bytes than its sender may use."""


@dataclass(frozen=True, eq=False)
class Opaque:
    """Stand for an object that is not data. It equals nothing but itself and has no contents."""

    type_name: str
    truth: bool | None = True
    """What `bool()` said where the object was; None when it raised."""

    def __bool__(self) -> bool:
        if self.truth is None:
            raise TypeError(f"a {self.type_name} object has no truth value")
        return self.truth


@dataclass(frozen=True, eq=False)
class Iterated:
    """Hold what an iterator or a dict view yielded; good for iterating over, and equal to nothing but itself."""

    kind: str
    items: tuple[object, ...]
    complete: bool = True
    """False when it was cut off, or raised: iterating over it then raises at that place."""

    def __iter__(self) -> Iterator[object]:
        yield from self.items
        if not self.complete:
            raise ValueError(f"the {self.kind} object did not come to its end")

    def __len__(self) -> int:
        if not self.kind.startswith(("dict_", "odict_")):
            raise TypeError(f"object of type {self.kind!r} has no len()")
        return len(self.items)

    def __bool__(self) -> bool:
        return bool(self.items) or not self.kind.startswith(("dict_", "odict_"))


@dataclass(frozen=True)
class ArrayData:
    """Hold a numpy array where numpy may not be there; equal only to the same array."""

    dtype: str
    shape: tuple[int, ...]
    items: tuple[object, ...]
    """All elements, in row order."""

    def __bool__(self) -> bool:
        if len(self.items) != 1:
            raise ValueError("the truth value of an array is ambiguous")
        return bool(self.items[0])

    def tolist(self) -> object:
        """Return nested lists, as the method of the same name of an array does."""
        nested: list[object] = list(self.items)
        for size in reversed(self.shape[1:]):
            nested = [nested[at : at + size] for at in range(0, len(nested), size)] if size else []
        return nested if self.shape else nested[0]


def colliding(keys: list[object]) -> bool:
    """Return whether a dict or set of these distinct *keys* takes quadratic time, as integers can be chosen to do."""
    return len(keys) > 64 and max(Counter(map(hash, keys)).values()) > 64
