"""Every kind of test gets the same verdict in the cloud as here, and none that is wrong when the service fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import pytest
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from kinds import UNITS

from rewards.errors import SandboxUnavailable
from rewards.grader.batch import BatchSettings
from rewards.grader.engine import Grader
from rewards.grades import Verdict
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

DUE = {name: verdict for name, (_, verdict) in UNITS.items()}
CREATION = (Fault.CREATE_RATE, Fault.CONCURRENCY_CAP, Fault.CREATE_LOST)
STREAMS = [fault for fault in Fault if fault.value.startswith(("envd_", "execute_"))]


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle) -> ServiceHandle:
    running.reset()
    return running


def pool_on(service: ServiceHandle, **options: float) -> E2BSandbox:
    defaults = {"max_sandboxes": 2, "creates_per_s": 20.0, "jobs_per_sandbox": 2, "request_timeout_s": 20.0}
    return E2BSandbox(
        api_key=service.api_key,
        api_url=service.url,
        sandbox_url=service.url,
        **{**defaults, **options},  # type: ignore[arg-type]
    )


def verdicts_in(sandbox: Sandbox) -> dict[str, set[Verdict]]:
    """Return the verdicts that the tests of each unit get."""
    grader = Grader(sandbox, settings=BatchSettings(batch_deadline_s=300.0), breaker=None)
    try:
        outcomes, _ = grader.run([unit for unit, _ in UNITS.values()])
    finally:
        grader.close()
    return {name: {test.verdict for test in outcome.tests} for name, outcome in zip(UNITS, outcomes, strict=True)}


def wrong(verdicts: Mapping[str, set[Verdict]]) -> dict[str, set[Verdict]]:
    """Return the units with a verdict that is not theirs; to have none is not wrong."""
    return {name: found for name, found in verdicts.items() if found - {DUE[name], Verdict.UNJUDGED}}


def test_here_and_in_the_cloud_every_kind_of_test_gets_its_verdict(service: ServiceHandle) -> None:
    due = {name: {verdict} for name, verdict in DUE.items()}
    assert verdicts_in(pool_on(service)) == due
    try:
        assert verdicts_in(LocalSandbox()) == due
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where programs can be confined: {missing}")


@pytest.mark.long
def test_no_kind_of_test_gets_a_wrong_verdict_from_a_service_that_fails(service: ServiceHandle) -> None:
    for fault in Fault:
        service.add_fault(fault, probability=0.03, match="rest/create" if fault in CREATION else "")
    verdicts = verdicts_in(pool_on(service, max_sandboxes=4, silence_s=3.0, request_timeout_s=4.0, idle_s=1.0))
    service.clear_faults()
    assert wrong(verdicts) == {}
    judged = [name for name, found in verdicts.items() if Verdict.UNJUDGED not in found]
    assert len(judged) > len(DUE) / 2, "so many are unjudged that this shows nothing"
    assert service.alive() == ()


@pytest.mark.long
@pytest.mark.parametrize("fault", [*STREAMS, Fault.VANISH, Fault.RATE_LIMITED, Fault.BAD_GATEWAY])
def test_no_kind_of_test_gets_a_wrong_verdict_from_this_fault(service: ServiceHandle, fault: Fault) -> None:
    match = "interpreter/execute" if fault.value.startswith("execute_") else "process/Start"
    service.add_fault(fault, probability=0.3, match=match)
    verdicts = verdicts_in(pool_on(service, max_sandboxes=4, silence_s=3.0, request_timeout_s=4.0, idle_s=1.0))
    service.clear_faults()
    assert wrong(verdicts) == {}
    assert service.alive() == ()
