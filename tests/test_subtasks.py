"""Groups of tests that bear one weight together."""

from __future__ import annotations

import itertools

import pytest
from asking import fenced, make
from hypothesis import given
from hypothesis import strategies as st

from rewards.cases import Problem, StdinTest
from rewards.errors import ConfigurationError, DatasetError
from rewards.grades import TestGrade, Verdict
from rewards.problems import read_problem
from rewards.sandboxes.fake import FakeSandbox
from rewards.scoring import all_passed, fraction_passed, weighted_passed

YES, NO, UNKNOWN, SKIPPED = Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.UNJUDGED, Verdict.SKIPPED


def grades(*tests: tuple[Verdict, float, str]) -> list[TestGrade]:
    return [TestGrade(verdict, weight=weight, group=group) for verdict, weight, group in tests]


@pytest.mark.parametrize(
    ("tests", "score"),
    [
        pytest.param([(YES, 3, "a"), (YES, 3, "a"), (NO, 1, "b")], 0.75, id="a group counts once"),
        pytest.param([(YES, 3, "a"), (NO, 3, "a"), (YES, 1, "b")], 0.25, id="half of a group is nothing"),
        pytest.param([(YES, 2, "a"), (YES, 1, ""), (NO, 1, "")], 0.75, id="tests without a group stand alone"),
        pytest.param([(YES, 1, "a"), (NO, 1, "b"), (YES, 1, "a")], 0.5, id="a group need not stand together"),
        pytest.param([(NO, 1, "a"), (SKIPPED, 1, "a"), (SKIPPED, 1, "b")], 0.0, id="a skipped test is no pass"),
        pytest.param([(YES, 1, "a"), (UNKNOWN, 1, "b")], None, id="an unjudged test leaves the score open"),
        pytest.param([(YES, 1, ""), (YES, 5, "")], 1.0, id="no groups at all"),
    ],
)
def test_a_subtask_is_accepted_with_all_of_its_tests(
    tests: list[tuple[Verdict, float, str]], score: float | None
) -> None:
    assert weighted_passed(grades(*tests)) == score


def test_the_other_scorers_count_tests() -> None:
    tests = grades((YES, 9, "a"), (NO, 9, "a"), (YES, 1, "b"), (YES, 1, ""))
    assert (all_passed(tests), fraction_passed(tests)) == (0.0, 0.75)


def test_a_group_has_one_weight() -> None:
    with pytest.raises(ConfigurationError, match="'a' must have one weight"):
        weighted_passed(grades((YES, 1, "a"), (YES, 2, "a")))
    with pytest.raises(DatasetError, match="one weight"):
        Problem((StdinTest("", "1", weight=1.0, group="a"), StdinTest("", "2", weight=2.0, group="a")))
    Problem((StdinTest("", "1", weight=1.0), StdinTest("", "2", weight=2.0)))
    row = [{"type": "output", "output": "1", "group": "a", "weight": weight} for weight in (1, 2)]
    with pytest.raises(DatasetError, match="one weight"):
        read_problem({"tests": row})


@given(st.lists(st.tuples(st.sampled_from([YES, NO, SKIPPED]), st.sampled_from("abc")), min_size=1, max_size=12))
def test_no_pass_is_worth_less_than_a_failure(found: list[tuple[Verdict, str]]) -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 5.0}
    tests = [(verdict, weights[group], group) for verdict, group in found]
    score = weighted_passed(grades(*tests))
    assert score is not None
    assert 0.0 <= score <= 1.0
    assert (score == 1.0) == all(verdict is YES for verdict, _ in found)
    for i in range(len(tests)):
        better = [*tests]
        better[i] = (YES, *tests[i][1:])
        after = weighted_passed(grades(*better))
        assert after is not None
        assert after >= score


def test_a_reward_scores_subtasks_and_its_explanation_shows_them() -> None:
    """Ten points for the small inputs, thirty for the large ones."""
    tests = [
        {"type": "stdin", "input": "1", "output": "1", "group": "small", "weight": 10},
        {"type": "stdin", "input": "2", "output": "2", "group": "small", "weight": 10},
        {"type": "stdin", "input": "3", "output": "3", "group": "large", "weight": 30, "name": "most"},
    ]
    sandbox = FakeSandbox({"two": "2", "three": "3"})
    with make(sandbox, scoring="weighted_passed", name="subtasks") as reward:
        scores = reward(completions=[fenced("two"), fenced("three")], tests=[tests, tests])
        assert scores == [0.0, 0.75]
        text = reward.explain(fenced("three"), tests=tests)
    lines = [line.split()[:3] for line in text.splitlines()]
    assert ["1", "[small]", "wrong_answer"] in lines
    assert ["3", "most", "[large]"] in lines


def test_an_outcome_tells_the_group_of_a_test_that_was_never_run() -> None:
    tests = [{"type": "output", "output": str(i), "group": f"g{i}"} for i in range(3)]
    with make(FakeSandbox({"p": "1"}), stop_at_first_failure=True, name="groups") as reward:
        [grade] = reward.grade(completions=[fenced("p")], tests=[tests]).grades
    assert [test.group for test in grade.tests] == ["g0", "g1", "g2"]
    assert [test.verdict for test in itertools.islice(grade.tests, 1, None)] == [SKIPPED, SKIPPED]
