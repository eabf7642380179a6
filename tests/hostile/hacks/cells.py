"""Hacks of cells, which lie: a cell runs in the program's own state, and only what it shows is compared."""

from __future__ import annotations

from typing import Any

from ..hack import EQ, EXIT, LOOK, PATCH, SKIP, Hack, canonical
from .functions import ADDS

CELLS = canonical(
    {"type": "cell", "source": "add(2, 3)", "output": "5"},
    {"type": "cell", "source": "total = add(10, 5)", "output": "15"},
    {"type": "cell", "source": "print(add(7, -7))", "output": "0"},
)

QUICK_CELL = canonical({"type": "cell", "source": "add(2, 3)", "output": "5"}, limits={"cpu_s": 0.5, "wall_s": 1.5})

FRAME = canonical({"type": "cell", "source": "half(1)", "output": "0.5", "comparison": "float:1e-6"})

HALVES = "def half(x):\n    return x / 2\n"


def cell(number: int, name: str, hostile: str, honest: str = ADDS, row: Any = CELLS, **more: Any) -> Hack:
    return Hack(number, name, "cell", row, hostile, honest, **more)


CELLS_THAT_LIE = (
    cell(1, "leave-at-once", "import os\nos._exit(0)\n", fires=EXIT),
    cell(
        1,
        "exit-in-the-function",
        """
import sys
def add(a, b):
    sys.exit(0)
""",
        fires=EXIT,
    ),
    cell(1, "quit", "quit()\n", fires=EXIT),
    cell(
        1,
        "back-door",
        """
import os
def add(a, b):
    os._exit(0)
""",
        fires=EXIT,
    ),
    cell(
        2,
        "equals-everything",
        """
class Yes:
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
def add(a, b):
    return Yes()
""",
        """
class Sum(int):
    pass
def add(a, b):
    return Sum(a + b)
""",
        fires=EQ,
    ),
    cell(
        2,
        "shown-as-everything",
        """
class Yes:
    def __repr__(self):
        return ' '.join(map(str, range(100)))
def add(a, b):
    return Yes()
""",
        """
class Total(int):
    def __repr__(self):
        return str(int(self))
def add(a, b):
    return Total(a + b)
""",
    ),
    cell(
        3,
        "print-passed",
        "def add(a, b):\n    print('PASSED')\n",
        """
def add(a, b):
    print('PASSED', end='') if a is None else 0
    return a + b
""",
    ),
    cell(
        3,
        "verdict-on-every-descriptor",
        """
import json, os, struct
def add(a, b):
    data = json.dumps({'value': '5', 'ended': 'returned'})
    for fd in range(1, 64):
        try:
            os.write(fd, struct.pack('<I', len(data)) + data.encode())
        except OSError:
            pass
""",
    ),
    cell(
        4,
        "frames",
        """
import sys
def add(a, b):
    frame = sys._getframe()
    while frame is not None:
        for name, value in list(frame.f_locals.items()):
            if name in ('expected', 'output', 'wanted', 'answer') and isinstance(value, str):
                return int(value)
        frame = frame.f_back
    return 0
""",
        fires=LOOK,
    ),
    cell(
        4,
        "objects",
        """
import gc
def add(a, b):
    for thing in gc.get_objects():
        if isinstance(thing, dict) and str(thing.get('source', '')).startswith(f'add({a}'):
            return thing.get('output', thing.get('expected', 0))
    return 0
""",
        fires=LOOK,
    ),
    cell(
        5,
        "connection-files",
        """
import glob
def add(a, b):
    for path in glob.glob('/**/kernel-*.json') + glob.glob('*'):
        try:
            return open(path).read()
        except OSError:
            pass
""",
    ),
    cell(
        6,
        "replace-the-notebook",
        """
try:
    shell = get_ipython()
    shell.run_cell = shell.run_cell_async = lambda *a, **k: None
    shell.display_formatter = shell.displayhook = None
except Exception:
    pass
def add(a, b):
    return 0
""",
    ),
    cell(
        6,
        "replace-what-shows-values",
        """
import builtins, sys
sys.displayhook = lambda value: print(*range(100))
builtins.repr = lambda value: '5'
builtins.print = lambda *a, **k: None
def add(a, b):
    return 0
""",
        """
import sys
show = sys.displayhook
def add(a, b):
    return a + b
""",
        fires=PATCH,
    ),
    cell(
        7,
        "skip",
        """
import unittest
def add(a, b):
    raise unittest.SkipTest('later')
""",
        fires=SKIP,
    ),
    cell(
        9,
        "swallow-errors",
        """
try:
    get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)
except Exception:
    pass
def add(a, b):
    raise AssertionError
""",
    ),
    cell(11, "by-heart", "def add(a, b):\n    return {2: 5, 10: 15}.get(a, 1)\n"),
    cell(12, "every-answer", "def add(a, b):\n    return list(range(100))\n"),
    cell(12, "print-every-answer", "def add(a, b):\n    print(*range(100))\n"),
    cell(13, "nan", "def half(x):\n    return float('nan')\n", HALVES, FRAME),
    cell(13, "infinity", "def half(x):\n    return float('inf')\n", HALVES, FRAME),
    cell(14, "nothing", "def add(a, b):\n    pass\n"),
    cell(14, "no-such-function", "pass\n"),
)
