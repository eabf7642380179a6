"""One run of a program from its beginning to its end, in a child of its own: as a script or as a command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from ...errors import ConfigurationError, DatasetError
from ...records import File, Job, Limits, Program, ScriptStep, TestRun
from ..runner.frames import read_frames
from ..runner.messages import Mode, Order
from ..runner.parcel import PlacedFile, pack_parcel
from .memory_files import MemoryFiles
from .outcomes import Sizes, order_for, read_run
from .worker import Worker, refusals_are_deaths

FRAME_ROOM = 64 << 10
"""Of what may be handed over, for what is not content."""
MOST_FETCHED = 4096
MOST_FILES, LONGEST_NAME = 1000, 255


def encode_text(text: str) -> bytes:
    """Return UTF-8; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace")


def whole_source(program: Program, step: ScriptStep) -> str:
    """Return the source with what the step puts behind it."""
    return f"{program.source}\n{step.append}" if step.append else program.source


def check_files(job: Job) -> None:
    """Raise `ConfigurationError` for files and words of a step that no child could be given."""
    for step in job.steps:
        if isinstance(step, ScriptStep):
            _check_step(step, job.limits)


def _check_step(step: ScriptStep, limits: Limits) -> None:
    size, paths = sum(len(file.content) for file in step.files), [file.path for file in step.files]
    if size > limits.disk_mb << 20:
        raise ConfigurationError(f"a test has files of {size} bytes, more than the limit disk_mb={limits.disk_mb}")
    if len(paths) > MOST_FILES:
        raise ConfigurationError(f"a test has {len(paths)} files; there is room for {MOST_FILES}")
    folders = {path[:i] for path in paths for i, letter in enumerate(path) if letter == "/"}
    for path in paths:
        if path in folders or any(len(part) > LONGEST_NAME for part in _system_text(path).split(b"/")):
            raise ConfigurationError(f"a test's file cannot be called {path!r:.300}")
    for word in step.args:
        _system_text(word)


def _system_text(text: str) -> bytes:
    """Return *text* as the kernel takes it in names and on command lines."""
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        data = b"\0"
    if b"\0" in data:
        raise ConfigurationError(f"a test has a word or a file's name that no system takes: {text!r:.300}")
    return data


async def run_script(worker: Worker, program: Program, step: ScriptStep, limits: Limits, *, left_s: float) -> TestRun:
    """Return what was seen of one run of a Python program; raises `WorkerDiedError`."""
    source, sizes = encode_text(whole_source(program, step)), Sizes.of(limits, step.output_kb)
    if not (step.files or step.fetch or step.args):
        return await execute(worker, order_for(Mode.SCRIPT, limits, sizes, left_s=left_s), source, step, limits, sizes)
    files = [PlacedFile(file.path, file.content) for file in step.files]
    job = pack_parcel(source, files=files, words=step.args, fetch=step.fetch)
    order = order_for(Mode.PACKED_SCRIPT, limits, sizes, left_s=left_s)
    return await execute(worker, fetching(order, step.fetch), job, step, limits, sizes)


def fetching(order: Order, names: Sequence[str]) -> Order:
    """Return *order* with what the files of these *names* may have."""
    return order._replace(fetch_bytes=order.disk_bytes - FRAME_ROOM if names else 0)


async def execute(worker: Worker, order: Order, job: bytes, step: ScriptStep, limits: Limits, sizes: Sizes) -> TestRun:
    """Return what was seen of the child that *order* makes; raises `WorkerDiedError`."""
    with refusals_are_deaths():
        outcome = await worker.execute(order, job, encode_text(step.stdin), wall_limit_s=limits.wall_limit_s)
        run = read_run(outcome, worker.files, sizes)
        if order.fetch_bytes:
            run = replace(run, files=fetched_files(worker.files))
        worker.files.empty()
    return run


def fetched_files(files: MemoryFiles) -> tuple[File, ...]:
    """Return the files that a child handed over; those below a directory bear names of the program's choosing."""
    found = []
    frames = read_frames(files.head(files.returned, files.size(files.returned)), limit=MOST_FETCHED)
    for frame in frames:
        path, _, content = frame.partition(b"\0")
        try:
            found.append(File(path.decode("utf-8", "surrogateescape"), content))
        except DatasetError:
            continue  # a program may call its files anything
    return tuple(found)
