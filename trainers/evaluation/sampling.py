"""How completions are drawn, by whatever makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewards import ConfigurationError


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
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """For the chat template of a model, such as `{"enable_thinking": False}`; TRL's name."""

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ConfigurationError(
                f"sampling must have n, max_new_tokens >= 1, temperature >= 0, 0 < top_p <= 1: {self}"
            )
        if self.n > 1 and self.temperature == 0:
            raise ConfigurationError(f"n={self.n} completions at temperature 0 would all be the same: raise it")

    def completions_of(self, problems: int | None) -> int | None:
        """Return how many completions are drawn for so many *problems*; None where their number is not known."""
        return None if problems is None else problems * self.n
