"""MBPP: `test_list`, a list of assert statements, after `test_imports` and `test_setup_code`.

The set-up runs after the program, not before: some of it uses what the program defines (974 of 974 canonical solutions
pass this way, 972 the other way round). `challenge_test_list` is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..records import AssertTest
from .asserts import lower_tests
from .calls import entry_point_of
from .contents import Contents
from .fields import lines_of, list_of, text_of


def read_mbpp(row: Mapping[str, Any]) -> Contents:
    """Read the columns `test_list`, `test_setup_code` and `test_imports`."""
    sources = [text_of(source, f"test_list, entry {i}") for i, source in enumerate(_sources(row), start=1)]
    parts = [lines_of(row[name], f"column {name!r}") for name in ("test_imports", "test_setup_code") if name in row]
    setup = "\n".join(part for part in parts if part.strip())
    tests = lower_tests(sources, setup=setup)
    return Contents(tuple(tests), entry_point=asserted_entry_point(tests))


def asserted_entry_point(tests: Sequence[AssertTest]) -> str | None:
    """Return the one function that all lowered tests call, if it is one."""
    return entry_point_of([call.function for test in tests for call in test.calls])


def _sources(row: Mapping[str, Any]) -> list[Any]:
    return list_of(row["test_list"], "column 'test_list'")
