"""How many programs this process may run at once without taking other processes' cores."""

from __future__ import annotations

import os
from pathlib import Path


def cgroup_cores(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """Return the cores that a cgroup quota leaves, v1 or v2, or None where none is set."""
    try:
        lines = own.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    quotas = [quota for line in lines for quota in _quotas_of(line, root)]
    return min(quotas, default=None)


def _quotas_of(line: str, root: Path) -> list[float]:
    """Return the quotas of one line of /proc/self/cgroup and of the groups above it."""
    _, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if controllers and "cpu" not in controllers.split(","):
        return []
    found = []
    for base in (
        (root, root / "unified") if not controllers else (root / "cpu", root / "cpu,cpuacct", root / controllers)
    ):
        group = base / path.lstrip("/")
        # In a container the path may be the host's, and only the mounted top is ours: a missing directory is passed by.
        for directory in (group, *group.parents):
            quota = _quota_of(directory)
            if quota is not None:
                found.append(quota)
            if directory == base:
                break
    return found


def _quota_of(directory: Path) -> float | None:
    try:
        if (directory / "cpu.max").exists():
            quota, period = (directory / "cpu.max").read_text(encoding="ascii").split()[:2]
        else:
            quota = (directory / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (directory / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        return float(quota) / float(period) if quota not in ("max", "-1") else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def usable_cores() -> int:
    """Return the cores that this process may use: its affinity, within the cgroup's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_cores()
    return affinity if quota is None else max(1, min(affinity, int(quota)))


def default_slots() -> int:
    """Return one more than this rank's share of the cores: while the result of one program is read, another one runs.

    Launchers tell the ranks of a node in LOCAL_WORLD_SIZE.
    """
    try:
        ranks = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    except ValueError:
        ranks = 1
    return usable_cores() // ranks + 1
