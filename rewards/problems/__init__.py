"""From a dataset row to a problem: what a program is graded against.

| schema | columns | see |
|---|---|---|
| `multipl_e`, `humaneval_x` | `tests`, `stop_tokens`, `language`; `test`, `declaration` | `translations.py` |
| `collinear` | `tests`, `verifier` | `cases.py` |
| `tests` | `tests` | `canonical.py`: our own, and the one to convert other sets to; DeepCoder's |
| `verification_info` | `verification_info` | `cases.py`: open-r1, PrimeIntellect, SYNTHETIC-1 |
| `codeforces` | `official_tests`, or `examples` and `input_mode` | `contests.py`: open-r1 |
| `livecodebench` | `public_test_cases` or `private_test_cases` | `contests.py` |
| `code_contests` | `public_tests` or `private_tests` | `contests.py` |
| `leetcode` | `test` and `entry_point`, which is a method | `leetcode.py`: LeetCodeDataset |
| `input_output` | `input_output` | `cases.py`: APPS, TACO |
| `evalplus` | `base_input`, `canonical_solution`, `entry_point` | `evalplus.py`: HumanEval+ |
| `mbpp_plus`, `lbpp`, `mbpp` | `test_list`, with `test`, `test_setup` or neither | `assert_lists.py` |
| `sandbox_fusion` | `test`, a list | `contests.py` |
| `kodcode` | `test_code`, or `test` that imports `solution` | `suites.py` |
| `humaneval` | `test` and `entry_point` | `humaneval.py`: HumanEval, HumanEval+ |
| `acecode` | `test_cases`, asserts | `assert_lists.py` |
| `reward_kit`, `ground_truth` | `test_cases`, objects; `ground_truth` | `reward_kit.py` |
| `cruxeval` | `code`, `input`, `output` | `cruxeval.py` |
| `inputs_outputs` | `inputs`, `outputs` | `cases.py`: rStar-Coder |
| `expected_output` | `expected_output` | `expected_output.py` |
| `nemo_gym` | `verifier_metadata` | `nested.py`: NeMo-Gym |
| `reward_model` | `reward_model` | `nested.py`: Eurus-2, PRIME, code-r1 |
| `info` | `info` | `nested.py`: SYNTHETIC-2, INTELLECT-3 |

A row is read by the first that fits, in the order of `schemas.TABLE`; `schema=` names another one. A column that
holds None is not there, nor is one that holds NaN: `datasets` and TRL fill a set's rows up with None, pandas with NaN.
Arrays, tensors and their scalars are read as the Python values in them, and a cell of UTF-8 bytes as text.

For every schema a row may also have `language`, `comparison` (as `Comparison.parse` reads it), `code_prompt` (source
that stands before the program), and the limits of `row_limits.py`. A row's own word goes before the reward's, and
what stands inside a `tests` object before the row's columns; only an explicit `language=` goes before the row. Where
neither row nor reward names a comparison, the rule of the set's own evaluator holds (`rules.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..cases import AppendedTest, AssertTest, Problem, TestCase
from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..languages import canonical_language, is_language
from ..records import Limits
from .canonical import comparison_of
from .contents import Contents
from .fields import absent, describe, plain_cell, text_of
from .row_limits import limits_of_columns, with_limits
from .schemas import READ_COLUMNS, TABLE

__all__ = ["SCHEMAS", "SCHEMA_COLUMNS", "read_problem"]

SCHEMAS = tuple(TABLE)
"""The schemas known, in the order in which a row is tried."""
SCHEMA_COLUMNS = {name: schema.columns for name, schema in TABLE.items()}
"""For each schema the sets of columns, of which a row must have one."""


def read_problem(
    row: Mapping[str, object],
    *,
    schema: str | None = None,
    language: str | None = None,
    limits: Limits | None = None,
    comparison: Comparison | None = None,
    max_tests: int | None = None,
) -> Problem:
    """Return the problem that *row* describes; raises nothing but `DatasetError` for any row.

    A row without tests is a problem without tests. With more than *max_tests*, the same ones are drawn every time and
    everywhere: by a hash of the tests, in the row's order. Options that do not exist raise `ConfigurationError`.
    """
    if max_tests is not None and max_tests < 1:
        raise ConfigurationError(f"max_tests must be at least 1 or None, found {max_tests!r}")
    if not isinstance(row, Mapping):
        raise DatasetError(f"a row must be a mapping from columns to values, found {describe(row)}")
    columns = _columns_of(row)
    name = _schema_name(columns, schema)
    try:
        contents = TABLE[name].read(columns)
    except RecursionError:
        raise DatasetError(f"schema {name!r}: test code or values are nested too deep") from None
    tests = contents.tests if max_tests is None else _sampled(contents.tests, max_tests)
    return Problem(
        tests,
        limits=with_limits(limits or Limits(), {**limits_of_columns(columns), **contents.limits}),
        comparison=_comparison(columns, contents) or comparison or contents.official or Comparison(),
        language=_language(columns, contents, language),
        entry_point=contents.entry_point or _text(columns, "entry_point") or None,
        code_prompt=_text(columns, "code_prompt") or contents.code_prompt,
        schema=name,
    )


def _columns_of(row: Mapping[Any, object]) -> dict[str, Any]:
    """Return the columns that hold something; those that nobody reads stay as they are, whatever they weigh."""
    cells = {
        name: plain_cell(value) if name in READ_COLUMNS else value
        for name, value in row.items()
        if isinstance(name, str)
    }
    return {name: value for name, value in cells.items() if not absent(value)}


def _schema_name(columns: Mapping[str, Any], schema: str | None) -> str:
    if schema is None:
        for name, known in TABLE.items():
            if known.fits(columns):
                return name
        raise DatasetError(f"no schema fits a row with {_listing(columns)}; known: {_known()}")
    if schema not in TABLE:
        raise ConfigurationError(f"schema {schema!r} is unknown; known: {', '.join(SCHEMAS)}")
    if not TABLE[schema].has_columns(columns):
        wanted = " or ".join(" and ".join(map(repr, needed)) for needed in SCHEMA_COLUMNS[schema])
        raise DatasetError(f"schema {schema!r} needs {wanted}; the row has {_listing(columns)}; known: {_known()}")
    return schema


def _listing(columns: Mapping[str, Any]) -> str:
    shown = [f"{name[:60]!r} ({describe(value)})" for name, value in list(columns.items())[:20]]
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return f"the columns {', '.join(shown)}{more}" if shown else "no columns, or nothing but None in them"


def _known() -> str:
    return "; ".join(f"{name} ({known.needs})" for name, known in TABLE.items())


def _text(columns: Mapping[str, Any], name: str) -> str:
    return text_of(columns.get(name, ""), f"column {name!r}")


def _comparison(columns: Mapping[str, Any], contents: Contents) -> Comparison | None:
    if contents.comparison is not None:
        return comparison_of(contents.comparison, "column 'tests', comparison")
    return comparison_of(columns["comparison"], "column 'comparison'") if "comparison" in columns else None


def _language(columns: Mapping[str, Any], contents: Contents, chosen: str | None) -> str:
    """Return the language of the programs."""
    if chosen is not None:
        language = canonical_language(chosen)
    else:
        found = contents.language or _text(columns, "language") or "python"
        if not is_language(found):
            raise DatasetError(f"language {found[:40]!r} is no known programming language; language= overrides it")
        language = canonical_language(found)
    return language


def _sampled(tests: tuple[TestCase, ...], count: int) -> tuple[TestCase, ...]:
    """Return *count* of the tests, the same in every process; Python's own `hash` differs from one to the next."""
    if len(tests) <= count:
        return tests
    digests = [hashlib.blake2b(_identity(test).encode()).digest() for test in tests]
    seed = hashlib.blake2b(b"".join(digests)).digest()
    ranks = [hashlib.blake2b(digest + i.to_bytes(8, "big"), key=seed).digest() for i, digest in enumerate(digests)]
    kept = sorted(range(len(tests)), key=ranks.__getitem__)[:count]
    return tuple(tests[i] for i in sorted(kept))


def _identity(test: TestCase) -> str:
    parts = test.source if isinstance(test, AssertTest | AppendedTest) else vars(test)
    return json.dumps(parts, default=_in_fixed_order, skipkeys=True)


def _in_fixed_order(value: object) -> object:
    """Sets of text are shown in another order by every process."""
    return sorted(map(repr, value)) if isinstance(value, set | frozenset) else repr(value)
