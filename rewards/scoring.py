"""From verdicts to a score.

A scorer takes the grades of a completion's tests and returns a finite number, or None when the tests say nothing
about the program. An unjudged test never makes the denominator smaller, and a skipped one is never a pass. Groups of
tests (subtasks) and weights matter to `weighted_passed` only; the others count tests.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence

from .errors import ConfigurationError
from .grades import TestGrade, Verdict

Scorer = Callable[[Sequence[TestGrade]], float | None]

_NO_FAILURE = (Verdict.ACCEPTED, Verdict.UNJUDGED, Verdict.SKIPPED)


def all_passed(tests: Sequence[TestGrade]) -> float | None:
    """Return 1.0 when every test was accepted, 0.0 when one was not, None when that is not known."""
    if any(test.verdict not in _NO_FAILURE for test in tests):
        return 0.0  # one failed test settles it, whatever the unjudged ones would have said
    if not tests or _unjudged(tests):
        return None
    return float(all(test.verdict is Verdict.ACCEPTED for test in tests))


def fraction_passed(tests: Sequence[TestGrade]) -> float | None:
    """Return the accepted share of the tests, None when one is unjudged or there are none."""
    if not tests or _unjudged(tests):
        return None
    return sum(test.verdict is Verdict.ACCEPTED for test in tests) / len(tests)


def weighted_passed(tests: Sequence[TestGrade]) -> float | None:
    """Return the accepted share of the tests' weights, None when one is unjudged or there are none.

    The tests of a group are a subtask: its weight counts once, and only where all of its tests were accepted.
    """
    if not all(math.isfinite(test.weight) and test.weight >= 0 for test in tests):
        raise ConfigurationError("the weight of a test must be a finite number that is not negative")
    if not tests or _unjudged(tests):
        return None
    subtasks = _subtasks(tests)
    total = math.fsum(weight for weight, _ in subtasks)
    if not 0 < total < math.inf:
        raise ConfigurationError(f"the weights of a problem's tests add up to {total}: there is no share to take")
    return math.fsum(weight for weight, is_accepted in subtasks if is_accepted) / total


def _subtasks(tests: Sequence[TestGrade]) -> list[tuple[float, bool]]:
    """Return the weight of each subtask and whether it was accepted; a test without a group is one by itself."""
    groups: dict[object, list[TestGrade]] = {}
    for i, test in enumerate(tests):
        groups.setdefault(test.group or i, []).append(test)
    for name, group in groups.items():
        if len({test.weight for test in group}) > 1:
            raise ConfigurationError(f"the tests of the group {name!r} must have one weight, which they bear together")
    return [(group[0].weight, all(test.verdict is Verdict.ACCEPTED for test in group)) for group in groups.values()]


def _unjudged(tests: Sequence[TestGrade]) -> bool:
    return any(test.verdict is Verdict.UNJUDGED for test in tests)


SCORERS: dict[str, Scorer] = {
    "all_passed": all_passed,
    "fraction_passed": fraction_passed,
    "weighted_passed": weighted_passed,
}


def resolve_scorer(scorer: str | Scorer) -> Scorer:
    """Return the scorer of that name, or the callable itself."""
    if isinstance(scorer, str):
        if scorer not in SCORERS:
            raise ConfigurationError(f"scorer {scorer!r} is unknown: use a callable or one of {', '.join(SCORERS)}")
        return SCORERS[scorer]
    if not callable(scorer):
        raise ConfigurationError(f"a scorer is a name or a callable, found {type(scorer).__name__}")
    return scorer


def checked_score(value: object, bounds: tuple[float, float] = (0.0, 1.0)) -> float | None:
    """Return what a custom scorer gave as a float, or None; raises `ConfigurationError` for anything else.

    A score out of its bounds is a mistake in the scorer; cutting it off would train on the mistake.
    """
    if value is None:
        return None
    if not isinstance(value, numbers.Real):
        value = _item_of(value)
    if not isinstance(value, numbers.Real):
        raise ConfigurationError(f"a scorer must return a number or None, found {type(value).__name__}")
    try:
        score = float(value)
    except (OverflowError, ValueError):
        score = math.nan
    low, high = bounds
    if not (math.isfinite(score) and low <= score <= high):
        raise ConfigurationError(f"a scorer returned {score}, which is not between {low} and {high}")
    return score


def _item_of(value: object) -> object:
    """Return the number in a tensor or array of no dimensions; anything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value
