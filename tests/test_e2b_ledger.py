"""What a pool has used, and when it is enough."""

from __future__ import annotations

import pytest

from rewards import SandboxUnavailable
from rewards.errors import BudgetExceeded
from rewards.sandboxes.e2b_cloud.ledger import Ledger


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_sandbox_is_paid_for_while_it_is_there() -> None:
    clock = Clock()
    ledger = Ledger(0.5, clock=clock)
    ledger.started("a")
    clock.now += 10
    ledger.started("b")
    ledger.started("a")
    clock.now += 5
    ledger.stopped("a")
    ledger.stopped("a")
    clock.now += 1
    figures = ledger.figures()
    assert (figures.sandbox_s, figures.cost_usd) == (21, 10.5)
    assert (figures.creates, figures.alive, figures.peak_alive) == (2, 1, 2)


def test_a_budget_that_is_used_up_fails_loudly() -> None:
    clock = Clock()
    ledger = Ledger(0.000037, 60, clock=clock)
    ledger.started("a")
    clock.now += 59
    ledger.check_budget()
    assert ledger.seconds_left() == 1
    clock.now += 1
    with pytest.raises(BudgetExceeded, match=r"60 sandbox-seconds.*max_sandbox_seconds") as caught:
        ledger.check_budget()
    assert isinstance(caught.value, SandboxUnavailable)


def test_without_a_budget_there_is_no_end() -> None:
    clock = Clock()
    ledger = Ledger(1, clock=clock)
    ledger.started("a")
    clock.now += 10**9
    ledger.check_budget()
    assert ledger.seconds_left() is None


def test_the_figures_can_be_read() -> None:
    ledger = Ledger(1)
    ledger.round_trips, ledger.refusals, ledger.retries, ledger.deaths = 1, 2, 3, 4
    assert str(ledger.figures()).endswith("1 round trips, 2 refusals, 3 retries, 4 deaths")
