"""What the stand-in service is like: its speed, its limits and what its machines have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """One service; the defaults are quick and without limits."""

    api_key: str = "e2b_0000000000000000000000000000000000000000"
    create_latency_s: float = 0.0
    round_trip_s: float = 0.0
    """Added to every data-plane request, before it is served."""
    kill_latency_s: float = 0.0
    creates_per_s: float | None = None
    """Above it, 429 with Retry-After."""
    create_burst: int | None = None
    """How many creates may come at once after a quiet time; None means what the rate gives in a second."""
    max_sandboxes: int | None = None
    """Above it, 429 without Retry-After."""
    ttl_s: int = 300
    """What a create without a timeout gets."""
    max_ttl_s: int = 3600
    """One hour on Hobby, 24 hours on Pro; a longer timeout is refused with 400."""
    versions: str = "both"
    """Which create calls are there: "v1" (405 on the newer path), "v2" or "both"."""
    keepalive_s: float = 5.0
    """Silence on /execute before a keepalive line."""
    cpu_count: int = 2
    memory_mb: int = 2048
    disk_mb: int = 10240
    has_interpreter: bool = True
    has_envd: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a version that is no version: every create would be a 405."""
        if self.versions not in ("v1", "v2", "both"):
            raise ValueError(f"versions is 'v1', 'v2' or 'both', not {self.versions!r}")

    def serves(self, version: str) -> bool:
        """Tell whether the create and connect calls of *version* exist."""
        return self.versions in (version, "both")
