"""Slots come and go: cancellation, death, closing, other loops and forks leave nothing behind and nothing broken."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewards.records import Ended, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

HELLO = Job(Program("print(input())"), (ScriptStep("hello\n"),))
SLEEP = Job(Program("import time\ntime.sleep(1000)"), (ScriptStep(),))


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No descriptor, process or directory is left after any of these tests."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _strangers.update(children())  # what tests of other modules have left to be waited for
    asyncio.run(asyncio.sleep(0))
    before = set(os.listdir("/proc/self/fd"))
    yield
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) <= before
    assert list(tmp_path.glob("box-*")) == []
    assert children() == []


_strangers: set[int] = set()


def children() -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(name))
    return [pid for pid in found if pid not in _strangers]


def output(result: JobResult | SandboxFailure) -> str:
    assert isinstance(result, JobResult), result
    return result.runs[0].stdout


def test_jobs_wait_for_a_free_slot_and_come_back_each_to_its_caller(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=2, level=level)
        jobs = [Job(Program("print(input())"), (ScriptStep(f"{n}\n"),)) for n in range(12)]
        answers = await asyncio.gather(*(sandbox.run(job) for job in jobs))
        assert [output(answer) for answer in answers] == [f"{n}\n" for n in range(12)]
        await sandbox.close()

    asyncio.run(scene())


def test_a_cancelled_job_stops_and_its_slot_works_on(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        assert output(await sandbox.run(HELLO)) == "hello\n"
        (slot,) = children()
        for pause_s in (0.0, 0.0005, 0.002, 0.2):
            task = asyncio.create_task(sandbox.run(SLEEP))
            await asyncio.sleep(pause_s)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                assert output(await sandbox.run(HELLO)) == "hello\n"
        assert children() == [slot]
        await sandbox.close()

    asyncio.run(scene())


def test_a_dead_slot_is_not_a_wrong_program(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        await sandbox.run(HELLO)
        task = asyncio.create_task(sandbox.run(SLEEP))
        await asyncio.sleep(0.1)
        os.kill(children()[0], signal.SIGKILL)
        failure = await task
        assert isinstance(failure, SandboxFailure)
        assert (failure.kind, failure.retryable) == ("died", True)
        assert output(await sandbox.run(HELLO)) == "hello\n"
        await sandbox.close()

    asyncio.run(scene())


def test_a_slot_that_died_while_it_was_idle_costs_one_job_at_most(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        await sandbox.run(HELLO)
        os.kill(children()[0], signal.SIGKILL)
        await asyncio.sleep(0.1)
        answers = [await sandbox.run(HELLO) for _ in range(2)]
        assert output(answers[1]) == "hello\n"
        await sandbox.close()

    asyncio.run(scene())


def test_closing_answers_what_runs_and_what_waits(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        tasks = [asyncio.create_task(sandbox.run(SLEEP)) for _ in range(3)]
        await asyncio.sleep(0.3)
        await sandbox.close()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*tasks)
        assert [answer.kind for answer in answers if isinstance(answer, SandboxFailure)] == ["closed"] * 3
        again = await sandbox.run(HELLO)
        assert isinstance(again, SandboxFailure)
        await sandbox.close()

    asyncio.run(scene())


def test_closing_while_a_slot_starts_leaves_nothing(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=2, level=level)
        await sandbox.start()
        tasks = [asyncio.create_task(sandbox.run(SLEEP)) for _ in range(2)]
        await asyncio.sleep(0.01)
        await sandbox.close()
        assert children() == []
        answers = await asyncio.gather(*tasks)
        assert [answer.kind for answer in answers if isinstance(answer, SandboxFailure)] == ["closed"] * 2

    asyncio.run(scene())


def test_it_moves_to_another_event_loop(level: str) -> None:
    sandbox = LocalSandbox(slots=1, level=level)
    for _ in range(2):
        assert output(asyncio.run(sandbox.run(HELLO))) == "hello\n"
    asyncio.run(sandbox.close())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_of_the_host_starts_its_own_slots_and_leaves_the_parents_alone(level: str) -> None:
    sandbox = LocalSandbox(slots=1, level=level)

    async def hello_then_close() -> None:
        assert output(await sandbox.run(HELLO)) == "hello\n"
        await sandbox.close()

    with asyncio.Runner() as runner:
        assert output(runner.run(sandbox.run(HELLO))) == "hello\n"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                asyncio.run(hello_then_close())
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert output(runner.run(sandbox.run(HELLO))) == "hello\n"
        runner.run(sandbox.close())


def test_what_is_left_is_not_run_when_the_caller_has_seen_enough(level: str) -> None:
    seen: list[int] = []

    def keep_going(number: int, run: TestRun) -> bool:
        seen.append(number)
        return run.stdout != "1\n"

    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        job = Job(Program("print(input())"), tuple(ScriptStep(f"{n}\n") for n in range(4)))
        result = await sandbox.run(job, keep_going=keep_going)
        assert isinstance(result, JobResult)
        assert [run.ended for run in result.runs] == [Ended.EXITED, Ended.EXITED, Ended.NOT_RUN, Ended.NOT_RUN]
        await sandbox.close()

    asyncio.run(scene())
    assert seen == [0, 1]


def test_an_error_of_the_callers_own_leaves_the_slot_usable(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)

        def broken(number: int, run: TestRun) -> bool:
            raise LookupError(number)

        with pytest.raises(LookupError):
            await sandbox.run(HELLO, keep_going=broken)
        assert output(await sandbox.run(HELLO)) == "hello\n"
        await sandbox.close()

    asyncio.run(scene())


def test_nothing_of_what_programs_print_is_kept(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        flood = Job(Program("print('x' * 10_000_000)"), (ScriptStep(),), Limits(output_kb=16))
        await sandbox.run(flood)
        before = resident_kb()
        for _ in range(30):
            result = await sandbox.run(flood)
            assert isinstance(result, JobResult)
            assert result.runs[0].ended is Ended.OUTPUT_LIMIT
        assert resident_kb() - before < 4096
        await sandbox.close()

    asyncio.run(scene())


def resident_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_the_loop_is_not_held_up_while_slots_start(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        task = asyncio.create_task(sandbox.start())
        longest, last = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        assert longest < 0.25
        await sandbox.close()

    asyncio.run(scene())
