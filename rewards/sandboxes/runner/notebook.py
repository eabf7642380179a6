"""Run cells one after another in one IPython shell, and send back how each has ended and what it has shown.

The cells run in the confined child, in one process with what runs them: whatever arrives from here is the program's
word, and only its bytes are relied upon. The packing and reading functions are for the other side.
"""

from __future__ import annotations

import contextlib
import importlib
import marshal
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import scratch
from .encoding import EncodingError, TooLarge, decode, encode, read_frames, write_frame
from .preload import PreloadError
from .shell import Shell
from .solution import describe_exception
from .wire import MAX_BYTES, MAX_FRAME, Allowance, Oversized

INSTALL = "cells of notebooks are run by IPython, which is not installed here: pip install 'code-rewards[notebook]'"
USEFUL = ("matplotlib.pyplot", "matplotlib_inline.backend_inline", "pandas")
"""What cells are likely to import; each is left out where it is not installed."""
BACKEND = "module://matplotlib_inline.backend_inline"
THREADED = ("pyarrow", "numexpr")
"""What pandas would import, and what starts threads when it is imported: those do not survive the fork of a child. A
cell can import it for itself; pandas goes without."""
THREADS_END_S = 10.0
STDOUT, STDERR = 1, 2
_KINDS = ("returned", "raised", "too_large")
_WITHOUT_REFERENCES = 2
_shell: list[Shell] = []
# A program that replaces these must not break its own answers by accident.
_cpu_clock, _wall_clock, _size_of = time.process_time, time.perf_counter, os.fstat
_open, _write, _close, _make_directories = os.open, os.write, os.close, os.makedirs

FileContent = tuple[str, bytes]
"""A path below the working directory, and what lies there."""
Cell = tuple[str, Sequence[FileContent]]
"""Its source, and the files that are written before it runs."""


def prepare(directory: str, useful: Iterable[str]) -> None:
    """Make the shell that every child gets a copy of, and import what is *useful* to cells.

    *directory* is the scratch directory, which is empty afterwards. Raises `PreloadError` where IPython is missing.
    """
    os.environ.setdefault("MPLBACKEND", BACKEND)
    os.environ.update(IPYTHONDIR=f"{directory}/.ipython", MPLCONFIGDIR=f"{directory}/.matplotlib")
    try:
        made = Shell()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0] in ("IPython", "traitlets")
        raise PreloadError(INSTALL if missing else f"IPython could not be imported: {error}") from error
    _shell.append(made)
    _import(useful)
    _warm_up(made)
    # The list of fonts is made under the eyes of a timer's thread, and threads do not survive a fork.
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(THREADS_END_S)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    while "" in sys.path:
        sys.path.remove("")
    scratch.wipe(directory)


def _import(names: Iterable[str]) -> None:
    hidden = [name for name in THREADED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the import system finds nothing then
    for name in names:
        with contextlib.suppress(Exception):  # the boundary to the user's packages: a cell that imports it is told why
            importlib.import_module(name)
    for name in hidden:
        del sys.modules[name]


def _warm_up(shell: Shell) -> None:
    """Do once what no child has to do for the first time then; nothing of it stays.

    A figure is made and not drawn: the fonts that were read for that would be files that are closed in a child.
    """
    with contextlib.suppress(Exception):  # the boundary to the user's packages: a cell that draws is told why
        pyplot = sys.modules["matplotlib.pyplot"]
        pyplot.figure()
        pyplot.close("all")
        shell.ipython.events.trigger("post_execute")
    shell.run_cell("0;", silent=True)
    shell.run_cell("raise", silent=True)  # tracebacks take a library, and 50 ms the first time
    for name in [name for name in vars(sys) if name.startswith("last_")]:
        delattr(sys, name)
    shell.begin()


def pack_cells(cells: Iterable[Cell], *, output_bytes: int) -> bytes:
    """Return the job for `run_cells`, where none runs after a cell that prints more than *output_bytes*.

    Raises `TooLarge`.
    """
    told = [[source, [[path, content] for path, content in files]] for source, files in cells]
    packed = marshal.dumps([output_bytes, told], _WITHOUT_REFERENCES)
    if len(packed) > MAX_BYTES:
        raise TooLarge(len(packed))
    return packed


def run_cells(job: bytes, returned_fd: int) -> None:
    """Run the cells, and append one frame for each to *returned_fd*.

    The first one is the program: where it fails, none runs. Raises OSError when the descriptor takes no more.
    """
    output_bytes, cells = marshal.loads(job)
    shell = shell_of_process()
    directory, left = os.getcwd(), MAX_FRAME
    ends = [0, 0]
    for number, (source, files) in enumerate(cells):
        began = sum(ends)
        kind, ends, frame = answer(shell, source, files, directory, ends, limit=left)
        write_frame(returned_fd, frame)
        left -= len(frame)
        if kind == "too_large" or sum(ends) - began > output_bytes or (kind == "raised" and not number):
            return


def shell_of_process() -> Shell:
    """Return the shell that was prepared, in which cells are the main module from here on."""
    sys.modules["__main__"] = _shell[0].ipython.user_module
    return _shell[0]


def answer(
    shell: Shell, source: str, files: Iterable[FileContent], directory: str, ends: Sequence[int], *, limit: int
) -> tuple[str, list[int], bytes]:
    """Run a cell; return how it ended, how much has been printed when it had, and the frame that tells of it.

    *ends* are what was printed before; *limit* is how long the frame may get.
    """
    clock = _cpu_clock(), _wall_clock()
    kind, shown, error = _run(shell, source, files, directory)
    printed = [_printed(STDOUT, ends[0]), _printed(STDERR, ends[1])]
    used = [round(_cpu_clock() - clock[0], 7), round(_wall_clock() - clock[1], 7)]
    try:
        return kind, printed, encode([kind, *used, *printed, shown, error], limit=limit)
    except TooLarge:
        return "too_large", printed, encode(["too_large", *used, *printed, [], None])


def _run(shell: Shell, source: str, files: Iterable[FileContent], directory: str) -> tuple[str, list[Any], Any]:
    """Return how a cell has ended, what it has shown, and its error."""
    shell.begin()
    try:
        _put(files, directory)
        result = shell.run_cell(source, store_history=True)
        failed = result.error_before_exec or result.error_in_exec
    except BaseException as problem:  # noqa: BLE001 - the boundary to the cells, which may have broken the shell
        failed = problem
    if failed is not None:
        raised = describe_exception(failed)
        shell.fail(raised.type_name, str(raised))
        if raised.out_of_memory:
            shell.error_name = raised.type_name
    error = [shell.error_name, shell.traceback] if shell.traceback else None
    kind = "too_large" if shell.is_flooded else "returned" if error is None else "raised"
    return kind, [[is_main, data] for is_main, data in shell.shown], error


def _put(files: Iterable[FileContent], directory: str) -> None:
    for path, content in files:
        place = f"{directory}/{path}"
        _make_directories(os.path.dirname(place), exist_ok=True)
        descriptor = _open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[_write(descriptor, rest) :]
        finally:
            _close(descriptor)


def _printed(descriptor: int, before: int) -> int:
    """Return the length of what the cells have written so far to stdout or stderr."""
    with contextlib.suppress(BaseException):  # the boundary to a stream object of the program's own
        (sys.stdout if descriptor == STDOUT else sys.stderr).flush()
    try:
        return _size_of(descriptor).st_size
    except OSError:
        return before


@dataclass(frozen=True)
class CellReply:
    """What came back for one cell."""

    kind: str
    """`returned`, `raised`, `too_large`; `malformed` when no encoder made the bytes."""
    cpu_s: float = 0.0
    """Self-reported, as is everything else here."""
    wall_s: float = 0.0
    stdout_end: int = 0
    stderr_end: int = 0
    shown: tuple[tuple[bool, tuple[tuple[str, str], ...]], ...] = ()
    error_name: str = ""
    traceback: str = ""


def read_cells(data: bytes, *, limit: int) -> list[CellReply]:
    """Return the first *limit* replies in what was appended to the descriptor; any bytes are something."""
    allowance = Allowance()
    replies, size = [], 0
    for frame in read_frames(data, limit=limit):
        size += len(frame)
        replies.append(read_cell(frame, allowance) if size <= MAX_FRAME else CellReply("too_large"))
    return replies


def read_cell(frame: bytes, allowance: Allowance | None = None) -> CellReply:
    """Return the reply that one frame holds; any bytes are something."""
    try:
        message = decode(frame, allowance=allowance)
    except Oversized:
        return CellReply("too_large")
    except EncodingError:
        return CellReply("malformed")
    match message:
        case [str(kind), float(cpu_s), float(wall_s), int(stdout), int(stderr), list(shown), error] if (
            kind in _KINDS and 0 <= cpu_s < 1e9 and 0 <= wall_s < 1e9
        ):
            results = tuple(map(_read_shown, shown))
            name, traceback = _read_error(error)
            if None not in results:
                return CellReply(kind, cpu_s, wall_s, stdout, stderr, results, name, traceback)  # type: ignore[arg-type]
    return CellReply("malformed")


def _read_shown(told: object) -> tuple[bool, tuple[tuple[str, str], ...]] | None:
    match told:
        case [bool(is_main), list(data)]:
            pairs = tuple((name, content) for name, content in filter(_is_pair, data))
            return (is_main, pairs) if len(pairs) == len(data) else None
    return None


def _is_pair(pair: object) -> bool:
    return type(pair) is list and len(pair) == 2 and all(type(text) is str for text in pair)


def _read_error(error: object) -> tuple[str, str]:
    match error:
        case [str(name), str(traceback)]:
            return name, traceback
    return "", ""
