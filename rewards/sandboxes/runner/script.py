"""Run a program as `python main.py` does: as `__main__`, to the exit code."""

from __future__ import annotations

import _thread
import atexit
import builtins
import gc
import linecache
import os
import sys
import threading
import traceback
import types

FILE_NAME = "main.py"
FLUSH_FAILED = 120
"""The interpreter's own exit code where the last output could not be written."""
SHOWN_FRAMES = 50


def run_script(source: bytes) -> int:
    """Run *source* and return the exit code; whatever it left to be done at exit is done."""
    code = execute(source)
    # Until here the interpreter is the program's: whatever it has broken of it ends in a failure of the program's.
    try:
        _wait_for_threads()
        atexit._run_exitfuncs()
        return finish(code)
    except SystemExit as error:
        return _exit_code(error)
    except BaseException:  # noqa: BLE001 - the boundary between the program and the process it ran in
        return code or 1


def finish(code: int) -> int:
    """Return the exit code after what is still in buffers has been written, or has turned out not to be writable."""
    written = _flush()
    if not _thread._count():
        sys.modules.pop("__main__", None)
        _collect()
        written = _flush() and written
    return code if written else code or FLUSH_FAILED


def _collect() -> None:
    """Run the finalizers of what is left, so that files which nobody closed get written.

    A full collection also frees the interpreter's reserves of objects, for which a child copies many pages: it is left
    out where no object is old enough to need it.
    """
    gc.collect(2 if gc.get_objects(2) else 1)


def execute(source: bytes) -> int:
    """Run *source* as the module `__main__` and return the exit code."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins, __file__=FILE_NAME, __cached__=None)
    sys.modules["__main__"] = module
    try:
        exec(compile(source, FILE_NAME, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:  # noqa: BLE001 - the boundary between the program and the process it ran in
        _show(error, source)
        return 1
    return 0


def _exit_code(error: SystemExit) -> int:
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    try:
        print(code, file=sys.stderr)  # noqa: T201 - what the interpreter does with sys.exit("message")
    except BaseException:  # noqa: BLE001 - the program may have broken sys.stderr, or its own __str__
        return 1
    return 1


def _show(error: BaseException, source: bytes) -> None:
    try:
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        if sys.excepthook is not sys.__excepthook__:
            sys.excepthook(type(error), error, frames)
            return
        lines = source.decode("utf-8", "replace").splitlines(keepends=True)
        linecache.cache[FILE_NAME] = (len(source), None, lines, FILE_NAME)
        traceback.print_exception(type(error), error, frames, limit=-SHOWN_FRAMES)
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - no memory left, or a broken sys.stderr: the name has to do
        os.write(2, type(error).__name__.encode("utf-8", "replace") + b"\n")


def _wait_for_threads() -> None:
    if len(threading._active) > 1:  # type: ignore[attr-defined]
        threading._shutdown()  # type: ignore[attr-defined]


def _flush() -> bool:
    written = [_is_flushed(sys.stdout), _is_flushed(sys.stderr)]
    if sys.stdout is not sys.__stdout__:
        _is_flushed(sys.__stdout__)  # the real one, which a program may have replaced, and written to after all
    return all(written)


def _is_flushed(stream: object) -> bool:
    try:
        if stream is not None and not stream.closed:  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]
    except BaseException:  # noqa: BLE001 - the program may have put anything there
        return False
    return True
