"""How many slots a rank takes: its share of the cores that the affinity and the cgroup leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewards.sandboxes.local import capacity
from rewards.sandboxes.local.capacity import cgroup_cores, default_slots, usable_cores


def cgroup(tmp_path: Path, own: str, files: dict[str, str]) -> float | None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(own)
    return cgroup_cores(tmp_path, tmp_path / "own")


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "150000 100000\n"}, 1.5, id="v2"),
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n"}, 2.0, id="v2, above"),
        pytest.param("0::/\n", {"cpu.max": "400000 100000\n"}, 4.0, id="v2 in a container of its own namespace"),
        pytest.param(
            "0::/docker/x\n", {"cpu.max": "300000 100000\n"}, 3.0, id="v2 with the host's path in a container"
        ),
        pytest.param("0::/a\n", {"a/cpu.max": "max 100000\n"}, None, id="v2 without a quota"),
        pytest.param(
            "4:memory:/m\n1:cpu:/c\n0::/\n",
            {"cpu/c/cpu.cfs_quota_us": "250000\n", "cpu/c/cpu.cfs_period_us": "100000\n"},
            2.5,
            id="v1",
        ),
        pytest.param(
            "3:cpu,cpuacct:/c\n",
            {"cpu,cpuacct/c/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/c/cpu.cfs_period_us": "100000\n"},
            0.5,
            id="v1 under its joint name",
        ),
        pytest.param(
            "1:cpu:/c\n",
            {"cpu/c/cpu.cfs_quota_us": "-1\n", "cpu/c/cpu.cfs_period_us": "100000\n"},
            None,
            id="v1 without a quota",
        ),
        pytest.param("0::/a\n", {"a/cpu.max": "rubbish"}, None, id="nothing readable"),
        pytest.param("", {}, None, id="no groups"),
    ],
)
def test_the_quota_of_the_cgroup_is_found(tmp_path: Path, own: str, files: dict[str, str], cores: float | None) -> None:
    assert cgroup(tmp_path, own, files) == cores


def test_without_cgroups_there_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_cores(tmp_path, tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("ranks", "slots"),
    [*((ranks, usable_cores() + 1) for ranks in ("1", "", "x", "0")), ("100000", 1)],
)
def test_ranks_of_a_node_share_the_cores(monkeypatch: pytest.MonkeyPatch, ranks: str, slots: int) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert default_slots() == slots


def test_a_quota_below_one_core_is_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "cgroup_cores", lambda: 0.3)
    assert usable_cores() == 1
