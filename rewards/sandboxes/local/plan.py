"""A job's steps, put together as they share processes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ...records import AssertStep, CallStep, CellStep, ScriptStep, Step


@dataclass(frozen=True)
class Part:
    """Steps that one process, or one pair of processes, works off; a script step is always alone."""

    first: int
    steps: tuple[Step, ...]


def parts_of(steps: Sequence[Step]) -> list[Part]:
    """Return *steps* in order, grouped by the process that they share."""
    parts = []
    for _, group in itertools.groupby(enumerate(steps), key=_sharing):
        members = list(group)
        parts.append(Part(members[0][0], tuple(step for _, step in members)))
    return parts


def _sharing(numbered: tuple[int, Step]) -> tuple[str, object]:
    number, step = numbered
    match step:
        case ScriptStep():
            return "script", number
        case CallStep():
            return "calls", None
        case AssertStep() if step.framework:
            return "file of tests", number
        case AssertStep():
            return "asserts", step.setup
        case CellStep():
            return "cells", None
