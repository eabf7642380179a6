"""Partial credit: a slope towards the right output, that nothing but the right output climbs to its end."""

from __future__ import annotations

import math
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.message_rewards.similarity import NEAREST, similarity


@pytest.mark.parametrize(
    ("expected", "actual", "low", "high"),
    [
        pytest.param("120", "120\n", 1.0, 1.0, id="equal but for white space"),
        pytest.param("a b\nc", " a  b c ", 1.0, 1.0, id="equal words"),
        pytest.param("", " \n", 1.0, 1.0, id="both empty"),
        pytest.param("15", "", 0.0, 0.0, id="silence is not the answer"),
        pytest.param("", "15", 0.0, 0.0, id="silence was wanted"),
        pytest.param("100", "100.05", 0.95, NEAREST, id="a number within 0.1 %"),
        pytest.param("100", "101", 0.9, 0.95, id="a number within 1 %"),
        pytest.param("100", "109", 0.7, 0.9, id="a number within 10 %"),
        pytest.param("100", "150", 0.2, 0.6, id="a number within 50 %"),
        pytest.param("100", "-100", 0.0, 0.0, id="the wrong sign"),
        pytest.param("100", "1e300", 0.0, 0.0, id="out of all proportion"),
        pytest.param("1e-300", "1e300", 0.0, 0.0, id="a ratio that no float holds"),
        pytest.param("0", "0.0", NEAREST, NEAREST, id="zero in another spelling"),
        pytest.param("0", "1", 0.0, 0.0, id="nothing is near to zero"),
        pytest.param("15", "nan", 0.0, 0.0, id="nan is near to nothing"),
        pytest.param("15", "inf", 0.0, 0.0, id="infinity is near to nothing"),
        pytest.param("inf", "1e308", 0.0, 0.0, id="nothing is near to infinity"),
        pytest.param("7", "9" * 100_000, 0.0, 0.0, id="a number of many digits"),
        pytest.param("[1, 2, 3]", "[1,2,3]", NEAREST, NEAREST, id="a list spaced in another way"),
        pytest.param("[1, 2, 3]", "[3, 2, 1]", 0.5, 0.8, id="a list in another order"),
        pytest.param("[1, 2, 3, 4]", "[1, 2, 3, 5]", 0.7, 0.8, id="three of four items"),
        pytest.param("['a', 'b']", '["a", "b"]', NEAREST, NEAREST, id="Python's list and JSON's"),
        pytest.param("[True]", "[1]", 0.0, 0.0, id="true is not one"),
        pytest.param("[1]", str(list(range(1000))), 0.0, 0.01, id="a list of every answer"),
        pytest.param("[1]", "[" * 5_000 + "]" * 5_000, 0.0, 0.0, id="a list of lists of lists"),
        pytest.param("[1]", "[" + "9" * 9_000 + "]", 0.0, 0.0, id="a list of a number of many digits"),
        pytest.param("[1]", "[1e999, NaN]", 0.0, 0.0, id="a list of no numbers"),
        pytest.param("[]", "[1]", 0.0, 0.0, id="an empty list"),
        pytest.param("hello world", "hello there world", 0.75, 0.85, id="a word too many"),
        pytest.param("a\nb\nc\nd", "a\nb\nx\nd", 0.7, 0.8, id="three of four lines"),
        pytest.param("a\nb\nc\nd", "header\na\nb\nc\nd", 0.85, 0.95, id="a line ahead of the right ones"),
        pytest.param("15", "\n".join(map(str, range(1000))), 0.0, 0.01, id="every answer printed"),
        pytest.param("a b c", "x y z", 0.0, 0.0, id="nothing in common"),
        pytest.param("a b", "a b " * 100_000, 0.0, 0.01, id="the answer, and a flood"),
    ],
)
def test_the_nearer_the_more(expected: str, actual: str, low: float, high: float) -> None:
    assert low <= similarity(expected, actual) <= high


_TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab 1\n[],.'-e", max_size=40),
    st.lists(st.integers() | st.floats() | st.booleans()).map(str),
    st.floats().map(str),
)


@settings(max_examples=300, deadline=None)
@given(_TEXTS, _TEXTS)
def test_a_score_is_finite_and_one_only_for_equal_words(expected: str, actual: str) -> None:
    score = similarity(expected, actual)
    assert math.isfinite(score)
    assert 0.0 <= score <= 1.0
    assert (score == 1.0) == (expected.split() == actual.split())


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        pytest.param("a b " * 250_000, "b a " * 250_000, id="words"),
        pytest.param("a\nb\n" * 250_000, "b\na\n" * 250_000, id="lines"),
        pytest.param(str(list(range(100_000))), str(list(range(100_000, 200_000))), id="lists"),
        pytest.param("x" * 1_000_000, "y" * 1_000_000, id="one word"),
        pytest.param("[" * 9_000, "]" * 9_000, id="brackets"),
        pytest.param(" " * 1_000_000 + "x", "y" + " " * 1_000_000, id="white space"),
    ],
)
def test_a_megabyte_takes_little_time_and_memory(expected: str, actual: str) -> None:
    """A character-by-character alignment of these would take terabytes of cells in the process that trains."""
    began = time.process_time()
    assert similarity(expected, actual) < 1.0
    assert time.process_time() - began < 5.0
    tracemalloc.start()
    similarity(expected, actual)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20
