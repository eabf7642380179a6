"""What problems are called where several have one name: figures must not take two problems for one."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from .rows import Rows

logger = logging.getLogger(__name__)


class Names:
    """Names for the rows of a data set, in their order, remembered outside of memory: it may have any length."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        # Like a tally's. Whoever grades takes the samples in one thread after another, never in two at once.
        self._asked = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._asked.execute("PRAGMA synchronous = OFF")
        self._asked.execute("CREATE TABLE names (name BLOB PRIMARY KEY, asked BLOB) WITHOUT ROWID")
        self._told = False

    def close(self) -> None:
        """Give the memory back, and the file."""
        self._asked.close()

    def name_of(self, row: Mapping[str, Any], number: int, *, asked: Any) -> str:
        """Return the row's name, with its *number* where an earlier row of that name has *asked* for something else.

        A column that the user has named is taken at its word.
        """
        name = self._rows.name_of(row, number)
        if not self._is_another(name, asked):
            return name
        self._tell(number, name, "it is called by its row, too, as are all such")
        return f"{name} (row {number})"

    def see(self, row: Mapping[str, Any], number: int, *, asked: Any) -> str:
        """Return the row's name, and warn where an earlier row of that name has *asked* for something else."""
        name = self._rows.name_of(row, number)
        if asked is not None and self._is_another(name, asked):
            self._tell(number, name, "figures take the two for one, as all such")
        return name

    def _is_another(self, name: str, asked: Any) -> bool:
        if self._rows.id_column is not None:
            return False
        told = (_digest(name), _digest(asked))
        self._asked.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", told)
        ((first,),) = self._asked.execute("SELECT asked FROM names WHERE name = ?", told[:1])
        return bool(first != told[1])

    def _tell(self, number: int, name: str, what: str) -> None:
        if not self._told:
            told = (number, name, what)
            logger.warning(
                "row %d is another problem of the name %r: %s; id_column names them by another column", *told
            )
        self._told = True


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(json.dumps(value, default=repr).encode(), digest_size=8).digest()
