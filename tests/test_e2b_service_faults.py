"""Which operations a fault hits, what operations are called, and where a machine's files are."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2b_service.faults import Fault, Faults, operation_of
from e2b_service.machine import Machine
from e2b_service.settings import Settings


def test_the_same_seed_hits_the_same_requests() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault.VANISH, probability=0.5)
        return [faults.fires(Fault.VANISH, "envd/process/Start") for _ in range(64)]

    assert hits(1) == hits(1) != hits(2)


def test_a_rule_is_bounded_by_its_count_its_match_and_who_is_spared_first() -> None:
    faults = Faults()
    faults.add(Fault.LATENCY, times=2, match="process/Start", after=1)
    asked = ["envd/process/Start", "envd/process/List", "envd/process/Start", "rest/create", "envd/process/Start"]
    assert [faults.fires(Fault.LATENCY, one) for one in [*asked, asked[0]]] == [False, False, True, False, True, False]
    assert faults.fired[Fault.LATENCY] == 2


OPERATIONS = [
    ("POST", "/v2/sandboxes", "rest", "rest/create"),
    ("GET", "/v2/sandboxes", "rest", "rest/list"),
    ("POST", "/sandboxes/i1/connect", "rest", "rest/connect"),
    ("POST", "/v2/sandboxes/i1/connect", "rest", "rest/connect"),
    ("DELETE", "/sandboxes/i1", "rest", "rest/kill"),
    ("GET", "/sandboxes/i1", "rest", "rest/info"),
    ("POST", "/process.Process/Start", "envd", "envd/process/Start"),
    ("POST", "/files", "envd", "envd/files/write"),
    ("GET", "/files", "envd", "envd/files/read"),
    ("POST", "/execute", "interpreter", "interpreter/execute"),
    ("POST", "/contexts/c1/restart", "interpreter", "interpreter/contexts/restart"),
]


@pytest.mark.parametrize(("method", "path", "plane", "name"), OPERATIONS, ids=[row[3] + row[1] for row in OPERATIONS])
def test_an_operation_has_one_name(method: str, path: str, plane: str, name: str) -> None:
    assert operation_of(method, path, plane=plane) == name


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("x/y", "x/y"),
        ("/home/user/x", "x"),
        ("/home/user", ""),
        ("/home/userx", "rootfs/home/userx"),
        ("/tmp/x", "rootfs/tmp/x"),
        ("../../../../etc/passwd", "rootfs/etc/passwd"),
        ("/../etc/passwd", "rootfs/etc/passwd"),
    ],
)
def test_a_path_of_the_sdk_stays_in_the_machines_folder(tmp_path: Path, name: str, below: str) -> None:
    machine = Machine("i1", tmp_path / "i1", Settings())
    assert machine.path(name) == machine.home / below
    assert machine.path(str(machine.path(name))) == machine.path(name)
