"""Judge what a notebook's cell gave: the value of its last expression, or else what it printed."""

from __future__ import annotations

import ast

from ..cases import CellTest
from ..comparison import Comparison
from ..grades import Verdict
from ..records import Ended, TestRun
from .endings import Finding, early_end
from .scripts import output_finding

_TEXT = ("text", "text/plain")
_LONGEST_QUOTED = 1 << 20


def cell_finding(test: CellTest, run: TestRun, comparison: Comparison) -> Finding:
    """Compare the value of the cell, as a notebook shows it, or else what it printed, with what is expected.

    A notebook shows a value that is text in quotes: `'abc'` is right where `abc` is expected, and where `'abc'` or
    `"abc"` is.
    """
    stop = early_end(run, Ended.RETURNED)
    if stop is not None:
        return stop
    comparison = test.comparison or comparison
    value = cell_value(run)
    if value is None:
        return output_finding(run.stdout, [test.expected], comparison)
    finding = output_finding(value, [test.expected], comparison)
    text = _unquoted(value)
    if finding[0] is Verdict.ACCEPTED or text is None:
        return finding
    wanted = _unquoted(test.expected)
    right = [test.expected] if wanted is None else [test.expected, wanted]
    return (Verdict.ACCEPTED, "") if output_finding(text, right, comparison)[0] is Verdict.ACCEPTED else finding


def cell_value(run: TestRun) -> str | None:
    """Return the value of the cell's last expression as text, None where it has none."""
    for result in run.results:
        if result.is_main:
            shown = dict(result.data)
            return next((shown[name] for name in _TEXT if name in shown), None)
    return None


def _unquoted(shown: str) -> str | None:
    """Return the text that *shown* is the Python literal of, None where it is none."""
    shown = shown.strip()
    if len(shown) > _LONGEST_QUOTED or shown[:1] not in ("'", '"'):
        return None
    try:
        value = ast.literal_eval(shown)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str) else None
