"""Comparison of returned values."""

import datetime
import json
import math
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.judging import compare_values


class Opaque:
    """Stands for what came back and is no data: equal to nothing, not even to itself."""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


def accepts(expected: object, actual: object, *, from_json: bool = True) -> bool:
    return compare_values(expected, actual, from_json=from_json) is None


def nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


FROM_JSON = [
    pytest.param([1, [2, 3]], (1, (2, 3)), True, id="a tuple is a list"),
    pytest.param([1, 2], [1, 2, 3], False, id="a prefix is not the value"),
    pytest.param([], (), True, id="empty ones too"),
    pytest.param([1, 2], {1, 2}, False, id="a set is no list"),
    pytest.param([1, 2], deque([1, 2]), False, id="nor is a deque"),
    pytest.param("ab", ["a", "b"], False, id="nor is a text"),
    pytest.param({"1": "a"}, {1: "a"}, True, id="JSON has no integer keys"),
    pytest.param({"1.5": 0, "true": 1, "null": 2}, {1.5: 0, True: 1, None: 2}, True, id="nor other ones"),
    pytest.param({"1": "a"}, {1: "a", "1": "a"}, False, id="two keys with one text are two"),
    pytest.param({"a": 1}, {}, False, id="a missing key"),
    pytest.param({"a": 1}, {"b": 1}, False, id="another key"),
    pytest.param({"a": None}, {"b": None}, False, id="a key that is not there is not None"),
    pytest.param({"a": [1.0]}, {"a": (1.0000001,)}, True, id="all at once"),
    pytest.param(0.1, 0.1000001, True, id="a float may differ a little"),
    pytest.param(0.1, 0.1001, False, id="but not more"),
    pytest.param(1e20, 1.0000001e20, True, id="in relation to its size"),
    pytest.param(2.0, 2, True, id="an integer may stand for a float"),
    pytest.param(2, 2.0, True, id="and an equal float for an integer"),
    pytest.param(2, 2.0000001, False, id="which has no tolerance"),
    pytest.param(0.5, Decimal("0.5"), True, id="a Decimal is a number"),
    pytest.param(0.5, Fraction(1, 2), True, id="a Fraction, too"),
    pytest.param(0.5, Decimal("sNaN"), False, id="a signalling nan raises nothing"),
    pytest.param(1, Decimal("sNaN"), False, id="nowhere"),
    pytest.param(0.5, 10**400, False, id="an integer beyond all floats is far away"),
    pytest.param(0.5, "0.5", False, id="text is no number"),
    pytest.param(0.5, math.nan, False, id="nan is close to nothing"),
    pytest.param(math.nan, math.nan, True, id="but is met by nan"),
    pytest.param([math.nan], (float("nan"),), True, id="inside of lists"),
    pytest.param(math.inf, math.inf, True, id="as infinity is by infinity"),
    pytest.param(math.inf, -math.inf, False, id="of the same sign"),
    pytest.param(True, 1, True, id="True equals 1, as it does in Python"),
    pytest.param(1, True, True, id="both ways"),
    pytest.param(True, "True", False, id="but not its name"),
    pytest.param(None, None, True, id="None"),
    pytest.param(None, 0, False, id="None is not 0"),
    pytest.param([], None, False, id="nor an empty list"),
    pytest.param([1], [Opaque()], False, id="an opaque value is nothing"),
    pytest.param(Opaque(), Opaque(), False, id="not even another one"),
    pytest.param({"a": 1}, {Opaque(): 1}, False, id="nor is it a key"),
    pytest.param("\ud800", "\ud800", True, id="half of a surrogate pair"),
    pytest.param({str(10**50): 1}, {10**50: 1}, True, id="large keys"),
    pytest.param({"1": 1}, {10**5000: 1}, False, id="keys without a text"),
]


@pytest.mark.parametrize(("expected", "actual", "accepted"), FROM_JSON)
def test_values_that_came_as_json(expected: object, actual: object, accepted: bool) -> None:
    assert accepts(expected, actual) is accepted


EXACT = [
    pytest.param([1, 2], (1, 2), False, id="a tuple is no list"),
    pytest.param({"1": 1}, {1: 1}, False, id="keys keep their types"),
    pytest.param(0.1 + 0.2, 0.3, False, id="floats have no tolerance"),
    pytest.param(1, True, True, id="True equals 1"),
    pytest.param(2, 2.0, True, id="2 equals 2.0"),
    pytest.param({1, 2}, frozenset({2, 1}), True, id="sets"),
    pytest.param(datetime.date(2024, 1, 2), datetime.date(2024, 1, 2), True, id="dates"),
    pytest.param(1, Decimal("sNaN"), False, id="what raises when compared is not equal"),
    pytest.param(Opaque(), Opaque(), False, id="opaque is nothing"),
]


@pytest.mark.parametrize(("expected", "actual", "accepted"), EXACT)
def test_values_that_are_python(expected: object, actual: object, accepted: bool) -> None:
    assert accepts(expected, actual, from_json=False) is accepted


@pytest.mark.parametrize("from_json", [True, False])
def test_endless_nesting_does_not_hurt(from_json: bool) -> None:
    deep, other = nested(1, 100_000), nested(2, 100_000)
    assert not accepts(deep, other, from_json=from_json)
    assert accepts(deep, deep) or not from_json


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        (1, 2, "expected 1, returned 2"),
        ([[1, 2], [3]], [[1, 2], [4]], "at [1][0]: expected 3, returned 4"),
        ({"a": [0, 1]}, {"a": [0]}, "at ['a']: expected [0, 1], returned [0]"),
        (1, 10**5000, "expected 1, returned <int>"),
    ],
    ids=["a number", "a list in a list", "an object", "an integer without a text"],
)
def test_a_refusal_tells_where(expected: object, actual: object, said: str) -> None:
    assert compare_values(expected, actual, from_json=True) == said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
HOSTILE = st.recursive(
    st.none()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.decimals()
    | st.fractions()
    | st.dates()
    | st.just(Opaque()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.integers() | st.text(max_size=2) | st.booleans() | st.none() | st.floats(), inner, max_size=3
        )
        | st.frozensets(st.integers() | st.floats(), max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_a_value_that_went_through_json_is_still_itself(value: Any) -> None:
    assert accepts(json.loads(json.dumps(value)), value)


@given(JSON, HOSTILE, st.booleans())
def test_no_returned_value_makes_the_comparison_raise(expected: Any, actual: Any, from_json: bool) -> None:
    for left, right in ((expected, actual), (actual, expected)):
        reason = compare_values(left, right, from_json=from_json)
        assert reason is None or (len(reason) < 600 and reason.isprintable())


@given(JSON)
def test_what_is_accepted_exactly_is_accepted_from_json(value: Any) -> None:
    if accepts(value, value, from_json=False):
        assert accepts(value, value)
