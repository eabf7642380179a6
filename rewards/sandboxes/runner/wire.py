"""What the format on the wire can hold: its bounds, its one error, and the stand-ins for what is not plain data.

Values travel as JSON. A list is a JSON array; everything JSON lacks is an object with one key, the tag. Both sides
keep to the same bounds, so that whatever an honest sender may write, a receiver will read.
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 120
"""Containers within containers; Python's own recursion limit leaves room for two frames for each of them."""
MAX_JSON_DEPTH = 3 * MAX_DEPTH + 30
"""A level of a value is at most three of JSON: its tag, its contents, and pairs or a shape inside."""
MAX_BYTES = 64 << 20
"""Of a job, which our own side packs."""
MAX_FRAME = 16 << 20
"""Of what one child has said, in one frame or in all: it is decoded in the process that trains."""
MAX_MEMORY = 200 << 20
"""What the values of one child may take once they are decoded, by an estimate: a small object is far larger than the
bytes that announce it."""
MAX_INT_BITS = 1 << 20
MAX_PLAIN_INT = 1 << 63
"""Integers beyond go by their hexadecimal digits: decimal ones take quadratic time, and Python refuses long ones."""
MAX_PART_BITS = 1 << 12
"""Of a fraction's parts, and of integers in a value that has dicts or sets and Decimals or Fractions: comparing the
kinds takes quadratic time."""
MAX_DECIMAL_TEXT = 1000
MAX_DECIMAL_EXPONENT = 5000
"""`int(Decimal("1e999999999"))` is a gigabyte that was sent in twelve bytes."""
MAX_RANGE = 1_000_000
MAX_ITERATED = 100_000
MAX_NAME = 200

STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)
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


class Oversized(EncodingError):
    """The bytes may be a value, but one that takes too much memory or time to build."""


class TooLarge(Exception):
    """A value needs more bytes than its sender may use."""


class Allowance:
    """What is left of the memory that the values of one sender may take, by an estimate."""

    def __init__(self, *, frame: float = MAX_FRAME, memory: float = MAX_MEMORY) -> None:
        self._frame, self._memory = frame, memory
        self._long = self._exact = False

    def admit(self, data: bytes) -> None:
        """Count a frame before it is parsed: what JSON holds by itself is at most its commas and brackets."""
        if len(data) > self._frame:
            raise Oversized(f"{len(data)} bytes are too many")
        self._long = self._exact = False
        cost = _plain_cost(data)
        if cost > self._memory:  # commas in texts are nothing
            cost -= sum(_plain_cost(text[0]) for text in STRINGS.finditer(data))
        self._spend(len(data) + cost)

    def tagged(self, tag: str, content: Any) -> None:
        """Count what a tag announces, before it is built."""
        self._spend(_TAG_COST.get(tag, 250))
        if tag == "n":
            self._long = self._long or len(content) > MAX_PART_BITS // 4 + 3
        elif tag in _EXACT:
            self._exact = True
        elif tag in _KEYED:
            # Keys of one hash are compared, and a Decimal with a long integer takes quadratic time.
            if self._long and self._exact:
                raise EncodingError("long integers beside Decimals or Fractions")
            self._spend(_KEY_COST * len(content))

    def _spend(self, cost: int) -> None:
        self._memory -= cost
        if self._memory < 0:
            raise Oversized("too many values")


_TAG_COST = {"q": 1000, "D": 10_000, "Q": 10_000}
"""Bytes, but for the exact numbers: comparing a few thousand of them takes as long as anything else may."""
_KEY_COST = 200
_EXACT = ("D", "Q")
_KEYED = ("d", "m", "S", "F", "i")


def _plain_cost(data: bytes) -> int:
    return 64 * data.count(b",") + 100 * data.count(b"[")


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


_FEW_KEYS = 1000
_MAX_SAME_HASH = 64
_JUMPS_PER_KEY = 20
_SET_RUN = 10
"""How many neighbouring slots a set looks at before it jumps; a dict looks at one."""


def colliding(keys: Sequence[object]) -> bool:
    """Return whether a dict of these distinct *keys*, or a set of that dict, takes quadratic time to build.

    Integers are their own hashes, so that a program can choose them to walk through the slots that others fill: this
    walks through them as CPython does (`Objects/dictobject.c`, `setobject.c`), in every table on the way to the last.
    """
    if len(keys) <= _MAX_SAME_HASH:
        return False
    hashes = list(map(hash, keys))
    if len(keys) <= _FEW_KEYS:
        return max(Counter(hashes).values()) > _MAX_SAME_HASH
    left = _JUMPS_PER_KEY * len(keys)
    size = 1024
    while left >= 0 and size <= 3 * len(keys):
        left = _jumps_left(hashes[: 2 * size // 3], size, run=1, left=left)
        size *= 2
    size = 1 << (2 * len(keys)).bit_length()
    return left < 0 or _jumps_left(hashes, size, run=_SET_RUN, left=_JUMPS_PER_KEY * len(keys)) < 0


def _jumps_left(hashes: list[int], size: int, *, run: int, left: int) -> int:
    """Return what filling a table of *size* slots leaves of the jumps allowed, less than nothing if they are spent."""
    mask, filled = size - 1, bytearray(size)
    for number in hashes:
        at = number & mask
        if filled[at]:
            perturb = number & 0xFFFF_FFFF_FFFF_FFFF
            while (free := filled.find(0, at, at + run if at + run <= size else at + 1)) < 0:
                left -= 1
                if left < 0:
                    return left
                perturb >>= 5
                at = (5 * at + perturb + 1) & mask
            at = free
        filled[at] = 1
    return left
