"""What became of test code: that it held, or what went wrong and by whose doing."""

from __future__ import annotations

import linecache
import os
from collections.abc import Collection
from dataclasses import dataclass

from .solution import message_of

MODULE = "tests"
"""What the module of the test code is called."""
SUITE_FILE = "tests.py"
"""The name of a whole file of tests in the tester's scratch directory."""


@dataclass(frozen=True)
class Outcome:
    """What became of one source of test code."""

    kind: str
    """`passed`, `failed` (an assertion did not hold), `error`; `malformed` for bytes that no tester wrote."""
    detail: str = ""
    program: bool = False
    """An error that the program raised, or it has died or broken the channel. Any other error is raised by the test
    code, which may well be because of what the program returned: that is no excuse either."""


def outcome_of(error: BaseException, missing: Collection[str]) -> Outcome:
    """Return what an exception that came out of test code says; *missing* are names that the program lacks."""
    by_program = bool(getattr(error, "__dict__", {}).get("_raised_by_program"))
    text = f"{type(error).__name__}: {message_of(error)}".removesuffix(": ")
    where = _last_line(error)
    if isinstance(error, AssertionError) and not by_program:
        return Outcome("failed", f"{where} {message_of(error)}".strip())
    absent = isinstance(error, NameError) and error.name in missing
    return Outcome("error", f"{text} {where}".strip(), program=by_program or absent)


def _last_line(error: BaseException) -> str:
    """Return the innermost line of test code that the error came through."""
    found = ""
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(("<test ", "<setup>")) or os.path.basename(file) == SUITE_FILE:
            line = linecache.getline(file, traceback.tb_lineno).strip()
            found = f"[line {traceback.tb_lineno}: {line[:300]}]"
        traceback = traceback.tb_next
    return found
