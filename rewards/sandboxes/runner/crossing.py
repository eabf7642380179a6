"""How exceptions cross the channel: builtin ones as themselves, others as classes of the same name and builtin base.

The *tree* of an exception class is its name, for a builtin one; `[module, name]` for one of the standard library; else
`[number, name, [trees of its bases]]`.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from .encoding import TooLarge, encode, type_name
from .solution import message_of

BUILTIN_EXCEPTIONS: dict[str, type[BaseException]] = {
    name: thing
    for name, thing in vars(builtins).items()
    # A group cannot be made without the exceptions in it.
    if isinstance(thing, type) and issubclass(thing, BaseException) and not issubclass(thing, BaseExceptionGroup)
}
_BUILTIN_NAMES = {id(kind): name for name, kind in BUILTIN_EXCEPTIONS.items() if kind.__name__ == name}
_MAX_ARGUMENTS = 1 << 18
_bases_of = type.__dict__["__bases__"].__get__

Tree = Any
"""Nested lists, as above: what an untrusted sender makes of it is checked where classes are made."""


def class_tree(kind: type, keep: Callable[[object], int]) -> Tree:
    """Return the tree of an exception class, for `ExceptionClasses.build` on the other side."""
    if id(kind) in _BUILTIN_NAMES:
        return _BUILTIN_NAMES[id(kind)]
    module = str(getattr(kind, "__module__", ""))
    if _from_standard_library(module) and getattr(sys.modules.get(module), kind.__name__, None) is kind:
        return [module, kind.__name__]
    bases = [base for base in _bases_of(kind) if issubclass(base, BaseException)]
    return [keep(kind), type_name(kind), [class_tree(base, keep) for base in bases]]


def describe_crossing(
    error: BaseException, keep: Callable[[object], int], handle: Callable[[object], int | None]
) -> list[Any]:
    """Return an exception's tree, arguments, number and text."""
    arguments = list(BaseException.__dict__["args"].__get__(error))
    try:
        encode(arguments, handle=handle, limit=_MAX_ARGUMENTS)
    except TooLarge:
        arguments = []
    return [class_tree(type(error), keep), arguments, handle(error), message_of(error)]


def builtin_base(error: BaseException) -> str:
    """Return the name of the builtin exception that *error* is a kind of."""
    return next(kind.__name__ for kind in type(error).__mro__ if BUILTIN_EXCEPTIONS.get(kind.__name__) is kind)


def _from_standard_library(module: str) -> bool:
    # Test frameworks act on exceptions of their own: a program must not end a test by raising `SkipTest`.
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names and top not in ("unittest", "doctest", "bdb")


class ExceptionClasses:
    """The classes made here for the exceptions of the other side, one for each of theirs."""

    def __init__(self, attribute: Callable[[int, str], object]) -> None:
        self._attribute = attribute
        self._made: dict[int, type[BaseException]] = {}
        self._numbers: dict[int, int] = {}

    def number_of(self, kind: object) -> int | None:
        """Return the other side's number for a class that was made here."""
        return self._numbers.get(id(kind))

    def build(self, tree: Tree) -> type[BaseException]:
        """Return the class for *tree*; raises TypeError or ValueError for a tree that no honest sender makes."""
        match tree:
            case str(name) if name in BUILTIN_EXCEPTIONS:
                return BUILTIN_EXCEPTIONS[name]
            case [str(module), str(name)] if _from_standard_library(module):
                return _loaded_class(module, name)
            case [int(number), str(name), [*bases]] if number >= 0:
                if number not in self._made:
                    self._made[number] = self._make(name, bases)
                    self._numbers[id(self._made[number])] = number
                return self._made[number]
        raise ValueError("not an exception's class")

    def instance(self, tree: Tree, arguments: list[Any], number: int | None, text: str) -> BaseException:
        """Return an exception of that class, which asks the other side for the attributes that it lacks."""
        kind = self.build(tree)
        if isinstance(tree, str):
            try:
                return kind(*arguments)
            except Exception:  # noqa: BLE001 - some builtin ones want other arguments than they show
                return kind(text)
        error = kind.__new__(kind)
        error.args = tuple(arguments)
        if isinstance(tree[0], int):
            error.__dict__.update(_proxy_text=text, _proxy_number=number)
        return error

    def _make(self, name: str, bases: list[Tree]) -> type[BaseException]:
        attribute = self._attribute

        def text_of(self: BaseException) -> str:
            return str(self.__dict__.get("_proxy_text", ", ".join(map(str, self.args))))

        def attribute_of(self: BaseException, name: str) -> object:
            number = self.__dict__.get("_proxy_number")
            if number is None:
                raise AttributeError(name)
            return attribute(number, name)

        body = {"__str__": text_of, "__getattr__": attribute_of, "__module__": "solution"}
        return type(name, tuple(self.build(base) for base in bases) or (Exception,), body)


def _loaded_class(module: str, name: str) -> type[BaseException]:
    # Only what is loaded anyway: nothing is imported because a program says so.
    kind = vars(sys.modules.get(module, object)).get(name)
    if isinstance(kind, type) and issubclass(kind, Exception):
        return kind
    return Exception
