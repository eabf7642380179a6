"""From verdicts to a score."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.errors import ConfigurationError
from rewards.grades import TestGrade, Verdict
from rewards.score_rule import ScoreRule
from rewards.scoring import (
    SCORERS,
    all_passed,
    checked_score,
    fraction_passed,
    resolve_scorer,
    weighted_passed,
)

VERDICTS = st.sampled_from(Verdict)
WEIGHTS = st.floats(min_value=1e-6, max_value=1e9)
GRADES = st.lists(st.builds(TestGrade, VERDICTS, weight=WEIGHTS), max_size=12)


def grades(text: str) -> list[TestGrade]:
    """One letter a test: accepted, wrong, time, unjudged, skipped."""
    letters = {
        "a": Verdict.ACCEPTED,
        "w": Verdict.WRONG_ANSWER,
        "t": Verdict.TIME_LIMIT_EXCEEDED,
        "u": Verdict.UNJUDGED,
        "s": Verdict.SKIPPED,
    }
    return [TestGrade(letters[letter]) for letter in text]


@pytest.mark.parametrize(
    ("tests", "all_of_them", "fraction"),
    [
        pytest.param("aaaa", 1.0, 1.0, id="all accepted"),
        pytest.param("aawa", 0.0, 0.75, id="one wrong"),
        pytest.param("tttt", 0.0, 0.0, id="a time-out is a verdict, not a missing one"),
        pytest.param("uw", 0.0, None, id="one failure settles all_passed beside an unjudged test"),
        pytest.param("uuuw", 0.0, None, id="whatever the order"),
        pytest.param("aau", None, None, id="an unjudged test does not shrink the denominator"),
        pytest.param("awss", 0.0, 0.25, id="what was skipped counts as not passed"),
        pytest.param("aas", 0.0, 2 / 3, id="skipped is never a pass"),
        pytest.param("", None, None, id="no tests say nothing"),
    ],
)
def test_scores_of_verdicts(tests: str, all_of_them: float | None, fraction: float | None) -> None:
    assert all_passed(grades(tests)) == all_of_them
    assert fraction_passed(grades(tests)) == fraction
    assert weighted_passed(grades(tests)) == fraction


def test_weights_count() -> None:
    tests = [TestGrade(Verdict.ACCEPTED, weight=3.0), TestGrade(Verdict.WRONG_ANSWER, weight=1.0)]
    assert weighted_passed(tests) == 0.75


@pytest.mark.parametrize("weight", [math.nan, math.inf, -1.0, 0.0])
def test_a_weight_that_cannot_be_shared_is_an_error(weight: float) -> None:
    with pytest.raises(ConfigurationError):
        weighted_passed([TestGrade(Verdict.ACCEPTED, weight=weight)])


@given(GRADES, st.sampled_from(sorted(SCORERS)))
def test_every_score_is_none_or_between_zero_and_one(tests: list[TestGrade], name: str) -> None:
    score = resolve_scorer(name)(tests)
    assert checked_score(score) == score


@given(GRADES, st.sampled_from(sorted(SCORERS)))
def test_full_marks_mean_that_every_test_was_accepted(tests: list[TestGrade], name: str) -> None:
    accepted = bool(tests) and all(test.verdict is Verdict.ACCEPTED for test in tests)
    assert (resolve_scorer(name)(tests) == 1.0) is accepted


@given(GRADES)
def test_none_is_left_for_what_the_program_cannot_have_caused(tests: list[TestGrade]) -> None:
    """Were it otherwise, the policy could learn to be unscored."""
    unjudged = any(test.verdict is Verdict.UNJUDGED for test in tests)
    for scorer in SCORERS.values():
        if scorer(tests) is None:
            assert unjudged or not tests
    assert (fraction_passed(tests) is None) is (unjudged or not tests)


@given(GRADES, VERDICTS)
def test_a_better_verdict_never_scores_less(tests: list[TestGrade], verdict: Verdict) -> None:
    worse, better = [*tests, TestGrade(verdict)], [*tests, TestGrade(Verdict.ACCEPTED)]
    for scorer in SCORERS.values():
        low, high = scorer(worse), scorer(better)
        assert low is None or high is None or low <= high


def test_a_scorer_is_known_by_name_or_is_a_callable() -> None:
    assert resolve_scorer("all_passed") is all_passed
    assert resolve_scorer(len) is len  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="fraction_passed"):
        resolve_scorer("best_of")
    with pytest.raises(ConfigurationError, match="callable"):
        resolve_scorer(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "score"),
    [(None, None), (1, 1.0), (True, 1.0), (0.25, 0.25), (Fraction(1, 2), 0.5), (-0.0, 0.0)],
)
def test_a_custom_score_becomes_a_float(value: object, score: float | None) -> None:
    checked = checked_score(value)
    assert checked == score
    assert checked is None or type(checked) is float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.01, -0.5, 10**400, "1", [1.0], 1j])
def test_a_custom_score_that_is_no_score_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError):
        checked_score(value)


def test_a_tensor_without_dimensions_is_a_number() -> None:
    torch = pytest.importorskip("torch", reason="pip install 'code-rewards[train]' to test tensors")
    numpy = pytest.importorskip("numpy", reason="pip install numpy to test arrays")
    for value in (torch.tensor(0.5), numpy.array(0.5), numpy.float32(0.5)):
        assert checked_score(value) == 0.5
    for value in (torch.tensor([0.5]), numpy.array([0.25, 0.5])):
        with pytest.raises(ConfigurationError):
            checked_score(value)


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({"bounds": (0.0, 1.0)}, True),
        ({"bounds": [0, 1]}, True),
        ({"bounds": (0.0, 0.5)}, False),
        ({"bounds": (0.5, 1.0), "no_program_score": 0.5}, False),
        ({"bounds": (0.0, 1.0), "program_bonus": 0.1}, False),
        ({"bounds": (0.0, 1.1), "program_bonus": 0.1}, True),
        ({"bounds": (0.0, 0.5), "scoring": fraction_passed}, False),
        ({"bounds": (0.0, 0.5), "scoring": lambda tests: 0.5}, True),
    ],
    ids=lambda each: ", ".join(map(str, each)) if isinstance(each, dict) else str(each),
)
def test_what_a_built_in_scorer_can_give_must_be_within_the_bounds(options: dict[str, Any], fits: bool) -> None:
    if fits:
        ScoreRule(**options)
    else:
        with pytest.raises(ConfigurationError, match="outside the bounds"):
            ScoreRule(**options)


def test_bounds_are_the_callers() -> None:
    assert checked_score(-0.5, (-1.0, 2.0)) == -0.5
