"""Right and judged completions by problem, counted outside of memory: data sets may have any length."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

ALL = ("", "")
"""The label under which every problem is counted."""

_MAKE = (
    "CREATE TABLE counts (label TEXT, value TEXT, problem TEXT, samples INT, judged INT, passed INT, "
    "PRIMARY KEY (label, value, problem)) WITHOUT ROWID"
)
_ADD = (
    "INSERT INTO counts VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET samples = samples + 1, "
    "judged = judged + excluded.judged, passed = passed + excluded.passed"
)


class Tally:
    """Counts completions of problems, all together and for each value of each label."""

    def __init__(self) -> None:
        self._counts = sqlite3.connect("")  # without a name: in memory while it is small, in a hidden file beyond
        self._counts.execute("PRAGMA synchronous = OFF")
        self._counts.execute(_MAKE)

    def add(self, problem: str, labels: Mapping[str, str], *, passed: bool | None) -> None:
        """Count one completion; where *passed* is None it is unjudged, and says nothing about its problem."""
        judged, right = int(passed is not None), int(bool(passed))
        told = [(*group, problem, judged, right) for group in (ALL, *labels.items())]
        self._counts.executemany(_ADD, [[_storable(value) for value in row] for row in told])

    def groups(self) -> list[tuple[str, str]]:
        """Return the labels with their values, `ALL` first."""
        return list(self._counts.execute("SELECT DISTINCT label, value FROM counts ORDER BY label, value"))

    def counts(self, group: tuple[str, str] = ALL) -> dict[tuple[int, int], int]:
        """Return how many problems of *group* have (judged, right) completions."""
        asked = "SELECT judged, passed, count(*) FROM counts WHERE label = ? AND value = ? GROUP BY judged, passed"
        return {(judged, passed): problems for judged, passed, problems in self._counts.execute(asked, group)}

    def totals(self, group: tuple[str, str] = ALL) -> tuple[int, int, int, int]:
        """Return the problems, completions, judged and right ones of *group*."""
        asked = "SELECT count(*), sum(samples), sum(judged), sum(passed) FROM counts WHERE label = ? AND value = ?"
        problems, samples, judged, passed = self._counts.execute(asked, group).fetchone()
        return problems, samples or 0, judged or 0, passed or 0

    def close(self) -> None:
        """Give the memory back, and the file."""
        self._counts.close()


def _storable(value: str | int) -> str | int:
    """Return *value*; half a surrogate pair, which JSON may hold and SQLite may not, as its escape."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
