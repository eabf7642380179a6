"""Which names of a test's source may mean the program's, and which modules the test can have for itself."""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from types import ModuleType

_BUILTINS = frozenset(vars(builtins))
_NEVER_IMPORTED = frozenset({"antigravity", "idlelib", "test", "this", "turtledemo"})
"""Importing these does something that can be seen, or nothing that a test could mean."""
_MODULES = {"np": "numpy", "numpy": "numpy", "pd": "pandas", "pandas": "pandas", "pytest": "pytest"} | {
    name: name for name in sys.stdlib_module_names - _NEVER_IMPORTED
}
_HELPERS = {
    "math": ("isclose", "sqrt", "fabs", "isnan", "isinf", "isfinite", "floor", "ceil", "pi", "inf", "nan"),
    "numpy": ("allclose", "array_equal"),
    "pytest": ("approx",),
    "collections": ("Counter", "OrderedDict", "defaultdict", "deque", "namedtuple"),
    "itertools": ("chain", "combinations", "permutations", "zip_longest"),
    "functools": ("partial", "reduce"),
    "copy": ("deepcopy",),
    "datetime": ("date", "datetime", "timedelta"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
}
_HELPER_MODULES = {name: module for module, names in _HELPERS.items() for name in names}
"""What tests compare with and compute expected values by, and hardly any task asks for."""


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
    """Return the well-known modules whose attributes *sources* use without binding the name themselves."""
    return sorted((_attributes_used(sources).keys() - names_bound(sources) - set(listed)) & _MODULES.keys())


def helpers_of_test(sources: Iterable[str], *, listed: Iterable[str]) -> list[str]:
    """Return the well-known functions and classes that *sources* use to check something else of the program's.

    A test of nothing else is a test of them: then they are the program's.
    """
    read = {node.id for tree in _trees(sources) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    read = read - names_bound(sources) - _BUILTINS - set(modules_of_test(sources, listed=listed)) | set(listed)
    helpers = (read & _HELPER_MODULES.keys()) - set(listed)
    return sorted(helpers) if read - helpers else []


def own_things(sources: Sequence[str], *, listed: Iterable[str]) -> dict[str, object]:
    """Return what *sources* mean by the names that are never asked of the program; None for what is not installed."""
    used = _attributes_used(sources)
    own: dict[str, object] = {}
    for name in modules_of_test(sources, listed=listed):
        own[name] = module = import_afresh(_MODULES[name])
        # `datetime.now()` means the class.
        if name in _HELPERS.get(name, ()) and not all(hasattr(module, attribute) for attribute in used[name]):
            own[name] = getattr(module, name)
    for name in helpers_of_test(sources, listed=listed):
        own[name] = getattr(import_afresh(_HELPER_MODULES[name]), name, None)
    return own


def classes_of_test(sources: Iterable[str], *, listed: Iterable[str]) -> set[str]:
    """Return the names that *sources* use as classes although they are not written like one."""
    found: set[str] = set()
    for tree in _trees(sources):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                    found |= {kind.id for kind in ast.walk(kinds) if isinstance(kind, ast.Name)}
    return found - set(listed)


def written_as_class(name: str) -> bool:
    """Return whether a name is written as classes are: a function under test is not."""
    return name.lstrip("_")[:1].isupper()


def names_bound(sources: Iterable[str]) -> set[str]:
    """Return every name that *sources* bind themselves."""
    return {name for tree in _trees(sources) for node in ast.walk(tree) for name in _bound_by(node)}


def _attributes_used(sources: Iterable[str]) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for tree in _trees(sources):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.setdefault(node.value.id, set()).add(node.attr)
    return used


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
    except (ImportError, PermissionError):  # not there, or not to be read from here
        return None


def _is_installed(top: str) -> bool:
    here = os.path.realpath(".")
    places = [place for place in sys.path if place and os.path.realpath(place) != here]
    return PathFinder.find_spec(top, places) is not None
