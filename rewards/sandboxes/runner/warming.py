"""Run what every child runs a few times in the zygote, so that the interpreter has adapted to it before the fork.

An interpreter that adapts rewrites the code that it runs, and in a child each page that is written to is copied first.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys

from . import calls, script
from .solution import NAME

TIMES = 12
"""More than the interpreter waits for before it takes code for hot."""
PROGRAM = """
import sys
from collections import Counter, defaultdict
class Thing:
    def __init__(self, n):
        self.n = n
    def double(self, items):
        return [2 * item for item in sorted(items, key=lambda item: -item)]
def solve(text, n=1):
    found = Counter(text.split())
    return {"n": n, "words": [(word, count) for word, count in found.items()], "x": 1.5, "y": None, "z": (True, "é")}
text = f"{Thing(1).double([1, 2])} {Thing(1).n:.2f} {{}}".split()
"""
CALLS: tuple[calls.Call, ...] = (
    ("solve", ("a b a",), {"n": 2}),
    ("Thing(1).double", ([1, 2, 3],), {}),
    ("missing", (), {}),
)


def warm_up() -> None:
    """Run a small program as a script and as a module that answers calls; nothing of it stays."""
    gc.collect()
    gc.freeze()  # else each of the collections below would look at all that was imported
    job = calls.pack_calls(PROGRAM, CALLS)
    kept, arguments = dict(sys.modules), list(sys.argv)
    null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    try:
        for _ in range(TIMES):
            script.finish(script.execute(PROGRAM.encode()))
            calls.answer_calls(job, null)
    finally:
        os.close(null)
        sys.modules.pop(NAME, None)
        sys.modules["__main__"] = kept["__main__"]
        sys.argv = arguments
        linecache.clearcache()
