"""What is said on the console of a sandbox that gives trouble: what happened, to how many, and what was done.

A line a batch at most. Trouble that goes on is told again at its second, fourth, eighth batch and so on, or when it
gets twice as bad, and its end is told, too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..grader.engine import is_lost
from ..grades import BatchGrade
from ..judging.excerpts import one_line

QUIET_BATCHES = 3
"""So many batches without trouble end it."""

_log = logging.getLogger("rewards")


@dataclass(frozen=True)
class Trouble:
    """What went wrong in one batch that no program is to blame for."""

    completions: int
    unjudged: int
    """Completions that the sandbox is the reason to know nothing of."""
    reason: str = ""
    """The first thing that went wrong, in the sandbox's words."""
    failures: tuple[tuple[str, int], ...] = ()
    """How often jobs failed in each way, also those that another try could judge."""
    retries: int = 0
    rescued: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.unjudged or self.failures or self.rescued)

    @property
    def kinds(self) -> frozenset[str]:
        """Return what makes two batches' trouble the same."""
        return frozenset(kind for kind, _ in self.failures) | ({"rescued"} if self.rescued else set())


def trouble_of(batch: BatchGrade) -> Trouble:
    """Return what went wrong in a graded batch."""
    lost = [grade for grade in batch.grades if grade.tests and is_lost(grade)]
    figures = batch.figures
    reason = figures.first_failure or next((test.detail for test in lost[0].tests if test.detail), "") if lost else ""
    return Trouble(
        completions=len(batch.grades),
        unjudged=len(lost),
        reason=reason or figures.first_failure,
        failures=figures.failures,
        retries=figures.retries,
        rescued=figures.rescued,
    )


class TroubleLog:
    """Tells of the trouble of one reward's batches. May be called from any thread."""

    def __init__(self, reward: str, *, unjudged_score: float | None = None) -> None:
        self._reward = reward
        self._unjudged_score = unjudged_score
        self._has_warned_of_trainer = False
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._batches = 0
        self._lost = 0
        self._quiet = 0
        self._told_kinds: set[frozenset[str]] = set()
        self._worst = 0.0

    def see(self, trouble: Trouble, columns: Mapping[str, Any] | None = None) -> None:
        """Take note of a batch, and say what is worth saying; *columns* are what the reward was called with."""
        with self._lock:
            line = self._trouble_line(trouble) if trouble.exists else self._end_line()
        if line and trouble.unjudged and columns is not None and self._may_stop_at_none(columns):
            self._has_warned_of_trainer = True
            line += "; where the caller knows no None (A2PO stops at one), unjudged_score is a number for it"
        if line:
            _log.warning("%s", line)

    def _may_stop_at_none(self, columns: Mapping[str, Any]) -> bool:
        is_unknown = not {"trainer_state", "log_metric"} & columns.keys()
        return is_unknown and self._unjudged_score is None and not self._has_warned_of_trainer

    def see_caller(self, columns: Mapping[str, Any]) -> None:
        """Warn once of a trainer that would take a None for zero, before there is one.

        Of TRL's trainers those that know what a None is pass `log_metric` beside `trainer_state`; OnlineDPO and SDPO
        pass the latter alone. A2PO passes neither, as a call by hand does: `see` has a word for it.
        """
        takes_zeros = columns.get("trainer_state") is not None and columns.get("log_metric") is None
        if self._has_warned_of_trainer or self._unjudged_score is not None or not takes_zeros:
            return
        self._has_warned_of_trainer = True
        _log.warning(
            "the trainer that calls the reward %r counts a None as 0: a program that no sandbox could judge will be a "
            "wrong one there. unjudged_score says what it is worth instead, for instance 0.5; unjudged_score=0.0 "
            "accepts this",
            self._reward,
        )

    def _trouble_line(self, trouble: Trouble) -> str:
        self._batches += 1
        self._lost += trouble.unjudged
        self._quiet = 0
        share = trouble.unjudged / max(1, trouble.completions)
        is_news = trouble.kinds not in self._told_kinds or share >= 2 * self._worst > 0
        is_due = self._batches & (self._batches - 1) == 0
        if not (is_news or is_due):
            return ""
        self._told_kinds.add(trouble.kinds)
        self._worst = max(self._worst, share)
        return self._told(trouble)

    def _told(self, trouble: Trouble) -> str:
        parts = [
            f"sandbox trouble in a batch of {trouble.completions} completions of {self._reward!r}: {_what(trouble)}"
        ]
        if trouble.retries and trouble.failures:
            parts.append(f"jobs tried again: {trouble.retries}")
        if trouble.rescued:
            parts.append(f"out of time on a busy machine, judged by a run alone: {trouble.rescued}")
        parts.append(f"completions that {self._fate}: {trouble.unjudged}")
        if self._batches > 1:
            parts.append(f"batches with trouble so far: {self._batches}, with {self._lost} such completions")
        return "; ".join(parts)

    @property
    def _fate(self) -> str:
        if self._unjudged_score is None:
            return "could not be judged and score None"
        return f"could not be judged and score {self._unjudged_score:g}"

    def _end_line(self) -> str:
        self._quiet += 1
        if not self._batches or self._quiet < QUIET_BATCHES:
            return ""
        batches, lost = self._batches, self._lost
        self._forget()
        if batches == 1:
            return ""  # said when it was there, and over with that batch
        return (
            f"no more sandbox trouble in the last {QUIET_BATCHES} batches of {self._reward!r}; there were {batches} "
            f"with it, in which {lost} completions could not be judged"
        )


def _what(trouble: Trouble) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in trouble.failures)
    reason = one_line(trouble.reason)
    if kinds:
        return f"failures: {kinds}" + (f" (the first: {reason})" if reason else "")
    return reason or "the machine was too busy"
