"""What can be told of Python source by parsing it: nothing is compiled and nothing is run.

Compiling is left to the sandbox, as a hostile source can make it take time exponential in its depth (nested `finally`
blocks); the parser's time is bounded by the length.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

MAX_PARSED_CHARS = 2**18
"""Longer source is not looked into: a quarter of a million characters can take the parser a second and 250 MB."""
_FILE = "<completion>"
_SILENCE = ("ignore", None, Warning, re.compile(_FILE), 0)
_ACTING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


@dataclass(frozen=True)
class Outline:
    """The names that a source defines, and those that it takes from elsewhere."""

    definitions: frozenset[str]
    """Functions, methods and classes."""
    bound: frozenset[str]
    """Every name that is defined, assigned, imported or an argument somewhere."""
    used: frozenset[str]
    acts: bool
    """Some statement does more than name a value: prose of a word or two is Python, too."""

    def depends_on(self, names: frozenset[str]) -> bool:
        """Tell whether the source uses one of *names* and never binds it."""
        return bool((self.used & names) - self.bound)


def parse(source: str) -> ast.Module | None:
    """Return the syntax tree, None when *source* is no Python or too long. Raises nothing, on any text."""
    if len(source) > MAX_PARSED_CHARS:
        return None
    # catch_warnings would touch what every thread of the trainer is warned of; this filter knows a made-up file only
    if not warnings.filters or warnings.filters[0] != _SILENCE:
        warnings.filterwarnings("ignore", module=_FILE)
    try:
        return ast.parse(source, _FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def is_python(source: str) -> bool:
    """Tell whether *source* parses as Python of the version that runs here and is at most `MAX_PARSED_CHARS` long."""
    return parse(source) is not None


def outline(source: str) -> Outline | None:
    """Return what *source* defines and uses, None when it does not parse."""
    tree = parse(source)
    if tree is None:
        return None
    definitions: set[str] = set()
    bound: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions.add(node.name)
        elif isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    acts = any(_acts(statement) for statement in tree.body)
    return Outline(frozenset(definitions), frozenset(bound | definitions), frozenset(used), acts)


def _acts(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return False
    if isinstance(statement, ast.AnnAssign):
        return statement.value is not None  # "Answer: yes" is an annotation
    if isinstance(statement, ast.Expr):
        return any(isinstance(node, _ACTING) for node in ast.walk(statement))
    return True


def joined_source(source: str, code_prompt: str) -> str:
    """Return one Python source of a prompt and what came after it: the body it leaves open, or a whole program.

    The first that parses of: both with a line end between them; both without, for a prompt that stops within a line;
    the prompt's open function closed by `pass`, for a signature without a docstring and a whole function; *source*
    alone. When none does, both with a line end between them, as whoever reads the error will expect.
    """
    future, rest = _future_imports(source)
    readings = (
        f"{future}{code_prompt}\n{rest}",
        f"{future}{code_prompt}{rest}",
        f"{future}{code_prompt.rstrip()} pass\n{rest}",
        source,
    )
    return next((reading for reading in readings if is_python(reading)), readings[0])


def _future_imports(source: str) -> tuple[str, str]:
    """Take the lines of `from __future__ import ...` out of *source*: they may stand nowhere but at the very top."""
    if "__future__" not in source:
        return "", source
    tree = parse(source)
    lines = source.split("\n")
    taken = []
    for node in tree.body if tree else ():
        if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
            continue
        names = ", ".join(alias.name for alias in node.names)
        if node.lineno == node.end_lineno and lines[node.lineno - 1].partition("#")[0].rstrip().endswith(names):
            lines[node.lineno - 1] = ""
            taken.append(f"from __future__ import {names}\n")
    return "".join(taken), "\n".join(lines)
