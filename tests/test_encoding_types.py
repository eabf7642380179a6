"""How values of particular types cross: subclasses, iterators, the standard library's containers, numpy."""

from __future__ import annotations

import enum
import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy
import pytest

from rewards.sandboxes.runner.encoding import ArrayData, Iterated, Opaque, decode, encode
from rewards.sandboxes.runner.rebuilding import decode_live


class Liar(int):
    """Says of itself that it is whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__

    def __index__(self) -> int:
        return 7

    def __str__(self) -> str:
        return "7"

    @property
    def __class__(self) -> type:
        return str


class LyingText(str):
    def __str__(self) -> str:
        return "what was expected"

    def __getitem__(self, index: object) -> str:
        return "what was expected"


class LyingList(list):
    def __iter__(self) -> Iterator[Any]:
        return iter([1, 2, 3])

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: object) -> Any:
        return [1, 2, 3]


class LyingDict(dict):
    def items(self) -> Any:
        return {"a": 1}.items()

    def __iter__(self) -> Iterator[Any]:
        return iter("a")


class LyingTuple(tuple):
    def __iter__(self) -> Iterator[Any]:
        return iter((1, 2))


class LyingSet(set):
    def __iter__(self) -> Iterator[Any]:
        return iter((1, 2))


class Level(enum.IntEnum):
    LOW = 1


Point = namedtuple("Point", "x y")


class Meta(type):
    def __eq__(cls, other: object) -> bool:
        return True

    def mro(cls) -> list[type]:
        return [cls, object]


class Disguised(metaclass=Meta):
    __class__ = int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(Liar(3), 3, id="an int that equals everything"),
        pytest.param(LyingText("x"), "x", id="a str that prints as another"),
        pytest.param(LyingList([9]), [9], id="a list that iterates as another"),
        pytest.param(LyingDict(z=0), {"z": 0}, id="a dict that lists other items"),
        pytest.param(LyingTuple((9,)), (9,), id="a tuple that iterates as another"),
        pytest.param(LyingSet({9}), {9}, id="a set that iterates as another"),
        pytest.param(Level.LOW, 1, id="an IntEnum"),
        pytest.param(Point(1, 2), (1, 2), id="a named tuple"),
        pytest.param(Counter("aab"), {"a": 2, "b": 1}, id="a Counter"),
        pytest.param(defaultdict(list, a=[1]), {"a": [1]}, id="a defaultdict"),
        pytest.param(OrderedDict(a=1), {"a": 1}, id="an OrderedDict"),
        pytest.param(numpy.int64(3), 3, id="a numpy integer"),
        pytest.param(numpy.float32(0.5), 0.5, id="a numpy float"),
        pytest.param(numpy.bool_(True), True, id="a numpy truth value"),
        pytest.param(numpy.str_("a"), "a", id="a numpy text"),
        pytest.param(memoryview(b"ab"), b"ab", id="a view of bytes"),
        pytest.param({Level.LOW: [Liar(2)]}, {1: [2]}, id="subclasses inside containers"),
    ],
)
def test_a_subclass_is_read_as_the_builtin_type_that_it_is(value: object, expected: object) -> None:
    decoded = decode(encode(value))
    assert repr(decoded) == repr(expected)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        lambda: 1,
        Disguised(),
        type("Local", (), {}),
        math,
        1 << (1 << 21),
        Decimal("1e999999999"),
        range(10**30),
    ],
    ids=["object", "builtin", "lambda", "disguised", "class", "module", "huge int", "huge decimal", "huge range"],
)
def test_what_is_no_data_equals_nothing(value: object) -> None:
    opaque = decode(encode(value))
    assert isinstance(opaque, Opaque)
    assert opaque != value
    assert opaque != decode(encode(value))
    assert opaque not in ([], 0, "", None, True)


def test_an_endless_iterator_is_cut_off_and_says_so() -> None:
    endless = decode(encode(iter(int, 1)))
    assert isinstance(endless, Iterated)
    with pytest.raises(ValueError, match="end"):
        list(endless)


def test_an_iterator_that_raises_is_no_shorter_iterator() -> None:
    with pytest.raises(ValueError, match="end"):
        list(decode(encode(1 // (2 - x) for x in range(5))))


def test_iterators_and_views_are_good_for_iterating_over() -> None:
    decoded: Any = decode(encode([map(str, [1, 2]), {"a": 1}.keys(), zip("ab", [1, 2], strict=True)]))
    assert [list(items) for items in decoded] == [["1", "2"], ["a"], [("a", 1), ("b", 2)]]
    assert len(decoded[1]) == 1
    assert decoded[0] != ["1", "2"]
    with pytest.raises(TypeError):
        len(decoded[0])


def test_the_tester_gets_containers_of_the_original_kind() -> None:
    value = [Counter("aab"), defaultdict(list, a=[1]), OrderedDict(b=1, a=2), {"k": 1}.items()]
    counter, default, ordered, view = decode_live(encode(value))
    assert counter.most_common(1) == [("a", 2)]
    assert default["new"] == []
    assert list(ordered) == ["b", "a"]
    assert ("k", 1) in view


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(6).reshape(2, 3),
        numpy.array([[True], [False]]),
        numpy.array(1.5),
        numpy.zeros((0, 3)),
        numpy.array(["a", "bc"]),
        numpy.array([1 + 2j]),
        numpy.array([[1, 2], None], dtype=object),
    ],
    ids=["integers", "truth", "scalar", "empty", "text", "complex", "objects"],
)
def test_an_array_comes_back_as_nested_lists_or_as_an_array(array: Any) -> None:
    data = decode(encode(array))
    assert isinstance(data, ArrayData)
    assert data.tolist() == array.tolist()
    again: Any = decode_live(encode(array))
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tolist() == array.tolist()
    assert decode(encode(data)) == data


def test_an_array_has_no_truth_value_of_its_own() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        bool(decode(encode(numpy.array([1, 2]))))
