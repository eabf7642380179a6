"""What a child left behind, as a `TestRun`: read by the host, from bytes and a wait status alone."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...records import Ended, Limits, TestRun
from ..runner.messages import ONE_CLOCK, Mode, Order, Stop
from .memory_files import MemoryFiles
from .worker import Outcome

KEPT_STDERR_BYTES = 16 << 10
NOTE_BYTES = 2000
BACKSTOP_FACTOR = 4.5
"""The zygote's own stop comes after the host's last one, which is at four times the limit."""
STOPPED = {
    Stop.CPU: Ended.CPU_LIMIT,
    Stop.DISK: Ended.DISK_LIMIT,
    Stop.MEMORY: Ended.MEMORY_LIMIT,
    Stop.KILLED: Ended.WALL_LIMIT,
    Stop.BACKSTOP: Ended.WALL_LIMIT,
}


@dataclass(frozen=True)
class Sizes:
    """How much a child may write, in bytes."""

    stdout: int
    file: int

    @classmethod
    def of(cls, limits: Limits, output_kb: int = 0) -> Sizes:
        """Return what *limits* allow; a file may be longer than the output, so the kernel's limit is the larger one."""
        stdout = max(limits.output_kb, output_kb) << 10
        return cls(stdout, max(stdout + (64 << 10), limits.disk_mb << 20))


def order_for(mode: Mode, limits: Limits, sizes: Sizes, *, left_s: float) -> Order:
    """Return the order to run a child within *limits* and what the job has left."""
    return Order(
        mode=mode,
        number=0,
        size=0,
        processes=limits.processes,
        memory_bytes=limits.memory_mb << 20,
        file_bytes=sizes.file,
        disk_bytes=limits.disk_mb << 20,
        cpu_s=limits.cpu_s,
        total_cpu_s=left_s,
        backstop_s=BACKSTOP_FACTOR * (limits.wall_limit_s if mode in ONE_CLOCK else limits.job_wall_limit_s),
    )


def read_run(outcome: Outcome, files: MemoryFiles, sizes: Sizes) -> TestRun:
    """Return what was seen of a child that ran a script, or of one that ended before it had answered."""
    reply = outcome.reply
    stderr = files.tail(files.stderr, KEPT_STDERR_BYTES).decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(reply.status)
    return TestRun(
        ended=_ended(Stop(reply.stop), code, stderr, flooded=_flooded(files, sizes)),
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        stdout=files.head(files.stdout, sizes.stdout).decode("utf-8", "replace"),
        stderr=stderr,
        cpu_s=reply.cpu_s,
        wall_s=reply.wall_s,
        peak_memory_mb=reply.peak_memory_kb / 1024,
        starved=outcome.starved or reply.stop == Stop.BACKSTOP,
    )


def _flooded(files: MemoryFiles, sizes: Sizes) -> bool:
    return (
        files.size(files.stdout) > sizes.stdout
        or max(files.size(files.stderr), files.size(files.returned)) >= sizes.file
    )


def _ended(stop: Stop, code: int, stderr: str, *, flooded: bool) -> Ended:
    if stop in STOPPED:
        return STOPPED[stop]
    if flooded:
        return Ended.OUTPUT_LIMIT
    if code < 0:
        return Ended.SIGNALLED
    return Ended.MEMORY_LIMIT if code and _ran_out_of_memory(stderr) else Ended.EXITED


def _ran_out_of_memory(stderr: str) -> bool:
    """Tell whether the last line names a MemoryError, or a subclass as numpy's. A program that lies has failed too."""
    last = stderr.rstrip()[-NOTE_BYTES:].rpartition("\n")[2]
    return last.partition(":")[0].rpartition(".")[2].lstrip("_").removeprefix("Array") == "MemoryError"
