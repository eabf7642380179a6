"""Do to a call's arguments what the program did to its copies of them, in place, as in one process."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any


def mirror_changes(old: Any, new: Any) -> None:
    """Make *old* what *new* is, where it can be changed; containers in it stay the same objects where they can."""
    if type(old) is not type(new):
        return
    if isinstance(old, tuple):
        for before, after in zip(old, new, strict=False):
            mirror_changes(before, after)
    elif isinstance(old, list | deque):
        items = [_kept(before, after) for before, after in zip(old, new, strict=False)]
        items += list(new)[len(items) :]
        old.clear()
        old.extend(items)
    elif isinstance(old, dict):
        pairs = {key: _kept(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        dict.update(old, pairs)
    else:
        _mirror_flat(old, new)


def _kept(before: Any, after: Any) -> Any:
    mirror_changes(before, after)
    changeable = isinstance(before, list | deque | dict | set | bytearray)
    return before if changeable and type(before) is type(after) else after


def _mirror_flat(old: Any, new: Any) -> None:
    numpy = sys.modules.get("numpy")
    if isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif numpy is not None and isinstance(old, numpy.ndarray) and old.shape == new.shape and old.dtype == new.dtype:
        old[...] = new
