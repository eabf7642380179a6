"""From the grades of a program's tests to a number within bounds, or to None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ConfigurationError
from .grades import TestGrade
from .scoring import Scorer, checked_score, resolve_scorer

_ROUNDING = 1e-9


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
        resolve_scorer(self.scoring)
        low, high = self._limits()
        if not low <= high:
            raise ConfigurationError(f"bounds must be (least, greatest), found {self.bounds!r}")
        for name in ("unjudged_score", "no_program_score", "program_bonus"):
            value = getattr(self, name)
            if value is None and name == "unjudged_score":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigurationError(f"{name} must be a finite number, found {value!r}")
            if name != "program_bonus" and not low <= value <= high:
                raise ConfigurationError(f"{name} {value!r} is outside the bounds {low} to {high}")

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
        score = found + self.program_bonus
        low, high = self._limits()
        if not low - _ROUNDING <= score <= high + _ROUNDING:
            raise ConfigurationError(
                f"score {score!r} is outside the bounds {low} to {high}: pass bounds=, or scale it"
            )
        return min(max(score, low), high)

    def _limits(self) -> tuple[float, float]:
        if self.bounds is not None:
            low, high = self.bounds
            return float(low), float(high)
        if not isinstance(self.scoring, str):
            return -math.inf, math.inf
        others = [self.no_program_score] + ([] if self.unjudged_score is None else [self.unjudged_score])
        return min(self.program_bonus, *others), max(1.0 + self.program_bonus, *others)
