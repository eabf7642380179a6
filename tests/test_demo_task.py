"""The exercises of the demo: their tests tell right from wrong, and nothing is in both splits."""

import ast
import random

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from rewards import CodeReward
from trainers.demos.programs import mixed_examples
from trainers.demos.programs_task import FAMILIES, make_exercises, written_tests

EXERCISES = make_exercises(90, seed=3)


@pytest.fixture(scope="module")
def reward():
    with CodeReward(name="exercises") as opened:
        yield opened


def scores(reward, exercises, programs):
    return reward.grade(completions=programs, tests=[written_tests(e) for e in exercises]).scores


def test_right_programs_pass(reward):
    assert scores(reward, EXERCISES, [e.program for e in EXERCISES]) == [1.0] * len(EXERCISES)


def test_flawed_programs_fail(reward):
    """A typo may by chance leave a program that still works; nothing else may."""
    rng = random.Random(0)
    programs = [e.flawed_program(rng) for e in EXERCISES]
    passed = [p for p, score in zip(programs, scores(reward, EXERCISES, programs), strict=True) if score]
    assert len(passed) <= 2, passed


def test_the_program_of_another_prompt_fails(reward):
    others = [e.program for e in EXERCISES[1:] + EXERCISES[:1]]
    assert sum(scores(reward, EXERCISES, others)) <= 1


def test_no_prompt_occurs_twice_and_every_one_asks_for_another_program():
    exercises = make_exercises(4500, seed=0)
    assert len({e.prompt for e in exercises}) == len({e.program for e in exercises}) == 4500


def test_families_and_forms_have_their_shares():
    exercises = make_exercises(600, seed=1)
    assert all(sum(e.family is family for e in exercises) == 200 for family in FAMILIES)
    assert 240 < sum(e.as_function for e in exercises) < 360


def test_exercises_are_the_same_for_a_seed_and_others_for_another():
    assert make_exercises(20, seed=5) == make_exercises(20, seed=5)
    assert make_exercises(20, seed=5) != make_exercises(20, seed=6)


def test_more_exercises_than_there_are_is_an_error_and_not_a_hang():
    with pytest.raises(ValueError, match="gave out"):
        make_exercises(20_000, seed=0)


def test_most_warm_up_examples_are_wrong_as_asked():
    examples = mixed_examples(EXERCISES, 1000, right_share=0.2, seed=0)
    right = {e.prompt: e.program for e in EXERCISES}
    assert 150 < sum(right[x["prompt"]] == x["completion"] for x in examples) < 250
    assert sum(_parses(x["completion"]) for x in examples) > 600


def _parses(program: str) -> bool:
    try:
        ast.parse(program)
    except SyntaxError:
        return False
    return True
