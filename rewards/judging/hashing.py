"""Which keys a dict or set takes in reasonable time: integers are their own hashes, and a program chooses integers.

The walk through the slots is that of the decoder in the sandbox's runner, which imports nothing from here, nor this
from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from .exact import check_numbers
from .limits import check, listed

_FEW_KEYS = 1000
_MAX_SAME_HASH = 64
_JUMPS_PER_KEY = 20
_SET_RUN = 10
"""How many neighbouring slots a set looks at before it jumps; a dict looks at one."""


def hashable(values: Iterable[Any]) -> list[Any]:
    """Return *values* as a list that a dict takes as keys in reasonable time, and a set from that dict."""
    items = listed(values)
    check_numbers(items)
    hashes = _distinct_hashes(items)
    if len(hashes) > _FEW_KEYS:
        left = _JUMPS_PER_KEY * len(hashes)
        size = 1024
        while left >= 0 and size <= 3 * len(hashes):
            left = _jumps_left(hashes[: 2 * size // 3], size, run=1, left=left)
            size *= 2
        check(left >= 0, "keys that collide too often")
        check(not _set_collides(hashes, len(hashes)), "keys that collide too often")
    return items


def check_comparable(left: Any, right: Any) -> None:
    """Refuse two large sets or dicts of which one's keys take long to look up in the other."""
    kinds = (dict, set, frozenset)
    if isinstance(left, kinds) and isinstance(right, kinds) and min(len(left), len(right)) > _FEW_KEYS:
        for table, keys in ((left, right), (right, left)):
            hashable([*table, *keys])
            hashes = _distinct_hashes([*table, *keys])
            check(not _set_collides(hashes, len(table)), "keys that collide too often")


def _set_collides(hashes: list[int], keys: int) -> bool:
    size = 1 << max(2 * keys, len(hashes)).bit_length()
    return _jumps_left(hashes, size, run=_SET_RUN, left=_JUMPS_PER_KEY * len(hashes)) < 0


def _distinct_hashes(items: Sequence[Any]) -> list[int]:
    """Return the hashes of *items*, in order, equal items but once; by sorting, for a dict would be the victim."""
    hashes = list(map(hash, items))
    first: list[int] = []
    for _, group in groupby(sorted(range(len(items)), key=hashes.__getitem__), key=hashes.__getitem__):
        different: list[int] = []
        for i in group:
            if not any(items[i] is items[j] or items[i] == items[j] for j in different):
                different.append(i)
                check(len(different) <= _MAX_SAME_HASH, "too many keys of the same hash")
        first.extend(different)
    return [hashes[i] for i in sorted(first)]


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
