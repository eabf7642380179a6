"""From the grades of a program's tests to a number within bounds, or to None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ConfigurationError
from .grades import TestGrade
from .options import FINITE, PAIR, check_options, or_none
from .scoring import SCORERS, Scorer, checked_score, resolve_scorer

_ROUNDING = 1e-9
_OPTIONS = {
    "unjudged_score": or_none(FINITE),
    "no_program_score": FINITE,
    "program_bonus": FINITE,
    "bounds": or_none(PAIR),
}


@dataclass(frozen=True)
class ScoreRule:
    """How a completion's score comes about. Checked when it is made: a run must not find out at step 500."""

    scoring: str | Scorer = "all_passed"
    unjudged_score: float | None = None
    no_program_score: float = 0.0
    program_bonus: float = 0.0
    """Added to the score of every program that was judged, be it right or wrong."""
    bounds: tuple[float, float] | None = None
    """Least and greatest score. Unset: what the options can add up to, where the scorer is one of ours."""

    def __post_init__(self) -> None:
        check_options(vars(self), _OPTIONS)
        given = {"unjudged_score": self.unjudged, "no_program_score": self.no_program}
        if self._is_built_in:
            given |= {f"the least score of {self.scorer_name}": float(self.program_bonus)}
            given |= {f"the best score of {self.scorer_name}": 1.0 + self.program_bonus}
        low, high = self._limits()
        for name, score in given.items():
            if score is not None and not low - _ROUNDING <= score <= high + _ROUNDING:
                raise ConfigurationError(f"{name}, {score!r}, is outside the bounds {low} to {high}")

    @property
    def scorer_name(self) -> str:
        """Return what the scorer is called, for messages."""
        return self.scoring if isinstance(self.scoring, str) else getattr(self.scoring, "__name__", "of this reward")

    @property
    def no_program(self) -> float:
        """Return the score of a completion that submits no program."""
        return float(self.no_program_score)

    @property
    def unjudged(self) -> float | None:
        """Return the score of a completion of which nothing is known."""
        return None if self.unjudged_score is None else float(self.unjudged_score)

    def score(self, tests: Sequence[TestGrade]) -> float | None:
        """Return the score of a program with these grades; raises `ConfigurationError` for a scorer out of bounds."""
        found = checked_score(resolve_scorer(self.scoring)(tests), (-math.inf, math.inf))
        if found is None:
            return self.unjudged
        score = found + float(self.program_bonus)
        low, high = self._limits()
        if not low - _ROUNDING <= score <= high + _ROUNDING:
            raise ConfigurationError(
                f"score {score!r} is outside the bounds {low} to {high}: pass bounds=, or scale it"
            )
        return min(max(score, low), high)

    @property
    def _is_built_in(self) -> bool:
        scorer = resolve_scorer(self.scoring)
        return any(scorer is known for known in SCORERS.values())

    def _limits(self) -> tuple[float, float]:
        if self.bounds is not None:
            low, high = self.bounds
            return float(low), float(high)
        if not self._is_built_in:
            return -math.inf, math.inf
        others = [self.no_program_score] + ([] if self.unjudged_score is None else [self.unjudged_score])
        return min(self.program_bonus, *others), max(1.0 + self.program_bonus, *others)
