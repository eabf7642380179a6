from __future__ import annotations

import json
import pickle
import random
from collections import deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards.sandboxes.runner.encoding import (
    EncodingError,
    Opaque,
    TooLarge,
    decode,
    encode,
    read_frames,
)
from rewards.sandboxes.runner.rebuilding import decode_live

zones = st.one_of(st.none(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 200), 1 << 200),
    st.integers(-(1 << 4000), 1 << 4000),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters(min_codepoint=0xD700, max_codepoint=0xE010)),
    st.binary(),
    st.complex_numbers(),
    st.decimals(allow_nan=True).filter(lambda number: not number.is_snan() and len(str(number)) <= 1000),
    st.fractions(),
    st.dates(),
    st.datetimes(timezones=zones),
    st.times(timezones=zones),
    st.timedeltas(),
    st.sampled_from([int, str, ValueError, type(None), ..., NotImplemented]),
    st.builds(range, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 9)),
)
keys = st.one_of(
    st.integers(-(1 << 200), 1 << 200), st.text(), st.booleans(), st.none(), st.tuples(st.integers(-99, 99), st.text())
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(keys, inner),
        st.sets(keys),
        st.frozensets(keys),
        st.lists(inner).map(deque),
        st.binary().map(bytearray),
    )


values = st.recursive(scalars, _containers, max_leaves=30)


def _same(left: Any, right: Any) -> bool:
    """Return whether two values are the same to the last bit, which `==` does not tell of nan, -0.0 and types."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple | deque):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return all(_same(a, b) for a, b in zip(left.items(), right.items(), strict=True))
    if isinstance(left, datetime | time):
        return left == right and left.utcoffset() == right.utcoffset() and left.fold == right.fold
    if isinstance(left, float | complex | Decimal):
        return repr(left) == repr(right)
    return bool(left == right)


@given(values)
def test_data_comes_back_as_it_was(value: object) -> None:
    assert _same(decode(encode(value)), value)
    assert _same(decode_live(encode(value)), value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_or_an_encoding_error(data: bytes) -> None:
    _decoded_or_refused(data)


TAGS = (
    "n",
    "s",
    "t",
    "S",
    "F",
    "d",
    "m",
    "q",
    "c",
    "B",
    "Y",
    "r",
    "D",
    "Q",
    "dt",
    "da",
    "ti",
    "td",
    "tz",
    "b",
    "i",
    "nd",
    "o",
    "x",
)
json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=8),
        st.dictionaries(st.sampled_from(TAGS), inner, max_size=1),
    ),
    max_leaves=20,
)


@given(json_like)
def test_any_tags_around_anything_are_a_value_or_an_encoding_error(value: object) -> None:
    _decoded_or_refused(json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(values, st.randoms(use_true_random=False))
def test_a_damaged_value_is_a_value_or_an_encoding_error(value: object, chance: random.Random) -> None:
    data = bytearray(encode(value))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 3)] = chance.choice([b"", b'"', b"[", b"}", b"9", b"-", b"{", b"\xff", b"0x"])
        data = data or bytearray(b"0")
    _decoded_or_refused(bytes(data))


def _decoded_or_refused(data: bytes) -> None:
    for read in (decode, decode_live):
        try:
            read(data)
        except EncodingError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"D":"1e999999999"}', id="a decimal that is a gigabyte as an integer"),
        pytest.param('{"D":"sNaN"}', id="a decimal that raises when it is compared"),
        pytest.param('{"D":"' + "1" * 6000 + '"}', id="a decimal of too many digits"),
        pytest.param('{"Q":[1,0]}', id="a fraction over zero"),
        pytest.param('{"Q":[1,{"n":"0x' + "f" * 9000 + '"}]}', id="a fraction that takes long to reduce"),
        pytest.param('{"n":"0x' + "f" * 300_000 + '"}', id="an integer beyond the bound"),
        pytest.param('{"n":"12"}', id="an integer that is not hexadecimal"),
        pytest.param("1" * 5000, id="an integer of more digits than Python reads"),
        pytest.param('{"d":[[1],2]}', id="a list as a key"),
        pytest.param('{"d":[1]}', id="a key without a value"),
        pytest.param('{"S":[{"d":[]}]}', id="a dict in a set"),
        pytest.param('{"r":[0,1' + "0" * 15 + ",1]}", id="a range that takes for ever to search"),
        pytest.param('{"r":[0,10,0]}', id="a range without a step"),
        pytest.param('{"td":[999999999999,0,0]}', id="a duration that overflows"),
        pytest.param('{"da":99999999}', id="a day after the end of time"),
        pytest.param('{"ti":[25,0,0,0,0,null]}', id="an hour that no day has"),
        pytest.param('{"dt":[1,0,0,0,0,0,999999999999]}', id="an offset of more than a day"),
        pytest.param('{"q":[[1,2],1]}', id="a deque longer than itself"),
        pytest.param('{"nd":["<f8",[1000000000,0],[]]}', id="an array of a billion empty rows"),
        pytest.param('{"nd":["<f8",[3],[1.0]]}', id="an array with items missing"),
        pytest.param('{"nd":["|V8",[0],[]]}', id="an array of unknown things"),
        pytest.param('{"B":"=?"}', id="bytes that are not base 64"),
        pytest.param('{"b":"__import__"}', id="a builtin that is a function"),
        pytest.param('{"b":"BaseExceptionGroup"}', id="a class that is not listed"),
        pytest.param('{"t":1}', id="a tuple of no list"),
        pytest.param('{"t":[],"S":[]}', id="two tags"),
        pytest.param("{}", id="no tag"),
        pytest.param('{"zz":[]}', id="an unknown tag"),
        pytest.param('{"s":"zz"}', id="text that is not hexadecimal"),
        pytest.param('{"o":["x",1.5,true]}', id="an object without a number"),
        pytest.param("[" * 100_000, id="nesting that overflows a stack"),
        pytest.param("[" * 5000 + "]" * 5000, id="nesting that is closed again"),
        pytest.param('["\\"' + '\\"' * 50_000 + "[" * 1000, id="a quote without an end before brackets"),
        pytest.param("", id="nothing"),
        pytest.param("[1] 2", id="two values"),
    ],
)
def test_what_no_encoder_sends_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        decode(text.encode())
    with pytest.raises(EncodingError):
        decode_live(text.encode())


def test_integers_of_one_hash_are_refused_before_they_take_quadratic_time() -> None:
    modulus = (1 << 61) - 1
    numbers = ",".join(f'{{"n":"{hex(k * modulus)}"}}' for k in range(1, 20_000))
    for text in (f'{{"S":[{numbers}]}}', f'{{"F":[{numbers}]}}', '{"d":[' + numbers.replace("},", "},0,") + ",0]}"):
        with pytest.raises(EncodingError, match="same hash"):
            decode(text.encode())


def test_a_value_that_holds_itself_ends_in_a_stand_in() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    decoded: Any = decode(encode(cycle))
    assert decoded[0] == 1
    assert isinstance(decoded[1], Opaque)


def test_nesting_beyond_the_bound_ends_in_a_stand_in() -> None:
    value: Any = []
    for kind in range(3000):
        value = [value] if kind % 3 == 0 else (value,) if kind % 3 == 1 else {0: value}
    assert decode(encode(value)) != value
    for _ in range(100):
        value = next(iter(value.values() if isinstance(value, dict) else value))


def test_an_object_shared_a_million_times_is_too_large_before_it_is_built() -> None:
    value: Any = [0]
    for _ in range(40):
        value = [value, value]
    with pytest.raises(TooLarge):
        encode(value, limit=1 << 20)


def test_decoded_values_can_be_pickled() -> None:
    value = decode(encode([object(), iter([1]), numpy.arange(2), datetime.now(UTC), date.today(), Fraction(1, 3)]))
    assert len(pickle.loads(pickle.dumps(value))) == 6


class Pair(tuple):
    """An instance of a subclass has its data, and a number besides."""


def test_a_number_stands_for_an_object_that_stays_where_it_is() -> None:
    kept: list[object] = []

    def keep(thing: object) -> int:
        kept.append(thing)
        return len(kept) - 1

    thing = object()
    data = encode([thing, Pair((1, 2))], handle=keep)
    found = decode(
        data, opaque=lambda name, number: (name, number), subclass=lambda value, name, number: (value, name, number)
    )
    assert found == [("object", 0), ((1, 2), "Pair", 1)]
    assert kept[0] is thing


@given(st.binary(max_size=60))
def test_any_bytes_are_frames_and_a_rest(data: bytes) -> None:
    frames = read_frames(data, limit=5)
    assert len(frames) <= 5
    assert sum(len(frame) + 4 for frame in frames) <= len(data)
