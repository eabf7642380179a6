"""What several modules of tests need: the local sandbox at each level that works here, and a SIGINT that is heard.

Properties are tried on the same examples every time, so that a change is judged and not the luck of a run, and a busy
machine breaks none: `pytest --hypothesis-profile default` looks for others.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from rewards.errors import SandboxUnavailable
from rewards.sandboxes.local import LocalSandbox

for variable in [name for name in os.environ if name.startswith("E2B_")]:
    del os.environ[variable]  # a developer's own account: `auto` would go there, and be paid for
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")  # before anything of Hugging Face's is imported
_TRACKIO = tempfile.TemporaryDirectory(prefix="trackio-", ignore_cleanup_errors=True)
os.environ["TRACKIO_DIR"] = _TRACKIO.name  # read when TRL imports trackio; unset, it is in the home directory

settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_unconfigure() -> None:
    _TRACKIO.cleanup()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["A", "B"])
def sandbox(request: pytest.FixtureRequest, loop: asyncio.Runner) -> Iterator[LocalSandbox]:
    """A module that needs more than one slot says so in `SLOTS`."""
    slots = getattr(request.module, "SLOTS", 1)
    local = LocalSandbox(slots=slots, level=request.param, environment={"GREETING": "hello"})
    try:
        loop.run(local.start())
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where level {request.param} is to be had: {missing}")
    yield local
    loop.run(local.close())


@pytest.fixture
def not_accelerated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide that an earlier test has trained in this process: what accelerate knows comes before the environment."""
    monkeypatch.delitem(sys.modules, "accelerate.state", raising=False)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Undo what a shell does to commands that it starts in the background: they ignore SIGINT."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


@pytest.fixture(params=["A", "B"])
def level(request: pytest.FixtureRequest) -> str:
    """A level that works here, for tests that start sandboxes of their own."""
    probe = LocalSandbox(slots=1, level=request.param)
    try:
        probe.describe()
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where level {request.param} is to be had: {missing}")
    return str(request.param)
