"""The value of an expression in a test that is written out: literals, and what small sums and products make of them."""

from __future__ import annotations

import ast
import builtins
import math
import operator
from collections.abc import Callable, Collection
from typing import Any

MAX_LENGTH = 1_000_000
MAX_BITS = 1 << 16

TYPES: dict[str, object] = {
    name: thing for name, thing in vars(builtins).items() if isinstance(thing, type) and not name.startswith("_")
}
MATH_CONSTANTS = ("pi", "e", "tau", "inf", "nan")
_MAKERS = ("set", "frozenset", "list", "tuple", "dict", "float", "int", "str", "complex", "range", "bytes", "bytearray")
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_NUMBERS = (bool, int, float, complex)


class NotWrittenOutError(Exception):
    """The expression needs more than reading to know its value."""


def written_value(node: ast.expr, *, taken: Collection[str] = ()) -> Any:
    """Return the value of *node*; raises `NotWrittenOutError`. Names in *taken* do not mean the builtins."""
    try:
        return _Reader(taken).read(node)
    except (ArithmeticError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise NotWrittenOutError(str(error)) from None


class _Reader:
    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken

    def read(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return self._display(node)
            case ast.UnaryOp(op=op, operand=operand):
                return _SIGNS[type(op)](self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _calculate(type(op), self.read(left), self.read(right))
            case ast.Name(id=name) if name in TYPES and name not in self._taken:
                return TYPES[name]
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in MATH_CONSTANTS:
                return self._constant(name)
            case ast.Call(func=ast.Name(id=name)) if name in _MAKERS and name not in self._taken:
                return self._made(name, node)
        raise NotWrittenOutError(type(node).__name__)

    def items(self, nodes: list[ast.expr]) -> list[Any]:
        """Return the values of *nodes*, in which `*[1, 2]` may stand."""
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values += self.read(node.value)
            else:
                values.append(self.read(node))
        return values

    def _constant(self, name: str) -> float:
        if "math" in self._taken:
            raise NotWrittenOutError("math")
        return float(getattr(math, name))

    def _display(self, node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> Any:
        if isinstance(node, ast.Dict):
            if None in node.keys:
                raise NotWrittenOutError("**")
            return dict(zip(self.items([key for key in node.keys if key]), self.items(node.values), strict=True))
        items = self.items(node.elts)
        if isinstance(node, ast.List):
            return items
        return tuple(items) if isinstance(node, ast.Tuple) else set(items)

    def _made(self, name: str, node: ast.Call) -> Any:
        if node.keywords and name != "dict":
            raise NotWrittenOutError("keywords")
        args = self.items(node.args)
        named = {keyword.arg: self.read(keyword.value) for keyword in node.keywords if keyword.arg is not None}
        if len(named) != len(node.keywords) or (name in ("bytes", "bytearray") and args and type(args[0]) is int):
            raise NotWrittenOutError(name)
        made = getattr(builtins, name)(*(_short(arg) for arg in args), **named)
        return _short(made)


def _short(value: Any) -> Any:
    if isinstance(value, range) and not -MAX_LENGTH < (value.stop - value.start) // value.step < MAX_LENGTH:
        raise NotWrittenOutError("a long range")
    return value


def _calculate(op: type[ast.operator], left: Any, right: Any) -> Any:
    numbers = type(left) in _NUMBERS and type(right) in _NUMBERS
    if numbers:
        bits = [value.bit_length() if isinstance(value, int) else 64 for value in (left, right)]
        size = bits[0] * max(abs(right), 1) if op is ast.Pow and isinstance(right, int) else sum(bits)
        allowed = size <= MAX_BITS
    elif op is ast.Add:
        allowed = type(left) is type(right) and type(left) in (str, bytes, list, tuple)
    else:
        allowed = op is ast.Mult and _repeated_length(left, right) <= MAX_LENGTH
    if not allowed:
        raise NotWrittenOutError(op.__name__)
    return _ARITHMETIC[op](left, right)


def _repeated_length(left: Any, right: Any) -> float:
    for sequence, times in ((left, right), (right, left)):
        if type(sequence) in (str, bytes, list, tuple) and type(times) is int:
            return len(sequence) * max(times, 0)
    return math.inf
