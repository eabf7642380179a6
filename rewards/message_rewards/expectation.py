"""What a response's program is compared with: an expected output, test cases, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cases import OutputTest, StdinTest
from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..options import shown
from .conversation import Message
from .output import MetricRewardOutput
from .stated_output import stated_output

_EXPECTED_NAMES = ("expected_output", "expected", "output")
NOTHING = "no expected output was given and the conversation states none: nothing was compared"


@dataclass(frozen=True)
class Expectation:
    """The tests of a program, and where they come from."""

    tests: tuple[StdinTest | OutputTest, ...]
    metric: MetricRewardOutput
    compares: bool = True
    is_one_output: bool = True
    """An expected output, to which a printed one may be more or less similar; test cases pass or fail."""


@dataclass(frozen=True)
class Wanted:
    """What a caller said of the expected output, not yet read."""

    original_messages: Sequence[Message] | None = None
    """What was said ahead of the response. What comes behind may be a program's own words, told by its environment."""
    expected_output: Any = None
    ground_truth: Any = None
    """The older name, for an expected output or for test cases."""
    test_cases: Any = None
    comparison: str | Comparison | None = None

    def read(self) -> Expectation:
        """Return what the program is compared with; raises `DatasetError` for what is said twice or not clearly."""
        comparison = self._comparison()
        names = ("expected_output", "ground_truth", "test_cases")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if len(given) > 1:
            raise DatasetError(f"{' and '.join(given)} are both given, and only one can be right: leave one out")
        for name, value in given.items():
            if name == "test_cases" or (name == "ground_truth" and _is_list(value)):
                return _of_cases(value, comparison, name)
            return _of_output(_as_text(value, name), "given", comparison)
        stated = stated_output(self.original_messages or ())
        if stated is not None:
            return _of_output(stated.text, f"stated in {stated.source}", comparison)
        metric = MetricRewardOutput(0.0, NOTHING, is_score_valid=False)
        return Expectation((OutputTest("", comparison),), metric, compares=False)

    def _comparison(self) -> Comparison:
        if isinstance(self.comparison, str):
            return Comparison.parse(self.comparison)
        if not isinstance(self.comparison, Comparison | None):
            raise ConfigurationError(f"comparison must be a text like 'float:1e-6', found {shown(self.comparison)}")
        return self.comparison or Comparison()


def _of_output(text: str, source: str, comparison: Comparison) -> Expectation:
    wanted = f"\n{text}" if text.strip() else " nothing may be printed"
    return Expectation((OutputTest(text, comparison),), MetricRewardOutput(1.0, f"{source}:{wanted}"))


def _of_cases(value: Any, comparison: Comparison, name: str) -> Expectation:
    cases = _listed(value, name)
    tests = tuple(_case(case, i, comparison, name) for i, case in enumerate(cases, start=1))
    metric = MetricRewardOutput(1.0, f"given: {len(tests)} test case{'s' if len(tests) > 1 else ''}")
    return Expectation(tests, metric, is_one_output=False)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _listed(value: Any, name: str) -> Sequence[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{name} is text, but no JSON: {error}") from None
    if not _is_list(value) or not value:
        raise DatasetError(f"{name} must be a list of test cases, with one at least, found {shown(value)}")
    cases: Sequence[Any] = value
    return cases


def _case(case: Any, number: int, comparison: Comparison, name: str) -> StdinTest:
    if not isinstance(case, Mapping):
        raise DatasetError(f"{name}: test case {number} must have `input` and `expected_output`, found {shown(case)}")
    expected = next((case[key] for key in _EXPECTED_NAMES if case.get(key) is not None), None)
    if expected is None:
        raise DatasetError(f"{name}: test case {number} has no `expected_output`, found {', '.join(map(str, case))}")
    unknown = [str(key) for key in case if key not in ("input", *_EXPECTED_NAMES)]
    if "input" not in case and unknown:
        raise DatasetError(f"{name}: test case {number} has no `input`, found {', '.join(map(str, case))}")
    stdin = case.get("input")
    return StdinTest(
        "" if stdin is None else _as_text(stdin, f"{name}: the input of test case {number}"),
        _as_text(expected, f"{name}: the expected output of test case {number}"),
        comparison,
    )


def _as_text(value: Any, what: str) -> str:
    """Return a text, or what a program prints of a number; numpy's numbers are among them by their `item`."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise DatasetError(f"{what} must be a text, found {shown(value)}")
