"""Tests that were written for one process pass and fail as they do there, with the program in another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_processes import split_outcomes

from rewards.sandboxes.runner.tester import read_outcomes

PROGRAM = """
import collections, dataclasses, enum, functools, json, math
import collections as kinds

LIMIT = 10
log = []

@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 0
    def moved(self, dx):
        return Point(self.x + dx, self.y)
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)
    def __rmul__(self, factor):
        return Point(factor * self.x, factor * self.y)

class Node:
    def __init__(self, value):
        self.value = value
        self.left = self.right = None

def height(node):
    return 0 if node is None else 1 + max(height(node.left), height(node.right))

class Stack:
    def __init__(self):
        self._items = []
    def push(self, item):
        self._items.append(item)
        return self
    def pop(self):
        return self._items.pop()
    def __len__(self):
        return len(self._items)
    def __iter__(self):
        return iter(self._items)
    def __getitem__(self, at):
        return self._items[at]
    def __setitem__(self, at, item):
        self._items[at] = item
    def __contains__(self, item):
        return item in self._items

class Bag(list):
    def total(self):
        return math.fsum(self)

class Colour(enum.Enum):
    RED = 1

class Level(enum.IntEnum):
    LOW = 1

Pair = collections.namedtuple("Pair", "a b")

class Problem(ValueError):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code

class WorseProblem(Problem):
    pass

class Opened:
    def __enter__(self):
        return 5
    def __exit__(self, kind, error, traceback):
        return kind is KeyError

def fail(code):
    raise WorseProblem(code)
def parse(text):
    return json.loads(text)
def sort_in_place(items):
    items.sort()
def grow(items, *, into):
    into["n"] = len(items)
    items[0].append(0)
def apply(function, *args):
    return function(*args)
def sort_by(key, items):
    return sorted(items, key=key)
def count_to(n):
    for i in range(n):
        yield i
def without(kind, items):
    return [item for item in items if not isinstance(item, kind)]
def counted(text):
    return collections.Counter(text)
def make_adder(n):
    return lambda x: x + n
def compose(*functions):
    return lambda x: functools.reduce(lambda value, function: function(value), functions, x)
def note(item):
    log.append(item)
    return LIMIT
def sum(a, b):
    return a * b
def all(items):
    return True
def identity(x):
    return x
def bag(*items):
    return Bag(items)
"""

PASSING = [
    pytest.param("assert height(None) == 0 and LIMIT == 10", id="functions and values"),
    pytest.param(
        "a = Node(1)\na.left = Node(2)\na.left.right = Node(3)\nassert height(a) == 3", id="a linked structure"
    ),
    pytest.param("a = Node(1)\na.left = b = Node(2)\nassert a.left is b and a.right is None", id="identity"),
    pytest.param("p = Point(1, 2)\np.x += 4\nassert p.moved(1).x == 6", id="attributes and methods"),
    pytest.param("assert Point(1, 2) == Point(1, 2) != Point(2, 1)", id="equality of values"),
    pytest.param("assert len({Point(1).x, Point(1).x}) == 1", id="sets of data"),
    pytest.param("assert Node(1) != Node(1)", id="no equality where the class has none"),
    pytest.param("assert Point(1, 2) + Point(1, 1) == Point(2, 3) and 2 * Point(1, 2) == Point(2, 4)", id="operators"),
    pytest.param("assert sorted([Point(2), Point(1)])[0].x == 1 and max(Point(1), Point(3)).x == 3", id="order"),
    pytest.param("assert repr(Point(1, 2)) == 'Point(x=1, y=2)' and f'{Point(1)}'.startswith('Point')", id="text"),
    pytest.param("assert isinstance(Point(1), Point) and not isinstance(Node(1), Point)", id="instances"),
    pytest.param("assert not isinstance(3, Point) and not isinstance(Point(1), (int, str))", id="no instances"),
    pytest.param(
        "s = Stack().push(1).push(2)\nassert len(s) == 2 and list(s) == [1, 2] and s[0] == 1", id="a container"
    ),
    pytest.param(
        "s = Stack().push(1)\ns[0] = 7\nassert s.pop() == 7 and not s and 7 not in s", id="changing a container"
    ),
    pytest.param("a, b = Pair(1, 2)\nassert Pair(1, 2) == (1, 2) and Pair(1, 2).b == b == 2", id="a named tuple"),
    pytest.param("assert {Pair(1, 'x'): 3}[(1, 'x')] == 3", id="a named tuple as a key"),
    pytest.param(
        "b = bag(1, 2)\nassert b == [1, 2] and b.total() == 3 and [1, 2] == b and b < [2]", id="a list subclass"
    ),
    pytest.param("assert Colour.RED is Colour.RED and Colour(1) == Colour.RED and Colour.RED.value == 1", id="an enum"),
    pytest.param("assert Level.LOW == 1 and Level.LOW < 2 and Level.LOW.name == 'LOW'", id="an integer enum"),
    pytest.param(
        "assert counted('aab') == {'a': 2, 'b': 1} and counted('aab').most_common(1) == [('a', 2)]", id="Counter"
    ),
    pytest.param("assert list(count_to(3)) == [0, 1, 2] and sorted(count_to(2)) == [0, 1]", id="a generator"),
    pytest.param(
        "g = count_to(9)\nassert next(g) == 0 and next(g) == 1 and len(list(g)) == 7", id="a generator, in steps"
    ),
    pytest.param("x = [3, 1]\nassert sort_in_place(x) is None and x == [1, 3]", id="an argument changed in place"),
    pytest.param(
        "i = [1]\nx, d = [i], {}\ngrow(x, into=d)\nassert d == {'n': 1} and i == [1, 0] and x[0] is i", id="nested"
    ),
    pytest.param(
        "assert sort_by(lambda x: -x, [1, 2]) == [2, 1] and sort_by(len, ['aa', 'b'])[0] == 'b'", id="a callback"
    ),
    pytest.param("seen = []\napply(seen.append, 3)\nassert seen == [3]", id="a bound method as a callback"),
    pytest.param("assert apply(apply, lambda f: apply(f, 2), lambda x: x + 1) == 3", id="callbacks within callbacks"),
    pytest.param("o = object()\nassert identity([o])[0] is o", id="an object of the test's comes back"),
    pytest.param("assert make_adder(2)(3) == 5 and compose(make_adder(1), str)(1) == '2'", id="functions returned"),
    pytest.param("assert without(int, [1, 'a']) == ['a'] and identity(dict) is dict", id="a builtin type as data"),
    pytest.param("assert sum([1, 2]) == 3 and not all([0])", id="builtins are the test's own"),
    pytest.param("assert math.isclose(kinds.Counter('a')['a'], 1)", id="modules that the program imported"),
    pytest.param(
        "try:\n    fail(3)\n    assert False\nexcept Problem as e:\n    assert e.code == 3 and str(e) == 'code 3'",
        id="an exception of the program's",
    ),
    pytest.param(
        "try:\n    fail(3)\nexcept ValueError as e:\n    assert isinstance(e, WorseProblem) and e.args == ('code 3',)",
        id="an exception by its builtin base",
    ),
    pytest.param(
        "try:\n    fail(3)\nexcept KeyError:\n    assert False\nexcept WorseProblem:\n    pass", id="not another"
    ),
    pytest.param(
        "import json\ntry:\n    parse('{')\n    assert False\nexcept json.JSONDecodeError:\n    pass",
        id="of the library",
    ),
    pytest.param(
        "def cb(x):\n    raise LookupError(x)\ntry:\n    apply(cb, 1)\nexcept LookupError as e:\n    assert e.args",
        id="an exception through the program",
    ),
    pytest.param("import copy\np = Point(1)\nq = copy.deepcopy(p)\nq.x = 2\nassert p.x == 1", id="a copy"),
    pytest.param("with Opened() as x:\n    assert x == 5\n    raise KeyError", id="a context manager"),
    pytest.param("from solution import Point as P, height\nassert P(1).x == 1 and height(None) == 0", id="an import"),
    pytest.param("import solution\nassert solution.LIMIT == 10 and not hasattr(solution, 'nothing')", id="the module"),
    pytest.param("from solution import *\nassert Stack() is not None and sum([1]) == 1", id="everything"),
    pytest.param("def check(candidate):\n    assert candidate(None) == 0\ncheck(height)", id="a check function"),
    pytest.param(
        "import dataclasses\n@dataclasses.dataclass\nclass Own:\n    x: int\nassert Own(1) == Own(1)", id="own classes"
    ),
    pytest.param("assert type(identity((1, [2]))) is tuple and identity({1: {2}}) == {1: {2}}", id="types of data"),
]


@pytest.mark.parametrize("test", PASSING)
def test_what_holds_in_one_process_holds_in_two(test: str) -> None:
    (outcome,) = split_outcomes(PROGRAM, [test])
    assert (outcome.kind, outcome.detail) == ("passed", "")


def test_sources_share_a_namespace_and_are_judged_one_by_one() -> None:
    sources = ["x = height(None)", "assert x == 1, 'too low'", "assert x == 0", "y +", "assert z"]
    outcomes = split_outcomes(PROGRAM, sources, setup="z = Node(1)")
    assert [outcome.kind for outcome in outcomes] == ["passed", "failed", "passed", "error", "passed"]
    assert outcomes[1].detail == "[line 1: assert x == 1, 'too low'] too low"


def test_a_setup_that_raises_fails_every_source() -> None:
    outcomes = split_outcomes(PROGRAM, ["assert True", "assert True"], setup="fail(1)")
    assert [(outcome.kind, outcome.program) for outcome in outcomes] == [("error", True)] * 2


def test_values_of_the_program_are_fetched_for_each_source() -> None:
    outcomes = split_outcomes(PROGRAM, ["assert log == [] and note(3) == LIMIT", "assert log == [3]"])
    assert [outcome.kind for outcome in outcomes] == ["passed", "passed"]


def test_a_listed_name_is_the_programs_where_it_hides_a_builtin() -> None:
    (outcome,) = split_outcomes(PROGRAM, ["assert sum(3, 4) == 12"], names=["sum"])
    assert outcome.kind == "passed"


@pytest.mark.parametrize(
    ("test", "kind", "program"),
    [
        pytest.param("assert height(None) == 1", "failed", False, id="an assertion that does not hold"),
        pytest.param("fail(1)", "error", True, id="an exception of the program's"),
        pytest.param("assert absent(1) == 1", "error", True, id="a name that is nowhere"),
        pytest.param("1 / 0", "error", False, id="an exception of the test's"),
        pytest.param("class Own(Node):\n    pass", "error", False, id="a subclass of a class of the program's"),
        pytest.param("height(", "error", False, id="a test that is no Python"),
        pytest.param("raise SystemExit(0)", "error", False, id="a test that leaves"),
        pytest.param("apply(lambda: 1 / 0)", "error", False, id="an exception of the test's through the program"),
        pytest.param("def cb():\n    assert 0\napply(cb)", "failed", False, id="an assertion through the program"),
    ],
)
def test_whose_fault_an_outcome_is(test: str, kind: str, program: bool) -> None:
    (outcome,) = split_outcomes(PROGRAM, [test])
    assert (outcome.kind, outcome.program) == (kind, program)


def test_an_array_crosses_as_an_array() -> None:
    pytest.importorskip("numpy", reason="numpy is not installed in this environment: pip install numpy")
    program = "import numpy as np\ndef f(n):\n    return np.arange(n) * 2\ndef clear(a):\n    a[:] = 0\n"
    tests = ["assert (f(3) == np.array([0, 2, 4])).all()", "a = np.ones(2)\nclear(a)\nassert a.sum() == 0"]
    assert [outcome.kind for outcome in split_outcomes(program, tests)] == ["passed", "passed"]


@given(st.binary(max_size=200))
def test_no_bytes_but_a_testers_are_a_pass(data: bytes) -> None:
    assert all(outcome.kind != "passed" for outcome in read_outcomes(data))
