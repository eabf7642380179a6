"""When to stop a run whose sandbox no longer judges anything."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ..errors import CircuitBreakerOpen
from ..judging.excerpts import one_line
from ..options import check_options, number, whole

_OPTIONS = {
    "batches": whole(1),
    "share": number("a number, at least 0 and below 1", lambda value: 0 <= value < 1),
}


@dataclass(frozen=True)
class CircuitBreaker:
    """Stop after *batches* batches in a row in which more than *share* of the programs could not be judged.

    Programs that have to be run are counted, and nothing else: a completion without a program, a row without tests and
    a bad row say nothing about the sandbox.
    """

    batches: int = 3
    share: float = 0.5

    def __post_init__(self) -> None:
        check_options(vars(self), _OPTIONS, owner="breaker: ")


class BatchRecord:
    """How many batches in a row were mostly unjudged. One for each live reward."""

    def __init__(self, breaker: CircuitBreaker | None) -> None:
        self._breaker = breaker
        self._bad_in_a_row = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget what was counted: the sandbox is another one."""
        with self._lock:
            self._bad_in_a_row = 0

    def add(self, *, unjudged: int, run: int, reason: str) -> None:
        """Count a batch; raises `CircuitBreakerOpen` when it is one too many."""
        if self._breaker is None or run == 0:
            return
        with self._lock:
            self._bad_in_a_row = self._bad_in_a_row + 1 if unjudged / run > self._breaker.share else 0
            bad = self._bad_in_a_row
        if bad >= self._breaker.batches:
            raise CircuitBreakerOpen(
                f"{bad} batches in a row came back with more than {self._breaker.share:.0%} of their programs unjudged "
                f"({unjudged} of {run} in the last one; the first reason there: {one_line(reason)}). Training on would "
                "be training on nothing. Repair the sandbox, or pass breaker=None to go on regardless."
            )
