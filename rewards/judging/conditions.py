"""Evaluate a lowered assert: an expression over `_0`, `_1`, ... on data that a program has returned.

A small interpreter of Python's own syntax tree: what is not listed here does not exist, nothing is looked up in a
value but its items, and every operation is bounded.
"""

from __future__ import annotations

import ast
import builtins
import functools
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .bounded import FUNCTIONS, MATH_CONSTANTS, MATH_FUNCTIONS, binary, contains, truth
from .exact import check_values
from .hashing import check_comparable, hashable

MAX_STEPS = 500_000
MAX_CPU_S = 2.0
"""A backstop between two steps, for values of which each step takes long: honest ones take milliseconds."""

_TYPES = {name: thing for name, thing in vars(builtins).items() if isinstance(thing, type) and name[0] != "_"}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: contains(container, item),
    ast.NotIn: lambda item, container: not contains(container, item),
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: lambda value: not truth(value),
}


class ConditionError(ValueError):
    """The condition cannot be evaluated on these values, where the assert would have raised: it does not hold."""


def evaluate_condition(condition: str, values: Sequence[object]) -> bool:
    """Return whether *condition* holds, with *values* for `_0`, `_1`, ...; raises `ConditionError` and nothing else."""
    try:
        tree = _parsed(condition)
        check_values(values)
        return truth(_Evaluation({f"_{i}": value for i, value in enumerate(values)}).value(tree))
    except Exception as error:  # noqa: BLE001 - the boundary to a program's values: they raise, or warn where a warning raises
        raise ConditionError(f"{type(error).__name__}: {error}") from None


@functools.lru_cache(maxsize=1024)
def _parsed(condition: str) -> ast.expr:
    try:
        return ast.parse(condition, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"not an expression: {error}") from None


class _Evaluation:
    """One evaluation: the variables, and how much work is left."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables
        self._steps = MAX_STEPS
        self._ends_at = time.thread_time() + MAX_CPU_S

    def value(self, node: ast.expr) -> Any:
        self._steps -= 1
        if self._steps < 0 or time.thread_time() > self._ends_at:
            raise ValueError("the condition takes too long")
        evaluate = _NODES.get(type(node))
        if evaluate is None:
            raise ValueError(f"{type(node).__name__} does not belong in a condition")
        return evaluate(self, node)

    def values(self, nodes: Sequence[ast.expr]) -> list[Any]:
        return [self.value(node) for node in nodes]

    def constant(self, node: ast.Constant) -> Any:
        return node.value

    def name(self, node: ast.Name) -> Any:
        return self._variables[node.id] if node.id in self._variables else _TYPES[node.id]

    def boolean(self, node: ast.BoolOp) -> Any:
        stops_at = isinstance(node.op, ast.Or)
        value = None
        for operand in node.values:
            value = self.value(operand)
            if truth(value) is stops_at:
                break
        return value

    def comparison(self, node: ast.Compare) -> Any:
        left = self.value(node.left)
        result: Any = True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            check_comparable(left, right)
            result = _COMPARISONS[type(op)](left, right)
            if not truth(result):
                break
            left = right
        return result

    def unary(self, node: ast.UnaryOp) -> Any:
        return _SIGNS[type(node.op)](self.value(node.operand))

    def binary(self, node: ast.BinOp) -> Any:
        return binary(type(node.op), self.value(node.left), self.value(node.right))

    def mapping(self, node: ast.Dict) -> Any:
        keys = hashable(self.values([key for key in node.keys if key is not None]))
        return dict(zip(keys, self.values(node.values), strict=True))

    def subscript(self, node: ast.Subscript) -> Any:
        return self.value(node.value)[self.value(node.slice)]

    def span(self, node: ast.Slice) -> Any:
        return slice(*(None if bound is None else self.value(bound) for bound in (node.lower, node.upper, node.step)))

    def attribute(self, node: ast.Attribute) -> Any:
        if not isinstance(node.value, ast.Name) or node.value.id != "math":
            raise ValueError("attributes do not belong in a condition")
        return MATH_CONSTANTS[node.attr]

    def call(self, node: ast.Call) -> Any:
        match node.func:
            case ast.Name(id=name):
                function = FUNCTIONS[name]
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                function = MATH_FUNCTIONS[name]
            case _:
                raise ValueError("only named functions belong in a condition")
        named = {keyword.arg or "": self.value(keyword.value) for keyword in node.keywords}
        return function(*self.values(node.args), **named)

    def generator(self, node: ast.GeneratorExp | ast.ListComp) -> Iterator[Any]:
        (comprehension,) = node.generators
        source = self.value(comprehension.iter)
        return self._generated(node.elt, comprehension, source)

    def _generated(self, element: ast.expr, comprehension: ast.comprehension, source: Any) -> Iterator[Any]:
        outer = self._variables
        target = comprehension.target
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        for item in source:
            items = [item] if isinstance(target, ast.Name) else list(item)
            # Every item by itself: an outer generator may go on between two of them.
            self._variables = outer | dict(zip(names, items, strict=True))
            try:
                wanted = all(truth(self.value(test)) for test in comprehension.ifs)
                value = self.value(element) if wanted else None
            finally:
                self._variables = outer
            if wanted:
                yield value


_NODES: dict[type[ast.expr], Callable[[_Evaluation, Any], Any]] = {
    ast.Constant: _Evaluation.constant,
    ast.Name: _Evaluation.name,
    ast.BoolOp: _Evaluation.boolean,
    ast.Compare: _Evaluation.comparison,
    ast.UnaryOp: _Evaluation.unary,
    ast.BinOp: _Evaluation.binary,
    ast.List: lambda evaluation, node: evaluation.values(node.elts),
    ast.Tuple: lambda evaluation, node: tuple(evaluation.values(node.elts)),
    ast.Set: lambda evaluation, node: set(dict.fromkeys(hashable(evaluation.values(node.elts)))),
    ast.Dict: _Evaluation.mapping,
    ast.Subscript: _Evaluation.subscript,
    ast.Slice: _Evaluation.span,
    ast.Attribute: _Evaluation.attribute,
    ast.Call: _Evaluation.call,
    ast.GeneratorExp: _Evaluation.generator,
    ast.ListComp: lambda evaluation, node: list(evaluation.generator(node)),
}
