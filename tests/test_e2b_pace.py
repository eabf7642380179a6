"""How the pool judges how many sandboxes, and how many jobs in a trip, are worth their cost."""

from __future__ import annotations

import math

import pytest

from rewards.sandboxes.e2b_cloud.pace import Pace


def paced(*, job_s: float, birth_s: float) -> Pace:
    pace = Pace()
    pace.record_trip(8 * job_s, 8)
    pace.record_birth(birth_s)
    return pace


def test_before_anything_is_known_every_lane_is_worth_having() -> None:
    pace = Pace()
    assert pace.lanes_worth_having(1, longest_wait_s=0.0, trip_jobs=8) == math.inf
    assert pace.jobs_worth_a_trip() == 1


@pytest.mark.parametrize(
    ("job_s", "lanes"),
    [
        pytest.param(10.0, 500.0, id="long jobs are worth any sandbox"),
        pytest.param(0.2, 10.0, id="a lane pays for itself when it works for as long as it took to come"),
        pytest.param(0.001, 1.0, id="short jobs are done before another sandbox comes"),
    ],
)
def test_a_sandbox_is_wanted_when_it_works_for_longer_than_it_takes_to_come(job_s: float, lanes: float) -> None:
    pace = paced(job_s=job_s, birth_s=1.0)
    assert pace.lanes_worth_having(100, longest_wait_s=0.0, trip_jobs=8) == pytest.approx(lanes)


def test_jobs_that_wait_for_long_show_that_the_estimate_is_wrong() -> None:
    pace = paced(job_s=0.2, birth_s=1.0)
    assert pace.lanes_worth_having(100, longest_wait_s=4.0, trip_jobs=8) < math.inf
    assert pace.lanes_worth_having(100, longest_wait_s=5.0, trip_jobs=8) == math.inf


def test_short_jobs_travel_together() -> None:
    assert paced(job_s=0.01, birth_s=1.0).jobs_worth_a_trip() == 40
    assert paced(job_s=5.0, birth_s=1.0).jobs_worth_a_trip() == 1
