"""Lists of assert statements: MBPP, MBPP+, LBPP, AceCode.

    {"test_list": ["assert add(1, 2) == 3"], "test_setup_code": "", "test_imports": []}
    {"test_list": ["assert add(1, 2) == 3"], "test_setup": "from code import add"}
    {"test_cases": ["assert add(1, 2) == 3"]}

MBPP's set-up runs after the program, not before: some of it uses what the program defines (974 of 974 canonical
solutions pass this way, 972 the other way round). `challenge_test_list` is not read. MBPP+, as the hub has it, adds a
column `test` that holds the base tests as well, hence is read instead of `test_list`. LBPP's set-up imports the program
by the name `code`; the names that it imports are the program's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..cases import AssertTest
from ..errors import DatasetError
from .asserts import lower_tests, parse_test
from .calls import entry_point_of
from .contents import Contents
from .fields import lines_of, list_of, text_of
from .pairs import paired_tests, without_numpy

_LISTED_ASSERT = re.compile(r"""\s*\[\s*["']\s*(?:assert|import|from)\b""")


def read_mbpp(row: Mapping[str, Any]) -> Contents:
    """Read the columns `test_list`, `test_setup_code` and `test_imports`."""
    parts = [lines_of(row[name], f"column {name!r}") for name in ("test_imports", "test_setup_code") if name in row]
    setup = "\n".join(part for part in parts if part.strip())
    tests = lower_tests(_sources(row, "test_list"), setup=setup)
    return Contents(tuple(tests), entry_point=asserted_entry_point(tests))


def read_mbpp_plus(row: Mapping[str, Any]) -> Contents:
    """Read the column `test` of MBPP+, and the name of the function from the asserts of `test_list`."""
    source = text_of(row["test"], "column 'test'")
    name = read_mbpp(row).entry_point
    tree = parse_test(source)
    pairs = paired_tests(tree, tree.body, called=name) if name else ()
    if pairs:
        return Contents(pairs, entry_point=name)
    if not any(isinstance(node, ast.For | ast.Assert | ast.Expr) for node in tree.body):
        raise DatasetError("column 'test': code that only defines something passes whatever the program does")
    names = (name,) if name else ()
    return Contents((AssertTest(without_numpy(tree, source), names=names),), entry_point=name)


def read_lbpp(row: Mapping[str, Any]) -> Contents:
    """Read the columns `test_list` and `test_setup`."""
    setup = parse_test(text_of(row["test_setup"], "column 'test_setup'"))
    imports = [node for node in setup.body if isinstance(node, ast.ImportFrom) and node.module == "code"]
    names = tuple(alias.asname or alias.name for node in imports for alias in node.names if alias.name != "*")
    rest = ast.unparse(ast.Module([node for node in setup.body if node not in imports], []))
    tests = lower_tests(_sources(row, "test_list"), setup=rest, names=names)
    return Contents(tuple(tests), entry_point=names[0] if len(names) == 1 else asserted_entry_point(tests))


def read_acecode(row: Mapping[str, Any]) -> Contents:
    """Read the column `test_cases`, where it lists asserts."""
    tests = lower_tests(_sources(row, "test_cases"))
    return Contents(tuple(tests), entry_point=asserted_entry_point(tests))


def lists_asserts(row: Mapping[str, Any]) -> bool:
    """Say whether `test_cases` begins with an assert; in other sets it holds objects."""
    cell = row["test_cases"]
    if isinstance(cell, str):
        return _LISTED_ASSERT.match(cell) is not None
    first = cell[0] if isinstance(cell, list | tuple) and cell else None
    return isinstance(first, str) and first.lstrip()[:1] not in ("{", '"', "")


def asserted_entry_point(tests: Sequence[AssertTest]) -> str | None:
    """Return the one function that all lowered tests call, if it is one."""
    return entry_point_of([call.function for test in tests for call in test.calls])


def _sources(row: Mapping[str, Any], column: str) -> list[str]:
    found = list_of(row[column], f"column {column!r}")
    return [text_of(source, f"{column}, entry {i}") for i, source in enumerate(found, start=1)]
