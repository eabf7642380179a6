"""The SDK as it is, against the stand-in service."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the stand-in service needs aiohttp")
pytest.importorskip("e2b_code_interpreter", reason='pip install "code-rewards[e2b]"')

from e2b_service.faults import Fault as Wrong
from e2b_service.handle import ServiceHandle, start_service

from rewards import ConfigurationError
from rewards.sandboxes.e2b_cloud import sdk
from rewards.sandboxes.e2b_cloud.faults import OLD_CREATE_HINT, Fault, classify
from rewards.sandboxes.e2b_cloud.options import E2BOptions

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def shared_service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(shared_service: ServiceHandle) -> Iterator[ServiceHandle]:
    yield shared_service
    shared_service.change(versions="both")
    shared_service.reset()


def options_for(service: ServiceHandle, **options: Any) -> E2BOptions:
    return E2BOptions(api_key=service.api_key, api_url=service.url, sandbox_url=service.url, **options)


async def refusal(loaded: sdk.SDK) -> Fault | None:
    try:
        await loaded.create({})
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return classify(error, during="create")
    return None


def test_a_sandbox_is_created_listed_and_killed(service: ServiceHandle) -> None:
    async def work() -> None:
        loaded = sdk.load(options_for(service, metadata={"team": "blue"}))
        sandbox = await loaded.create({"code_rewards": "sandbox"}, key="one")
        (listed,) = await loaded.list({"code_rewards": "sandbox"})
        assert (listed.sandbox_id, listed.metadata["team"]) == (sandbox.sandbox_id, "blue")
        assert await loaded.list({"code_rewards": "another"}) == []
        assert await loaded.kill(sandbox.sandbox_id)
        assert not await loaded.kill(sandbox.sandbox_id)

    asyncio.run(work())
    assert service.alive() == ()


def test_a_list_of_many_pages_is_read_to_its_end(service: ServiceHandle) -> None:
    async def work() -> None:
        loaded = sdk.load(options_for(service))
        await asyncio.gather(*(loaded.create({"code_rewards": "sandbox"}) for _ in range(104)))
        assert len(await loaded.list({"code_rewards": "sandbox"})) == 104

    asyncio.run(work())


@pytest.mark.parametrize(
    ("wrong", "kind", "wait_s"),
    [
        (Wrong.CREATE_RATE, "rate", 7.0),
        (Wrong.CONCURRENCY_CAP, "full", None),
        (Wrong.UNAVAILABLE, "busy", None),
        (Wrong.INTERNAL_ERROR, "busy", None),
        (Wrong.BAD_GATEWAY, "busy", None),
        (Wrong.GATEWAY_TIMEOUT, "timeout", None),
        (Wrong.CONNECTION_RESET, "transport", None),
        (Wrong.UNAUTHORIZED, "auth", None),
    ],
)
def test_a_refusal_is_understood_at_the_first_call(
    service: ServiceHandle, wrong: Wrong, kind: str, wait_s: float | None
) -> None:
    """The SDK's own three retries would have been over in half a second, outside any rate of ours."""
    service.add_fault(wrong, times=1, delay_s=7, match="rest/create")
    fault = asyncio.run(refusal(sdk.load(options_for(service))))
    assert fault is not None
    assert (fault.kind, fault.retry_after_s) == (kind, wait_s)
    assert fault.fatal == (kind == "auth")


def test_a_backend_without_the_newer_create_call_is_told_by_name(service: ServiceHandle) -> None:
    service.change(versions="v1")
    fault = asyncio.run(refusal(sdk.load(options_for(service))))
    assert fault is not None
    assert fault.fatal
    assert OLD_CREATE_HINT in fault.detail


def test_what_is_unset_is_left_to_the_sdk() -> None:
    arguments = sdk.load(E2BOptions()).create_arguments({"code_rewards": "sandbox"})
    unset = {"template", "api_key", "domain", "api_url", "sandbox_url", "proxy", "headers", "idempotency_key"}
    assert not unset & arguments.keys()
    assert arguments["allow_internet_access"] is False
    assert arguments["timeout"] == 300


def test_what_is_set_reaches_the_sdk() -> None:
    options = E2BOptions(template="mine", headers={"a": "b"}, create_arguments={"envs": {"c": "d"}, "retries": 2})
    arguments = sdk.load(options).create_arguments({"tag": "1"}, key="k")
    assert (arguments["template"], arguments["headers"], arguments["envs"]) == ("mine", {"a": "b"}, {"c": "d"})
    assert (arguments["metadata"], arguments["idempotency_key"], arguments["retries"]) == ({"tag": "1"}, "k", 2)


def test_an_argument_that_create_does_not_take_is_an_error_before_the_first_batch() -> None:
    with pytest.raises(ConfigurationError, match=r"e2b .*does not take colour"):
        sdk.load(E2BOptions(create_arguments={"colour": "blue"}))


def test_a_class_of_the_users_is_used_instead() -> None:
    class Theirs:
        @classmethod
        async def create(cls, **arguments: Any) -> dict[str, Any]:
            return arguments

        kill = list = create

    loaded = sdk.load(E2BOptions(sandbox_class=Theirs, create_arguments={"colour": "blue"}))
    assert not loaded.has_run_code
    assert asyncio.run(loaded.create({}))["colour"] == "blue"
    with pytest.raises(ConfigurationError, match=r"int has no create\(\)"):
        sdk.load(E2BOptions(sandbox_class=int))


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    assert not sdk.has_key(E2BOptions())
    assert not sdk.has_key(E2BOptions(api_key=""))
    assert sdk.has_key(E2BOptions(api_key="anything"))
    monkeypatch.setenv("E2B_API_KEY", "")
    assert not sdk.has_key(E2BOptions())
    monkeypatch.setenv("E2B_API_KEY", "anything")
    assert sdk.has_key(E2BOptions())


@pytest.mark.parametrize(
    ("name", "value"),
    [("E2B_API_KEY", "e2b_s3cret\n"), ("E2B_API_URL", "s3cret.example:3000"), ("E2B_SANDBOX_URL", "s3cret.example")],
)
def test_what_the_environment_cannot_mean_is_an_error_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        sdk.load(E2BOptions())
    assert "s3cret" not in str(caught.value)
    sdk.load(E2BOptions(api_key="given", api_url="http://localhost:1", sandbox_url="http://localhost:1"))


def test_a_key_that_the_service_repeats_is_not_shown(service: ServiceHandle) -> None:
    options = options_for(service)
    sdk.load(options)
    fault = classify(ConnectionError(f"no such key: {options.api_key}"), during="create")
    assert fault is not None
    assert service.api_key not in fault.detail


def test_the_debug_mode_of_the_sdk_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("E2B_DEBUG", "true")
    with caplog.at_level(logging.WARNING):
        sdk.load(E2BOptions())
    assert "does not kill" in caplog.text


@pytest.mark.parametrize(
    ("hidden", "printed"),
    [
        pytest.param(["e2b_code_interpreter"], "False", id="plain e2b has no cells"),
        pytest.param(["e2b_code_interpreter", "e2b"], 'pip install "code-rewards[e2b]"', id="no SDK"),
    ],
)
def test_whichever_sdk_is_there_is_used(hidden: list[str], printed: str) -> None:
    script = f"""
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
from rewards.sandboxes.e2b_cloud import sdk
from rewards.sandboxes.e2b_cloud.options import E2BOptions
try:
    print(sdk.load(E2BOptions()).has_run_code)
except Exception as error:
    print(sdk.is_installed(), type(error).__name__, error)
"""
    assert printed in run_script(script)


FORK = """
import asyncio, os, sys
from rewards.sandboxes.e2b_cloud import sdk
from rewards.sandboxes.e2b_cloud.options import E2BOptions

async def once():
    loaded = sdk.load(E2BOptions())
    await loaded.kill((await loaded.create({})).sandbox_id)

if "used" in sys.argv:
    asyncio.run(once())
else:
    sdk.load(E2BOptions())
child = os.fork()
if child == 0:
    try:
        asyncio.run(once())
        print("worked", flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
asyncio.run(once())
print("the parent goes on", flush=True)
"""


@pytest.mark.parametrize(
    ("when", "printed"), [("used", "ConfigurationError e2b: this process was forked"), ("", "worked")]
)
def test_a_fork_after_the_first_use_is_an_error_and_not_a_hang(service: ServiceHandle, when: str, printed: str) -> None:
    said = run_script(FORK, when, environment=service.environment)
    assert said.startswith(printed)
    assert said.endswith("the parent goes on\n")


LAST_ANSWER = """
import threading, time
from rewards.sandboxes.e2b_cloud import sdk
from rewards.sandboxes.e2b_cloud.options import E2BOptions
sdk.load(E2BOptions())
sdk._note_use()

answered = threading.Event()

def bring_an_answer():
    answered.set()
    time.sleep(0.02)  # in native code, without the interpreter's lock
    print("came back", flush=True)

threading.Thread(target=bring_an_answer, daemon=True).start()
answered.wait()
"""


def test_an_interpreter_does_not_end_before_the_thread_that_brought_the_last_answer_is_back() -> None:
    """A thread of native code that asks for the lock of an interpreter that ends takes the process along."""
    assert run_script(LAST_ANSWER, environment={"E2B_API_KEY": "e2b_" + "0" * 40}) == "came back\n"


def run_script(script: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-c", script, *arguments]
    found = {**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=found, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout
