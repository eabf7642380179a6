"""Short, printable pieces of what programs printed or returned, for the details of verdicts.

A program may print megabytes, control characters, or half of a surrogate pair, which no table on disk can hold.
"""

from __future__ import annotations

import reprlib

MAX_CHARACTERS = 120
_SHOWN_TEXT = 40

_MAX_BITS = 4096


class _Excerpts(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Leave out long integers, whatever the host allows: their digits take quadratic time."""
        return super().repr_int(x, level) if x.bit_length() <= _MAX_BITS else "<int>"


_VALUES = _Excerpts()
_VALUES.maxlevel = 3
_VALUES.maxstring = _VALUES.maxother = _VALUES.maxlong = 60


def quoted(text: str) -> str:
    """Return the beginning of *text* as a Python string, in which nothing unprintable is left."""
    return repr(text[:_SHOWN_TEXT]) + ("..." if len(text) > _SHOWN_TEXT else "")


def last_line(text: str) -> str:
    """Return the last line that is not blank: where a traceback names the exception."""
    lines = [line for line in text[-4000:].splitlines() if line.strip()]
    if not lines:
        return ""
    line = "".join(character if character.isprintable() else " " for character in lines[-1]).strip()
    return line if len(line) <= MAX_CHARACTERS else line[:MAX_CHARACTERS] + "..."


def shown(value: object) -> str:
    """Return a short form of any value that came back from a program."""
    try:
        text = _VALUES.repr(value)
    except Exception:  # noqa: BLE001 - the boundary to a program's value: what has no text is told by its type
        return f"<{type(value).__name__}>"
    return last_line(text)
