"""Cells of notebooks: one child runs the program and then one cell after the other, in one IPython shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import ConfigurationError
from ...records import CellStep, Ended, Job, Limits, RichResult, TestRun
from ..base import cells_of
from ..runner.messages import Mode
from ..runner.notebook import CellReply, pack_cells, read_cells
from .beside import beside_the_loop
from .outcomes import KEPT_STDERR_BYTES, Sizes, order_for, read_run
from .worker import Worker

ENDED = {"returned": Ended.RETURNED, "too_large": Ended.OUTPUT_LIMIT}
LIVES_ON = (Ended.RETURNED, Ended.RAISED, Ended.MEMORY_LIMIT)
"""Ways for a cell to end that leave the next one something to run in."""
LEFT = "the program ended the process of its notebook"
MALFORMED = "the program has written its cell's answer itself"


async def run(worker: Worker, job: Job, *, left_s: float) -> tuple[list[TestRun], float]:
    """Return a run for each step of *job*, and the CPU seconds that the program and all cells took.

    Where the program fails, no cell runs; where the process ends, none of those behind it does. All of them end in the
    same way then. Raises `ConfigurationError` for files that the job's disk limit has no room for.
    """
    cells = cells_of(job)
    check_files(job.limits, cells)
    sizes = Sizes.of(job.limits)
    files = worker.files
    outcome = await worker.execute(
        order_for(Mode.CELLS, job.limits, sizes, left_s=min(left_s, len(cells) * job.limits.cpu_s)),
        pack_cells(
            [(cell.source, [(file.path, file.content) for file in cell.files]) for cell in cells],
            output_bytes=sizes.stdout,
        ),
        b"",
        wall_limit_s=job.limits.wall_limit_s,
        total_wall_s=min(job.limits.job_wall_limit_s, len(cells) * job.limits.wall_limit_s),
        progress=lambda: files.size(files.returned),
    )
    replies = await beside_the_loop(_replies, worker, sizes, len(cells))
    # What the cells print is looked at cell by cell: only the kernel's limit on the files ends the process.
    end = read_run(outcome, files, replace(sizes, stdout=sizes.file - 1))
    runs = CellOutputs(worker, sizes, end).runs(replies, len(cells))
    files.empty()
    return runs[1:], outcome.reply.cpu_s


def check_files(limits: Limits, cells: Sequence[CellStep]) -> None:
    """Raise `ConfigurationError` for files that the disk limit has no room for."""
    size = sum(len(file.content) for cell in cells for file in cell.files)
    if size > limits.disk_mb << 20:
        raise ConfigurationError(
            f"the files of a problem have {size / 2**20:.0f} MiB together, and its limit disk_mb is "
            f"{limits.disk_mb}: raise the limit"
        )


def _replies(worker: Worker, sizes: Sizes, asked: int) -> list[CellReply]:
    return read_cells(worker.files.head(worker.files.returned, sizes.file), limit=asked)


class CellOutputs:
    """What the cells have left in the memory files, read in order."""

    def __init__(self, worker: Worker, sizes: Sizes, end: TestRun) -> None:
        self._files, self._sizes, self._end = worker.files, sizes, end
        self._stdout = self._stderr = 0

    def runs(self, replies: Sequence[CellReply], asked: int) -> list[TestRun]:
        """Return the runs of the program and of every cell."""
        runs: list[TestRun] = []
        for reply in replies:
            runs.append(self.run_of(reply))
            if runs[-1].ended not in LIVES_ON:
                break
        else:
            if len(runs) < asked and not _has_failed(runs):
                runs.append(self._last(runs))
        last = runs[-1]
        echo = TestRun(last.ended, signal=last.signal, stderr=last.stderr, starved=last.starved)
        return runs + [echo] * (asked - len(runs))

    def run_of(self, reply: CellReply) -> TestRun:
        """Return the run of the next cell."""
        stdout, stderr, is_flooded = self._printed(reply.stdout_end, reply.stderr_end)
        ended = Ended.OUTPUT_LIMIT if is_flooded else ENDED.get(reply.kind, Ended.RAISED)
        if ended is Ended.RAISED and reply.error_name == "MemoryError":
            ended = Ended.MEMORY_LIMIT
        elif ended is Ended.RAISED and self._end.ended is Ended.OUTPUT_LIMIT and reply.error_name == "OSError":
            ended = Ended.OUTPUT_LIMIT  # it could not print any more
        said = MALFORMED if reply.kind == "malformed" else _clean(reply.traceback)
        return TestRun(
            ended,
            stdout=stdout,
            stderr=(stderr + said)[-KEPT_STDERR_BYTES:],
            cpu_s=reply.cpu_s,
            wall_s=reply.wall_s,
            peak_memory_mb=self._end.peak_memory_mb,
            results=tuple(
                RichResult(tuple((_clean(name), _clean(text)) for name, text in data), is_main=is_main)
                for is_main, data in reply.shown
            ),
        )

    def _last(self, runs: Sequence[TestRun]) -> TestRun:
        """Return the run of the cell in which the process has ended."""
        files, end = self._files, self._end
        stdout, stderr, is_flooded = self._printed(files.size(files.stdout), files.size(files.stderr))
        ended = end.ended
        if is_flooded and ended in (Ended.EXITED, Ended.SIGNALLED):
            ended = Ended.OUTPUT_LIMIT
        elif ended is Ended.EXITED:  # with whatever code: it was not asked to end
            ended, stderr = Ended.SIGNALLED, f"{stderr}{LEFT}"
        return replace(
            end,
            ended=ended,
            stdout=stdout,
            stderr=stderr[-KEPT_STDERR_BYTES:],
            cpu_s=max(end.cpu_s - sum(run.cpu_s for run in runs), 0.0),
            wall_s=max(end.wall_s - sum(run.wall_s for run in runs), 0.0),
        )

    def _printed(self, stdout_end: int, stderr_end: int) -> tuple[str, str, bool]:
        """Return what a cell has printed up to these places, and whether that is more than it may."""
        files, limit = self._files, self._sizes.stdout
        out = files.part(files.stdout, self._stdout, stdout_end, limit=limit + 1)
        err = files.part(files.stderr, self._stderr, stderr_end, limit=limit + 1)
        self._stdout, self._stderr = stdout_end, stderr_end
        is_flooded = len(out) + len(err) > limit
        return out[:limit].decode("utf-8", "replace"), err.decode("utf-8", "replace"), is_flooded


def _has_failed(runs: Sequence[TestRun]) -> bool:
    """Say whether the program did not come to its end, so that no cell was run."""
    return len(runs) == 1 and runs[0].ended is not Ended.RETURNED


def _clean(text: str) -> str:
    """Return a program's word on what it has shown, as text that can be written into a file."""
    return text.encode("utf-8", "replace").decode("utf-8")
