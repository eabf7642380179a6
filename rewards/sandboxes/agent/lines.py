"""The lines that a trip's command prints, and how the host reads them.

Each begins with the trip's nonce, so that nothing else on that output can be mistaken for one: shells and log-in
scripts print, too.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from .errors import WireError

LARGEST_TEXT = 4000
"""Characters of a message for people."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Heartbeat:
    """The agent lives and works on the trip; one comes each second."""


@dataclass(frozen=True)
class Result:
    """A job has come to its end; `data` is for `results.result_from_bytes`."""

    index: int
    """Of the job in its trip."""
    data: bytes


@dataclass(frozen=True)
class MissingBlob:
    """No job of the trip was run, because inputs that it refers to are not there: upload them, and send it again."""

    digests: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """A job, or the whole trip, could not be run for a reason that no `SandboxFailure` says."""

    index: int | None
    """Of the job in its trip; None stands for the trip."""
    kind: str
    """`configuration` and `unavailable` are to be raised as `ConfigurationError` and `SandboxUnavailable`; `malformed`
    (the agent could not read the trip), `gone` (there is no agent) and `agent` (it made a mistake) are doubts about the
    machine."""
    text: str


@dataclass(frozen=True)
class End:
    """Everything about the trip was said; output that ends without it was cut off."""


Line = Heartbeat | Result | MissingBlob | Failed | End
KINDS = ("configuration", "unavailable", "malformed", "gone", "agent")


def read_line(line: str, nonce: str) -> Line | None:
    """Return what a line without its end says, or None for one that does not begin with the nonce.

    Raises `WireError` for a line that does and says nothing known.
    """
    first, _, rest = line.strip().partition(" ")
    if first != nonce:
        return None
    mark, _, content = rest.partition(" ")
    match mark:
        case "h":
            return Heartbeat()
        case "e":
            return End()
        case "r":
            index, _, data = content.partition(" ")
            return Result(_index(index), _decoded(data))
        case "m":
            return _missing(content)
        case "f":
            return _failed(content)
    raise WireError(f"an unknown line: {mark[:20]!r}")


def heartbeat(nonce: str) -> bytes:
    """Return the line that says that the agent lives."""
    return f"{nonce} h\n".encode()


def end(nonce: str) -> bytes:
    """Return the last line of a trip."""
    return f"{nonce} e\n".encode()


def result(nonce: str, index: int, data: bytes) -> bytes:
    """Return the line that carries a result."""
    return f"{nonce} r {index} ".encode() + base64.b64encode(data) + b"\n"


def missing(nonce: str, digests: tuple[str, ...]) -> bytes:
    """Return the line that names the inputs that are not there."""
    return f"{nonce} m {' '.join(digests)}\n".encode()


def failed(nonce: str, index: int | None, kind: str, text: str) -> bytes:
    """Return the line that says what could not be run, and why."""
    told = base64.b64encode(text[:LARGEST_TEXT].encode("utf-8", "replace")).decode()
    return f"{nonce} f {'-' if index is None else index} {kind} {told}\n".encode()


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise WireError("not the number of a job")
    return int(text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("a line that was damaged or cut off") from None


def _missing(content: str) -> MissingBlob:
    digests = tuple(content.split())
    if not digests or not all(map(_DIGEST.fullmatch, digests)):
        raise WireError("not the names of inputs")
    return MissingBlob(digests)


def _failed(content: str) -> Failed:
    parts = content.split(" ")
    if len(parts) != 3 or parts[1] not in KINDS:
        raise WireError("not a failure that is known")
    index = None if parts[0] == "-" else _index(parts[0])
    return Failed(index, parts[1], _decoded(parts[2]).decode("utf-8", "replace")[:LARGEST_TEXT])
