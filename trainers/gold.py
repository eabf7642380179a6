"""The right program that a dataset's row comes with, whatever its schema calls it."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any

_SOLUTIONS = (
    "canonical_solution",  # HumanEval, EvalPlus, HumanEval-X
    "gold_standard_solution",  # open-r1, PrimeIntellect, SYNTHETIC
    "solutions",  # APPS, TACO, DeepCoder: a list, or one as JSON; CodeContests: two lists side by side
    "solution",  # KodCode
    "reference_solution",
    "completion",  # LeetCodeDataset, LBPP
    "code",  # MBPP
)
"""Columns that hold right programs, in the order in which they are looked for."""
_CODE_CONTESTS = {1: "python2", 2: "cpp", 3: "python", 4: "java"}
"""The classes of the column `language` inside of `solutions`; Python 2 is a language that nothing here runs."""
_CRUXEVAL = ("code", "input", "output")


def known_solution(row: Mapping[str, Any], *, column: str | None = None, language: str | None = None) -> str | None:
    """Return the source of a right program for *row*, as a whole; None where the row has none, or none in *language*.

    *column* names where it stands; unset, it stands where public datasets of this schema have it. HumanEval's solution
    goes behind the source that it continues (`code_prompt`, else `prompt`).
    """
    wanted = language or _text(row.get("language")) or "python"
    if column is None and _is_cruxeval(row):
        return str(row["output"]) if row.get("predict", "output") != "input" else f"f({row['input']})"
    for name in _SOLUTIONS if column is None else (column,):
        source = _source_of(row.get(name), wanted)
        if source is not None:
            return _whole(source, row) if name == "canonical_solution" else source
    return None


def _is_cruxeval(row: Mapping[str, Any]) -> bool:
    """Say whether `code` is what the question is about, not its answer."""
    return all(isinstance(row.get(name), str) for name in _CRUXEVAL) and not any("test" in name for name in row)


def _source_of(value: Any, language: str) -> str | None:
    """Return a program out of a cell: text, a list of which the first counts, or either as JSON text."""
    if isinstance(value, str):
        value = value.strip("\n")
        if not value.strip():
            return None
        if not value.lstrip().startswith(("[", "{")):
            return _unfenced(value)
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)  # a program that begins with a list
    if isinstance(value, Mapping):
        return _in_language(value, language)
    if isinstance(value, Sequence):
        return next((found for item in value if (found := _source_of(item, language))), None)
    return None


def _in_language(value: Mapping[str, Any], language: str) -> str | None:
    """Return a program of {"language": [...], "solution": [...]}, or of one object that names its language."""
    languages, sources = value.get("language"), value.get("solution", value.get("code"))
    if isinstance(sources, str):
        return _unfenced(sources) if _text(languages) in (None, language) else None
    if not isinstance(languages, Sequence) or not isinstance(sources, Sequence):
        return None
    named = (_CODE_CONTESTS.get(it) if isinstance(it, int) else str(it).lower() for it in languages)
    return next((str(source) for name, source in zip(named, sources, strict=False) if name == language), None)


def _unfenced(text: str) -> str:
    """Return the program without the Markdown fence that some sets keep around it."""
    lines = text.strip().splitlines()
    if len(lines) < 2 or not lines[0].startswith("```") or lines[-1].strip() != "```":
        return text
    return "\n".join(lines[1:-1])


def _whole(solution: str, row: Mapping[str, Any]) -> str:
    """Return the source that the solution continues with the solution behind it, unless it is whole by itself."""
    before = next((text for name in ("code_prompt", "prompt") if (text := row.get(name)) and isinstance(text, str)), "")
    entry_point = _text(row.get("entry_point"))
    is_whole = entry_point is not None and entry_point in _defined(solution)
    return solution if is_whole else f"{before}{solution}"


def _defined(source: str) -> set[str]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return set()
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def _text(value: Any) -> str | None:
    return value.strip().lower() if isinstance(value, str) and value.strip() else None
