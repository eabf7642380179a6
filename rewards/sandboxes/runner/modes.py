"""What a child does with its job, by the mode of its order."""

from __future__ import annotations

import sys
from collections.abc import Callable

from . import calls, command, entry, notebook, script, serving, session, tester
from .messages import Mode
from .parcel import unpack_parcel
from .placing import hand_over, put_files

RETURNED, CHANNEL, FIRST_OWN = 3, 4, 10
"""Descriptors that a child may keep beside 0, 1 and 2; the zygote's own ones lie above."""
_END = 1 << 16

EnterJob = Callable[[tuple[entry.Call, ...], int, int], bytes]
RunJob = tuple[Callable[[bytes], int], tuple[tuple[int, int], ...]]


def _enter_with_files(made: tuple[entry.Call, ...], descriptor: int, size: int) -> bytes:
    parcel = unpack_parcel(entry.enter(made, descriptor, size))
    put_files(parcel.files)
    sys.argv[1:] = parcel.words
    return parcel.body


def _enter_command(made: tuple[entry.Call, ...], descriptor: int, size: int) -> bytes:
    command.become_command(entry.enter(made, descriptor, size))
    return b""


def hand_over_files(made: tuple[entry.Call, ...], descriptor: int, size: int, *, scratch: str, limit: int) -> None:
    """Write the files that the job names to the host's memory, in a child that no program has ever run in."""
    hand_over(scratch, unpack_parcel(entry.enter(made, descriptor, size)).fetch, RETURNED, limit=limit)


def _answer_calls(job: bytes) -> int:
    calls.answer_calls(job, RETURNED)
    return 0


def _serve_program(job: bytes) -> int:
    serving.serve_program(job, CHANNEL)
    return 0


def _run_tests(job: bytes) -> int:
    tester.run_tests(job, CHANNEL, RETURNED)
    return 0


def _run_cells(job: bytes) -> int:
    notebook.run_cells(job, RETURNED)
    return 0


def _run_session(job: bytes) -> int:
    session.run_session(job, CHANNEL, RETURNED)
    return 0


ENTER: dict[int, EnterJob] = {Mode.PACKED_SCRIPT: _enter_with_files, Mode.COMMAND: _enter_command}
"""How a child gets to its job where that is more than reading it."""
MODES: dict[int, RunJob] = {
    Mode.SCRIPT: (script.run_script, ((RETURNED, _END),)),
    Mode.CALLS: (_answer_calls, ((CHANNEL, _END),)),
    Mode.SERVE: (_serve_program, ((RETURNED, RETURNED + 1), (CHANNEL + 1, _END))),
    Mode.TEST: (_run_tests, ((CHANNEL + 1, _END),)),
    Mode.COMMAND: (command.refuse, ()),
    Mode.CELLS: (_run_cells, ((CHANNEL, _END),)),
    Mode.SESSION: (_run_session, ((CHANNEL + 1, _END),)),
    Mode.PACKED_SCRIPT: (script.run_script, ((RETURNED, _END),)),
}
"""What a child does with its job, and the descriptors that are closed before."""
