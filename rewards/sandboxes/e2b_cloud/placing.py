"""Bringing the files of a session's cell, whose names are the program's choice.

A name that a file cannot have, because a directory is there or a file where a directory is to be, is refused by some
services in the words of a fault of their own. So such a fault is held against the name once it has come several times
while another file could be brought: otherwise a name would be enough to be left unjudged.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...records import Ended, File, TestRun
from .context import HOME, REFUSED_FILES
from .faults import classify
from .machine import Machine

TRIES = 3
PROBE = File(".code-rewards-probe", b".")


async def place_files(machine: Machine, files: Iterable[File]) -> TestRun | None:
    """Write *files*; return the run of a cell whose files have no place, and raise where the service is to blame."""
    for file in files:
        refusal = await _refusal(machine, file)
        if refusal is not None:
            return TestRun(Ended.RAISED, stderr=f"OSError: {file.path} could not be put in place: {refusal}")
    return None


async def _refusal(machine: Machine, file: File) -> str | None:
    detail = ""
    for _ in range(TRIES):
        try:
            await _write(machine, file)
        except Exception as error:
            fault = classify(error, during="run")
            if fault is not None and fault.kind in REFUSED_FILES:
                return fault.detail
            if fault is None or fault.is_refusal:
                raise
            detail = fault.detail
            await _write(machine, PROBE)  # where this fails, too, the name is not to blame
        else:
            return None
    return detail


async def _write(machine: Machine, file: File) -> None:
    await machine.upload(f"{HOME}/{file.path}", file.content)
