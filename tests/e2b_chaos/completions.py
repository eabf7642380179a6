"""Completions whose score is known, one of every kind of end that a program can come to."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rewards import Verdict

Row = Mapping[str, Any]
ACCEPTED, WRONG, ERROR = Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR
TIME, MEMORY, OUTPUT = Verdict.TIME_LIMIT_EXCEEDED, Verdict.MEMORY_LIMIT_EXCEEDED, Verdict.OUTPUT_LIMIT_EXCEEDED
PATIENT: Row = {"cpu_s": 5.0, "wall_s": 60.0}
"""For programs that come to an end by themselves, on a machine that is busy with much else."""
BUSY: Row = {"cpu_s": 0.15, "wall_s": 60.0}
ASLEEP: Row = {"cpu_s": 5.0, "wall_s": 0.5}


@dataclass(frozen=True)
class Kind:
    """A program with holes for two numbers, its tests, and the verdict on each."""

    name: str
    source: str
    tests: Callable[[int, int], Sequence[Row]]
    verdicts: tuple[Verdict, ...]
    limits: Row = field(default_factory=lambda: PATIENT)


@dataclass(frozen=True)
class Known:
    """One completion, and what has to be found out about it."""

    kind: str
    completion: str
    tests: str
    """The row's column, as JSON."""
    verdicts: tuple[Verdict, ...]

    @property
    def score(self) -> float:
        """Return the fraction of its tests that the program passes."""
        return sum(verdict is ACCEPTED for verdict in self.verdicts) / len(self.verdicts)


def _reads(a: int, b: int) -> list[Row]:
    return [{"type": "stdin", "input": f"{n}\n", "output": f"{n + b}\n"} for n in (a, a + 1)]


def _prints(a: int, b: int) -> list[Row]:
    return [{"type": "output", "output": f"{a} {b}\n"}]


def _calls(a: int, b: int) -> list[Row]:
    return [{"type": "call", "function": "f", "args": [n, [b, n]], "expected": [n + b, n]} for n in (a, a + 1, a + 2)]


def _asserts(a: int, b: int) -> list[Row]:
    return [{"type": "assert", "source": f"assert f({n}, {b}) == {n + b}"} for n in (a, a + 1)]


def _tester(a: int, b: int) -> list[Row]:
    source = f"total = 0\nfor i in range(3):\n    total = f(total, {b})\nassert total == {3 * b}, {a}"
    return [{"type": "assert", "source": source}]


HOARD = "hoard = []\nwhile True:\n    hoard.append(bytearray(8_000_000))\n"
KINDS = (
    Kind("reads and is right", "print(int(input()) + {b})", _reads, (ACCEPTED, ACCEPTED)),
    Kind("reads and is half right", "n = int(input())\nprint(n + {b} if n == {a} else n)", _reads, (ACCEPTED, WRONG)),
    Kind("reads and is wrong", "print(int(input()) - {b} - 1)", _reads, (WRONG, WRONG)),
    Kind("prints", "print({a}, {b})", _prints, (ACCEPTED,)),
    Kind("prints and exits", "import sys\nprint({a}, {b})\nsys.exit(0)", _prints, (ACCEPTED,)),
    Kind("prints a beginning", "print({a}, end='')", _prints, (WRONG,)),
    Kind("prints nothing", "import os\nx = ({a}, {b})\nos._exit(0)", _prints, (WRONG,)),
    Kind("prints and fails", "print({a}, {b})\nraise ValueError", _prints, (ERROR,)),
    Kind("exits with three", "import sys\nprint({a}, {b})\nsys.exit(3)", _prints, (ERROR,)),
    Kind("raises", "raise KeyError(({a}, {b}))", _prints, (ERROR,)),
    Kind("does not parse", "print({a}, {b}", _prints, (ERROR,)),
    Kind("takes its time", "import time\ntime.sleep(0.3)\nprint({a}, {b})", _prints, (ACCEPTED,)),
    Kind("crashes", "import ctypes\nprint({a}, {b}, flush=True)\nctypes.string_at(0)", _prints, (ERROR,)),
    Kind("kills itself", "import os\nprint({a}, {b}, flush=True)\nos.kill(os.getpid(), 9)", _prints, (ERROR,)),
    Kind("loops", "x = ({a}, {b})\nwhile True:\n    pass", _prints, (TIME,), BUSY),
    Kind("sleeps", "import time\nx = ({a}, {b})\ntime.sleep(1000)", _prints, (TIME,), ASLEEP),
    Kind("hoards", "x = ({a}, {b})\n" + HOARD, _prints, (MEMORY,), {**PATIENT, "memory_mb": 64}),
    Kind("hoards at once", "x = ({a}, {b})\ny = bytearray(10**11)", _prints, (MEMORY,)),
    Kind(
        "floods",
        "x = ({a}, {b})\nwhile True:\n    print('x' * 10**5)",
        _prints,
        (OUTPUT,),
        {**PATIENT, "output_kb": 64},
    ),
    Kind("is called and right", "def f(a, b):\n    return [a + b[0], a]  # {a} {b}", _calls, (ACCEPTED,) * 3),
    Kind("is called and once wrong", "def f(a, b):\n    return [a + b[0], {a}]", _calls, (ACCEPTED, WRONG, WRONG)),
    Kind("is called and raises", "def f(a, b):\n    return a / ({b} - {b})", _calls, (ERROR,) * 3),
    Kind("is called and ends", "import os\ndef f(a, b):\n    os._exit(0)  # {a} {b}", _calls, (ERROR,) * 3),
    Kind("is asserted and right", "def f(a, b):\n    return a + b  # {a} {b}", _asserts, (ACCEPTED, ACCEPTED)),
    Kind("is asserted and wrong", "def f(a, b):\n    return a - b - 1  # {a} {b}", _asserts, (WRONG, WRONG)),
    Kind("is tested and right", "def f(a, b):\n    return a + b  # {a} {b}", _tester, (ACCEPTED,)),
    Kind("is tested and wrong", "def f(a, b):\n    return a + b + 1  # {a} {b}", _tester, (WRONG,)),
    Kind("is tested and leaves", "import sys\ndef f(a, b):\n    sys.exit(0)  # {a} {b}", _tester, (ERROR,)),
)
NO_PROGRAM = Known("is no program", "I do not know.", json.dumps({"tests": _prints(1, 2)}), (Verdict.NO_PROGRAM,))


def known_completions(count: int, chance: random.Random) -> list[Known]:
    """Return *count* completions of all kinds, no two alike but those without a program, in a random order."""
    kinds = [*KINDS, None]
    known = [_known(kinds[i % len(kinds)], 1000 + i, chance.randrange(1, 1000)) for i in range(count)]
    chance.shuffle(known)
    return known


def _known(kind: Kind | None, a: int, b: int) -> Known:
    if kind is None:
        return NO_PROGRAM
    source = kind.source.replace("{a}", str(a)).replace("{b}", str(b))
    row = {"tests": list(kind.tests(a, b)), "limits": dict(kind.limits)}
    return Known(kind.name, f"Here it is:\n```python\n{source}\n```\n", json.dumps(row), kind.verdicts)
