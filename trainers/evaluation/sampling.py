"""How completions are drawn, by whatever makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rewards import ConfigurationError

_APART = 1_000_003
"""More than the completions of an evaluation, as a rule, and prime, so that few seeds meet beyond 2**31."""


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn."""

    n: int = 1
    """Completions for each problem."""
    max_new_tokens: int = 1024
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    seed: int = 0
    stop: Sequence[str] | None = None
    """Texts at which a completion ends, themselves left out; unset: where the text to be continued says, as
    `stops.stops_of` finds out."""
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """For the chat template of a model, such as `{"enable_thinking": False}`; TRL's name."""

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ConfigurationError(
                f"sampling must have n, max_new_tokens >= 1, temperature >= 0, 0 < top_p <= 1: {self}"
            )
        if isinstance(self.stop, str) or not all(self.stop or ()):
            raise ConfigurationError(f"stop must be a list of texts, none of them empty: {self.stop!r}")
        if self.n > 1 and self.temperature == 0:
            raise ConfigurationError(f"n={self.n} completions at temperature 0 would all be the same: raise it")

    def seed_of(self, index: int) -> int:
        """Return the seed of the completion number *index*: evaluations by neighbouring seeds share none."""
        return (self.seed * _APART + index) % 2**31

    def completions_of(self, problems: int | None) -> int | None:
        """Return how many completions are drawn for so many *problems*; None where their number is not known."""
        return None if problems is None else problems * self.n
