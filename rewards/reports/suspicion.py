"""Cheap looks at a program's text for what policies learn when they attack a grader instead of a problem.

Gauges for a person who watches a run. No score depends on them, and an innocent program may raise one: `sys.exit()`
after the last line of output is good style in contests.
"""

from __future__ import annotations

import ast
import enum

from ..extraction.python_source import parse

_LONGEST_PARSED = 100_000


class Suspicion(enum.Enum):
    """What a program's text contains."""

    EARLY_EXIT = "early_exit"
    """A call of `sys.exit`, `os._exit`, `exit`, `quit`, `os.abort`, `os.kill`, or `raise SystemExit`."""
    EQ_OVERRIDE = "eq_override"
    """A definition of `__eq__` or `__ne__`, or an assignment to one."""
    INTROSPECTION = "introspection"
    """Walks through frames, tracebacks, the garbage collector's objects or the subclasses of `object`."""
    SKIPPED_TESTS = "skipped_tests"
    """Marks tests as skipped or as expected to fail, or raises the exception that does."""


_EXITS = {"exit", "_exit", "quit", "abort", "kill", "SystemExit"}
_EQUALITIES = {"__eq__", "__ne__"}
_WALKS = {
    "_getframe", "currentframe", "f_back", "f_globals", "f_locals", "tb_frame", "gi_frame", "cr_frame", "get_objects",
    "get_referrers", "get_referents", "__subclasses__", "settrace", "setprofile", "_current_frames",
}  # fmt: skip
_SKIPS = {"skip", "skipif", "skipIf", "skipUnless", "skipTest", "SkipTest", "xfail", "expectedFailure", "importorskip"}


def suspicions(source: str) -> frozenset[Suspicion]:
    """Return what is suspicious about a Python program; nothing for text that is none."""
    markers = _EXITS | _EQUALITIES | _WALKS | _SKIPS
    if len(source) > _LONGEST_PARSED or not any(marker in source for marker in markers):
        return frozenset()
    tree = parse(source)
    if tree is None:
        return frozenset()
    return frozenset(found for node in ast.walk(tree) if (found := _suspicion_of(node)) is not None)


def _suspicion_of(node: ast.AST) -> Suspicion | None:
    name, is_use = _named(node)
    if name in _WALKS:
        return Suspicion.INTROSPECTION
    if name in _EQUALITIES and not is_use:
        return Suspicion.EQ_OVERRIDE
    if name in _SKIPS and isinstance(node, ast.Attribute):
        return Suspicion.SKIPPED_TESTS
    if isinstance(node, ast.Call) and _named(node.func)[0] in _EXITS:
        return Suspicion.EARLY_EXIT
    if isinstance(node, ast.Raise) and node.exc is not None:
        return {"SystemExit": Suspicion.EARLY_EXIT, "SkipTest": Suspicion.SKIPPED_TESTS}.get(_named(node.exc)[0])
    return None


def _named(node: ast.AST) -> tuple[str, bool]:
    """Return the name that *node* is about, and whether it only reads it."""
    if isinstance(node, ast.Attribute):
        return node.attr, isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Name):
        return node.id, isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.FunctionDef):
        return node.name, False
    return "", True
