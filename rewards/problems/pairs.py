"""The loop over `inputs` and `results` in the tests that EvalPlus's sets have on the hub, as calls.

Where it is the usual one, each pair becomes a call, whose value is compared on our side: it is `==` to the expected
one, or, where that is a float or a list of floats, within 1e-6 of it, absolute or relative (EvalPlus: absolute, or a
tenth of that relative). Any other test of theirs runs in the tester, without numpy where it needs no more of it than
what compares floats.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..cases import CallTest
from .literals import NotWrittenOutError, written_value

_NUMPY = """\
class np:
    ndarray, float64, float32 = (), None, None

    def allclose(found, wanted, rtol=1e-5, atol=1e-8, equal_nan=False):
        if isinstance(wanted, (list, tuple)):
            if not isinstance(found, (list, tuple)) or len(found) != len(wanted):
                return False
            return all(np.allclose(one, other, rtol, atol) for one, other in zip(found, wanted))
        if isinstance(found, (str, bytes, list, tuple)) or isinstance(wanted, (str, bytes)):
            return found == wanted
        return found == wanted or abs(found - wanted) <= atol + rtol * abs(wanted)

    class testing:
        def assert_allclose(found, wanted, rtol=1e-7, atol=0):
            assert np.allclose(found, wanted, rtol, atol)
"""
"""What these tests use of numpy, which may not be there where they run."""
_OF_NUMPY = ("ndarray", "float64", "float32", "allclose", "testing")


def paired_tests(
    tree: ast.Module, body: Sequence[ast.stmt], *, called: str, function: str = ""
) -> tuple[CallTest, ...]:
    """Return a call for each pair of `inputs` and `results`, or nothing where *body* is not EvalPlus's usual loop.

    The loop calls *called*, which stands for *function*.
    """
    lists = {name: value for node in body for name, value in _assigned(node)}
    loops = [node for node in body if isinstance(node, ast.For)]
    others = [node for node in body if not isinstance(node, ast.For) and not _assigned(node)]
    if len(loops) != 1 or any(map(_does_something, others)) or not _compares_as_usual(tree):
        return ()
    if ast.unparse(loops[0]) != _LOOP.format(called=called) or not {"inputs", "results"} <= lists.keys():
        return ()
    try:
        inputs, results = (written_value(lists[name]) for name in ("inputs", "results"))
        pairs = list(zip(inputs, results, strict=True))
        return tuple(
            CallTest(function or called, tuple(given), expected, from_json=_is_floats(expected))
            for given, expected in pairs
        )
    except (NotWrittenOutError, TypeError, ValueError):
        return ()


_LOOP = """\
for i, (inp, exp) in enumerate(zip(inputs, results)):
    assertion({called}(*inp), exp, 0)"""


def _assigned(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
    return []


def _does_something(node: ast.stmt) -> bool:
    return not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Pass)


def _compares_as_usual(tree: ast.Module) -> bool:
    """Say whether `assertion` starts from `out == exp`; for some tasks it compares sets, or not at all."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "assertion"]
    if len(found) != 1:
        return False
    match found[0].body:
        case [ast.Assign() as first, ast.If() as second, ast.If()]:
            usual = "atol == 0 and is_floats(exp)"
            return ast.unparse(first) == "exact_match = out == exp" and ast.unparse(second.test) == usual
    return False


def _is_floats(expected: object) -> bool:
    if isinstance(expected, list | tuple):
        return bool(expected) and all(isinstance(item, float) for item in expected)
    return isinstance(expected, float)


def without_numpy(tree: ast.Module, source: str) -> str:
    """Return test source with a stand-in for numpy, where it uses no more of it than to compare floats."""
    imports = [node for node in tree.body if ast.unparse(node) == "import numpy as np"]
    attributes = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    ]
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "np"]
    if len(imports) != 1 or len(uses) != len(attributes) or not set(attributes) <= set(_OF_NUMPY):
        return source
    body = [ast.parse(_NUMPY).body[0] if node is imports[0] else node for node in tree.body]
    return ast.unparse(ast.Module(body, []))
