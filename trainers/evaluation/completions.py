"""Where completions come from: a column of the data set, or a file of samples in the formats that evaluators share."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rewards import ConfigurationError, DatasetError

from .counting import rows_in
from .names import Names
from .rows import IDS, Rows, read_json
from .sample import Sample

logger = logging.getLogger(__name__)
COLUMNS = ("completion", "completions", "response", "responses", "output", "messages")
"""Columns that hold completions, in the order in which they are asked for."""
ASKED = ("prompt", "question", "text")
"""Columns that hold what a problem asks."""
TEXTS = ("completion", "solution", "response", "output", "completions", "output_list", "code_list")
"""Fields of a sample file that hold one completion, or a list of them: of human-eval, EvalPlus and LiveCodeBench."""


class Source(Protocol):
    """Samples in an order that is the same every time."""

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples; what takes long to make may be kept in *folder*, where it is found again.

        Raises `DatasetError` and `ConfigurationError`.
        """

    def count(self) -> int | None:
        """Return about how many there are, where that is known: for a bar."""

    def settings(self) -> dict[str, Any]:
        """Return, as JSON, where they come from."""


@dataclass(frozen=True)
class ColumnSource:
    """Completions that stand in the data set itself, one a row or a list of them.

    Rows that call their problem by the same name are completions of one problem.
    """

    rows: Rows
    column: str | None = None
    labels: Sequence[str] = ()

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples, a row's one after another."""
        number, without = -1, 0
        with contextlib.closing(Names(self.rows)) as names:
            for number, row in enumerate(self.rows):
                column = self._column_of(row, number)
                problem = {name: value for name, value in row.items() if name != column or column == "messages"}
                labels = labels_of(row, self.labels)
                completions = _completions(row[column], f"row {number}: {column!r}", conversation=column == "messages")
                without += not completions
                name = names.see(row, number, asked=next((row[name] for name in ASKED if row.get(name)), None))
                for i, completion in enumerate(completions):
                    yield Sample(name, i, completion, problem, labels)
        if number < 0:
            raise DatasetError(f"{self.rows.described} has no rows")
        if without:
            logger.warning("%d of %d rows have no completion: no figure counts them", without, number + 1)

    def _column_of(self, row: Mapping[str, Any], number: int) -> str:
        column = self.column or next((name for name in COLUMNS if row.get(name) is not None), None)
        if column is None or column not in row:
            raise DatasetError(
                f"row {number} has no completion{f' {self.column!r}' if self.column else ''}: name its column, or "
                f"pass samples, a model or an endpoint; its columns: {', '.join(row)}"
            )
        return column

    def count(self) -> int | None:
        """Return how many there are where each row has as many as the first one."""
        rows = self.rows.count()
        first = next(iter(self.rows), {}) if rows else {}
        column = self.column or next((name for name in COLUMNS if first.get(name) is not None), "")
        return rows and rows * _several(first.get(column), is_conversation=column == "messages")

    def settings(self) -> dict[str, Any]:
        """Return the data set and the column."""
        return {"dataset": self.rows.described, "rows": self.rows.most, "completions": self.column or "a column"}


@dataclass(frozen=True)
class FileSource:
    """Completions in a file beside the data set, each naming its problem.

    JSON Lines or a JSON list, with `completion` (human-eval, a program or its continuation), `solution` (EvalPlus), or
    lists `code_list` and `output_list` (LiveCodeBench); or EvalPlus's folder of one folder a problem.
    """

    rows: Rows
    path: Path
    labels: Sequence[str] = ()

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples in the order of the file; the problems are held in memory."""
        problems = _by_name(self.rows)
        taken: dict[tuple[str, str], int] = {}
        for number, told in enumerate(self._told()):
            name = _named(told, problems, number, self.path)
            row = problems[name]
            labels = {**labels_of(row, self.labels), **labels_of(told, self.labels)}
            key = (name, str(sorted(labels.items())))
            for completion in _told_completions(told, number, self.path):
                i = taken.get(key, 0)
                taken[key] = i + 1
                yield Sample(name, i, completion, row, labels)
        if not taken:
            raise DatasetError(f"no samples in {self.path}")
        answered = {name for name, _ in taken}
        left = [name for name in problems if name not in answered]
        if left:
            told_of = (len(left), len(problems), self.path, ", ".join(left[:3]))
            logger.warning("%d of %d problems have no sample in %s, and no figure counts them: %s, ...", *told_of)

    def _told(self) -> Iterator[Mapping[str, Any]]:
        if self.path.is_dir():
            yield from _read_folders(self.path)
            return
        if not self.path.is_file():
            raise ConfigurationError(f"no file of samples {self.path}")
        for told in itertools.chain.from_iterable(
            found if isinstance(found, list) else [found] for found in read_json(self.path)
        ):
            if not isinstance(told, Mapping):
                raise DatasetError(f"{self.path}: a sample is no JSON object but {type(told).__name__}")
            yield told

    def count(self) -> int | None:
        """Return how many there are where each line has as many as the first one."""
        lines = rows_in(self.path)
        first = next(self._told(), {}) if lines else {}
        field = next((name for name in TEXTS if first.get(name) is not None), "")
        return lines and lines * _several(first.get(field))

    def settings(self) -> dict[str, Any]:
        """Return the data set and the file."""
        return {"dataset": self.rows.described, "rows": self.rows.most, "completions": self.path.name}


def _several(value: Any, *, is_conversation: bool = False) -> int:
    """Return how many completions a field holds; anything that cannot be read is told of when it is."""
    is_several = isinstance(value, list) and not is_conversation and not any(isinstance(v, Mapping) for v in value)
    return len(value) if is_several else 1


def labels_of(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return what *row* says of itself under *names*; a list, as of tags, is joined by commas."""
    found = {name: row[name] for name in names if row.get(name) is not None}
    return {name: ", ".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for name, v in found.items()}


def _by_name(rows: Rows) -> dict[str, dict[str, Any]]:
    """Return the rows by their problems' names; raises `DatasetError` where two of one name differ."""
    problems: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows):
        name = rows.name_of(row, number)
        if problems.setdefault(name, row) != row:
            raise DatasetError(f"row {number} is another problem of the name {name!r}: name them by another column")
    return problems


def _completions(value: Any, where: str, *, conversation: bool = False) -> Sequence[Any]:
    """Return the completions in a field: messages are one, a list of texts or of conversations several.

    Of a whole *conversation* the last message is the completion.
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise DatasetError(f"{where} must hold text, messages or a list of them, found {type(value).__name__}")
    if value and all(isinstance(item, Mapping) for item in value):
        return [[value[-1]]] if conversation else [value]
    for item in value:
        if not isinstance(item, str | list):
            raise DatasetError(f"{where} holds {item!r:.50} among its completions: where a model said nothing, say ''")
    return value


def _told_completions(told: Mapping[str, Any], number: int, path: Path) -> Sequence[Any]:
    field = next((name for name in TEXTS if told.get(name) is not None), None)
    if field is None:
        raise DatasetError(
            f"{path}: sample {number} has nothing in any of {', '.join(TEXTS)} (where a model said nothing, say ''); "
            f"it has {', '.join(told)}"
        )
    return _completions(told[field], f"{path}: sample {number}: {field!r}")


def _named(told: Mapping[str, Any], problems: Mapping[str, Any], number: int, path: Path) -> str:
    said = [str(told[name]) for name in IDS if told.get(name) is not None]
    names = [one for name in said for one in dict.fromkeys((name, name.removeprefix("Mbpp/")))]  # the hub's: numbers
    found = next((name for name in names if name in problems), None)
    if found is None:
        raise DatasetError(
            f"{path}: sample {number} belongs to {' or '.join(map(repr, names)) or 'no problem'}, which the data set "
            f"does not have; its first ones: {', '.join(list(problems)[:3])}"
        )
    return found


def _read_folders(path: Path) -> Iterator[dict[str, Any]]:
    """Read `<problem>/<number>.py`, where a `/` in the problem's name is written `_`."""
    for folder in sorted(child for child in path.iterdir() if child.is_dir()):
        for file in sorted(folder.glob("*.py"), key=lambda each: (len(each.stem), each.stem)):
            yield {
                "task_id": "/".join(folder.name.rsplit("_", 1)),
                "id": folder.name,
                "solution": file.read_text("utf-8"),
            }
