"""Try a data set before it is trained on: known solutions must pass, programs that know nothing must not."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from rewards import CodeReward, ConfigurationError, DatasetError

from ..gold import known_solution
from .dataset import EvaluationOptions, evaluate_dataset
from .probes import knows_answers, probes
from .rows import Rows
from .sample import Result, Sample
from .store import read_results, replacing

CLEAN, REASONS, SUMMARY = "clean.jsonl", "reasons.csv", "validation.json"
GOLD, UNREADABLE = "gold", "unreadable"
_OPTIONS = EvaluationOptions(report=False)


@dataclass(frozen=True)
class Reason:
    """Why a row is not clean."""

    row: int
    problem: str
    reason: str
    """`unreadable`, `no_tests`, `no_gold`, `gold_fails`, `flaky`, `unjudged`, or `accepts_` and the name of a probe."""
    detail: str


@dataclass(frozen=True)
class Validation:
    """What was found out about a data set."""

    folder: Path
    rows: int
    clean: int
    reasons: tuple[Reason, ...]
    known: int
    """Rows whose known solution was tried; of the others it is only known what programs without a clue do."""

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows each reason holds back."""
        return dict(Counter(reason.reason for reason in self.reasons).most_common())


@dataclass(frozen=True)
class ProbeSource:
    """For each row its known solution, several times, and the programs that know nothing."""

    rows: Rows
    reward: CodeReward
    repeats: int
    solution_column: str | None = None

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples of every row that can be read."""
        for number, row in enumerate(self.rows):
            with contextlib.suppress(DatasetError):  # told about when the reasons are collected
                problem = self.reward.problem_of(row)
                gold = known_solution(row, column=self.solution_column, language=problem.language)
                found = [("gold", gold, self.repeats)] if gold is not None and problem.tests else []
                found += [(kind, program, 1) for kind, program in probes(problem).items()]
                for kind, program, times in found:
                    for i in range(times):
                        source = program + "\n" * i  # of several that are the same one is run in a batch
                        yield Sample(f"{number}", i, _fenced(source, problem.language), row, {"probe": kind})

    def count(self) -> int | None:
        """Return None: rows differ."""
        return None

    def settings(self) -> dict[str, Any]:
        """Return the data set, and how often solutions are run."""
        told = {"repeats": self.repeats, "solution_column": self.solution_column}
        return {"dataset": self.rows.described, "rows": self.rows.most, "completions": told}


def _fenced(source: str, language: str) -> str:
    """Return *source* as a block of Markdown, which one inside of it does not end."""
    longest = max(map(len, re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{source}\n{fence}"


def validate_dataset(
    reward: CodeReward,
    dataset: Any,
    *,
    output_dir: str | Path,
    split: str | None = None,
    configuration: str | None = None,
    repeats: int = 3,
    solution_column: str | None = None,
    need_gold: bool = False,
    max_rows: int | None = None,
    options: EvaluationOptions = _OPTIONS,
) -> Validation:
    """Grade each row's known solution *repeats* times and programs that know nothing once; write the clean rows.

    In *output_dir* are then `clean.jsonl`, the rows of which nothing is known against them, `reasons.csv`, a line for
    each reason against a row, and `validation.json`. Rows without a known solution are clean unless *need_gold*. An
    interrupted validation goes on in the same folder. Raises as `evaluate_dataset` does.
    """
    if repeats < 1:
        raise ConfigurationError(f"repeats must be at least 1, found {repeats}")
    rows = Rows(dataset, split, configuration, max_rows)
    if solution_column is not None and not any(solution_column in row for row in rows):
        raise DatasetError(f"no row has a column {solution_column!r} for known solutions")
    folder = Path(output_dir)
    source = ProbeSource(rows, reward, repeats, solution_column)
    evaluate_dataset(reward, dataset, output_dir=folder, completions=source, labels=("probe",), options=options)
    by_row = _by_row(read_results(folder))
    collected = _collect(source, by_row, need_gold=need_gold)
    reasons, total, clean = [], 0, 0
    with replacing(folder / CLEAN) as path, open(path, "w", encoding="utf-8") as file:
        for row, against in collected:
            total += 1
            reasons += against
            if not against:
                clean += 1
                file.write(json.dumps(row, default=str) + "\n")
    found = Validation(folder, total, clean, tuple(reasons), sum(GOLD in of_row for of_row in by_row.values()))
    _write(found)
    return found


def _by_row(results: Iterator[Result]) -> dict[int, dict[str, list[Result]]]:
    found: dict[int, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        found[int(result.problem)][result.labels["probe"]].append(result)
    return found


def _collect(
    source: ProbeSource, results: Mapping[int, Mapping[str, Sequence[Result]]], *, need_gold: bool
) -> Iterator[tuple[dict[str, Any], list[Reason]]]:
    """Give each row with the reasons against it."""
    for number, row in enumerate(source.rows):
        name, of_row = source.rows.name_of(row, number), results.get(number, {})
        try:
            problem = source.reward.problem_of(row)
        except DatasetError as error:
            yield row, [Reason(number, name, UNREADABLE, str(error))]
            continue
        found = [] if problem.tests else [("no_tests", "the row has no tests")]
        found += _against_gold(of_row.get(GOLD, ()), need_gold=need_gold)
        found += _against_probes(of_row, same_answers=knows_answers(problem))
        yield row, [Reason(number, name, reason, detail) for reason, detail in dict(found).items()]


def _against_gold(runs: Sequence[Result], *, need_gold: bool) -> list[tuple[str, str]]:
    if not runs:
        return [("no_gold", "no known solution")] if need_gold else []
    verdicts = Counter(run.verdict for run in runs)
    if set(verdicts) == {"accepted"}:
        return []
    failed = next(run for run in runs if run.verdict != "accepted")
    if len(verdicts) > 1:
        told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        return [("unjudged" if set(verdicts) == {"accepted", "unjudged"} else "flaky", f"{told}: {failed.detail}")]
    return [("unjudged" if failed.passed is None else "gold_fails", f"{failed.verdict}: {failed.detail}")]


def _against_probes(of_row: Mapping[str, Sequence[Result]], *, same_answers: bool) -> list[tuple[str, str]]:
    accepted = [kind for kind, runs in of_row.items() if kind != GOLD and any(run.passed for run in runs)]
    hint = "all tests expect the same answer" if same_answers else "the tests let it pass"
    found = [(f"accepts_{kind}", f"{hint}: {of_row[kind][0].program[:200]!r}") for kind in accepted]
    lost = [(kind, run) for kind, runs in of_row.items() if kind != GOLD for run in runs if run.passed is None]
    return found + [("unjudged", f"{kind}: {run.detail}") for kind, run in lost[:1]]


def _open_table(path: Path) -> TextIO:
    """Open a table for writing; of half a surrogate pair, which JSON may hold and a file may not, it has the escape."""
    return open(path, "w", encoding="utf-8", errors="backslashreplace", newline="")


def _write(found: Validation) -> None:
    with replacing(found.folder / REASONS) as path, _open_table(path) as file:
        table = csv.DictWriter(file, ["row", "problem", "reason", "detail"])
        table.writeheader()
        table.writerows(asdict(reason) for reason in found.reasons)
    told = {"rows": found.rows, "clean": found.clean, "known_solutions": found.known, "reasons": found.counts}
    with replacing(found.folder / SUMMARY) as path:
        path.write_text(json.dumps(told, indent=1) + "\n")
