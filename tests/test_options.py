"""Options are checked where they are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from rewards import CircuitBreaker, Comparison, ConfigurationError, Limits
from rewards.options import shown

REFUSED = [
    (Comparison, "kind", ["token", "float", None, ["tokens"]]),
    (Comparison, "tolerance", ["a", -1, math.nan, math.inf, None, True, 10**400, 1j]),
    (Comparison, "ignore_case", [1, "yes", None]),
    (Comparison, "floats_everywhere", [0, None]),
    (Limits, "cpu_s", [0, -1, "1", None, True, math.nan, math.inf, 1e300, 10**400]),
    (Limits, "wall_s", [0, "a", math.nan, math.inf]),
    (Limits, "job_cpu_s", [0, None, math.nan]),
    (Limits, "memory_mb", [0, -1, 512.5, "512", None, True, math.nan, math.inf, 10**15]),
    (Limits, "output_kb", [0.5, 0, 1e300]),
    (Limits, "processes", [2.5, "2", 2**41]),
    (Limits, "disk_mb", [1.5, None, -64]),
    (CircuitBreaker, "batches", [0, "3", 1.5, True, None]),
    (CircuitBreaker, "share", [1, 50, -0.1, "a", None, math.nan]),
]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        pytest.param(kind, name, value, id=f"{name}={shown(value)[:20]}")
        for kind, name, values in REFUSED
        for value in values
    ],
)
def test_what_does_not_fit_is_refused_and_named(kind: Callable[..., Any], name: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**{name: value})
    assert f"{name} must be" in str(caught.value)
    assert f"found {shown(value)}" in str(caught.value)


@pytest.mark.parametrize("text", ["tokens:3", "float:abc", "float:nan", "float:-1", "token", "", 3, None], ids=repr)
def test_a_comparison_in_words_that_is_none_is_refused(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="comparison"):
        Comparison.parse(text)


def test_a_whole_number_may_be_written_as_a_float() -> None:
    """YAML and JSON have one kind of number only."""
    limits = Limits(cpu_s=2, wall_s=Fraction(1, 2), memory_mb=512.0, processes=2.0)  # type: ignore[arg-type]
    assert limits == Limits(cpu_s=2.0, wall_s=0.5, memory_mb=512, processes=2)
    assert type(limits.memory_mb) is type(limits.processes) is int


def test_what_is_shown_is_short_and_never_an_error() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert shown(Shy()) == "Shy"
    assert shown(10**5000) == "int"
    assert shown({"cpu_s": 2}) == "{'cpu_s': 2}"
    assert len(shown("x" * 10_000)) < 100
