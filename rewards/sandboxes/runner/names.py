"""Which names of a test's source may mean the program's, and which modules the test can have for itself."""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from types import ModuleType

_BUILTINS = frozenset(vars(builtins))
_NEVER_IMPORTED = frozenset({"antigravity", "idlelib", "test", "this", "turtledemo"})
"""Importing these does something that can be seen, or nothing that a test could mean."""


def names_of_program(sources: Iterable[str], *, listed: Iterable[str]) -> list[str]:
    """Return the names that *sources* read and the program may define, in order.

    A builtin is the program's only where it is *listed*: a program must not be able to redefine what `all` and
    `isinstance` mean in a test. Nor can it stand in for a module of the standard library in `math.isclose(...)`.
    """
    listed = set(listed)
    names = dict.fromkeys(sorted(listed))
    for tree in _trees(sources):
        names |= dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    own_modules = set(modules_of_test(sources, listed=listed))
    return [name for name in names if name in listed or not (name in _BUILTINS or name in own_modules)]


def modules_of_test(sources: Iterable[str], *, listed: Iterable[str]) -> list[str]:
    """Return the standard library's modules whose attributes *sources* use without binding the name themselves."""
    used: set[str] = set()
    bound: set[str] = set(listed)
    for tree in _trees(sources):
        for node in ast.walk(tree):
            bound |= _bound_by(node)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.add(node.value.id)
    return sorted((used - bound) & (sys.stdlib_module_names - _NEVER_IMPORTED))


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
    return set()


def _trees(sources: Iterable[str]) -> Iterable[ast.Module]:
    for source in sources:
        try:
            yield ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):  # it says so itself when it is run
            continue


def import_afresh(name: str) -> ModuleType | None:
    """Return the module of a name that the program gave, if it is one that the program cannot have written."""
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    top = name.partition(".")[0]
    if top in _NEVER_IMPORTED or not (top in sys.stdlib_module_names or _is_installed(top)):
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _is_installed(top: str) -> bool:
    here = os.path.realpath(".")
    places = [place for place in sys.path if place and os.path.realpath(place) != here]
    return PathFinder.find_spec(top, places) is not None
