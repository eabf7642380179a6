"""While everything goes wrong that can, no score is wrong, nothing is late and no sandbox is left behind."""

from __future__ import annotations

import pytest
from e2b_chaos.figures import Figures
from e2b_chaos.killing import kill_in_the_middle
from e2b_chaos.run import Plan, run_chaos


def check(figures: Figures) -> None:
    print(figures)
    assert figures.wrong == ()
    assert figures.silent_faults == []
    assert figures.uncounted == 0
    assert figures.wall_s <= figures.deadline_s
    assert figures.alive == 0


@pytest.mark.long
@pytest.mark.timeout(420)
def test_under_every_fault_no_score_is_wrong() -> None:
    figures = run_chaos(Plan(completions=150, deadline_s=300.0))
    check(figures)
    assert sum(figures.unjudged.values()) < 0.1 * figures.asked, "an answer of None is right, and of no use"


def test_a_deadline_in_the_middle_leaves_scores_that_are_right_or_none() -> None:
    figures = run_chaos(Plan(completions=200, deadline_s=15.0, seed=1))
    assert figures.wrong == ()
    assert figures.uncounted == 0
    assert figures.wall_s <= figures.deadline_s
    assert figures.alive == 0


def test_a_process_that_is_killed_in_the_middle_leaves_no_sandbox_behind() -> None:
    aftermath = kill_in_the_middle(Plan(completions=150))
    print(aftermath)
    assert aftermath.alive_then > 0
    assert aftermath.alive == 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_under_every_fault_none_of_two_thousand_scores_is_wrong(seed: int) -> None:
    check(run_chaos(Plan(seed=seed)))
