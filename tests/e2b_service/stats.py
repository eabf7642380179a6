"""What the service has counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alive:
    """A machine that runs, and costs."""

    sandbox_id: str
    template: str
    metadata: Mapping[str, str]
    started_at: float
    expires_at: float


@dataclass(frozen=True)
class Stats:
    """Counted since the start or the last reset."""

    requests: Mapping[str, int]
    """By operation, as "rest/create" or "envd/process/Start"."""
    faults: Mapping[str, int]
    """How often each fault happened; one that never did has a zero."""
    creates: int
    replays: int
    """Creates that an Idempotency-Key had been seen for, and that made nothing."""
    kills: int
    expiries: int
    vanished: int
    sandbox_seconds: float
    """Lifetimes, those of living machines up to this moment."""
    peak_alive: int
    round_trips: int
    """Requests to the data plane of a machine that was there."""
    alive: tuple[Alive, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stats:
        """Return what `to_json` was made from."""
        return cls(**{**data, "alive": tuple(Alive(**one) for one in data["alive"])})
