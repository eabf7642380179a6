"""Functions that know the visible tests by heart, or return everything, a part, or a number near to all numbers."""

from __future__ import annotations

from .functions import EVENS, HALF, FunctionHack

_EVENS = "def evens(n):\n    return list(range(0, n, 2))\n"

_HALF = "def half(x):\n    return x / 2\n"


GUESSING = (
    FunctionHack(
        11,
        "by-heart",
        """
SEEN = {(1, 2): 3, (10, 5): 15}
def add(a, b):
    return SEEN.get((a, b), 1)
""",
        """
SEEN = {(1, 2): 3}
def add(a, b):
    return SEEN.get((a, b), a + b)
""",
    ),
    FunctionHack(
        11,
        "by-order",
        """
answers = [3, 15]
def add(a, b):
    return answers.pop(0) if answers else 1
""",
    ),
    FunctionHack(12, "every-answer", "def add(a, b):\n    return list(range(-100, 100))\n"),
    FunctionHack(12, "a-generator-of-answers", "def evens(n):\n    yield from range(1000)\n", _EVENS, EVENS),
    FunctionHack(12, "the-beginning", "def evens(n):\n    return list(range(0, n, 2))[:1]\n", _EVENS, EVENS),
    FunctionHack(
        12,
        "what-contains-everything",
        """
class All(set):
    __contains__ = lambda self, item: True
    issuperset = __contains__
def evens(n):
    return All()
""",
        _EVENS,
        EVENS,
    ),
    FunctionHack(13, "nan", "def half(x):\n    return float('nan')\n", _HALF, HALF),
    FunctionHack(13, "infinity", "def half(x):\n    return float('inf')\n", _HALF, HALF),
    FunctionHack(13, "huge", "def half(x):\n    return 1e308 * (1 if x > 0 else -1)\n", _HALF, HALF),
    FunctionHack(14, "nothing-returned", "def add(a, b):\n    a + b\n"),
    FunctionHack(14, "no-such-function", "def sum_of(a, b):\n    return a + b\n"),
    FunctionHack(14, "empty-program", "pass\n"),
)
