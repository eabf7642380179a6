"""What a value may cost the process that decodes it."""

from __future__ import annotations

import random
import time as clock

import pytest

from rewards.sandboxes.runner.encoding import EncodingError, decode, encode

_MODULUS = (1 << 61) - 1
_LONG = (1 << 1_000_000) // _MODULUS * _MODULUS


def _walking_keys(bits: int) -> list[int]:
    """Return integers of distinct hashes, the last of which walk through the slots of all others."""
    mask, slot, chain = (1 << bits) - 1, 12345, []
    for _ in range(1 << (bits - 1)):
        chain.append(slot)
        slot = (5 * slot + 1) & mask
    place, chance, walkers = {slot: i for i, slot in enumerate(chain)}, random.Random(1), set()
    while len(walkers) < 1 << (bits - 3):
        slot = chain[chance.randrange(len(chain) // 8)]
        number = perturb = slot | (chance.getrandbits(7) + 1) << bits
        while perturb and slot in place:
            perturb >>= 5
            slot = (5 * slot + perturb + 1) & mask
        if place.get(slot, len(chain)) < len(chain) // 4:
            walkers.add(number)
    return [*chain, *walkers]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"d":[' + ",".join(f"{key},0" for key in _walking_keys(14)) + "]}", id="keys that walk"),
        pytest.param(
            '{"S":['
            + ",".join(f'{{"n":"{hex(_LONG + k * _MODULUS)}"}},{{"D":"{k * _MODULUS}"}}' for k in range(1, 12))
            + "]}",
            id="Decimals and long integers of one hash",
        ),
        pytest.param("[" + ",".join(['{"q":[[],null]}'] * 300_000) + "]", id="a million small deques"),
        pytest.param("[" + ",".join(["[]"] * 4_000_000) + "]", id="small lists"),
        pytest.param("[" + ",".join(['{"Q":[1,3]}'] * 30_000) + "]", id="more Fractions than can be sorted"),
        pytest.param('"' + "a" * (17 << 20) + '"', id="a frame that is too long"),
    ],
)
def test_a_value_that_takes_long_to_build_is_refused_early(text: str) -> None:
    started = clock.process_time()
    with pytest.raises(EncodingError):
        decode(text.encode())
    assert clock.process_time() - started < 5


@pytest.mark.parametrize(
    "value",
    [2**10_000, 10**4_999, {k << 16: k for k in range(5000)}, ["a,b" * 1_500_000], set(range(100_000))],
    ids=["long", "digits", "strided keys", "commas in a text", "a large set"],
)
def test_large_honest_values_come_back(value: object) -> None:
    assert decode(encode(value)) == value
