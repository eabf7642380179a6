"""Short, printable pieces of what programs printed or returned, for the details of verdicts.

A program may print megabytes, control characters, or half of a surrogate pair, which no table on disk can hold.
"""

from __future__ import annotations

import re
import reprlib

MAX_CHARACTERS = 120
_SHOWN_TEXT = 40
_LOOKED_AT = 4000
_NAMES_AN_ERROR = re.compile(
    r"(?:Uncaught |Exception in thread \"[^\"]{0,80}\" |Caused by: )?[\w.]{0,120}(?:Error|Exception)\b"
)

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
    lines = _lines(text[-_LOOKED_AT:])
    return _shortened(lines[-1]) if lines else ""


def error_line(text: str) -> str:
    """Return the line of an error output that names the error: the last one that does, or else the last one.

    Python names it last; Node's last line is its version, and Java's are the calls that led there.
    """
    lines = _lines(text[-_LOOKED_AT:])
    naming = [line for line in lines if _NAMES_AN_ERROR.match(line)]
    return _shortened((naming or lines)[-1]) if lines else ""


def first_error_line(text: str) -> str:
    """Return the first line of what a compiler said that speaks of an error, or else its first line."""
    lines = _lines(text[:_LOOKED_AT])
    speaking = [line for line in lines if "error" in line.casefold()]
    return _shortened((speaking or lines)[0]) if lines else ""


def one_line(text: str, longest: int = 160) -> str:
    """Return the beginning of *text* on one line, without anything that a terminal would obey."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 2 * longest])
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _shortened(line: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in line).strip()
    return line if len(line) <= MAX_CHARACTERS else line[:MAX_CHARACTERS] + "..."


def shown(value: object) -> str:
    """Return a short form of any value that came back from a program."""
    try:
        text = _VALUES.repr(value)
    except Exception:  # noqa: BLE001 - the boundary to a program's value: what has no text is told by its type
        return f"<{type(value).__name__}>"
    return last_line(text)
