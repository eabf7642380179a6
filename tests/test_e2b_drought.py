"""A service that fails for a moment is waited for; one that gives nothing for long is told of."""

from __future__ import annotations

from rewards.sandboxes.e2b_cloud.drought import PASSING_PATIENCE_S, PATIENCE_S, Drought

CLOSED = "setting up a sandbox failed (unreachable): The sandbox is running but port is not open"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_twenty_failures_in_one_moment_are_no_drought() -> None:
    clock = Clock()
    drought = Drought(3, clock=clock)
    for _ in range(20):
        drought.add("503")
    assert not drought.is_to_be_told()
    clock.now_s += PATIENCE_S
    assert drought.is_to_be_told()


def test_who_comes_in_a_drought_is_told_after_some_tries_and_without_delay() -> None:
    clock = Clock()
    drought = Drought(1, clock=clock)
    drought.add("503")
    clock.now_s += PATIENCE_S
    told = []
    for _ in range(4):
        drought.add("503")
        told.append(drought.is_to_be_told())
    assert told == [True, False, True, False]


def test_a_sandbox_that_comes_ends_it() -> None:
    clock = Clock()
    drought = Drought(0, clock=clock)
    drought.add("503")
    clock.now_s += PATIENCE_S
    drought.end()
    drought.add("503")
    assert not drought.is_to_be_told()


def test_sandboxes_take_no_commands_where_each_of_them_says_so() -> None:
    drought = Drought(2, clock=Clock())
    for expected in (False, False, True):
        drought.add(CLOSED)
        assert drought.has_no_agents is expected
    assert drought.is_to_be_told()


def test_a_closed_port_among_other_failures_is_one_of_them() -> None:
    drought = Drought(2, clock=Clock())
    for detail in (CLOSED, "503", CLOSED, CLOSED, CLOSED):
        drought.add(detail)
        assert not drought.has_no_agents


def test_a_service_that_only_asks_for_patience_gets_more_of_it() -> None:
    clock = Clock()
    drought = Drought(1, clock=clock)
    for _ in range(20):
        drought.add("429", passing=True)
    clock.now_s += PASSING_PATIENCE_S - 1.0
    drought.add("429", passing=True)
    assert not drought.is_to_be_told()
    clock.now_s += 1.0
    assert drought.is_to_be_told()


def test_what_passes_does_not_count_with_what_fails() -> None:
    clock = Clock()
    drought = Drought(1, clock=clock)
    drought.add("503")
    for _ in range(5):
        drought.add("429", passing=True)
    clock.now_s += PATIENCE_S
    assert not drought.is_to_be_told()
    drought.add("503")
    assert drought.is_to_be_told()
