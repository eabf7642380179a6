"""What a test and a program lend each other to work on: plain objects of the test's, attributes of the program's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from .encoding import TooLarge
from .outcome import MODULE

PLAIN = {MODULE, "builtins", "abc", "typing", "enum"}
"""Where the bases of a class may come from whose instances a program may look into: `unittest` is not there."""
_CHANGEABLE = (list, dict, set, bytearray, deque)
_CHANGES = ("append", "add", "update", "insert", "extend", "pop", "remove", "clear", "sort", "reverse", "setdefault")
_KEPT, _LARGEST = 4, 4096


def is_plain_object(thing: object) -> bool:
    """Tell whether this is an instance of a plain class of the test's own, made for the program to work on."""
    kind = type(thing)
    modules = {base.__module__ for base in kind.__mro__}
    return kind.__module__ == MODULE and not kind.__name__.startswith("Test") and modules <= PLAIN


class Attributes:
    """The small containers that a test has read last as attributes of the program's objects.

    They are copies. What the test does to them, as in `node.children.append(leaf)`, is to be done in the program, too.
    """

    def __init__(self, pack: Callable[[list[Any]], bytes], sources: Iterable[str]) -> None:
        """Take test code: where it changes no container, nothing is remembered."""
        words = ("] =", "]=", "] +=", "del ", *(f".{word}(" for word in _CHANGES))
        self._used = any(word in source for source in sources for word in words)
        self._pack = pack
        self._read: deque[tuple[object, str, Any, bytes]] = deque(maxlen=_KEPT)

    def add(self, owner: object, name: str, value: Any) -> None:
        """Remember *value* as it is."""
        if self._used and isinstance(value, _CHANGEABLE) and (packed := self._packed(value)) is not None:
            self._read.append((owner, name, value, packed))

    def changed(self) -> list[tuple[object, str, Any]]:
        """Return those that the test has changed since, once."""
        found = [(owner, name, value) for owner, name, value, packed in self._read if self._packed(value) != packed]
        if found:
            self._read.clear()
        return found

    def _packed(self, value: Any) -> bytes | None:
        try:
            packed = self._pack([value])
        except TooLarge:
            return None
        return packed if len(packed) <= _LARGEST else None
