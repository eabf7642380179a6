"""What one rank of a run may use of an account's limits, which all of them share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import ConfigurationError
from .options import E2BOptions


@dataclass(frozen=True)
class Rank:
    """Which process of a run this is."""

    rank: int = 0
    world_size: int = 1


@dataclass(frozen=True)
class Share:
    """What this rank may use."""

    creates_per_s: float
    max_sandboxes: int
    keep_warm: int
    max_sandbox_seconds: float | None

    @property
    def max_sessions(self) -> int:
        """Return how many sandboxes sessions may hold: one is left to programs, or these would wait for ever."""
        return max(1, self.max_sandboxes - 1)


def find_rank(environment: Mapping[str, str] | None = None) -> Rank:
    """Return this process's place in the run.

    Accelerate knows, where somebody has set it up, else RANK and WORLD_SIZE do, as set by torchrun and `accelerate
    launch`. Raises `ConfigurationError` for values of those that are no place in any run.
    """
    found = _accelerate_rank()
    if found is not None:
        return found
    environment = os.environ if environment is None else environment
    world_size = _number(environment, "WORLD_SIZE", 1)
    # RANK is the one that counts over all nodes; LOCAL_RANK is the same where there is one node only.
    rank = _number(environment, "RANK", _number(environment, "LOCAL_RANK", 0))
    if not 0 <= rank < max(world_size, 1):
        raise ConfigurationError(f"RANK={rank} does not fit WORLD_SIZE={world_size}")
    return Rank(rank, max(world_size, 1))


def share_of(options: E2BOptions, rank: Rank) -> Share:
    """Return what *rank* may use; raises `ConfigurationError` where that is less than one sandbox."""
    cap, ranks = options.account_max_sandboxes, rank.world_size
    if cap < ranks:
        source = f"of plan {options.plan!r}" if options.max_sandboxes is None else "given"
        raise ConfigurationError(
            f"e2b: max_sandboxes={cap} ({source}) is shared by {ranks} ranks, which leaves less than one sandbox to "
            f"each: raise max_sandboxes or plan, where the account allows more, or use fewer ranks"
        )
    mine = cap // ranks + (rank.rank < cap % ranks)
    warm = options.keep_warm // ranks + (rank.rank < options.keep_warm % ranks)
    budget = options.max_sandbox_seconds
    return Share(
        creates_per_s=options.account_creates_per_s / ranks,
        max_sandboxes=mine,
        keep_warm=min(warm, mine),
        max_sandbox_seconds=None if budget is None else budget / ranks,
    )


def _accelerate_rank() -> Rank | None:
    """Return what accelerate knows, if it is imported and set up: neither happens on our account."""
    state = getattr(sys.modules.get("accelerate.state"), "PartialState", None)
    if state is None or "_shared_state" not in vars(state) or "num_processes" not in state._shared_state:
        return None
    found = state()
    return Rank(int(found.process_index), int(found.num_processes))


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    try:
        return int(text) if text.strip() else default
    except ValueError:
        raise ConfigurationError(f"the environment says {name}={text!r}, which is no whole number") from None
