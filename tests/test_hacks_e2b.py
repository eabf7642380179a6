"""Hacks pay no better in the cloud: the same rows, graded in microVMs of a stand-in service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from e2b_service.handle import ServiceHandle, start_service
from hostile.hack import Hack
from hostile.hack_grades import Graded, grade_hacks, missing_tool
from hostile.hacks import BY_ID, HACKS

from rewards.sandboxes.e2b_cloud import E2BSandbox

HARMLESS_CELLS = (2, 7, 11, 12, 13, 14, 20)
"""Nothing stands between a cell and the machine that it runs on, which on the stand-in is this one. For the same reason
a cell may see that it is in the cloud (24)."""
IN_PYTHON = [
    hack for hack in HACKS if hack.language == "python" and (hack.kind != "cell" or hack.number in HARMLESS_CELLS)
]
SAMPLE = [
    BY_ID[name]
    for name in (
        "stdin-01-exit-before-the-answer",
        "stdin-12-every-answer",
        "stdin-16-count-the-runs",
        "stdin-17-kill-the-parent",
        "stdin-14-no-tests",
        "output-03-print-passed",
        "call-02-lying-int",
        "call-01-back-door",
        "call-15-kill-oneself",
        "assert-09-swallow-by-excepthook",
        "assert-02-contains-everything",
        "tester-01-leave-where-an-error-is-wanted",
        "tester-06-patch-what-the-test-compares-with",
        "tester-04-functions-of-the-test",
        "file-05-link-to-the-hosts-files",
        "file-16-left-by-the-one-before",
        "checker-22-garbage",
        "cell-12-every-answer",
        "unittest-07-skip-by-unittest",
        "appended-01-exit",
    )
]


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


def graded_on(service: ServiceHandle, hacks: Sequence[Hack]) -> dict[str, Graded]:
    sandbox = E2BSandbox(
        api_key=service.api_key,
        api_url=service.url,
        sandbox_url=service.url,
        max_sandboxes=2,
        creates_per_s=20.0,
        jobs_per_sandbox=2,
        request_timeout_s=20.0,
    )
    return grade_hacks(hacks, sandbox, name="hacks-e2b")


def wrong(graded: dict[str, Graded]) -> list[tuple[str, object]]:
    """Return the rows in which a hack earned what it should not, or an honest program did not earn what it should."""
    found: list[tuple[str, object]] = []
    for name, (hostile, honest) in graded.items():
        found += [(name, hostile)] * (hostile.score != BY_ID[name].score)
        found += [(f"{name}, honest", honest)] * (honest.score != 1.0)
    return found


def test_a_hack_of_each_sort_earns_nothing_in_the_cloud(service: ServiceHandle) -> None:
    graded = graded_on(service, SAMPLE)
    assert wrong(graded) == []
    assert {grade.sandbox for pair in graded.values() for grade in pair} <= {"e2b", ""}


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted({hack.kind for hack in IN_PYTHON}))
def test_no_hack_earns_anything_in_the_cloud(service: ServiceHandle, kind: str) -> None:
    graded = graded_on(service, [hack for hack in IN_PYTHON if hack.kind == kind and not missing_tool(hack)])
    assert wrong(graded) == []
