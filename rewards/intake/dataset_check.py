"""Finding bad rows before a run, not in the middle of it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DatasetError
from .samples import ReadingOptions

_SHOWN = 10


@dataclass(frozen=True)
class DatasetCheck:
    """What was found in a dataset of which every row can be read."""

    rows: int
    tests: int
    rows_without_tests: int
    """Their completions score None: they teach nothing."""
    rows_without_code_prompt: int
    """HumanEval rows that only complete programs can be graded against: nothing holds the source before them."""
    schemas: tuple[tuple[str, int], ...]
    """Each schema with its number of rows, the most frequent first."""
    tests_of_a_row: tuple[int, int, int] = (0, 0, 0)
    """The fewest, the median and the most."""

    def __str__(self) -> str:
        schemas = ", ".join(f"{name} ({count})" for name, count in self.schemas)
        text = f"{self.rows} rows, {self.tests} tests; schemas: {schemas or 'none'}"
        if self.rows_without_tests:
            text += f"; {self.rows_without_tests} rows without tests"
        if self.rows_without_code_prompt:
            text += f"; {self.rows_without_code_prompt} rows for complete programs only (no code_prompt)"
        return text


def check_dataset(dataset: Iterable[Mapping[str, Any]], options: ReadingOptions) -> DatasetCheck:
    """Read every row once; raises `DatasetError` with the first bad rows when there are any, or no rows at all."""
    _refuse_other_things(dataset)
    rows = without_tests = without_prompt = 0
    tests: list[int] = []
    bad: list[str] = []
    n_bad = 0
    schemas: Counter[str] = Counter()
    for i, row in enumerate(dataset):
        rows += 1
        try:
            problem = options.problem_of(row)
        except DatasetError as error:
            n_bad += 1
            if len(bad) < _SHOWN:
                bad.append(f"row {i}: {error}")
            continue
        tests.append(len(problem.tests))
        without_tests += not problem.tests
        without_prompt += problem.schema == "humaneval" and not problem.code_prompt
        schemas[problem.schema] += 1
    if not rows:
        raise DatasetError("the dataset has no rows")
    if n_bad:
        raise DatasetError("\n  ".join([f"{n_bad} of {rows} rows cannot be graded; the first ones:", *bad]))
    spread = (min(tests), statistics.median_low(tests), max(tests))
    return DatasetCheck(rows, sum(tests), without_tests, without_prompt, tuple(schemas.most_common()), spread)


def _refuse_other_things(dataset: Any) -> None:
    """Raise for what is no dataset, and say what to pass instead; some of it could be iterated, but not by rows."""
    if isinstance(dataset, str):
        advice = "load it, and pass the rows"
    elif isinstance(dataset, Mapping):
        advice = _advice_on(dataset)
    elif hasattr(dataset, "iterrows"):
        advice = "pass dataset.to_dict('records')"
    elif not isinstance(dataset, Iterable) or isinstance(dataset, bytes):
        advice = "pass its rows"
    else:
        return
    raise DatasetError(f"a dataset must be an iterable of rows, found {type(dataset).__name__}: {advice}")


def _advice_on(dataset: Mapping[Any, Any]) -> str:
    splits = [name for name, value in dataset.items() if hasattr(value, "column_names")]
    if splits:
        name = "train" if "train" in splits else splits[0]
        return f"pass one of its splits, such as ds[{name!r}]"
    return "pass a list of rows, [row] where this is one"
