"""What a program can ask of a session that no service could carry out: it is told so, and no sandbox is spent on it.

The service's own answer to these would look like a fault of its own.
"""

from __future__ import annotations

from ...records import CellStep, Ended, TestRun

LONGEST_COMMAND, LONGEST_PATH, LONGEST_NAME = 100_000, 4_000, 255
"""Bytes: the kernel takes 128 KiB as one argument, 4096 as a path with its directory, and 255 as a part of one."""
CANNOT_START = 126
"""With what a shell exits for a command that is there and cannot be run."""


def refuse_cell(cell: CellStep) -> TestRun | None:
    """Return the run of a cell that cannot be sent, if it cannot."""
    if _encoded(cell.source) is None:
        return TestRun(Ended.RAISED, stderr="SyntaxError: the source holds characters that cannot be encoded")
    for file in cell.files:
        if not can_be_a_path(file.path):
            return TestRun(Ended.RAISED, stderr=f"OSError: this cannot be the name of a file: {file.path[:100]!r}")
    return None


def refuse_command(command: str) -> TestRun | None:
    """Return the run of a command line that cannot be sent, if it cannot."""
    encoded = _encoded(command)
    if encoded is None or b"\0" in encoded:
        return cannot_start("it holds characters that no command line can hold")
    return cannot_start("argument list too long") if len(encoded) > LONGEST_COMMAND else None


def cannot_start(why: str) -> TestRun:
    """Return the run of a command that could not be started, for a reason of the program's."""
    return TestRun(Ended.EXITED, exit_code=CANNOT_START, stderr=f"the command could not be started: {why}")


def is_below(path: str) -> bool:
    """Say whether *path* can be one, and stays below the directory that it is looked for in."""
    return can_be_a_path(path) and not path.startswith("/") and ".." not in path.split("/")


def can_be_a_path(path: str) -> bool:
    """Say whether a file system takes *path*."""
    encoded = _encoded(path)
    if not encoded or b"\0" in encoded or len(encoded) > LONGEST_PATH:
        return False
    return all(len(part) <= LONGEST_NAME for part in encoded.split(b"/"))


def _encoded(text: str) -> bytes | None:
    """Return *text* as UTF-8; None where it has halves of characters, which come out of a model's JSON."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
