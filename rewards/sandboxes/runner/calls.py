"""Call a program's functions and send back what they return, as data.

This runs in the confined child, in one process with the program: whatever arrives from here is the program's word,
and only its bytes are relied upon. The packing and reading functions are for the other side.
"""

from __future__ import annotations

import marshal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .encoding import DEFAULT_LIMIT, EncodingError, TooLarge, decode, encode, read_frames, write_frame
from .rebuilding import decode_live
from .serving import pack_program, serve_program
from .solution import Raised, describe_exception, find_callable, flush_output, load_solution
from .wire import MAX_BYTES, MAX_FRAME, Allowance, Oversized

__all__ = ["Call", "Reply", "answer_calls", "pack_calls", "pack_program", "read_replies", "serve_program"]

Call = tuple[str, tuple[Any, ...], Mapping[str, Any]]
"""A function's name (or `Class().method`), its arguments, its keyword arguments."""

_MARSHALLED = b"M"
"""Marks a job that C code can read: a decoder in Python makes a fresh child copy a third of the pages that it copies.

Jobs come from our own side; what comes back from a program never goes through `marshal`.
"""
_WITHOUT_REFERENCES = 2
"""The last version of the format in which two equal arguments never become one object."""
_PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes))
_CONTAINERS = frozenset((list, tuple, set, frozenset))
_KINDS = ("returned", "raised", "too_large", "load_raised")
# A program that replaces the clocks of `time` must not break its own answers by accident.
_cpu_clock, _wall_clock = time.process_time, time.perf_counter


def pack_calls(source: str, calls: Iterable[Call], *, reply_limit: int = DEFAULT_LIMIT) -> bytes:
    """Return the job for `answer_calls`. Raises `TooLarge` for arguments beyond all bounds.

    A reply of more than *reply_limit* bytes is replaced by its size.
    """
    asked = [[function, list(args), dict(kwargs)] for function, args, kwargs in calls]
    job = [source, reply_limit, asked]
    if _is_plain(asked):
        try:
            packed = _MARSHALLED + marshal.dumps(job, _WITHOUT_REFERENCES)
        except ValueError:
            packed = b""  # nested too deeply for it
        if 0 < len(packed) <= MAX_BYTES:
            return packed
    return encode(job, limit=MAX_BYTES)


def _is_plain(value: object) -> bool:
    """Say whether `marshal` gives the very same value back."""
    left: list[Any] = [value]
    while left:
        thing = left.pop()
        kind = type(thing)
        if kind in _PLAIN:
            continue
        if kind is dict:
            left.extend(thing)
            left.extend(thing.values())
        elif kind not in _CONTAINERS:
            return False
        elif not _PLAIN.issuperset(map(type, thing)):
            left.extend(thing)
    return True


def _unpacked(job: bytes) -> Any:
    return marshal.loads(job[1:]) if job[:1] == _MARSHALLED else decode_live(job)


def answer_calls(job: bytes, returned_fd: int) -> None:
    """Load the program, then append one frame for each call to *returned_fd*.

    When the program cannot be loaded there is one frame, which says so. Raises OSError when the descriptor takes no
    more, which for an honest program means that its answers are too large together.
    """
    source, limit, asked = _unpacked(job)
    clock = _Clock()
    try:
        module = load_solution(source)
    except BaseException as error:  # noqa: BLE001 - the boundary to the program: it may raise anything, SystemExit too
        write_frame(returned_fd, _raised("load_raised", error, clock))
    else:
        for function, args, kwargs in asked:
            write_frame(returned_fd, _answer(module, function, args, kwargs, limit))
    flush_output()


class _Clock:
    """What one call has used, as the program's own process sees it: for information only."""

    def __init__(self) -> None:
        self._cpu, self._wall = _cpu_clock(), _wall_clock()

    def read(self) -> list[float]:
        return [round(_cpu_clock() - self._cpu, 7), round(_wall_clock() - self._wall, 7)]


def _answer(module: ModuleType, function: str, args: list[Any], kwargs: dict[str, Any], limit: int) -> bytes:
    clock = _Clock()
    try:
        value = find_callable(module, function)(*args, **kwargs)
        return encode(["returned", *clock.read(), value], limit=limit)
    except TooLarge:
        return encode(["too_large", *clock.read(), None])
    except BaseException as error:  # noqa: BLE001 - the boundary to the program: it may raise anything, SystemExit too
        return _raised("raised", error, clock)


def _raised(kind: str, error: BaseException, clock: _Clock) -> bytes:
    raised = describe_exception(error)
    return encode([kind, *clock.read(), [raised.type_name, raised.message, raised.traceback]])


@dataclass(frozen=True)
class Reply:
    """What came back for one call."""

    kind: str
    """`returned`, `raised`, `too_large`, `load_raised`; `malformed` when no encoder made the bytes."""
    value: object = None
    error: Raised | None = None
    cpu_s: float = 0.0
    """Self-reported, as is `wall_s`: good for a table, not for a verdict."""
    wall_s: float = 0.0


def read_replies(data: bytes, *, limit: int = 1 << 16) -> list[Reply]:
    """Return the first *limit* replies in what was appended to the descriptor; any bytes are something."""
    allowance = Allowance()
    replies, size = [], 0
    for frame in read_frames(data, limit=limit):
        size += len(frame)
        replies.append(_read_reply(frame, allowance) if size <= MAX_FRAME else Reply("too_large"))
    return replies


def _read_reply(frame: bytes, allowance: Allowance) -> Reply:
    try:
        message = decode(frame, allowance=allowance)
    except Oversized:
        return Reply("too_large")
    except EncodingError as error:
        return Reply("malformed", error=Raised("EncodingError", str(error), ""))
    match message:
        case [str(kind), float(cpu_s), float(wall_s), value] if (
            kind in _KINDS and 0 <= cpu_s < 1e9 and 0 <= wall_s < 1e9
        ):
            return _checked_reply(kind, value, cpu_s, wall_s)
    return Reply("malformed", error=Raised("EncodingError", "not a reply", ""))


def _checked_reply(kind: str, value: object, cpu_s: float, wall_s: float) -> Reply:
    if kind == "returned":
        return Reply(kind, value, None, cpu_s, wall_s)
    match value:
        case [str(type_name), str(message), str(traceback)]:
            return Reply(kind, None, Raised(type_name, message, traceback), cpu_s, wall_s)
    return Reply(kind, None, None, cpu_s, wall_s)
