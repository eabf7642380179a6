"""A grade as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from ..cases import Problem
from ..grades import Grade

_LONGEST_DETAIL = 200


def explain_grade(grade: Grade, problem: Problem | None) -> str:
    """Return what was found in the completion, what each test said, and the score."""
    lines = [_headline(grade)]
    if problem is not None:
        lines.append(f"problem: schema {problem.schema or 'unknown'}, {len(problem.tests)} tests, {problem.language}")
    if grade.program is None:
        lines.append("program: none found in the completion")
    else:
        lines += ["program:", *(f"  | {_printable(line)}" for line in grade.program.source.splitlines())]
    if grade.detail and not grade.tests:
        lines.append(f"reason: {_one_line(grade.detail)}")
    if grade.tests:
        lines += _table(grade)
    return "\n".join(lines)


def _headline(grade: Grade) -> str:
    score = "none (unjudged)" if grade.score is None else f"{grade.score:g}"
    where = f", run in the {grade.sandbox} sandbox" if grade.sandbox else ""
    return f"score: {score}, verdict: {grade.verdict.value}{where}"


def _table(grade: Grade) -> list[str]:
    rows: list[Sequence[str]] = [("test", "verdict", "cpu s", "wall s", "detail")]
    for i, test in enumerate(grade.tests, start=1):
        group = f"[{_one_line(test.group)}]" if test.group else ""
        name = " ".join(part for part in (str(i), _one_line(test.name), group) if part)
        rows.append((name, test.verdict.value, f"{test.cpu_s:.3f}", f"{test.wall_s:.3f}", _one_line(test.detail)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    ]


def _one_line(text: str) -> str:
    line = _printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def _printable(text: str) -> str:
    """Return *text* without what could steer a terminal or cannot be printed."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
