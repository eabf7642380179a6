"""What a message reward returns for one conversation: a score, the reason, and the metrics that it is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ConfigurationError
from ..options import shown


class _ByName:
    """Lets `result["score"]` stand for `result.score`, as reward-kit's results do; so `dict(result)` works."""

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field *name*, or *default* where there is none of that name."""
        return getattr(self, name) if name in self.keys() else default

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(field.name for field in fields(self))  # type: ignore[arg-type]  # every heir is a dataclass

    def values(self) -> tuple[Any, ...]:
        """Return the fields."""
        return tuple(getattr(self, name) for name in self.keys())

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Return the fields with their names."""
        return tuple(zip(self.keys(), self.values(), strict=True))


@dataclass(frozen=True)
class MetricRewardOutput(_ByName):
    """One metric of a result."""

    score: float | None
    """None where nothing is known."""
    reason: str = ""
    is_score_valid: bool = True
    """Whether `score` says anything: False where there was nothing to measure."""
    success: bool | None = None
    """Kept for functions that say it; read by nothing here."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", finite_score(self.score, "a metric's score"))
        if self.score is None:
            object.__setattr__(self, "is_score_valid", False)


@dataclass(frozen=True)
class RewardOutput(_ByName):
    """What one conversation got.

    `score` is None, and `is_score_valid` False, where nothing is known about the program because the sandbox failed:
    that is no 0.0, and as a trainer's reward it stays None. Raises `ConfigurationError` for a score that is not finite.
    """

    score: float | None
    reason: str = ""
    metrics: Mapping[str, MetricRewardOutput] = field(default_factory=dict)
    is_score_valid: bool = True
    error: str | None = None
    """What kept the reward from judging, where something did."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", finite_score(self.score, "a score"))
        if self.score is None:
            object.__setattr__(self, "is_score_valid", False)
        for name, metric in self.metrics.items():
            if not isinstance(metric, MetricRewardOutput):
                raise ConfigurationError(f"metric {name!r} must be a MetricRewardOutput, found {shown(metric)}")

    @property
    def reward(self) -> float | None:
        """Return the score for a trainer: None unless it is valid."""
        return self.score if self.is_score_valid else None

    @classmethod
    def unjudged(cls, reason: str, metrics: Mapping[str, MetricRewardOutput] | None = None) -> RewardOutput:
        """Return the result where something other than the program is to blame."""
        return cls(None, reason, metrics or {}, is_score_valid=False, error=reason)


EvaluateResult = RewardOutput
MetricResult = MetricRewardOutput


def finite_score(value: Any, what: str) -> float | None:
    """Return *value* as a float, None as None; raises `ConfigurationError` for whatever else is no finite number."""
    if value is None:
        return None
    try:
        number = float("nan") if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigurationError(f"{what} must be a finite number or None, found {shown(value)}")
    return number
