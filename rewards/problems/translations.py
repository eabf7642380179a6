"""Benchmarks in many languages: MultiPL-E and HumanEval-X.

    {"name": "HumanEval_0_f", "language": "js", "prompt": "function f(x){\\n", "tests": "assert(f(1) === 2);",
     "stop_tokens": ["\\nfunction "]}
    {"task_id": "JavaScript/0", "declaration": "const f = (x) => {\\n", "prompt": "/* ... */\\nconst f = (x) => {\\n",
     "test": "console.assert(f(1) === 2)"}

The tests stand behind the program, in its process, which has the means to fake their success: hence `AppendedTest`, for
which a reward must be told `trust="shared"`. The official rule is exit code 0; here the tests must have run to their
end as well, and a failed `console.assert` is a failure, though node goes on and exits with 0.

A completion is a whole program, as chat models write it, unless the row has the text that it continues in a column
`code_prompt`. Tests for Python are lowered or run in the tester, like HumanEval's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import TestCase
from ..errors import DatasetError
from ..languages import canonical_language, is_language
from .appended import appended_test
from .asserts import read_check_script
from .contents import Contents
from .fields import text_of


def read_multipl_e(row: Mapping[str, Any]) -> Contents:
    """Read the columns `tests` and `language`."""
    return _translated(row, "tests", text_of(row["language"], "column 'language'"))


def read_humaneval_x(row: Mapping[str, Any]) -> Contents:
    """Read the column `test`; the language is what stands before the number in `task_id`, or the column `language`."""
    named = text_of(row.get("task_id", ""), "column 'task_id'").partition("/")[0]
    return _translated(row, "test", text_of(row.get("language") or named, "column 'language'"))


def _translated(row: Mapping[str, Any], column: str, named: str) -> Contents:
    if not is_language(named):
        raise DatasetError(f"language {named[:40]!r} is no known programming language: name it in a column 'language'")
    language = canonical_language(named)
    source = text_of(row[column], f"column {column!r}")
    if not source.strip():
        return Contents((), language=language)
    tests: tuple[TestCase, ...]
    if language == "python":
        tests, entry_point = read_check_script(source)
        return Contents(tests, entry_point=entry_point, language=language)
    whole = not row.get("code_prompt")
    return Contents((appended_test(source, language, whole=whole),), language=language)
