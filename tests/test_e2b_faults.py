"""Every exception of the E2B SDK and of the HTTP stack below it means something to us."""

from __future__ import annotations

import asyncio
import importlib
import json
from types import ModuleType
from typing import Any

import pytest

for needed in ("e2b", "e2b_code_interpreter"):
    pytest.importorskip(needed, reason='pip install "code-rewards[e2b]"')

import e2b  # noqa: E402 - behind the check that it is there
import httpx  # noqa: E402
from e2b import exceptions  # noqa: E402

from rewards import ConfigurationError  # noqa: E402
from rewards.records import SandboxFailure  # noqa: E402
from rewards.sandboxes.e2b_cloud import credentials  # noqa: E402
from rewards.sandboxes.e2b_cloud.faults import (  # noqa: E402
    KINDS,
    OLD_CREATE_HINT,
    TABLE,
    UNSENDABLE_HINT,
    Fault,
    classify,
)

MODULES = ["e2b", "e2b.exceptions", "e2b_code_interpreter", "e2b_code_interpreter.exceptions", "httpx", "pyqwest"]
MODULES += ["httpcore", "connectrpc.errors"]
PARSING_DOCKERFILES = {"DockerfileSyntaxError"}
"""Part of building templates, which this library does not do."""


def exception_classes(module: ModuleType) -> list[type]:
    """Return the exception classes that a module offers, without those of other packages."""
    package = module.__name__.partition(".")[0]
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, BaseException)]
    return [found for found in found if found.__module__.partition(".")[0] == package]


@pytest.mark.parametrize("name", MODULES)
def test_every_exception_class_is_in_the_table(name: str) -> None:
    """Fails when a new version of the SDK has a class that nobody has thought about."""
    module = pytest.importorskip(name, reason="another version of the SDK is installed")
    unknown = []
    for kind in exception_classes(module):
        if kind.__name__ not in TABLE[kind.__module__.partition(".")[0]] and kind.__name__ not in PARSING_DOCKERFILES:
            unknown.append(kind.__name__)
    assert unknown == []


def test_there_is_something_to_be_enumerated() -> None:
    counts = [len(exception_classes(importlib.import_module(name))) for name in ("e2b.exceptions", "httpx")]
    assert min(counts) > 15


def test_every_kind_is_a_kind_of_failure() -> None:
    assert {kind for table in TABLE.values() for kind in table.values()} <= KINDS.keys()
    assert set(KINDS.values()) <= {"died", "start", "transport"}


def status(code: int, text: str = "no") -> exceptions.SandboxException:
    return exceptions.SandboxException(f"{code}: {text}", status_code=code)


HEADER = ValueError("Invalid header value 'a-secret\\n')")
FATAL = [
    pytest.param(httpx.LocalProtocolError(str(HEADER)), UNSENDABLE_HINT, id="a header"),
    pytest.param(httpx.LocalProtocolError("Invalid header name: 'x a'"), UNSENDABLE_HINT, id="a header's name"),
    pytest.param(httpx.UnsupportedProtocol("Request URL is missing an 'http://'"), "URL is missing", id="a URL"),
    pytest.param(status(400, "Timeout cannot be greater than 1 hours"), "greater than 1 hours", id="400"),
    pytest.param(status(401), "key", id="401 of an older SDK"),
    pytest.param(exceptions.AuthenticationException("401: Unauthorized"), "E2B_API_KEY", id="401"),
    pytest.param(status(403, "forbidden"), "refused", id="403"),
    pytest.param(status(404), OLD_CREATE_HINT, id="404"),
    pytest.param(status(405), OLD_CREATE_HINT, id="405"),
    pytest.param(status(404, "template 'x' was not found"), "template 'x'", id="404 of a template"),
    pytest.param(exceptions.TemplateException("update the template"), "template", id="an old template"),
    pytest.param(exceptions.InvalidArgumentException("bad retries"), "bad retries", id="an argument"),
]


@pytest.mark.parametrize(("error", "said"), FATAL)
def test_a_create_call_that_can_never_work_is_the_users_to_mend(error: Exception, said: str) -> None:
    fault = classify(error, during="create")
    assert fault is not None
    assert fault.fatal
    assert not fault.failure.retryable
    with pytest.raises(ConfigurationError, match=said):
        fault.refuse()


@pytest.mark.parametrize(("error", "said"), FATAL)
def test_the_same_in_a_sandbox_is_only_a_doubt_about_the_sandbox(error: Exception, said: str) -> None:
    fault = classify(error, during="run")
    assert fault is not None
    assert fault.retryable


DEADLINE = "This error is likely due to exceeding 'timeout'"
PORT = '{"message":"The sandbox is running but port is not open"}: This error is likely due to sandbox timeout.'
KINDS_OF = [
    (exceptions.RateLimitException("429: Rate limit exceeded"), "rate"),
    (exceptions.RateLimitException("you have reached the maximum number of concurrent E2B sandboxes (20)"), "full"),
    (exceptions.ServiceBusyException("503"), "busy"),
    (status(500, "sandbox_create_failed"), "busy"),
    (status(503), "busy"),
    (status(504), "timeout"),
    (exceptions.SandboxException("429 Too Many Requests: slow down"), "rate"),
    (exceptions.SandboxException("401 Unauthorized"), "auth"),
    (exceptions.SandboxException("500 Internal Server Error"), "busy"),
    (exceptions.SandboxException("503 Service Unavailable"), "busy"),
    (exceptions.SandboxException("504 Gateway Timeout"), "timeout"),
    (exceptions.SandboxException("Failed to place sandbox"), "protocol"),
    (exceptions.TimeoutException(DEADLINE), "timeout"),
    (exceptions.TimeoutException("Execution timed out"), "timeout"),
    (exceptions.TimeoutException("The sandbox was killed while the request was in progress."), "dead"),
    (exceptions.TimeoutException('{"message":"The sandbox was not found","code":502}: sandbox timeout'), "dead"),
    (exceptions.TimeoutException(PORT), "unreachable"),
    (exceptions.SandboxNotRunningException("was not found"), "dead"),
    (exceptions.SandboxUnreachableException("port is not open"), "unreachable"),
    (exceptions.NotFoundException("Context x not found"), "missing"),
    (exceptions.NotEnoughSpaceException("full"), "space"),
    (exceptions.AuthenticationException("401"), "auth"),
    (e2b.CommandExitException(stdout="", stderr="no python3", exit_code=127, error="exit status 127"), "command"),
    (httpx.ConnectError("refused"), "unreachable"),
    (httpx.ReadTimeout("late"), "timeout"),
    (httpx.RemoteProtocolError("peer closed connection without sending complete message body"), "transport"),
    (json.JSONDecodeError("Expecting value", "<html>", 0), "protocol"),
    (ConnectionRefusedError("refused"), "transport"),
    (TimeoutError(), "timeout"),
    (OSError(101, "Network is unreachable"), "transport"),
]


@pytest.mark.parametrize(("error", "kind"), [pytest.param(e, k, id=f"{e!r:.60}") for e, k in KINDS_OF])
def test_what_goes_wrong_is_told_apart(error: Exception, kind: str) -> None:
    fault = classify(error, during="run")
    assert fault is not None
    assert (fault.kind, fault.retryable) == (kind, True)
    assert isinstance(fault.failure, SandboxFailure)
    assert fault.failure.detail.startswith(kind)


@pytest.mark.parametrize(
    "error",
    [kind("ours") for kind in (TypeError, KeyError, ValueError, RuntimeError, AssertionError, MemoryError)]
    + [kind("ours") for kind in (FileNotFoundError, PermissionError, KeyboardInterrupt, ConfigurationError)],
    ids=repr,
)
def test_a_mistake_in_this_library_is_no_fault_of_the_service(error: BaseException) -> None:
    assert classify(error, during="create") is None
    assert classify(error, during="run") is None


def raised(work: Any, *arguments: Any) -> BaseException:
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("line", ['{"no": "type"}', "[1]", "5", '{"type": "result", "chart": 3}'])
def test_an_answer_that_the_sdk_stumbles_over_is_the_services_fault(line: str) -> None:
    from e2b_code_interpreter.models import Execution, parse_output

    try:
        parse_output(Execution(), line)
    except Exception as error:  # noqa: BLE001 - whatever it stumbles with
        fault = classify(error, during="run")
        assert fault is not None
        assert fault.kind == "protocol"


def test_a_callback_of_ours_that_fails_inside_the_sdk_is_our_mistake() -> None:
    from e2b_code_interpreter.models import Execution, parse_output

    scope: dict[str, Any] = {"__name__": "rewards.sandboxes.e2b_cloud.cells"}
    exec("def on_stdout(message):\n    return {}['missing']", scope)
    line = '{"type": "stdout", "text": "a", "timestamp": ""}'
    error = raised(lambda: parse_output(Execution(), line, on_stdout=scope["on_stdout"]))
    assert isinstance(error, KeyError)
    assert classify(error, during="run") is None


def test_a_class_that_nobody_has_heard_of_goes_by_what_it_is_made_from() -> None:
    class New(exceptions.RateLimitException):
        __module__ = "e2b.exceptions"

    class Newer(Exception):
        __module__ = "e2b.exceptions"

    found = [classify(New("slow down"), during="run"), classify(Newer("?"), during="run")]
    assert [fault and fault.kind for fault in found] == ["rate", "protocol"]


def test_a_fault_without_a_text_still_says_something() -> None:
    assert classify(httpx.ReadTimeout(""), during="run") == Fault("timeout", "ReadTimeout")


@pytest.mark.parametrize(
    "options",
    [{"api_key": "cl\u00e9"}, {"headers": {"X-A": "a\nsecret"}}, {"proxy": "http://me:secret@localhost:99999"}],
    ids=str,
)
def test_what_the_http_stack_does_not_send_is_the_users_to_mend(options: dict[str, Any]) -> None:
    """The options of ours refuse these; a class of the user's may let them through."""
    told = {"api_key": "e2b_" + "0" * 40, "api_url": "http://127.0.0.1:9", **options}
    fault = classify(raised(asyncio.run, e2b.AsyncSandbox.create(**told)), during="create")
    assert fault is not None
    assert (fault.kind, fault.fatal, fault.detail) == ("request", True, UNSENDABLE_HINT)


def test_no_fault_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_known", set())
    monkeypatch.setenv("E2B_API_KEY", "e2b_of_the_environment")
    proxy = "http://somebody:pass%21word@proxy:3128"
    credentials.remember(api_key="e2b_given", headers={"A": "Bearer a-token", "b": "c"}, proxy=proxy)
    said = f"e2b_given e2b_of_the_environment a-token pass!word pass%21word {proxy} and the rest"
    assert Fault("auth", said).detail == f"{(credentials.HIDDEN + ' ') * 6}and the rest"
    assert Fault("auth", "Bearer a-token").failure.detail == f"auth: {credentials.HIDDEN}"
