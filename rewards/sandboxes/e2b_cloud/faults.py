"""What an exception of the E2B SDK, or of the HTTP stack below it, means for us.

Classes are known by the package they come from and by their name, so nothing has to be imported to look one up, and the
classes of several SDK versions fit in one table. The program that was run is never the cause of a fault: its time-outs,
crashes and floods are seen and judged elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from types import FrameType
from typing import Any, NoReturn

from ...errors import ConfigurationError
from ...records import SandboxFailure
from .credentials import scrub

OLD_CREATE_HINT = "this backend lacks the v2 create call; use e2b<2.51"
UNSENDABLE_HINT = "this request cannot be sent by anybody: see the options api_key, headers and proxy"


@dataclass(frozen=True)
class Fault:
    """What went wrong, and what may be done about it."""

    kind: str
    """A key of `KINDS`."""
    detail: str
    retry_after_s: float | None = None
    """What the service has asked to be waited for, if it has."""
    fatal: bool = False
    """It would be the same next time, with any sandbox: the user has to do something."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", scrub(self.detail))

    @property
    def retryable(self) -> bool:
        """Say whether another sandbox, or a later moment, may do."""
        return not self.fatal

    @property
    def is_refusal(self) -> bool:
        """Say whether the service has certainly not done what it was asked for."""
        return self.kind in ("rate", "full", "auth", "request")

    @property
    def failure(self) -> SandboxFailure:
        """Return it as what a sandbox answers to a job."""
        return SandboxFailure(KINDS[self.kind], f"{self.kind}: {self.detail}", self.retryable)

    def refuse(self, cause: BaseException | None = None) -> NoReturn:
        """Raise the error of a fatal fault, for the user."""
        raise ConfigurationError(f"e2b: {self.detail}") from cause


KINDS = {
    "auth": "start",
    "request": "start",
    "rate": "start",
    "full": "start",
    "busy": "start",
    "timeout": "transport",
    "dead": "died",
    "unreachable": "transport",
    "transport": "transport",
    "protocol": "transport",
    "command": "died",
    "space": "died",
    "missing": "died",
}
"""The kinds of faults, and the kind of `SandboxFailure` that each one is.

`rate`: asked too often. `full`: the account has as many sandboxes as it may have. `busy`: the service has no room.
`request`: the service does not take what it was asked. `protocol`: an answer that makes no sense. `command`: our own
client in the VM ended badly. `missing`: a file, a context or a call is not there.
"""

_E2B = {
    "SandboxException": "protocol",
    "TimeoutException": "timeout",
    "SandboxNotRunningException": "dead",
    "SandboxNotFoundException": "dead",
    "SandboxUnreachableException": "unreachable",
    "GuestUnresponsiveException": "dead",
    "InvalidArgumentException": "request",
    "TemplateException": "request",
    "NotEnoughSpaceException": "space",
    "NotFoundException": "missing",
    "FileNotFoundException": "missing",
    "RateLimitException": "rate",
    "ServiceBusyException": "busy",
    "AuthenticationException": "auth",
    "GitAuthException": "auth",
    "GitUpstreamException": "protocol",
    "BuildException": "protocol",
    "FileUploadException": "transport",
    "VolumeException": "request",
    "VolumeNotFoundException": "request",
    "VolumePathNotFoundException": "request",
    "SecretException": "request",
    "SecretNotFoundException": "request",
    "CommandExitException": "command",
}
_HTTP = {
    **dict.fromkeys(("TimeoutException", "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"), "timeout"),
    **dict.fromkeys(("ConnectError", "ProxyError", "NetworkError"), "unreachable"),
    **dict.fromkeys(("ReadError", "WriteError", "CloseError", "TransportError", "RequestError"), "transport"),
    **dict.fromkeys(("HTTPError", "HTTPStatusError", "RemoteProtocolError", "ProtocolError"), "transport"),
    **dict.fromkeys(("ConnectionNotAvailable", "StreamError", "StreamClosed", "StreamConsumed"), "transport"),
    **dict.fromkeys(("LocalProtocolError", "RequestNotRead", "ResponseNotRead", "CookieConflict"), "protocol"),
    **dict.fromkeys(("DecodingError", "TooManyRedirects"), "protocol"),
    **dict.fromkeys(("InvalidURL", "UnsupportedProtocol"), "request"),
}
TABLE: Mapping[str, Mapping[str, str]] = {
    "e2b": _E2B,
    "e2b_code_interpreter": _E2B,
    "httpx": _HTTP,
    "httpcore": _HTTP,
    "pyqwest": _HTTP,
    "connectrpc": {"ConnectError": "transport"},
}
"""The kind of every exception class, by the package that it comes from."""

_STATUS = {400: "request", 401: "auth", 403: "auth", 404: "missing", 405: "missing", 429: "rate", 507: "space"} | {
    **dict.fromkeys((408, 504), "timeout"),
    **dict.fromkeys((500, 502, 503), "busy"),
}
_TELLING = {
    "maximum number of concurrent": "full",
    "was not found": "dead",
    "was killed": "dead",
    "port is not open": "unreachable",
    "sandbox timeout": "dead",
}
"""What the service and the SDK say where the class says less than that."""
_LOCAL = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""Errors of this machine's files: none of the network's."""
_MISREADINGS = (KeyError, IndexError, TypeError, AttributeError, ValueError)
_READERS = ("e2b_code_interpreter.models", "e2b_code_interpreter.charts", "e2b.api.client.", "e2b.envd.")
"""Modules of the SDK that read answers, and stumble over those that make no sense."""


def classify(error: BaseException, *, during: str) -> Fault | None:
    """Return what *error* means, or None for one that is no fault of E2B or the network and has to be raised again.

    *during* is what was tried: `create`, `setup`, `run`, `renew`, `kill` or `list`. Only a create can be refused for
    good, because everything else may go better in the next sandbox.
    """
    kind = _kind_of(error)
    if kind is None:
        return None
    text = UNSENDABLE_HINT if _is_unsendable(error) else str(error).strip() or type(error).__name__
    fault = Fault(_told(kind, text), text[:500], retry_after_s=_retry_after_s(error))
    if during == "create":
        return _as_create(fault, error)
    return fault


def _kind_of(error: BaseException) -> str | None:
    if isinstance(error, json.JSONDecodeError):
        return "protocol"
    if _is_unsendable(error):
        return "request"
    for kind in type(error).__mro__:
        package = kind.__module__.partition(".")[0]
        known = TABLE.get(package)
        # A class that is in no table is still the SDK's, or its transport's, and not a mistake in this library.
        if known is not None:
            return _by_status(error) or known.get(kind.__name__) or _kind_above(error, kind) or "protocol"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError):
        return None if isinstance(error, _LOCAL) else "transport"
    return "protocol" if _is_misread(error) else None


def _is_unsendable(error: BaseException) -> bool:
    """Say whether the HTTP stack has refused what we gave it; what it says of that holds the key, or a header."""
    if type(error).__name__ == "LocalProtocolError":
        return str(error).startswith("Invalid header")
    modules = [frame.f_globals.get("__name__", "") for frame in _frames(error)]
    if not isinstance(error, ValueError) or not modules:
        return False
    is_header = isinstance(error, UnicodeEncodeError) and modules[-1].startswith("httpx.")
    return is_header or (modules[-1].startswith(("e2b.api", "pyqwest")) and "proxy" in str(error).lower())


def _kind_above(error: BaseException, below: type) -> str | None:
    """Return the kind of the nearest known class that *below* is made from."""
    for kind in below.__mro__[1:]:
        found = TABLE.get(kind.__module__.partition(".")[0], {}).get(kind.__name__)
        if found is not None:
            return found
    return None


def _by_status(error: BaseException) -> str | None:
    """Return the kind that a status code stands for, which the SDK puts into the text of errors from a sandbox."""
    if type(error).__name__ != "SandboxException":
        return None
    status = _status(error)
    return None if status is None else _STATUS.get(status, "busy" if status >= 500 else None)


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status
    first = str(error)[:4].rstrip(" :")
    return int(first) if len(first) == 3 and first.isdecimal() else None


def _told(kind: str, text: str) -> str:
    if kind not in ("rate", "timeout", "protocol", "busy", "missing"):
        return kind
    return next((told for words, told in _TELLING.items() if words in text), kind)


def _as_create(fault: Fault, error: BaseException) -> Fault:
    """Return the fault of a create call: what is refused for good, and what to do about it."""
    status = _status(error)
    if fault.kind == "auth":
        said = (
            f"the API key, or what it asked for, was refused ({fault.detail}): see E2B_API_KEY, or the option api_key"
        )
        return replace(fault, fatal=True, detail=said)
    if status in (404, 405):
        said = (
            "there is no such thing as it was asked to create" if "template" in fault.detail.lower() else _no_create()
        )
        return replace(fault, kind="request", fatal=True, detail=f"{said} ({fault.detail})")
    if fault.detail == UNSENDABLE_HINT:
        return replace(fault, fatal=True)
    if fault.kind in ("request", "missing"):
        return replace(fault, kind="request", fatal=True, detail=f"the create call was refused: {fault.detail}")
    return fault


def _no_create() -> str:
    try:
        major, minor = metadata.version("e2b").split(".")[:2]
    except (metadata.PackageNotFoundError, ValueError):
        return OLD_CREATE_HINT
    is_old = int(major) < 2 or (int(major) == 2 and int(minor) < 51)
    return "there is no E2B service at this address: see E2B_DOMAIN and E2B_API_URL" if is_old else OLD_CREATE_HINT


def _is_misread(error: BaseException) -> bool:
    """Say whether the SDK stumbled over an answer: not over our arguments, and not inside a callback of ours."""
    modules = [frame.f_globals.get("__name__", "") for frame in _frames(error)]
    if type(error) is Exception:  # what the SDK raises for an answer without a body
        return bool(modules) and modules[-1].startswith("e2b.")
    if not isinstance(error, _MISREADINGS):
        return False
    reading = [i for i, module in enumerate(modules) if module.startswith(_READERS) or module == "packaging.version"]
    own = __name__.partition(".")[0] + "."
    return bool(reading) and not any(module.startswith(own) for module in modules[reading[0] :])


def _retry_after_s(error: BaseException) -> float | None:
    """Return the seconds of the answer's Retry-After.

    The SDK's exceptions do not carry it (2.63.0); the answer is still at hand where the SDK raised. Where a version of
    the SDK keeps it somewhere else, there is none to be found, and the gate waits for longer.
    """
    if type(error).__name__ not in ("RateLimitException", "ServiceBusyException", "SandboxException"):
        return None
    for frame in _frames(error):
        if not frame.f_globals.get("__name__", "").startswith("e2b"):
            continue
        for value in list(frame.f_locals.values()):
            seconds = _seconds_in(getattr(value, "headers", None)) if hasattr(value, "status_code") else None
            if seconds is not None:
                return seconds
    return None


def _seconds_in(headers: Any) -> float | None:
    text = headers.get("Retry-After") if isinstance(headers, Mapping) else None
    is_number = isinstance(text, str) and text.strip().isascii() and text.strip().isdecimal() and len(text) < 10
    return float(text) if is_number and text is not None else None


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Return the frames that an exception came through, from the outermost to the one that raised it."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next
