"""However a machine of the stand-in service ends, and the service itself: no process and no folder is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2b import RateLimitException, Sandbox
from e2b_service.handle import ServiceHandle, start_service

TESTS = Path(__file__).parent

PARENT = """
import os, sys, time
from e2b_service.handle import start_service
with start_service() as service:
    os.environ.update(service.environment)
    from e2b import Sandbox
    sandbox = Sandbox.create()
    sandbox.commands.run("setsid -f sleep 300")
    print(sandbox.commands.run("echo $HOME").stdout.strip(), service.pid, flush=True)
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> ServiceHandle:
    use(running, monkeypatch)
    return running


def use(service: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)


def until(claim: Callable[[], bool], *, within_s: float = 10.0) -> bool:
    ends = time.monotonic() + within_s
    while not claim():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def processes_marked(text: str) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if text.encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.append(int(name))
    return found


def working_folders() -> list[str]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/{name}/cwd"))
    return found


def services_folder(sandbox: Sandbox) -> Path:
    """Return the folder that holds all machines of the service."""
    return Path(sandbox.commands.run("echo $HOME").stdout.strip()).parent


@pytest.mark.parametrize("end", ["kill", "vanish", "expiry"])
def test_a_gone_machines_detached_processes_are_killed(service: ServiceHandle, end: str) -> None:
    sandbox = Sandbox.create()
    sandbox.commands.run("setsid -f env -i sleep 300; setsid -f sleep 300; cd /; setsid -f sleep 300")
    assert len(processes_marked(sandbox.sandbox_id)) >= 2
    if end == "kill":
        sandbox.kill()
    elif end == "vanish":
        service.vanish(sandbox.sandbox_id)
    else:
        sandbox.set_timeout(0)
    assert until(lambda: not processes_marked(sandbox.sandbox_id))
    assert until(lambda: not any(sandbox.sandbox_id in where for where in working_folders()))


@pytest.mark.parametrize("end", ["block", signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_service_ends(end: str | signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_service() as service:
        use(service, monkeypatch)
        sandbox = Sandbox.create()
        sandbox.commands.run("setsid -f sleep 300")
        folder = services_folder(sandbox)
        assert processes_marked(str(folder))
        if isinstance(end, signal.Signals):
            os.kill(service.pid, end)
            assert until(lambda: not folder.exists())
    assert not folder.exists()
    assert not processes_marked(str(folder))


@pytest.mark.parametrize("package", ["tests.e2b_service", "e2b_service"])
def test_one_command_starts_it_by_hand(package: str) -> None:
    command = [sys.executable, "-m", package, "--port", "0", "--plan", "hobby"]
    where = TESTS.parent if package.startswith("tests.") else TESTS
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=where) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        environment = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        url = environment.pop("E2B_API_URL")
        assert environment.pop("E2B_SANDBOX_URL") == url
        first = Sandbox.create(api_key=environment["E2B_API_KEY"], api_url=url, sandbox_url=url, retries=0)
        with pytest.raises(RateLimitException):
            Sandbox.create(api_key=environment["E2B_API_KEY"], api_url=url, sandbox_url=url, retries=0)
        folder = services_folder(first)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert not folder.exists()


def test_the_service_ends_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as parent:
        assert parent.stdout is not None
        home, _, pid = parent.stdout.readline().strip().rpartition(" ")
        assert Path(home).exists()
        parent.kill()
    assert until(lambda: not Path(home).parent.exists())
    assert not processes_marked(home)
    assert until(lambda: not Path(f"/proc/{pid}").exists() or b"Z" in Path(f"/proc/{pid}/stat").read_bytes().split())
