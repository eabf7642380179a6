"""What came out of a job, on its way back to the host, which trusts no byte of it.

A result is a header, then the texts and values whose lengths the header tells. Header and values are written and read
by `runner.encoding`, which builds exact builtin types; there is no pickle here. How much a result may hold follows from
its job, so that the host knows it, too: stdout of 64 MiB in all, or of what the steps ask for if that is more, and
values of 16 MiB in all. What a program sends beyond is left out, and its run ended at the output limit.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import replace
from typing import Any

from ...errors import DatasetError
from ...records import Ended, File, Job, JobResult, RichResult, SandboxFailure, ScriptStep, Step, TestRun
from ..runner.encoding import EncodingError, Opaque, TooLarge, decode, encode
from ..runner.wire import MAX_FRAME, Allowance, Oversized
from .errors import WireError

STDOUT_BYTES = 64 << 20
STDERR_CHARACTERS = 16 << 10
"""Of one run, its last ones; what a call has raised is a program's own word, and may be of any length."""
RICH_BYTES = 64 << 20
VALUE_BYTES = MAX_FRAME
FILES_BYTES = 64 << 20
"""Of what was fetched, in all; a file that has no room is left out, as one that is not there."""
FILE_HEADER_BYTES = 40
RUN_HEADER_BYTES = 400
HEADER_BYTES = 1 << 16
LARGEST_TEXT = 4000
LONGEST_S = 1e9
_LENGTH = struct.Struct("=I")
_ENDED = {ended.value: ended for ended in Ended}


def stdout_allowance(job: Job) -> int:
    """Return how many bytes of stdout a result of *job* may hold: 64 MiB, or what its steps ask for if that is more."""
    return max(STDOUT_BYTES, sum(step.output_kb << 10 for step in job.steps if isinstance(step, ScriptStep)))


def result_allowance(job: Job) -> int:
    """Return how many bytes a result of *job* may have before it is compressed."""
    each = 4 * STDERR_CHARACTERS + RUN_HEADER_BYTES
    files = FILES_BYTES + sum(len(_text_bytes(name)) for name in _asked(job)) if _asked(job) else 0
    return stdout_allowance(job) + VALUE_BYTES + RICH_BYTES + files + _header_allowance(job) + each * len(job.steps)


def _asked(job: Job) -> list[str]:
    return [name for step in job.steps for name in _fetched_by(step)]


def _fetched_by(step: Step) -> tuple[str, ...]:
    return step.fetch if isinstance(step, ScriptStep) else ()


def _header_allowance(job: Job) -> int:
    return HEADER_BYTES + RUN_HEADER_BYTES * len(job.steps) + FILE_HEADER_BYTES * len(_asked(job))


class ResultWriter:
    """Turns runs into bytes as they are seen, so that what one program printed is not kept for long."""

    def __init__(self, job: Job) -> None:
        self._runs: list[Any] = []
        self._parts: list[bytes] = []
        self._stdout_left = stdout_allowance(job)
        self._value_left = VALUE_BYTES
        self._rich_left = RICH_BYTES
        self._files_left = FILES_BYTES
        self._allowance = Allowance()

    def add(self, run: TestRun) -> None:
        """Add the run of the next step, cut to what a result may hold."""
        stdout, stderr = _text_bytes(run.stdout), _text_bytes(run.stderr[-STDERR_CHARACTERS:])
        value = b""
        try:
            if run.value is not None:
                value = self._value_bytes(run.value)
            if len(stdout) > self._stdout_left:
                raise TooLarge(len(stdout))
        except (TooLarge, Oversized):
            run = replace(run, ended=Ended.OUTPUT_LIMIT)
            value, stdout = b"", stdout[: self._stdout_left].decode(errors="ignore").encode()
        self._value_left -= len(value)
        self._stdout_left -= len(stdout)
        self._parts += stdout, stderr, value
        lengths = [len(stdout), len(stderr), len(value)]
        self._runs.append([*_numbers(run), *lengths, self._rich(run), self._files(run)])

    @property
    def size(self) -> int:
        """Return how many bytes were added."""
        return sum(map(len, self._parts))

    def _value_bytes(self, value: object) -> bytes:
        """Return *value* as bytes that the host is sure to read: it may be one that no honest program makes."""
        data = encode(value, limit=self._value_left)
        try:
            decode(data, allowance=self._allowance)
        except Oversized:
            raise
        except EncodingError:
            data = encode(Opaque(type(value).__name__))
            decode(data, allowance=self._allowance)
        return data

    def _rich(self, run: TestRun) -> list[Any]:
        told = []
        for result in run.results:
            data = [(name[:LARGEST_TEXT].encode(*_TEXT), _text_bytes(content)) for name, content in result.data]
            size = sum(len(name) + len(content) for name, content in data)
            if size > self._rich_left:
                break
            self._rich_left -= size
            self._parts += (part for pair in data for part in pair)
            told.append([result.is_main, [[len(name), len(content)] for name, content in data]])
        return told

    def _files(self, run: TestRun) -> list[Any]:
        told = []
        for file in run.files:
            if len(file.content) <= self._files_left:
                self._files_left -= len(file.content)
                path = _text_bytes(file.path)
                self._parts += path, file.content
                told.append([len(path), len(file.content)])
        return told

    def finish(self, result: JobResult | SandboxFailure) -> bytes:
        """Return the bytes of *result*, whose runs were added."""
        if isinstance(result, SandboxFailure):
            return _packed(["failure", result.kind, result.detail[:LARGEST_TEXT], result.retryable], [])
        header = ["result", result.sandbox, float(result.queue_s), float(result.wall_s), self._runs]
        return _packed(header, self._parts)


def result_to_bytes(result: JobResult | SandboxFailure, job: Job) -> bytes:
    """Return what `result_from_bytes` reads."""
    writer = ResultWriter(job)
    for run in result.runs if isinstance(result, JobResult) else ():
        writer.add(run)
    return writer.finish(result)


def result_from_bytes(data: bytes, job: Job) -> JobResult | SandboxFailure:
    """Return the result of *job*; raises `WireError`, and nothing else, on any other bytes."""
    body = _Body(_decompressed(data, result_allowance(job)))
    (size,) = _LENGTH.unpack(body.take(_LENGTH.size))
    if size > _header_allowance(job) + RICH_BYTES // 8:
        raise WireError("a header out of bounds")
    header = _decoded(body.take(size), Allowance(frame=math.inf))
    match header:
        case ["failure", str(kind), str(detail), bool(retryable)]:
            found: JobResult | SandboxFailure = SandboxFailure(kind, detail, retryable)
        case ["result", str(sandbox), queue_s, wall_s, list(runs)] if len(runs) == len(job.steps):
            allowance = Allowance()
            read = tuple(_run(run, step, body, allowance) for run, step in zip(runs, job.steps, strict=True))
            found = JobResult(read, sandbox, _seconds(queue_s), _seconds(wall_s))
        case _:
            raise WireError("not the result of this job")
    body.check_empty()
    return found


class _Body:
    """The bytes of a result, taken one part after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: object) -> bytes:
        if type(size) is not int or not 0 <= size <= len(self._data) - self._at:
            raise WireError("a part that is longer than the whole")
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self, size: object) -> str:
        try:
            return self.take(size).decode(*_TEXT)
        except UnicodeDecodeError:
            raise WireError("not a text") from None

    def check_empty(self) -> None:
        if self._at != len(self._data):
            raise WireError("bytes that nothing announces")


_TEXT = ("utf-8", "surrogatepass")


def _text_bytes(text: str) -> bytes:
    return text.encode(*_TEXT)


def _packed(header: list[Any], parts: list[bytes]) -> bytes:
    told = encode(header, limit=1 << 30)
    return zlib.compress(b"".join([_LENGTH.pack(len(told)), told, *parts]), 1)


def _decompressed(data: bytes, limit: int) -> bytes:
    try:
        unpacking = zlib.decompressobj()
        whole = unpacking.decompress(data, limit + 1)
    except zlib.error:
        raise WireError("not compressed data") from None
    if len(whole) > limit or not unpacking.eof or unpacking.unused_data:
        raise WireError("data that are too long, or cut off")
    return whole


def _decoded(data: bytes, allowance: Allowance) -> Any:
    try:
        return decode(data, allowance=allowance)
    except EncodingError as error:
        raise WireError(str(error)) from None


def _numbers(run: TestRun) -> list[Any]:
    clocks = [float(run.cpu_s), float(run.wall_s), float(run.peak_memory_mb)]
    return [run.ended.value, run.exit_code, run.signal, *clocks, run.starved]


def _run(told: Any, step: Step, body: _Body, allowance: Allowance) -> TestRun:
    match told:
        case [
            str(ended),
            code,
            signal,
            cpu_s,
            wall_s,
            memory_mb,
            bool(starved),
            stdout,
            stderr,
            value,
            list(rich),
            list(files),
        ] if ended in _ENDED:
            texts = body.text(stdout), body.text(stderr)
            data = body.take(value)
            return TestRun(
                _ENDED[ended],
                _whole(code),
                _whole(signal),
                _decoded(data, allowance) if data else None,
                *texts,
                _seconds(cpu_s),
                _seconds(wall_s),
                _seconds(memory_mb),
                starved,
                tuple(_rich_result(result, body) for result in rich),
                _read_files(files, step, body),
            )
    raise WireError("not a run")


def _rich_result(told: Any, body: _Body) -> RichResult:
    match told:
        case [bool(is_main), list(data)] if all(type(pair) is list and len(pair) == 2 for pair in data):
            return RichResult(tuple((body.text(name), body.text(content)) for name, content in data), is_main)
    raise WireError("not what a cell shows")


def _read_files(told: list[Any], step: Step, body: _Body) -> tuple[File, ...]:
    """Return what was fetched: of the names that were asked for, each at most once."""
    found: dict[str, File] = {}
    for lengths in told:
        match lengths:
            case [int(path_size), int(size)]:
                path = body.text(path_size)
                content = body.take(size)
            case _:
                raise WireError("not a file")
        if path not in _fetched_by(step) or path in found:
            raise WireError("a file that nobody asked for")
        try:
            found[path] = File(path, content)
        except DatasetError as error:
            raise WireError(str(error)) from None
    return tuple(found.values())


def _whole(number: Any) -> int | None:
    if number is None or (type(number) is int and abs(number) < 1 << 32):
        return number
    raise WireError("not the end of a process")


def _seconds(number: Any) -> float:
    if type(number) is float and 0 <= number < LONGEST_S:
        return number
    raise WireError("not a number of seconds")
