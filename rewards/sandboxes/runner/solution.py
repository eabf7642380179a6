"""The program under test, as a module that others import: it is never `__main__` here."""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from types import CodeType, ModuleType, TracebackType
from typing import Any

NAME = "solution"
FILE = "solution.py"
_SHOWN_FRAMES = 6
_SHOWN_CHARACTERS = 1000


def load_solution(source: str) -> ModuleType:
    """Execute *source* as the module `solution` and return it; whatever the source raises is let through."""
    module = ModuleType(NAME)
    module.__file__ = FILE
    # Before it runs: dataclasses, pickle and typing look a class's module up by name.
    sys.modules[NAME] = module
    sys.argv = [FILE]
    code: CodeType = compile(source, FILE, "exec", dont_inherit=True)
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    exec(code, module.__dict__)
    return module


def find_callable(module: ModuleType, path: str) -> Any:
    """Return what *path* names: a global, an attribute of one, or `Class().method`, on an instance of its own."""
    first, *rest = path.split(".")
    thing = _global(module, first.removesuffix("()"))
    if first.endswith("()"):
        thing = thing()
    for name in rest:
        thing = getattr(thing, name)
    return thing


def _global(module: ModuleType, name: str) -> Any:
    try:
        return module.__dict__[name]
    except KeyError:
        raise NameError(f"name {name!r} is not defined") from None


def flush_output() -> None:
    """Write out what the program has printed; it may have closed or replaced its streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001 - the boundary to a stream object of the program's own
            continue


@dataclass(frozen=True)
class Raised:
    """An exception of the program's, as text for people, with the one type that our side acts upon."""

    type_name: str
    message: str
    traceback: str

    @property
    def out_of_memory(self) -> bool:
        """Return whether it was a MemoryError."""
        return self.type_name == "MemoryError"

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}" if self.message else self.type_name


def describe_exception(error: BaseException) -> Raised:
    """Return what to tell of *error*, in bounded size and time, however deep its traceback and odd its `__str__`."""
    name = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
    return Raised(str(name)[:200], message_of(error), _last_frames(error.__traceback__))


def message_of(error: BaseException) -> str:
    """Return `str(error)`, shortened, or a note when that fails."""
    try:
        return str(error)[:_SHOWN_CHARACTERS]
    except Exception as problem:  # noqa: BLE001 - the boundary to an exception class of the program's own
        return f"<no text: __str__ raised {type(problem).__name__}>"


def _last_frames(traceback: TracebackType | None) -> str:
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE:
            line = linecache.getline(FILE, traceback.tb_lineno).strip()[:200]
            frames.append(f"line {traceback.tb_lineno}, in {code.co_name}: {line}")
            del frames[:-_SHOWN_FRAMES]
        traceback = traceback.tb_next
    return "\n".join(frames)
