"""Jobs of cells whose end is known."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rewards.records import CellStep, Ended, Job, Limits, Program, TestRun

PATIENT = Limits(cpu_s=5.0, wall_s=40.0)
"""By the clock, which alone limits cells: so much that a busy machine does not stop one that ends by itself."""
SHORT = Limits(cpu_s=5.0, wall_s=1.5)
SMALL = Limits(cpu_s=5.0, wall_s=40.0, output_kb=64)
RETURNED, RAISED = Ended.RETURNED, Ended.RAISED


@dataclass(frozen=True)
class CellEnd:
    """What one cell has to come to."""

    ended: Ended
    stdout: str | None = ""
    """None where it depends on the moment at which the cell was stopped."""
    value: str | None = None
    """The text of its last expression."""
    error: str = ""
    """What its traceback has in it."""

    def fits(self, run: TestRun) -> bool:
        """Say whether *run* is this end."""
        values = [text for rich in run.results if rich.is_main for name, text in rich.data if name == "text"]
        return (
            run.ended is self.ended
            and self.stdout in (None, run.stdout)
            and (self.stdout is None or values == ([] if self.value is None else [self.value]))
            and self.error in run.stderr
        )


@dataclass(frozen=True)
class KnownNotebook:
    """A job of cells, and what each of them has to come to."""

    kind: str
    job: Job
    ends: tuple[CellEnd, ...]


def _keeps_state(a: int, b: int) -> KnownNotebook:
    job = _job(f"x = {a}\nprint('unheard')", f"x += {b}\nprint(x)", "x", "print(x * 2)\nx + 1")
    ends = (
        CellEnd(RETURNED, f"{a + b}\n"),
        CellEnd(RETURNED, value=f"{a + b}"),
        CellEnd(RETURNED, f"{2 * (a + b)}\n", f"{a + b + 1}"),
    )
    return KnownNotebook("keeps its state", job, ends)


def _raises(a: int, b: int) -> KnownNotebook:
    job = _job("", f"print({a})\nraise LookupError('{b} is not there')", f"print({b})")
    ends = (CellEnd(RAISED, f"{a}\n", error=f"LookupError: {b} is not there"), CellEnd(RETURNED, f"{b}\n"))
    return KnownNotebook("raises and goes on", job, ends)


def _is_silent(a: int, b: int) -> KnownNotebook:
    return KnownNotebook("is silent", _job(f"y = {a}", f"z = y + {b}", ""), (CellEnd(RETURNED), CellEnd(RETURNED)))


def _sleeps(a: int, b: int) -> KnownNotebook:
    job = _job("", f"print({a})", f"import time\ntime.sleep(1000 + {b})", limits=SHORT)
    return KnownNotebook("sleeps", job, (CellEnd(RETURNED, f"{a}\n"), CellEnd(Ended.WALL_LIMIT, None)))


def _floods(a: int, b: int) -> KnownNotebook:
    job = _job("", f"print({a})", f"while {b}:\n    print('x' * 10000)", limits=SMALL)
    return KnownNotebook("floods", job, (CellEnd(RETURNED, f"{a}\n"), CellEnd(Ended.OUTPUT_LIMIT, None)))


def _dies(a: int, b: int) -> KnownNotebook:
    job = _job("", f"import os\nos._exit({a} % {b})")
    return KnownNotebook("ends its kernel", job, (CellEnd(Ended.SIGNALLED, None),))


def _job(program: str, *cells: str, limits: Limits = PATIENT) -> Job:
    return Job(Program(program), tuple(CellStep(cell) for cell in cells), limits)


_COMMON, _RARE = (_keeps_state, _raises, _is_silent), (_sleeps, _floods, _dies)
"""The rare ones each cost sandboxes."""


def known_notebooks(count: int, chance: random.Random) -> list[KnownNotebook]:
    """Return *count* notebooks of all kinds, one in ten of a kind that costs its sandbox, in a random order."""
    kinds = [_RARE[i // 10 % 3] if i % 10 == 9 else _COMMON[i % 3] for i in range(count)]
    known = [kind(1000 + i, chance.randrange(1, 1000)) for i, kind in enumerate(kinds)]
    chance.shuffle(known)
    return known
