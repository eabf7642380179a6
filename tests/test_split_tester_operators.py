"""What a program may say of its own objects does not decide a test, and honest programs of the same shape still pass.

Each row has a program that knows no answer, an honest one, and a test: the first is refused and the second accepted.
"""

from __future__ import annotations

import pytest
from plain_processes import split_outcomes
from test_split_tester_trust import SEND_ON_SOCKETS

from rewards.sandboxes.runner.names import classes_of_test, helpers_of_test

ZERO = """
class Z:
    def _zero(self, *args): return 0.0
    __sub__ = __rsub__ = __mod__ = __rmod__ = __xor__ = __abs__ = __neg__ = __divmod__ = __isub__ = __pow__ = _zero
    def _true(self, *args): return True
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _true
def f(*args):
    return Z()
"""
SQUARE = "def f(x):\n    return x * x\n"
CLASS_F = ZERO.replace("class Z", "class f").partition("def f")[0] + "    def __init__(self, x): pass\n"
PATCHED = (
    ZERO
    + """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        if 'OPERATIONS' in frame.f_globals:
            frame.f_globals['OPERATIONS']['about'] = lambda thing: [True, f, Z]
        frame = frame.f_back
    return Z()
"""
)
STOPPING = "def f(x):\n    raise {}\n"
VECTOR = """
class Vec:
    def __init__(self, x): self.x = x
    def __sub__(self, other): return Vec(self.x - other)
    def __abs__(self): return abs(self.x)
def f(v):
    return v.x * v.x
"""
ITSELF = """
class Vec:
    def __init__(self, x): self.x = 0
    def __sub__(self, other): return self
    def __abs__(self): return 0
    __float__ = __round__ = __rsub__ = __sub__
    def __lt__(self, other): return True
def f(v):
    return v
"""
UNITTEST = """
import unittest
class T(unittest.TestCase):
    def test_a(self):
        self.assertAlmostEqual(f(2), 4.0)
r = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromTestCase(T).run(r)
assert r.testsRun == 1 and r.wasSuccessful()
"""
ROWS = [
    pytest.param(ZERO, SQUARE, "assert abs(f(2) - 4) < 1e-6", id="a difference"),
    pytest.param(ZERO, SQUARE, "assert abs(4 - f(2)) < 1e-6", id="a difference from the other side"),
    pytest.param(ZERO, SQUARE, UNITTEST, id="assertAlmostEqual"),
    pytest.param(ZERO, SQUARE, "assert f(2) % 2 == 0", id="a remainder"),
    pytest.param(ZERO, SQUARE, "r = f(2)\nr -= 4\nassert r == 0", id="in place"),
    pytest.param(ZERO, SQUARE, "assert -f(2) <= 0 and abs(f(0)) == 0", id="a sign"),
    pytest.param(ZERO, "def f(x):\n    return x // 2, 0\n", "assert divmod(f(4)[0], 2) == (1, 0)", id="divmod"),
    pytest.param(VECTOR.replace("v.x * v.x", "v"), VECTOR, "assert abs(f(Vec(2)) - 4) < 1e-6", id="a named class"),
    pytest.param(ITSELF, VECTOR, "assert abs(f(Vec(2)) - 4) < 1e-6", id="an object of the test's own making"),
    pytest.param(ITSELF, VECTOR, "assert round(f(Vec(2)) - 4, 3) == 0", id="rounded"),
    pytest.param(ITSELF, VECTOR, "assert f(Vec(2)) < 5 and f(Vec(3)) > 5", id="order of a named class and data"),
    pytest.param(CLASS_F, "def f(x):\n    return [x]\n", "assert 4 in f(4)", id="a function that is a class, in"),
    pytest.param(CLASS_F, SQUARE, "assert f(2) <= 4 and f(2) >= 4", id="a function that is a class, order"),
    pytest.param(CLASS_F, SQUARE, "assert abs(f(2) - 4) < 1", id="a function that is a class, difference"),
    pytest.param(PATCHED, SQUARE, "assert 3 < f(2) <= 4", id="a patched runner"),
    pytest.param(PATCHED, SQUARE, "assert f(1) < f(2)", id="a patched runner, between objects"),
    pytest.param(
        STOPPING.format("StopIteration"),
        SQUARE,
        "for a, b in zip(map(f, [2, 3]), [4, 9]):\n    assert a == b",
        id="StopIteration in zip",
    ),
    pytest.param(
        STOPPING.format("StopIteration"),
        SQUARE,
        "assert all(map(lambda p: f(p[0]) == p[1], [(2, 4)]))",
        id="StopIteration in all",
    ),
    pytest.param(
        "class Own(StopIteration): pass\n" + STOPPING.format("Own"),
        SQUARE,
        "assert all(map(lambda p: f(p[0]) == p[1], [(2, 4)]))",
        id="a StopIteration of its own",
    ),
    pytest.param(
        "class math:\n    isclose = staticmethod(lambda *a: True)\ndef f(x): return 7.0\n__all__ = ['f', 'math']\n",
        "import math\n" + SQUARE,
        "import math\nfrom solution import *\nassert math.isclose(f(2), 4.0)",
        id="everything imported over the test's module",
    ),
    pytest.param(
        "def same(*a): return True\ndef f(x): return 7\n",
        SQUARE,
        "def same(a, b):\n    return a == b\nfrom solution import *\nassert same(f(2), 4)",
        id="everything imported over the test's function",
    ),
    pytest.param(
        "def isclose(*a): return True\ndef f(x): return 7\n",
        "from math import isclose\n" + SQUARE,
        "assert isclose(f(2), 4.0)",
        id="a comparison lent by the program",
    ),
    pytest.param(
        "class Counter:\n    def __init__(s, *a): s.x = 1\n    def __eq__(s, o): return True\ndef f(x): return x\n",
        "from collections import Counter\ndef f(x): return x + 'b'\n",
        "assert Counter(f('a')) == Counter('ab')",
        id="a container lent by the program",
    ),
    pytest.param(
        "class datetime:\n    strptime = staticmethod(lambda *a: 0)\ndef f(x): return 0\n",
        "from datetime import datetime\ndef f(x): return datetime(x, 1, 1)\n",
        "assert f(2020) == datetime.strptime('2020', '%Y')",
        id="a class that is named like its module",
    ),
]


@pytest.mark.parametrize(("hostile", "honest", "test"), ROWS)
def test_only_a_program_that_knows_the_answer_is_accepted(hostile: str, honest: str, test: str) -> None:
    (refused,) = split_outcomes(hostile, [test])
    (accepted,) = split_outcomes(honest, [test])
    assert (accepted.kind, accepted.detail) == ("passed", "")
    assert refused.kind in ("failed", "error")


def test_a_fake_numpy_is_not_the_tests() -> None:
    test = "for x, y in [(2, 4.0)]:\n    assert np.allclose(f(x), y)"
    fake = "class np:\n    allclose = staticmethod(lambda *a: True)\ndef f(x): return 3\n"
    (refused,) = split_outcomes(fake, [test])
    assert refused.kind in ("failed", "error")
    pytest.importorskip("numpy", reason="numpy is not installed in this environment: pip install numpy")
    (accepted,) = split_outcomes("import numpy as np\n" + SQUARE, [test])
    assert accepted.kind == "passed"


@pytest.mark.parametrize(
    ("program", "test"),
    [
        pytest.param(
            "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)\n",
            "r = f()\nassert isinstance(r, tuple) and not isinstance(r, list) and r.x == 1 and r + (3,) == (1, 2, 3)",
            id="a named tuple",
        ),
        pytest.param(
            "import enum\nclass E(enum.IntEnum):\n    A = 2\ndef f(): return E.A\n",
            "assert isinstance(f(), int) and f() + 1 == 3 and 7 % f() == 1 and -f() == -2 and [0, 0, 5][f()] == 5",
            id="an integer enum",
        ),
        pytest.param(
            "class L(list): pass\ndef f(): return L([1])\n",
            "assert isinstance(f(), list) and f() + [2] == [1, 2] and [0] + f() == [0, 1]",
            id="a list subclass",
        ),
        pytest.param(
            "class D(dict): pass\ndef f(): return D(a=1)\n",
            "from collections.abc import Mapping\nassert isinstance(f(), (set, dict)) and isinstance(f(), Mapping)",
            id="a dict subclass",
        ),
        pytest.param(
            "def f():\n    yield 1\n", "import types\nassert isinstance(f(), types.GeneratorType)", id="a generator"
        ),
        pytest.param(
            "import enum\nclass Perm(enum.Flag):\n    R = 1\n    W = 2\n",
            "assert Perm.R | Perm.W == Perm(3) and Perm.R in Perm(3)",
            id="flags",
        ),
        pytest.param(
            "class Tree:\n    class Leaf:\n        def __init__(s, n): s.n = n\n"
            "        def __lt__(s, o): return s.n < o.n\n",
            "assert Tree.Leaf(1) < Tree.Leaf(2)",
            id="a class within a class",
        ),
        pytest.param(VECTOR, "assert abs(Vec(-3)) == 3 and (Vec(3) - 1).x == 2", id="a named class"),
        pytest.param(
            "from math import *\nfrom collections import *\ndef f(s): return dict(Counter(s))\n",
            "assert f('aab') == Counter('aab') and sqrt(4) == 2",
            id="names from the program's imports",
        ),
        pytest.param(
            "def sqrt(x):\n    return int(x ** .5)\n", "assert sqrt(8) == 2", id="a well-known name under test"
        ),
        pytest.param(
            "class It:\n    def __init__(s): s.n = 0\n    def __iter__(s): return s\n"
            "    def __next__(s):\n        s.n += 1\n        if s.n > 2: raise StopIteration\n        return s.n\n",
            "i = It()\nassert list(i) == [1, 2]\ntry:\n    next(i)\n    assert False\nexcept StopIteration:\n    pass",
            id="an iterator that ends",
        ),
    ],
)
def test_an_honest_programs_objects_do_what_they_do_in_one_process(program: str, test: str) -> None:
    (outcome,) = split_outcomes(program, [test])
    assert (outcome.kind, outcome.detail) == ("passed", "")


@pytest.mark.parametrize("kind", ["StopIteration", "StopAsyncIteration", "GeneratorExit"])
def test_what_would_end_a_loop_of_the_tests_is_an_error_of_the_programs(kind: str) -> None:
    (outcome,) = split_outcomes(STOPPING.format(kind), ["f(1)"])
    assert (outcome.kind, outcome.program) == ("error", True)
    assert outcome.detail.startswith(f"RuntimeError: the program raised {kind}")


def test_a_flood_while_it_is_loaded_is_the_programs_fault() -> None:
    item = b'{"q":[[],null]}'
    count = (31 << 20) // (len(item) + 1)
    program = (
        f"import os, stat, struct\ndef f(x):\n{SEND_ON_SOCKETS}"
        f"    body = b'[\"loaded\",[' + b','.join([{item!r}] * {count}) + b']]'\n"
        "    send(struct.pack('=I', len(body)) + body)\nf(1)\n"
    )
    (outcome,) = split_outcomes(program, ["assert f(2) == 4"], memory_mb=256)
    assert (outcome.kind, outcome.program) == ("error", True)
    (outcome,) = split_outcomes(SQUARE, ["assert f(2) == 4"], memory_mb=256)
    assert outcome.kind == "passed"


def test_which_names_a_test_takes_from_the_library_depends_on_what_else_it_names() -> None:
    assert helpers_of_test(["assert isclose(f(2), sqrt(2))"], listed=[]) == ["isclose", "sqrt"]
    assert helpers_of_test(["assert isclose(1, 1)"], listed=[]) == []
    assert helpers_of_test(["assert isclose(1, 1) is g"], listed=["isclose"]) == []
    assert classes_of_test(["assert isinstance(x, (point, int)) and isinstance(f, f)"], listed=["f"]) >= {"point"}


def test_a_helper_that_neither_the_test_nor_the_program_imports_is_missing() -> None:
    """Its author ran the test that way, and saw it fail."""
    test = "for x in (1, 2):\n    assert f(x) == inf"
    without, with_import = "def f(x): return float('inf')", "from math import inf\ndef f(x): return inf"
    assert [split_outcomes(source, [test])[0].kind for source in (without, with_import)] == ["error", "passed"]
