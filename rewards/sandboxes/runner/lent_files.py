"""Files of a test's that a program is called with: the two have no directory in common.

What lies under a path below the tester's scratch directory is copied to the program's before the call, and back after
it. No other file crosses, and never the file of tests itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from .outcome import SUITE_FILE

PLACE, COLLECT = "place files", "collect files"
_MOST_FILES, _LARGEST = 64, 4 << 20

Found = list[list[Any]] | None
"""Names below the path (`""` for itself) with their contents, None for a directory; None where there is nothing."""


class LentFiles:
    """The tester's half, for one call."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self._lent: list[str] = []

    def sent(self, value: Any) -> Any:
        """Return what to send instead of an argument: the same path on the other side, where it is one to lend."""
        if not (isinstance(value, PurePath) or (type(value) is str and value.startswith("/"))):
            return value
        path, scratch = str(value), f"{os.getcwd()}/"
        below = path.removeprefix(scratch)
        if below == path or not _may_cross(below) or not os.path.isdir(os.path.dirname(path)):
            return value
        self._lent.append(below)
        return self._ask(PLACE, below, _contents(below), type(value) is not str)

    def bring_back(self) -> None:
        """Make the files what the program has made of its copies."""
        for below in self._lent:
            _write(below, self._ask(COLLECT, below))


def place_files(below: str, contents: Found, as_path: bool) -> Any:
    """Write the files into the program's directory; return the path that they have there."""
    os.makedirs(os.path.dirname(below) or ".", exist_ok=True)
    _write(below, contents)
    path = os.path.join(os.getcwd(), below)
    return Path(path) if as_path else path


def collect_files(below: str) -> Found:
    """Return the program's files."""
    return _contents(below)


def _may_cross(below: str) -> bool:
    parts = below.split("/")
    return below != SUITE_FILE and "\0" not in below and not any(part in ("", ".", "..") for part in parts)


def _contents(top: str) -> Found:
    if os.path.islink(top) or not os.path.exists(top):
        return None
    if os.path.isfile(top):
        return [["", _read(top)]]
    found: list[list[Any]] = [["", None]]
    for folder, folders, files in os.walk(top):
        for names, read in ((sorted(folders), None), (sorted(files), _read)):
            for path in (f"{folder}/{name}" for name in names):
                if len(found) < _MOST_FILES and not os.path.islink(path):
                    found.append([path.removeprefix(f"{top}/"), read(path) if read else None])
    return found


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LARGEST)


def _write(top: str, contents: object) -> None:
    """Write what the other side has; any value is something, and nothing is written beside *top*."""
    if contents is None and os.path.isfile(top):
        os.unlink(top)
    for entry in contents[:_MOST_FILES] if isinstance(contents, list) else []:
        match entry:
            case [str(name), bytes() | None as content] if not name or _may_cross(name):
                _write_one(f"{top}/{name}" if name else top, content)


def _write_one(path: str, content: bytes | None) -> None:
    if os.path.islink(path):
        return
    if content is None:
        os.makedirs(path, exist_ok=True)
        return
    with open(path, "wb") as file:
        file.write(content)
