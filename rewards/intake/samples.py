"""From the completions and rows of a call to the distinct units that have to run."""

from __future__ import annotations

import hashlib
import marshal
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..cases import AppendedTest, Problem, StdinTest
from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..extraction import Extraction, completion_text, extract_program, is_python, join_prompt
from ..grader.trial import Unit
from ..languages import canonical_language
from ..problems import SCHEMA_COLUMNS, SCHEMAS, read_problem
from ..records import Limits, Program
from ..toolchains import advice
from .columns import Call

TRUST = ("split", "shared")
_SHARED = (
    "its tests run in the program's own process, behind it, where a program can see them and fake their success. "
    "trust='split' refuses such tests; pass trust='shared' to the reward to take them all the same"
)


@dataclass(frozen=True)
class ReadingOptions:
    """How completions and rows are read."""

    schema: str | None = None
    language: str | None = None
    extraction: Extraction = Extraction()  # noqa: RUF009 - frozen
    comparison: Comparison | None = None
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    max_tests: int | None = None
    on_bad_row: str = "raise"
    languages: frozenset[str] | None = None
    """What the sandbox runs; None for anything."""
    trust: str = "split"
    """`shared` takes tests that stand in the program's own process, too."""

    def __post_init__(self) -> None:
        if self.schema is not None and self.schema not in SCHEMAS:
            raise ConfigurationError(f"schema {self.schema!r} is unknown; known: {', '.join(SCHEMAS)}")
        if self.trust not in TRUST:
            raise ConfigurationError(f"trust must be one of {', '.join(map(repr, TRUST))}, found {self.trust!r}")
        if self.on_bad_row not in ("raise", "none"):
            raise ConfigurationError(f"on_bad_row must be 'raise' or 'none', found {self.on_bad_row!r}")
        if self.max_tests is not None and (not isinstance(self.max_tests, int) or self.max_tests < 1):
            raise ConfigurationError(f"max_tests must be a whole number, 1 or more, or None, found {self.max_tests!r}")
        if (
            self.languages is not None
            and self.language is not None
            and canonical_language(self.language) not in self.languages
        ):
            raise ConfigurationError(
                f"language {self.language!r}: {self._runs_without(canonical_language(self.language))}"
            )

    def problem_of(self, row: Mapping[str, Any]) -> Problem:
        """Return the problem of *row*; raises `DatasetError`."""
        problem = read_problem(
            row,
            schema=self.schema,
            language=self.language,
            limits=self.limits,
            comparison=self.comparison,
            max_tests=self.max_tests,
        )
        self._refuse_what_does_not_run(problem)
        if self.trust == "split" and any(isinstance(test, AppendedTest) for test in problem.tests):
            raise DatasetError(_SHARED)
        return problem

    def _refuse_what_does_not_run(self, problem: Problem) -> None:
        if self.languages is None:
            return
        if problem.language not in self.languages:
            raise DatasetError(f"its programs are {problem.language}, and {self._runs_without(problem.language)}")
        for test in problem.tests:
            checker = test.checker if isinstance(test, StdinTest) else None
            if checker is not None and checker.language not in self.languages:
                runs = self._runs_without(checker.language)
                raise DatasetError(f"its checker is {checker.language}, and {runs}")

    def knows_a_schema_of(self, columns: Iterable[str]) -> bool:
        """Say whether a row with all of these *columns* filled in could be read by any schema that is allowed."""
        names = set(columns)
        allowed = SCHEMAS if self.schema is None else (self.schema,)
        return any(names.issuperset(needed) for schema in allowed for needed in SCHEMA_COLUMNS[schema])

    def _runs_without(self, language: str) -> str:
        return f"the sandbox runs {', '.join(sorted(self.languages or ()))} only{advice(language)}"


@dataclass(frozen=True)
class Sample:
    """One completion after reading."""

    text: str
    problem: Problem | None
    program: Program | None = None
    bad_row: str = ""
    """Why the row cannot be graded, where it cannot."""
    unit: int | None = None
    """Which of the units is this sample's, where something has to run."""
    duplicate: bool = False


@dataclass(frozen=True)
class _Row:
    """A row, read. Rows of one content share one object, which stands for that content."""

    problem: Problem | None
    error: str = ""


def read_samples(call: Call, options: ReadingOptions) -> tuple[list[Sample], list[Unit]]:
    """Return one sample for each completion, and the units to run; raises `DatasetError` as `on_bad_row` says."""
    reader = _Reader(call, options)
    samples = [reader.sample(i) for i in range(len(call.completions))]
    if samples and samples[0].bad_row and not options.knows_a_schema_of(call.columns):
        raise DatasetError(f"a wrong column name is no bad row, and `on_bad_row` excuses none: {samples[0].bad_row}")
    return samples, reader.units


class _Reader:
    """Reads a call, each content once: a group repeats its row for every completion, and completions repeat, too."""

    def __init__(self, call: Call, options: ReadingOptions) -> None:
        self.units: list[Unit] = []
        self._call = call
        self._options = options
        self._rows: dict[bytes, _Row] = {}
        self._programs: dict[tuple[int, str], Program | None] = {}
        self._unit_numbers: dict[tuple[int, Program], int] = {}

    def sample(self, i: int) -> Sample:
        text = completion_text(self._call.completions[i])
        row = self._row(i)
        if row.problem is None:
            return Sample(text, None, bad_row=row.error)
        key = (id(row), text)
        if key not in self._programs:
            self._programs[key] = self._program(text, row.problem)
        program = self._programs[key]
        if _continues_unknown_source(text, program, row.problem, self._options.extraction):
            return Sample(text, None, bad_row=self._refused(i, _NO_CODE_PROMPT))
        if program is None or not row.problem.tests:
            return Sample(text, row.problem, program)
        return self._sample_to_run(text, row, program)

    def _sample_to_run(self, text: str, row: _Row, program: Program) -> Sample:
        assert row.problem is not None
        joined = join_prompt(program, row.problem.code_prompt)
        key = (id(row), joined)
        known = key in self._unit_numbers
        if not known:
            self._unit_numbers[key] = len(self.units)
            self.units.append(Unit(joined, row.problem))
        return Sample(text, row.problem, program, unit=self._unit_numbers[key], duplicate=known)

    def _row(self, i: int) -> _Row:
        row = self._call.row(i)
        key = _content_key(row)
        if key not in self._rows:
            try:
                self._rows[key] = _Row(self._options.problem_of(row))
            except DatasetError as error:
                self._rows[key] = _Row(None, self._refused(i, str(error)))
        return self._rows[key]

    def _refused(self, i: int, reason: str) -> str:
        if self._options.on_bad_row == "raise":
            raise DatasetError(f"the row of completion {i} cannot be graded: {reason}")
        return reason

    def _program(self, text: str, problem: Problem) -> Program | None:
        return extract_program(
            text,
            language=problem.language,
            entry_point=problem.entry_point,
            code_prompt=problem.code_prompt,
            extraction=self._options.extraction,
        )


_NO_CODE_PROMPT = (
    "the completion continues a function whose beginning is nowhere: the row has no column `code_prompt`, and its "
    "prompt is no source code. Add a column `code_prompt` that holds the original HumanEval prompt"
)


def _continues_unknown_source(text: str, alone: Program | None, problem: Problem, extraction: Extraction) -> bool:
    """Say whether *text* is the body of the wanted function, for a row that lacks the function's beginning."""
    if problem.schema != "humaneval" or problem.code_prompt or not problem.entry_point:
        return False
    if alone is not None and is_python(alone.source):
        return False
    opening = f"def {problem.entry_point}(*arguments):\n"
    continuation = extract_program(
        text, language="python", entry_point=problem.entry_point, code_prompt=opening, extraction=extraction
    )
    return continuation is not None and is_python(opening + continuation.source)


def _content_key(row: Mapping[str, Any]) -> bytes:
    """Return a digest that only rows of one content share; rows of one content may still differ in it.

    Equality will not do: it takes 1, 1.0 and True for the same answer, and arrays do not have it.
    """
    digest = hashlib.blake2b(digest_size=32)
    for name, value in row.items():
        for part in (name.encode("utf-8", "surrogatepass"), _value_bytes(value)):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.digest()


def _value_bytes(value: Any) -> bytes:
    try:
        return marshal.dumps(value, 2)  # version 2 writes no references: equal contents become equal bytes
    except ValueError:
        pass
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001 - the boundary: a column of any type may refuse in any way to be pickled
        return id(value).to_bytes(8, "big")
