"""HumanEval: `entry_point`, and `test`, source that defines `check(candidate)`.

The source text that stands before the program comes from the column `code_prompt`, else from the batch's `prompts`
(which TRL passes where it passes no column `prompt`), else, for rows that never went through TRL, from `prompt`. The
last two may be instructions in English: they count only where they are Python that defines the entry point. A row
without such a text is read with `code_prompt=""`: complete programs can be graded against it, and whoever finds that
a completion only continues a function must refuse that row with a `DatasetError`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import DatasetError
from .asserts import parse_test, read_check
from .contents import Contents
from .fields import is_name, text_of


def read_humaneval(row: Mapping[str, Any]) -> Contents:
    """Read the columns `test`, `entry_point` and, where there is one, the source text before the program."""
    entry_point = text_of(row["entry_point"], "column 'entry_point'").strip()
    if not is_name(entry_point):
        raise DatasetError(f"column 'entry_point': {entry_point[:60]!r} is no name of a function")
    test = text_of(row["test"], "column 'test'")
    tests = tuple(read_check(test, entry_point)) if test.strip() else ()
    return Contents(tests, entry_point=entry_point, code_prompt=source_before(row, entry_point))


def source_before(row: Mapping[str, Any], entry_point: str) -> str:
    """Return the prompt if it is source; the column `code_prompt` is read for every schema alike, elsewhere."""
    for name in ("prompts", "prompt"):
        prompt = row.get(name)
        if isinstance(prompt, str) and _defines(prompt, entry_point):
            return text_of(prompt, f"{name!r}")
    return ""


def _defines(source: str, name: str) -> bool:
    tree = _parsed(source) or _parsed(source.rstrip() + "\n    pass\n")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return tree is not None and any(isinstance(node, kinds) and node.name == name for node in tree.body)


def _parsed(source: str) -> ast.Module | None:
    try:
        return parse_test(source)
    except DatasetError:
        return None
