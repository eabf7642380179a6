"""Nothing is left behind, however the trainer ends; and what is left behind all the same can be found."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the stand-in service needs aiohttp")
pytest.importorskip("e2b", reason='pip install "code-rewards[e2b]"')

from e2b_service.faults import Fault as Wrong
from e2b_service.handle import ServiceHandle, start_service

from rewards.sandboxes.e2b_cloud import sdk, sweep
from rewards.sandboxes.e2b_cloud.ledger import Ledger
from rewards.sandboxes.e2b_cloud.machine import Machine
from rewards.sandboxes.e2b_cloud.options import E2BOptions
from rewards.sandboxes.e2b_cloud.reaper import Reaper, _environment, check_all
from rewards.sandboxes.e2b_cloud.shares import Rank
from rewards.sandboxes.e2b_cloud.tags import OURS, own_tags

ROOT = Path(__file__).resolve().parents[1]
GONE_WITHIN_S = 45.0

TRAINER = """
import asyncio, os, sys, time
from rewards.sandboxes.e2b_cloud import reaper, sdk, shares, tags
from rewards.sandboxes.e2b_cloud.options import E2BOptions

options = E2BOptions(run="trained")
own = tags.own_tags(options, shares.Rank())
watcher = reaper.Reaper(options, own.owned)

async def begin():
    loaded = sdk.load(options)
    for i in range(3):
        sandbox = await loaded.create(own.metadata({}))
        if i:  # the first one is known to the service only, like one whose create call was cut off
            watcher.add(sandbox.sandbox_id)
    gone = await loaded.create(own.metadata({}))
    watcher.add(gone.sandbox_id)
    await loaded.kill(gone.sandbox_id)
    watcher.remove(gone.sandbox_id)

asyncio.run(begin())
if "fork" in sys.argv and os.fork() == 0:
    time.sleep(60)
    os._exit(0)
print(watcher.pid, flush=True)
if "done" in sys.argv:
    watcher.done()
    sys.exit()
if "raise" in sys.argv:
    raise RuntimeError("the trainer has a bug")
time.sleep(120)
"""


@pytest.fixture(scope="module")
def shared_service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(shared_service: ServiceHandle) -> Iterator[ServiceHandle]:
    yield shared_service
    shared_service.reset()


def options_for(service: ServiceHandle, **options: Any) -> E2BOptions:
    return E2BOptions(api_key=service.api_key, api_url=service.url, sandbox_url=service.url, **options)


@contextlib.contextmanager
def trainer(service: ServiceHandle, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a trainer, and yield it and the id of its reaper once it has its sandboxes."""
    with subprocess.Popen(
        [sys.executable, "-c", TRAINER, *arguments],
        env={**os.environ, **service.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        reaper = int(process.stdout.readline())
        try:
            yield process, reaper
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_none_alive(service: ServiceHandle) -> None:
    ends_at = time.monotonic() + GONE_WITHIN_S
    while service.alive() and time.monotonic() < ends_at:
        time.sleep(0.1)
    assert service.alive() == ()


def wait_for_end(pid: int) -> None:
    ends_at = time.monotonic() + GONE_WITHIN_S
    while is_running(pid) and time.monotonic() < ends_at:
        time.sleep(0.1)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Say whether a process is there; one that nobody has waited for yet is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_trainer_that_is_killed_leaves_no_sandbox(service: ServiceHandle, number: signal.Signals) -> None:
    """A Ctrl-C in the terminal reaches every process of the terminal's group, but not the reaper."""
    with trainer(service) as (process, reaper):
        assert len(service.alive()) == 3
        os.killpg(process.pid, number)
        process.wait(20)
        wait_for_none_alive(service)
        wait_for_end(reaper)


def test_a_trainer_that_raises_leaves_no_sandbox(service: ServiceHandle) -> None:
    with trainer(service, "raise") as (process, reaper):
        assert process.wait(20) == 1
        wait_for_none_alive(service)
        wait_for_end(reaper)


def test_a_child_that_outlives_the_trainer_does_not_hold_the_reaper_up(service: ServiceHandle) -> None:
    """A data loader's workers are forked from the trainer, and inherit its end of the pipe."""
    with trainer(service, "fork") as (process, reaper):
        process.kill()
        process.wait(20)
        wait_for_none_alive(service)
        wait_for_end(reaper)


def test_a_reaper_that_is_told_that_all_is_done_does_nothing(service: ServiceHandle) -> None:
    with trainer(service, "done") as (process, reaper):
        assert process.wait(20) == 0
        wait_for_end(reaper)
        assert len(service.alive()) == 3


def test_a_service_that_fails_is_asked_again(service: ServiceHandle) -> None:
    with trainer(service) as (process, reaper):
        service.add_fault(Wrong.INTERNAL_ERROR, times=2, match="rest/kill")
        service.add_fault(Wrong.CONNECTION_RESET, times=1, match="rest/list")
        process.kill()
        process.wait(20)
        wait_for_none_alive(service)
        wait_for_end(reaper)


def test_a_sandbox_that_comes_after_the_trainers_end_is_killed_too(service: ServiceHandle) -> None:
    options = options_for(service)
    own, other = own_tags(options, Rank()), own_tags(options, Rank())
    reaper = Reaper(options, own.owned)
    reaper.hand_over()
    loaded = sdk.load(options)

    async def late() -> str:
        await asyncio.sleep(1)
        await loaded.create(own.metadata({}))
        return str((await loaded.create(other.metadata({}))).sandbox_id)

    anothers = asyncio.run(late())
    wait_for_end(reaper.pid)
    assert [alive.sandbox_id for alive in service.alive()] == [anothers]


def test_the_key_is_seen_by_nobody_else(service: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2B_API_KEY", "a-secret-of-the-environment")
    monkeypatch.setenv("HF_TOKEN", "another-secret")
    reaper = Reaper(options_for(service), OURS)
    process = Path(f"/proc/{reaper.pid}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    reaper.done()
    assert not reaper.is_alive
    for secret in ("a-secret", "another-secret", service.api_key):
        assert secret.encode() not in seen


def test_the_reaper_gets_what_the_sdk_needs_of_the_environment() -> None:
    found = {
        "E2B_DOMAIN": "x",
        "E2B_API_KEY": "k",
        "https_proxy": "p",
        "SSL_CERT_FILE": "c",
        "PYTHONPATH": "/",
        "A": "b",
    }
    assert _environment(found).keys() == {"E2B_DOMAIN", "https_proxy", "SSL_CERT_FILE"}


def test_a_reaper_that_was_killed_does_not_disturb_the_trainer(service: ServiceHandle) -> None:
    reaper = Reaper(options_for(service), OURS)
    os.kill(reaper.pid, signal.SIGKILL)
    wait_for_end(reaper.pid)
    assert not reaper.is_alive
    reaper.remove("a")
    reaper.done()
    reaper.done()


def test_a_reaper_that_was_killed_is_replaced_by_one_that_knows_as_much(
    service: ServiceHandle, caplog: pytest.LogCaptureFixture
) -> None:
    options = options_for(service)
    theirs = asyncio.run(sdk.load(options).create({"by": "nobody who could be found by tags"}))
    reaper = Reaper(options, own_tags(options, Rank()).owned)
    reaper.add(theirs.sandbox_id)
    killed = reaper.pid
    os.kill(killed, signal.SIGKILL)
    wait_for_end(killed)
    check_all()
    assert reaper.is_alive
    assert reaper.pid != killed
    check_all()
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    reaper.hand_over()
    wait_for_none_alive(service)
    check_all()
    assert caplog.text.count("has died") == 1


def test_a_heartbeat_of_a_sandbox_finds_out_that_the_reaper_is_gone(service: ServiceHandle) -> None:
    async def work() -> None:
        options = options_for(service, ttl_s=5)
        sandbox = await sdk.load(options).create({})
        reaper = Reaper(options, OURS)
        killed = reaper.pid
        os.kill(killed, signal.SIGKILL)
        machine = Machine(sandbox, options, ledger=Ledger(0.0, None), bare=True)
        machine.keep_alive(lambda *_: None)
        ends_at = time.monotonic() + GONE_WITHIN_S
        while reaper.pid == killed and time.monotonic() < ends_at:
            await asyncio.sleep(0.1)
        await machine.kill()
        assert reaper.pid != killed
        reaper.done()

    asyncio.run(work())


def test_what_cleans_up_after_a_pool_is_no_zombie_afterwards(service: ServiceHandle) -> None:
    options = options_for(service)
    first = Reaper(options, own_tags(options, Rank()).owned)
    first.hand_over()
    wait_for_end(first.pid)
    Reaper(options, OURS).done()
    assert not Path(f"/proc/{first.pid}").exists()


def test_a_class_that_cannot_travel_does_not_keep_the_reaper_from_its_work(service: ServiceHandle) -> None:
    from e2b import AsyncSandbox

    class Theirs(AsyncSandbox):
        pass

    options = options_for(service, sandbox_class=Theirs)
    own = own_tags(options, Rank())
    reaper = Reaper(options, own.owned)
    sandbox = asyncio.run(sdk.load(options).create(own.metadata({})))
    reaper.add(sandbox.sandbox_id)
    reaper.hand_over()
    wait_for_none_alive(service)


def sweep_script(service: ServiceHandle, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/e2b_sweep.py"), *arguments],
        env={**os.environ, **service.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_sweep_lists_ours_and_kills_those_that_are_asked_for(service: ServiceHandle) -> None:
    async def work() -> list[str]:
        loaded = sdk.load(options_for(service))
        tags = [own_tags(E2BOptions(run=run), Rank(3, 8)).metadata({}) for run in ("one", "other")]
        return [(await loaded.create(found)).sandbox_id for found in (*tags, {"theirs": "yes"})]

    one, other, theirs = asyncio.run(work())
    listed = sweep_script(service)
    assert listed.returncode == 0, listed.stderr
    assert "2 sandboxes" in listed.stdout
    assert f"{one}  " in listed.stdout
    assert f"rank 3  {os.uname().nodename}:{os.getpid()}" in listed.stdout
    assert theirs not in listed.stdout
    assert "0 sandboxes" in sweep_script(service, "--kill", "--older-than", "1h").stdout
    assert f"{one}  killed" in sweep_script(service, "--kill", "--run", "one").stdout
    assert sorted(alive.sandbox_id for alive in service.alive()) == sorted([other, theirs])
    assert sweep_script(service, "--kill", "--older-than", "0").returncode == 0
    assert [alive.sandbox_id for alive in service.alive()] == [theirs]


def test_a_sweep_that_would_kill_what_is_in_use_has_to_be_asked_for(service: ServiceHandle) -> None:
    refused = sweep_script(service, "--kill")
    assert refused.returncode == 2
    assert "--older-than or --run" in refused.stderr


def test_a_sweep_that_the_service_refuses_says_why(service: ServiceHandle) -> None:
    service.add_fault(Wrong.UNAUTHORIZED)
    refused = sweep_script(service)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: auth")
    assert len(refused.stderr.splitlines()) == 1


def test_a_sandbox_whose_answer_was_lost_is_found_as_a_stray(service: ServiceHandle) -> None:
    async def work() -> list[sweep.Found]:
        options = options_for(service)
        loaded, own = sdk.load(options), own_tags(options, Rank())
        known = await loaded.create(own.metadata({}))
        service.add_fault(Wrong.CREATE_LOST, times=1)
        with pytest.raises(Exception, match="504"):
            await loaded.create(own.metadata({}))
        assert await sweep.find_strays(loaded, own, [known.sandbox_id], older_than_s=100) == []
        return await sweep.find_strays(loaded, own, [known.sandbox_id], older_than_s=0)

    (stray,) = asyncio.run(work())
    assert stray.sandbox_id in [alive.sandbox_id for alive in service.alive()]


@pytest.mark.parametrize(("text", "length"), [("90", 90), ("90s", 90), ("1.5h", 5400), ("15m", 900), ("2d", 172_800)])
def test_an_age_can_be_said_in_words(text: str, length: float) -> None:
    assert sweep.seconds(text) == length


@pytest.mark.parametrize("text", ["", "h", "-1", "nan", "1e99", "2 weeks", "true", "[1]"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        sweep.seconds(text)
