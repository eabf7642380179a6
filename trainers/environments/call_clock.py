"""The time of a rollout's calls: what they take themselves, and what they wait for."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TypeVar

from rewards.records import TestRun

from .tool_results import keeps_state

A = TypeVar("A")


class CallClock:
    """Waits for the calls of one rollout, *timeout_s* at most in all.

    Half of that may be of the calls' own doing. So a rollout that runs into the end of it has waited for a busy sandbox
    before all, and a model finds no exit from its score in calls that only take long.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.start()

    def start(self) -> None:
        """Begin with another rollout."""
        self._left_s = self.timeout_s
        self._used_s = 0.0

    @property
    def is_used_up(self) -> bool:
        """Whether the calls themselves have taken all that they may."""
        return self._used_s >= self.timeout_s / 2

    def waited_for(self, answer: Future[A]) -> A:
        """Return *answer*; raises `TimeoutError` when the rollout has taken too long in all."""
        began = time.monotonic()
        try:
            return answer.result(max(0.0, self._left_s))
        finally:
            self._left_s -= time.monotonic() - began

    def used_by(self, answer: Future[A], *, wall_limit_s: float) -> A:
        """Return *answer*, and count its time without that of waiting for a place, as far as that is known.

        All of it counts for a run that was stopped: to find out who has ended a sandbox may take minutes.
        """
        began = time.monotonic()
        outcome = self.waited_for(answer)
        took_s = time.monotonic() - began
        if isinstance(outcome, TestRun):
            self._used_s += min(took_s, outcome.wall_s) if keeps_state(outcome) else took_s
        else:
            self._used_s += min(took_s, wall_limit_s)
        return outcome
