"""Tests in assert style: lowered to calls and a condition where that is possible, else left to a tester process.

What is lowered never lets the program's process see an expected value, and costs one call. The rest is run as it is
written, in a tester beside the program (see `records.AssertStep`).
"""

from __future__ import annotations

import ast
import builtins
import copy
import warnings
from collections.abc import Collection, Iterable, Sequence

from ..cases import AssertTest, CallTest
from ..errors import DatasetError
from .literals import NotWrittenOutError, written_value
from .lowering import Lowering
from .pairs import paired_tests, without_numpy

_BUILTINS = frozenset(vars(builtins))


def lower_assert(
    statement_source: str, *, names: Collection[str] = (), taken: Collection[str] = ()
) -> AssertTest | None:
    """Return the one assert statement in *statement_source* as calls and a condition, or None if it does not fit.

    *names* mean the program's even where they hide a builtin; *taken* are names that the test itself defines.
    """
    try:
        body = parse_test(statement_source).body
    except DatasetError:
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Assert):
        return None
    return _lowered(body[0], statement_source, names=names, taken=taken)


def lower_tests(sources: Sequence[str], *, setup: str = "", names: Collection[str] = ()) -> tuple[AssertTest, ...]:
    """Return one test for each of *sources*, as MBPP lists them; raises DatasetError for what is not Python.

    A source that needs the *setup*, which runs after the program, or does not fit, is for the tester. Where no *names*
    are given, a builtin counts as the program's when it is all that the sources call (MBPP has a task to write `sum`).
    """
    trees = [parse_test(source) for source in sources]
    for source, tree in zip(sources, trees, strict=True):
        if all(map(_decides_nothing, tree.body)):
            raise DatasetError(
                f"a test that only defines something, or asserts nothing, passes always: {source[:200]!r}"
            )
    names = tuple(names) or _hidden_builtin(trees)
    taken = names_bound_in(parse_test(setup))
    tests = []
    for source, tree in zip(sources, trees, strict=True):
        statement = tree.body[0] if len(tree.body) == 1 else None
        lowered = _lowered(statement, source, names=names, taken=taken) if isinstance(statement, ast.Assert) else None
        tests.append(lowered or AssertTest(source, setup=setup, names=names))
    return tuple(tests)


def read_check(test_source: str, entry_point: str) -> tuple[AssertTest | CallTest, ...]:
    """Return the tests in HumanEval's `check(candidate)`; raises DatasetError where there is no such function.

    *entry_point* is a global name or `Class().method`. One test for each assert if all of them can be lowered, or for
    each pair of EvalPlus's lists; else one that runs the whole in the tester.
    """
    tree = parse_test(test_source)
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if not checks:
        raise DatasetError("the test source defines no function check(candidate)")
    lowered = _lowered_check(tree, checks[-1], entry_point)
    if lowered:
        return lowered
    call = "" if any(_is_call_of_check(node) for node in tree.body) else f"\n\ncheck({entry_point})\n"
    return (AssertTest(without_numpy(tree, test_source).rstrip() + call, names=(_root(entry_point),)),)


def read_check_script(source: str) -> tuple[tuple[AssertTest | CallTest, ...], str | None]:
    """Return the tests in source that calls its own `check(...)`, and the name that it takes from the program.

    Source without such a call is one test that runs in the tester as it is.
    """
    tree = parse_test(source)
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id="check"), args=[asked], keywords=[])):
                entry_point = ast.unparse(asked)
                return read_check(source, entry_point), _root(entry_point)
    if all(map(_decides_nothing, tree.body)):
        raise DatasetError(
            "test code that only defines something, or asserts nothing, passes whatever the program does"
        )
    return (AssertTest(source),), None


def parse_test(source: str) -> ast.Module:
    """Return the syntax tree of test code; raises DatasetError for what is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a test is not the user's affair
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DatasetError(f"test code is not Python: {error}: {source[:200]!r}") from None


def names_bound_in(tree: ast.AST) -> set[str]:
    """Return every name that code binds somewhere; not `math`, where it is imported and means itself."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                bound |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases if not _is_math(alias)}
    return bound


def _is_math(alias: ast.alias) -> bool:
    return alias.name == "math" and alias.asname in (None, "math")


def _lowered(
    statement: ast.Assert, source: str, *, names: Collection[str], taken: Collection[str]
) -> AssertTest | None:
    lowering = Lowering(names, taken)
    try:
        condition = ast.unparse(ast.fix_missing_locations(lowering.lower(statement.test)))
    except (NotWrittenOutError, RecursionError):
        return None
    if not lowering.calls:
        return None
    return AssertTest(source, calls=tuple(lowering.calls), condition=condition, names=tuple(names))


def _hidden_builtin(trees: Iterable[ast.Module]) -> tuple[str, ...]:
    """Return the builtin that every test calls, if none calls anything else, and with written arguments only."""
    called: list[set[str]] = []
    for tree in trees:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if not all(
            isinstance(call.func, ast.Name) and call.func.id in _BUILTINS and _is_written(call) for call in calls
        ):
            return ()
        called.append({call.func.id for call in calls if isinstance(call.func, ast.Name)})
    common = set.intersection(*called) if called else set()
    return tuple(common) if len(common) == 1 else ()


def _is_written(call: ast.Call) -> bool:
    try:
        written_value(ast.List([*call.args, *(keyword.value for keyword in call.keywords)], ast.Load()))
    except NotWrittenOutError:
        return False
    return True


def _lowered_check(
    tree: ast.Module, check: ast.FunctionDef, entry_point: str
) -> tuple[AssertTest, ...] | tuple[CallTest, ...]:
    """Return a test for each assert in `check`, or nothing if any of its statements needs more."""
    asked = [node for node in tree.body if not _is_call_of_check(node, entry_point)]
    if len(check.args.args) != 1 or not all(map(_only_defines, asked)):
        return ()
    candidate = check.args.args[0].arg
    pairs = paired_tests(tree, check.body, called=candidate, function=entry_point)
    if pairs:
        return pairs
    root = _root(entry_point)
    taken = names_bound_in(tree) - {candidate, root}
    tests: list[AssertTest] = []
    for statement in check.body:
        if _says_nothing(statement, candidate):
            continue
        if not isinstance(statement, ast.Assert):
            return ()
        renamed = _Renamed(candidate, entry_point).visit(copy.deepcopy(statement))
        test = _lowered(renamed, ast.unparse(renamed), names=(root,), taken=taken)
        if test is None:
            return ()
        tests.append(test)
    return tuple(tests)


def _root(entry_point: str) -> str:
    return entry_point.partition("(")[0].partition(".")[0]


def _only_defines(statement: ast.stmt) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Assign)


def _decides_nothing(statement: ast.stmt) -> bool:
    """Say whether *statement* is a definition, or one of the usual slips: `f(1) == 2` or `assert (f(1) == 2, "no")`."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Compare()):
            return True
        case ast.Assert(test=ast.Tuple(elts=[_, *_])):
            return True
        case ast.Assert(test=ast.Constant(value=value)):
            return bool(value)
    return _only_defines(statement)


def _says_nothing(statement: ast.stmt, candidate: str) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant() | ast.Name()) | ast.Import():
            return True
        case ast.Assert(test=ast.Constant(value=value)):
            return bool(value)
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return not any(isinstance(node, ast.Name) and node.id == candidate for node in ast.walk(statement))
    return False


def _is_call_of_check(statement: ast.stmt, entry_point: str | None = None) -> bool:
    """Say whether a statement calls `check`, with the entry point where one is given."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="check"), args=[asked], keywords=[])):
            return entry_point is None or ast.unparse(asked) == entry_point
        case ast.Expr(value=ast.Call(func=ast.Name(id="check"))):
            return entry_point is None
    return False


class _Renamed(ast.NodeTransformer):
    """Writes the entry point where the test says `candidate`."""

    def __init__(self, candidate: str, entry_point: str) -> None:
        self._candidate = candidate
        self._entry_point = ast.parse(entry_point, mode="eval").body

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self._entry_point) if node.id == self._candidate else node
