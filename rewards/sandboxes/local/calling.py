"""Call steps: one child loads the program once and answers them all, and another goes on where one has died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...records import CallStep, Ended, Job, TestRun
from ..runner.calls import Reply, pack_calls, read_replies
from ..runner.messages import Mode
from .beside import beside_the_loop
from .outcomes import Sizes, order_for, read_run
from .worker import Worker

REPLY_BYTES = 16 << 20
LARGE_BYTES = 1 << 18
"""Answers beyond this are decoded beside the event loop."""
ENDED = {"returned": Ended.RETURNED, "too_large": Ended.OUTPUT_LIMIT}
ANSWERED = (Ended.RETURNED, Ended.RAISED)


async def answer(worker: Worker, job: Job, steps: Sequence[CallStep], *, left_s: float) -> tuple[list[TestRun], float]:
    """Return the runs of the first of *steps*, up to a death, and the CPU seconds that they took.

    A program that dies while it is loaded has died in every step.
    """
    runs, cpu_s = await _answer(worker, job, steps, left_s=left_s)
    if len(runs) == 1 < len(steps) and runs[0].ended not in ANSWERED and left_s > cpu_s:
        # Dead before the first answer: was that the first call, or the loading? A child without calls tells.
        loaded, more_s = await _answer(worker, job, (), left_s=left_s - cpu_s)
        return (runs * len(steps) if loaded else runs), cpu_s + more_s
    return runs, cpu_s


async def _answer(worker: Worker, job: Job, steps: Sequence[CallStep], *, left_s: float) -> tuple[list[TestRun], float]:
    """Return a run for each answer, and one for the death of a child that has not answered all."""
    sizes = Sizes.of(job.limits)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        (step.function, step.args, dict(step.kwargs)) for step in steps
    ]
    files = worker.files
    periods = len(steps) + 1  # the loading and each call; a program that fakes answers gets no more than all of them
    outcome = await worker.execute(
        order_for(Mode.CALLS, job.limits, sizes, left_s=min(left_s, periods * job.limits.cpu_s)),
        pack_calls(job.program.source, calls, reply_limit=min(REPLY_BYTES, sizes.file)),
        b"",
        wall_limit_s=job.limits.wall_limit_s,
        total_wall_s=min(job.limits.job_wall_limit_s, periods * job.limits.wall_limit_s),
        progress=lambda: files.size(files.returned),
    )
    data = files.head(files.returned, sizes.file)
    replies = await beside_the_loop(read_replies, data) if len(data) > LARGE_BYTES else read_replies(data)
    # What a call prints is nobody's output: only the kernel's limit on the file ends it.
    end = read_run(outcome, files, replace(sizes, stdout=sizes.file - 1))
    files.empty()
    return _runs(replies, end, len(steps)), outcome.reply.cpu_s


def _runs(replies: list[Reply], end: TestRun, asked: int) -> list[TestRun]:
    runs = [_run_of(reply, end) for reply in replies[:asked]]
    if replies and replies[0].kind == "load_raised":
        return runs * asked
    ended_well = end.ended is Ended.EXITED and end.exit_code == 0
    if len(runs) == asked and (asked or ended_well):
        return runs
    return [*runs, replace(end, cpu_s=max(end.cpu_s - sum(run.cpu_s for run in runs), 0.0))]


def _run_of(reply: Reply, end: TestRun) -> TestRun:
    ended, stderr = ENDED.get(reply.kind, Ended.RAISED), ""
    if reply.error is not None:
        stderr = "\n".join(part for part in (reply.error.traceback, str(reply.error)) if part)
        if reply.error.out_of_memory:
            ended = Ended.MEMORY_LIMIT
        elif end.ended is Ended.OUTPUT_LIMIT and reply.error.type_name == "OSError":
            ended = Ended.OUTPUT_LIMIT  # it could not print any more
    return TestRun(
        ended,
        value=reply.value,
        stderr=stderr,
        cpu_s=reply.cpu_s,
        wall_s=reply.wall_s,
        peak_memory_mb=end.peak_memory_mb,
    )
