"""The metadata by which our sandboxes are known: who made them, and where."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from .options import TAG_PREFIX, E2BOptions
from .shares import Rank

OURS = {TAG_PREFIX: "sandbox"}
"""On every sandbox that this library makes."""
_FIELDS = ("run", "owner", "rank", "host", "pid")


@dataclass(frozen=True)
class Tags:
    """Whose sandbox this is."""

    run: str
    """The same for all ranks of a run, where its name is given or the launcher has one."""
    owner: str
    """One pool of one process: what its reaper may kill."""
    rank: str
    host: str
    pid: str

    @property
    def owned(self) -> dict[str, str]:
        """Return the metadata that finds exactly this owner's sandboxes."""
        return {**OURS, f"{TAG_PREFIX}_owner": self.owner}

    def metadata(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return what a sandbox is to be created with, *extra* being the user's own."""
        return {**extra, **OURS, **{f"{TAG_PREFIX}_{name}": getattr(self, name) for name in _FIELDS}}


def own_tags(options: E2BOptions, rank: Rank) -> Tags:
    """Return new tags for one pool of this process."""
    owner = uuid.uuid4().hex
    return Tags(
        run=options.run or _launched_run() or f"{time.strftime('%Y%m%d-%H%M%S')}-{owner[:8]}",
        owner=owner,
        rank=str(rank.rank),
        host=socket.gethostname(),
        pid=str(os.getpid()),
    )


def read_tags(metadata: Mapping[str, str]) -> Tags | None:
    """Return whose sandbox it is, or None if it is not one of ours."""
    if metadata.get(TAG_PREFIX) != OURS[TAG_PREFIX]:
        return None
    return Tags(**{name: metadata.get(f"{TAG_PREFIX}_{name}", "?") for name in _FIELDS})


def _launched_run() -> str | None:
    """Return the name that torchrun was given, or has made up, for the run; "none" is its way of having no name."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    return None if name in ("", "none") else name
