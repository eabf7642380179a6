"""Split the expression of an assert into calls of the program and a condition over what they return.

The program is asked the calls, which hold nothing but arguments; the condition, which holds the expected values, is
evaluated on our side by `judging.conditions`, which knows the same kinds of expressions.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection
from typing import Any

from ..records import CallStep
from .literals import MATH_CONSTANTS, TYPES, NotWrittenOutError, written_value

_TAKING_NO_KEYWORDS = (
    *("abs", "all", "any", "bool", "complex", "dict", "divmod", "float", "frozenset", "int", "isinstance", "len"),
    *("list", "range", "reversed", "round", "set", "sum", "tuple", "type", "zip"),
)
FUNCTIONS: dict[str, frozenset[str]] = dict.fromkeys(_TAKING_NO_KEYWORDS, frozenset()) | {
    "sorted": frozenset({"reverse"}),
    "min": frozenset({"default"}),
    "max": frozenset({"default"}),
    "enumerate": frozenset({"start"}),
}
"""What a condition may call, with the keywords that it may use."""
MATH_FUNCTIONS: dict[str, frozenset[str]] = {
    "isclose": frozenset({"rel_tol", "abs_tol"}),
    **dict.fromkeys(("isnan", "isinf", "isfinite", "floor", "ceil", "sqrt", "fabs"), frozenset()),
}
_BUILTINS = frozenset(vars(builtins))
_SINGLETONS = (True, False, None, ...)
_RESERVED = re.compile(r"_\d+")
_CLASS_NAME = re.compile(r"([A-Z][a-z0-9]+)+")
"""Of a class, it may be: it then returns an object, of which a condition can tell only that it equals no data."""


class Lowering:
    """One expression being split. *names* are the program's even where they hide a builtin, *taken* are not its."""

    def __init__(self, names: Collection[str], taken: Collection[str]) -> None:
        self._names = names
        self._taken = set(taken) - set(names)
        self._variables: set[str] = set()
        self.calls: list[CallStep] = []

    def lower(self, node: ast.expr) -> ast.expr:
        """Return the condition; raises `NotWrittenOutError` for an expression that is not split."""
        condition = self._lower(node, certain=True, decides=True)
        functions = [call.function for call in self.calls]
        if len(set(functions)) > 1 or (len(functions) > 1 and _CLASS_NAME.fullmatch(functions[0])):
            raise NotWrittenOutError("what these return may be objects that only they can compare")
        return condition

    def _lower(self, node: ast.expr, *, certain: bool, decides: bool = False) -> ast.expr:
        """Lower *node*.

        *certain*: it is evaluated whatever the rest says, so that its calls may be made beforehand. *decides*: the
        assertion fails when it is false, so that what `and` and a chain of comparisons leave out does not matter.
        """
        match node:
            case ast.BoolOp(op=op, values=[first, *rest]):
                every = decides and isinstance(op, ast.And)
                lowered = [self._lower(first, certain=certain, decides=every)]
                lowered += [self._lower(value, certain=certain and every, decides=every) for value in rest]
                return ast.BoolOp(op, lowered)
            case ast.Compare():
                return self._comparison(node, certain=certain, decides=decides)
            case ast.Call():
                return self._called(node, certain=certain)
            case ast.GeneratorExp() | ast.ListComp() if len(node.generators) == 1:
                return self._comprehension(node, node.generators[0], certain=certain)
        return self._plain(node, certain=certain)

    def _plain(self, node: ast.expr, *, certain: bool) -> ast.expr:
        match node:
            case ast.Constant():
                return node
            case ast.Name(id=name) if name in self._variables:
                return node
            case ast.Name(id=name) if name in TYPES and not self._means_program(name) and name not in self._taken:
                return node
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in MATH_CONSTANTS:
                return self._of_math(node)
        return self._compound(node, certain=certain)

    def _compound(self, node: ast.expr, *, certain: bool) -> ast.expr:
        match node:
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self._lower(operand, certain=certain))
            case ast.BinOp(left=left, op=op, right=right) if not (isinstance(op, ast.MatMult) or _formats(node)):
                return ast.BinOp(self._lower(left, certain=certain), op, self._lower(right, certain=certain))
            case ast.List(elts=items):
                return ast.List([self._lower(item, certain=certain) for item in items], ast.Load())
            case ast.Tuple(elts=items):
                return ast.Tuple([self._lower(item, certain=certain) for item in items], ast.Load())
            case ast.Set(elts=items):
                return ast.Set([self._lower(item, certain=certain) for item in items])
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values, certain=certain)
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(self._lower(value, certain=certain), self._index(index), ast.Load())
        raise NotWrittenOutError(type(node).__name__)

    def _means_program(self, name: str) -> bool:
        return name in self._names or not (name in _BUILTINS or name in self._taken or name in self._variables)

    def _of_math(self, node: ast.expr) -> ast.expr:
        if "math" in self._taken or "math" in self._names:
            raise NotWrittenOutError("math")
        return node

    def _comparison(self, node: ast.Compare, *, certain: bool, decides: bool) -> ast.expr:
        sides = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(op, ast.Is | ast.IsNot) and not (_is_singleton(left) or _is_singleton(right)):
                raise NotWrittenOutError("identity of values that cross as copies")
        ordered = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)
        lower = self._lower if ordered else self._compared
        lowered = [lower(side, certain=certain) for side in sides[:2]]
        lowered += [lower(side, certain=certain and decides) for side in sides[2:]]
        return ast.Compare(lowered[0], node.ops, lowered[1:])

    def _compared(self, node: ast.expr, *, certain: bool) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id=name)) if self._means_program(name):
                return self._asked(name, node, certain=certain)
        return self._lower(node, certain=certain)

    def _dict(self, keys: list[ast.expr | None], values: list[ast.expr], *, certain: bool) -> ast.expr:
        if None in keys:
            raise NotWrittenOutError("**")
        lowered = [self._lower(key, certain=certain) for key in keys if key is not None]
        return ast.Dict([*lowered], [self._lower(value, certain=certain) for value in values])

    def _index(self, index: ast.expr) -> ast.expr:
        bounds = [index.lower, index.upper, index.step] if isinstance(index, ast.Slice) else [index]
        for bound in bounds:
            if bound is not None:
                written_value(bound, taken={*self._taken, *self._names})
        return index

    def _comprehension(
        self, node: ast.GeneratorExp | ast.ListComp, generator: ast.comprehension, *, certain: bool
    ) -> ast.expr:
        source = self._lower(generator.iter, certain=certain)
        targets = generator.target.elts if isinstance(generator.target, ast.Tuple) else [generator.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if generator.is_async or len(names) != len(targets) or any(map(_RESERVED.fullmatch, names)):
            raise NotWrittenOutError("a comprehension")
        outer = self._variables
        self._variables = outer | names
        lowered = [self._lower(test, certain=False) for test in generator.ifs]
        element = self._lower(node.elt, certain=False)
        self._variables = outer
        return type(node)(element, [ast.comprehension(generator.target, source, lowered, 0)])

    def _called(self, node: ast.Call, *, certain: bool) -> ast.expr:
        match node.func:
            case ast.Name(id=name) if self._means_program(name) and not _CLASS_NAME.fullmatch(name):
                return self._asked(name, node, certain=certain)
            case ast.Attribute(value=ast.Call(func=ast.Name(id=name), args=[], keywords=[]), attr=method) if (
                self._means_program(name)
            ):
                return self._asked(f"{name}().{method}", node, certain=certain)
            case ast.Name(id=name) if name in FUNCTIONS and name not in self._taken and name not in self._variables:
                return self._applied(node, FUNCTIONS[name], certain=certain)
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in MATH_FUNCTIONS:
                self._of_math(node)
                return self._applied(node, MATH_FUNCTIONS[name], certain=certain)
        raise NotWrittenOutError("a call")

    def _applied(self, node: ast.Call, keywords: frozenset[str], *, certain: bool) -> ast.expr:
        if any(keyword.arg not in keywords for keyword in node.keywords):
            raise NotWrittenOutError("a keyword")
        args = [self._lower(arg, certain=certain) for arg in node.args]
        named = [ast.keyword(keyword.arg, self._lower(keyword.value, certain=certain)) for keyword in node.keywords]
        return ast.Call(node.func, args, named)

    def _asked(self, function: str, node: ast.Call, *, certain: bool) -> ast.expr:
        if not certain or any(keyword.arg is None for keyword in node.keywords):
            raise NotWrittenOutError("a call that may not be made")
        taken = {*self._taken, *self._names, *self._variables}
        args: list[Any] = written_value(ast.List(node.args, ast.Load()), taken=taken)
        named = [(keyword.arg or "", written_value(keyword.value, taken=taken)) for keyword in node.keywords]
        self.calls.append(CallStep(function, tuple(args), tuple(named)))
        return ast.Name(f"_{len(self.calls) - 1}", ast.Load())


def _is_singleton(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return any(node.value is singleton for singleton in _SINGLETONS)
    return isinstance(node, ast.Name) and node.id in TYPES


def _formats(node: ast.BinOp) -> bool:
    """Say whether `%` fills in text: how long that becomes is up to the program, so it is not evaluated on our side."""
    return (
        isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str | bytes)
    )
