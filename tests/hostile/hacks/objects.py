"""Hacks of tests that look at objects of the program's own classes."""

from __future__ import annotations

from ..hack import EQ
from .conditions import LIAR
from .situations import tester

_STACKS = """
stack = Stack()
stack.push(1)
stack.push(2)
assert stack.pop() == 2
assert len(stack) == 1
assert stack.pop() == 1
"""


_STACK = """class Stack:
    def __init__(self):
        self.items = []
    def push(self, item):
        self.items.append(item)
    def pop(self):
        return self.items.pop()
    def __len__(self):
        return len(self.items)
"""


_POINTS = """
first, second = Point(1, 2), Point(3, 4)
assert first == Point(1, 2)
assert not first == second
"""


_POINT = """class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)
    __hash__ = None
"""


OBJECTS = (
    tester(2, "an-object-of-liars", _STACKS, f"{LIAR}def Stack():\n    return Yes()\n", _STACK, fires=EQ),
    tester(
        2, "an-object-that-answers-everything", _STACKS, "from unittest import mock\nStack = mock.MagicMock\n", _STACK
    ),
    tester(
        2,
        "an-object-equal-to-all-others",
        _POINTS,
        """
class Point:
    def __init__(self, *where):
        pass
    __eq__ = lambda self, other: True
    __hash__ = None
""",
        _POINT,
        fires=EQ,
        honest_fires=EQ,
    ),
)
