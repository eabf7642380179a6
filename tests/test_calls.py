from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_processes import call_replies

from rewards.sandboxes.runner.calls import read_replies
from rewards.sandboxes.runner.encoding import Iterated, Opaque, encode

PROGRAM = """
import collections, dataclasses, functools, pickle, sys, typing

@dataclasses.dataclass
class Point:
    x: int

Pair = collections.namedtuple("Pair", "a b")

class Stack:
    def __init__(self):
        self.items = []
    def push(self, item):
        self.items.append(item)
        return self.items

stack = Stack()
count = 0

def add(a, b=1):
    return a + b
def counted():
    global count
    count += 1
    return count
def printing(x):
    print("noise", x)
    print("noise", x, file=sys.stderr)
    return x
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
def raised_limit(n):
    sys.setrecursionlimit(20_000)
    return deep(n)
def leave(code):
    sys.exit(code)
def out_of_memory():
    raise MemoryError
def huge(n):
    return "x" * n
def endless():
    n = 0
    while True:
        yield n
        n += 1
def generated(n):
    yield from range(n)
def pickled():
    return pickle.loads(pickle.dumps(Point(3))).x
def hints():
    return [name for name in typing.get_type_hints(Point)]
def reading():
    return sys.stdin.read()
def module():
    return __name__
class Odd(Exception):
    def __str__(self):
        raise ValueError
def odd():
    raise Odd
def nested(n):
    value = []
    for _ in range(n):
        value = [value]
    return value
def interrupted():
    raise KeyboardInterrupt
def mutated(items):
    items.append(4)
    return items
@functools.lru_cache
def cached(n):
    return n
"""


def test_calls_are_answered_in_order_with_data() -> None:
    replies = call_replies(
        PROGRAM,
        [("add", (1, 2), {}), ("add", (1,), {"b": 5}), ("add", ([1], [2]), {}), ("add", ((1,), (2,)), {})],
    )
    assert [reply.value for reply in replies] == [3, 6, [1, 2], (1, 2)]
    assert all(reply.kind == "returned" and reply.cpu_s >= 0 for reply in replies)


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        pytest.param("printing", (3,), 3, id="printing"),
        pytest.param("raised_limit", (5000,), 5000, id="a recursion limit of its own"),
        pytest.param("Stack().push", (1,), [1], id="a method of a fresh object"),
        pytest.param("stack.push", (1,), [1], id="a method of an object in the module"),
        pytest.param("pickled", (), 3, id="pickling its own class"),
        pytest.param("hints", (), ["x"], id="type hints of its own class"),
        pytest.param("reading", (), "", id="reading an empty stdin"),
        pytest.param("module", (), "solution", id="not being the main module"),
        pytest.param("mutated", ([3],), [3, 4], id="changing its argument"),
        pytest.param("Pair", (1, 2), (1, 2), id="a named tuple"),
        pytest.param("cached", (1,), 1, id="a decorated function"),
    ],
)
def test_ordinary_programs_work(function: str, args: tuple[object, ...], value: object) -> None:
    (reply,) = call_replies(PROGRAM, [(function, args, {})])
    assert (reply.kind, reply.value) == ("returned", value)


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        pytest.param("add", (1, "a"), "TypeError: unsupported operand", id="an exception"),
        pytest.param("deep", (100_000,), "RecursionError", id="deep recursion"),
        pytest.param("leave", (0,), "SystemExit: 0", id="leaving with code 0"),
        pytest.param("interrupted", (), "KeyboardInterrupt", id="an exception that is none"),
        pytest.param("odd", (), "Odd: <no text", id="an exception that cannot be printed"),
        pytest.param("absent", (), "NameError: name 'absent' is not defined", id="a function that is not there"),
        pytest.param("Stack().pop", (), "AttributeError", id="a method that is not there"),
    ],
)
def test_what_a_call_raises_is_told_and_the_next_call_is_answered(
    function: str, args: tuple[object, ...], error: str
) -> None:
    raised, after = call_replies(PROGRAM, [(function, args, {}), ("add", (1,), {})])
    assert raised.kind == "raised"
    assert str(raised.error).startswith(error)
    assert after.value == 2


def test_a_traceback_shows_the_lines_of_the_program() -> None:
    (reply,) = call_replies("def f():\n    return 1 / 0\n", [("f", (), {})])
    assert reply.error is not None
    assert reply.error.traceback == "line 2, in f: return 1 / 0"


def test_running_out_of_memory_is_marked() -> None:
    (reply,) = call_replies(PROGRAM, [("out_of_memory", (), {})])
    assert reply.error is not None
    assert reply.error.out_of_memory


def test_state_is_carried_from_call_to_call() -> None:
    assert [reply.value for reply in call_replies(PROGRAM, [("counted", (), {})] * 3)] == [1, 2, 3]


def test_an_answer_beyond_the_limit_is_replaced_by_its_size() -> None:
    large, after = call_replies(PROGRAM, [("huge", (10_000,), {}), ("add", (1,), {})], reply_limit=5000)
    assert large.kind == "too_large"
    assert after.value == 2


def test_a_generator_comes_back_as_what_it_yields_and_an_endless_one_is_cut_off() -> None:
    finite, endless = call_replies(PROGRAM, [("generated", (3,), {}), ("endless", (), {})])
    assert isinstance(finite.value, Iterated)
    assert list(finite.value) == [0, 1, 2]
    assert isinstance(endless.value, Iterated)
    assert not endless.value.complete


def test_an_object_comes_back_as_a_stand_in() -> None:
    point, deep = call_replies(PROGRAM, [("Point", (1,), {}), ("nested", (500,), {})])
    assert isinstance(point.value, Opaque)
    assert point.value.type_name == "Point"
    assert deep.kind == "returned"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param("def f(:\n", "SyntaxError", id="no Python"),
        pytest.param("1 / 0", "ZeroDivisionError", id="raising"),
        pytest.param("import sys\nsys.exit(0)", "SystemExit", id="leaving"),
        pytest.param("input()", "EOFError", id="asking for input"),
        pytest.param("x = '\ud800'", "UnicodeEncodeError", id="half a character"),
        pytest.param("\0", "", id="a null byte"),
    ],
)
def test_a_program_that_cannot_be_loaded_says_so_once(source: str, error: str) -> None:
    (reply,) = call_replies(source, [("f", (), {}), ("f", (), {})])
    assert reply.kind == "load_raised"
    assert str(reply.error).startswith(error)


def test_a_program_that_ends_its_process_leaves_the_rest_unanswered() -> None:
    source = "import os\ndef f(x):\n    return x if x < 2 else os._exit(0)\n"
    replies = call_replies(source, [("f", (x,), {}) for x in range(4)])
    assert [reply.value for reply in replies] == [0, 1]


def test_a_program_may_replace_what_the_runner_was_imported_with() -> None:
    source = "import json, os, time\njson.dumps = os.write = time.perf_counter = None\ndef f():\n    return [1]\n"
    (reply,) = call_replies(source, [("f", (), {})])
    assert reply.value == [1]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[]",
        b"null",
        encode(["returned"]),
        encode(["returned", 0, 0, 1]),
        encode(["returned", -1.0, 0.0, 1]),
        encode(["returned", float("nan"), 0.0, 1]),
        encode(["accepted", 0.0, 0.0, 1]),
        encode([["returned"], 0.0, 0.0, 1]),
        b'["returned",0.1,0.1,{"D":"x"}]',
    ],
)
def test_a_reply_that_no_runner_wrote_is_malformed(frame: bytes) -> None:
    (reply,) = read_replies(len(frame).to_bytes(4, "little") + frame)
    assert reply.kind == "malformed"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_replies(data: bytes) -> None:
    for reply in read_replies(data, limit=10):
        assert reply.kind in ("returned", "raised", "too_large", "load_raised", "malformed")


@pytest.mark.parametrize(
    "argument",
    [
        pytest.param(
            [1, -(2**70), 0.5, float("inf"), True, None, "é\ud800", b"\x00", (1, (2,)), {3}, {"k": [4]}], id="plain"
        ),
        pytest.param(deque([1, 2]), id="not plain"),
        pytest.param([bytearray(b"x")], id="what would come back as another type"),
    ],
)
def test_arguments_arrive_as_what_they_were(argument: object) -> None:
    """Plain ones take a faster way than the rest."""
    source = "def f(x):\n    return [type(x).__name__, repr(x), x]"
    (reply,) = call_replies(source, [("f", (argument,), {})])
    assert reply.value == [type(argument).__name__, repr(argument), argument]


def test_equal_arguments_are_two_objects() -> None:
    shared = [1]
    source = "def f(x, y):\n    x.append(2)\n    return y"
    (reply,) = call_replies(source, [("f", (shared, shared), {})])
    assert reply.value == [1]
