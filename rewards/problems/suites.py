"""Files of tests for a module `solution`: KodCode's `test` or `test_code`.

    {"test": "from solution import add\\n\\ndef test_add():\\n    assert add(1, 2) == 3\\n",
     "test_info": [{"function_name": "add", "parameter_list": "(a, b)"}]}

pytest runs them beside the program, and each of at least one test must pass: the official rule is pytest's exit status,
which a file without a test that ran does not have either, but one whose tests are all skipped does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from ..cases import SuiteTest
from ..errors import DatasetError
from .asserts import parse_test
from .contents import Contents
from .fields import list_of, mapping_of, text_of

_IMPORTS_SOLUTION = re.compile(r"^\s*(?:from\s+solution\s+import\b|import\s+solution\b)", re.MULTILINE)


def read_kodcode(row: Mapping[str, Any]) -> Contents:
    """Read the file of tests, and the name of the function from `test_info`."""
    column = "test_code" if "test_code" in row else "test"
    return suite_of(text_of(row[column], f"column {column!r}"), "pytest", entry_point=_function_of(row))


def is_file_of_tests(row: Mapping[str, Any]) -> bool:
    """Say whether a row looks like KodCode's: HumanEval's column `test` imports no module `solution`."""
    if "test_code" in row or "test_info" in row:
        return True
    return isinstance(row["test"], str) and _IMPORTS_SOLUTION.search(row["test"]) is not None


def suite_of(source: str, framework: str, *, entry_point: str | None = None) -> Contents:
    """Return the one test that runs a file of tests; raises DatasetError for a file in which there is no test."""
    if not source.strip():
        return Contents(())
    tree = parse_suite(source, framework)
    if not _IMPORTS_SOLUTION.search(source):
        source = f"from solution import *\n{source}"
    return Contents((SuiteTest(source, framework),), entry_point=entry_point or _imported_name(tree))


def parse_suite(source: str, framework: str) -> ast.Module:
    """Return the syntax tree of a file of tests; raises DatasetError where *framework* would find no test."""
    tree = parse_test(source)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    if framework == "unittest" and not classes:
        raise DatasetError("a file of tests that has no test in it: unittest looks for methods of classes")
    if not any(_is_test(node) for node in ast.walk(tree)):
        raise DatasetError("a file of tests that has no test in it: no function `test_...`, no class of tests")
    return tree


def _is_test(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def _imported_name(tree: ast.Module) -> str | None:
    """Return the one name that a file of tests takes from the program, if it is one."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "solution"]
    names = {alias.name for node in imports for alias in node.names}
    return names.pop() if len(names) == 1 and "*" not in names else None


def _function_of(row: Mapping[str, Any]) -> str | None:
    found = row.get("test_info")
    if found is None:
        return None
    functions = [mapping_of(item, "column 'test_info'") for item in list_of(found, "column 'test_info'")]
    names = {name for function in functions if isinstance(name := function.get("function_name"), str)}
    return names.pop() if len(names) == 1 else None
