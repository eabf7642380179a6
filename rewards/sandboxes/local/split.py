"""Assert steps: test code in a tester process beside the program's, which talk over a socket pair and see no more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...records import AssertStep, Ended, Job, TestRun
from ..runner import tester
from ..runner.calls import pack_program
from ..runner.messages import Mode, Stop
from ..runner.outcome import Outcome as OutcomeOfTest
from .outcomes import STOPPED, Sizes, order_for, read_run
from .worker import Outcome, Worker, WorkerDiedError

GRACE_S = 0.5
"""For the half that is left to notice that the other has gone."""
NOT_LOADED = "the program was not loaded"
LOST = ("the program did not answer", NOT_LOADED)
LOOKS_PER_LIMIT, SHORTEST_LOOK_S = 10, 0.02


async def test(
    programs: Worker, testers: Worker, job: Job, steps: Sequence[AssertStep], *, left_s: float
) -> tuple[list[TestRun], float]:
    """Return the runs of the first of *steps*, up to the program's death, and the CPU seconds of both halves.

    Raises `WorkerDiedError` where the tester died for a reason of its own.
    """
    with _channel() as (ours, theirs):
        program = asyncio.create_task(_serve(programs, job, ours, testers, left_s=left_s))
        tested = asyncio.create_task(_test(testers, job, steps, theirs, left_s=left_s))
        try:
            served, judged = await _both(program, tested, programs, testers)
        finally:
            await _cancel(program, tested)
    runs = _runs(served, judged, programs, testers, job, len(steps))
    programs.files.empty()
    testers.files.empty()
    return runs, served.reply.cpu_s + judged.reply.cpu_s


@contextlib.contextmanager
def _channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


async def _serve(programs: Worker, job: Job, end: socket.socket, testers: Worker, *, left_s: float) -> Outcome:
    relay = asyncio.create_task(_relay_progress(testers, programs, job.limits.cpu_s))
    try:
        return await programs.execute(
            order_for(Mode.SERVE, job.limits, Sizes.of(job.limits), left_s=left_s),
            pack_program(job.program.source),
            b"",
            wall_limit_s=job.limits.wall_limit_s,
            total_wall_s=job.limits.job_wall_limit_s,
            channel=end,
            progress=lambda: testers.files.size(testers.files.returned),
        )
    finally:
        relay.cancel()


async def _test(
    testers: Worker, job: Job, steps: Sequence[AssertStep], end: socket.socket, *, left_s: float
) -> Outcome:
    names = dict.fromkeys(name for step in steps for name in step.names)
    return await testers.execute(
        order_for(Mode.TEST, job.limits, Sizes.of(job.limits), left_s=left_s),
        tester.pack_tests(steps[0].setup, [step.source for step in steps], names, framework=steps[0].framework),
        b"",
        # The program's half has the same clock; where both wait for each other it is the program's that counts.
        wall_limit_s=job.limits.wall_limit_s + GRACE_S,
        channel=end,
        progress=lambda: testers.files.size(testers.files.returned),
    )


async def _relay_progress(testers: Worker, programs: Worker, cpu_s: float) -> None:
    """Tell the program's zygote when the next test begins: it cannot see the tester's answers."""
    seen = 0
    with contextlib.suppress(OSError):  # the files were closed: there is nobody left to tell
        while True:
            await asyncio.sleep(max(cpu_s / LOOKS_PER_LIMIT, SHORTEST_LOOK_S))
            size = testers.files.size(testers.files.returned)
            if size != seen:
                seen = size
                programs.report_progress()


async def _both(
    program: asyncio.Task[Outcome], tested: asyncio.Task[Outcome], programs: Worker, testers: Worker
) -> tuple[Outcome, Outcome]:
    """Wait for both halves; one that does not notice that the other has gone is stopped."""
    await asyncio.wait((program, tested), return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait((program, tested), timeout=GRACE_S)
    if tested.done() and not program.done():
        programs.kill_program()
    elif program.done() and not tested.done():
        await asyncio.wait((tested,), timeout=4 * GRACE_S)
        testers.kill_program()
    return await program, await tested


async def _cancel(*tasks: asyncio.Task[Outcome]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _runs(served: Outcome, judged: Outcome, programs: Worker, testers: Worker, job: Job, asked: int) -> list[TestRun]:
    sizes = Sizes.of(job.limits)
    sizes = replace(sizes, stdout=sizes.file - 1)  # what either half prints is nobody's output
    outcomes = tester.read_outcomes(testers.files.head(testers.files.returned, sizes.file))[:asked]
    runs = [_run_of(outcome) for outcome in outcomes]
    lost = next((n for n, outcome in enumerate(outcomes) if outcome.detail.startswith(LOST)), None)
    if lost is not None:
        # One that ended with 0 may only have noticed that its tester hung up; what the tester has seen says more.
        end = read_run(served, programs.files, sizes) if served.reply.status else runs[lost]
        loading = outcomes[lost].detail.startswith(NOT_LOADED)
        return [end] * asked if loading else [*runs[:lost], end]
    if len(outcomes) == asked:
        return runs
    if served.reply.stop in STOPPED and judged.reply.stop == Stop.KILLED:
        return [*runs, read_run(served, programs.files, sizes)]  # the tester did not notice, and was stopped after it
    return [*runs, _tester_end(judged, testers, sizes)]


def _tester_end(judged: Outcome, testers: Worker, sizes: Sizes) -> TestRun:
    """Return the run of a test in which the tester came to a limit: it held what the program has sent."""
    end = read_run(judged, testers.files, sizes)
    if end.ended in (Ended.EXITED, Ended.SIGNALLED):
        raise WorkerDiedError(
            f"the tester ended by itself: {end.ended.value} {end.exit_code} {end.signal} {end.stderr}"
        )
    return end


def _run_of(outcome: OutcomeOfTest) -> TestRun:
    if outcome.kind == "passed":
        return TestRun(Ended.RETURNED)
    if outcome.kind == "failed":
        return TestRun(Ended.FAILED, stderr=outcome.detail)
    return TestRun(Ended.RAISED, stderr=outcome.detail)
