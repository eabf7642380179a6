"""Cells: one state for all cells of a job, none shared between jobs, and no answer that was cut off is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from e2b_pools import QUICK, cells, echo, nap, outputs, pool_on
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service

from rewards.errors import ConfigurationError
from rewards.records import (
    CellStep,
    Ended,
    File,
    Job,
    JobResult,
    Program,
    RichResult,
    SandboxFailure,
    ScriptStep,
    TestRun,
)
from rewards.sandboxes.e2b_cloud.notebook import Progress, read_progress


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


async def _runs(service: ServiceHandle, job: Job, **options: object) -> tuple[TestRun, ...]:
    async with pool_on(service, max_sandboxes=4, silence_s=3.0, **options) as sandbox:
        answer = await sandbox.run(job)
    assert isinstance(answer, JobResult), answer
    return answer.runs


def test_cells_share_the_state_that_the_program_left(service: ServiceHandle) -> None:
    runs = asyncio.run(_runs(service, cells("print(x)\nx += 1", "x", "x;", program="x = 1\nprint('not shown')")))
    assert [run.ended for run in runs] == [Ended.RETURNED] * 3
    assert [run.stdout for run in runs] == ["1\n", "", ""]
    assert [run.results for run in runs] == [(), (RichResult((("text", "2"),), is_main=True),), ()]
    assert all(run.value is None for run in runs)


def test_an_error_is_told_and_the_next_cell_runs(service: ServiceHandle) -> None:
    first, second = asyncio.run(_runs(service, cells("1 / 0", "print(x)", program="x = 1")))
    assert first.ended is Ended.RAISED
    assert "ZeroDivisionError" in first.stderr
    assert second.stdout == "1\n"


def test_a_traceback_is_plain_text(service: ServiceHandle) -> None:
    (run,) = asyncio.run(_runs(service, cells("1 / 0")))
    assert "ZeroDivisionError: division by zero" in run.stderr
    assert "\x1b" not in run.stderr


def test_files_lie_there_when_their_cell_begins(service: ServiceHandle) -> None:
    steps = (
        CellStep("read('data.csv')", (File("data.csv", b"a,b\n1,2\n"),)),
        CellStep("read('data.csv'), read('deep/down.bin')", (File("deep/down.bin", b"\0\xff"), File("data.csv", b"."))),
    )
    program = "def read(name):\n    with open(name, 'rb') as file:\n        return file.read()\nseen = read('data.csv')"
    runs = asyncio.run(_runs(service, Job(Program(program), steps, QUICK)))
    shown = [dict(run.results[0].data)["text"] for run in runs]
    assert shown == ["b'a,b\\n1,2\\n'", "(b'.', b'\\x00\\xff')"]


def test_a_program_that_leaves_no_place_for_a_file_fails_in_that_cell(service: ServiceHandle) -> None:
    """Otherwise a program could have itself left unjudged."""
    service.reset()
    steps = (CellStep("x"), CellStep("x", (File("data", b"."),)), CellStep("x"))
    runs = asyncio.run(_runs(service, Job(Program("import os\nos.makedirs('data/data')\nx = 1"), steps, QUICK)))
    assert [run.ended for run in runs] == [Ended.RETURNED, Ended.RAISED, Ended.RETURNED]
    assert service.stats().creates == 1


def test_a_program_that_cannot_be_loaded_answers_no_cell(service: ServiceHandle) -> None:
    runs = asyncio.run(_runs(service, cells("print(1)", "print(2)", program="x = undefined")))
    assert [run.ended for run in runs] == [Ended.RAISED] * 2
    assert all("NameError" in run.stderr and not run.stdout for run in runs)


def test_a_cell_that_takes_too_long_meets_the_wall_and_so_do_those_behind_it(service: ServiceHandle) -> None:
    job = cells("print('on')\nimport time\ntime.sleep(60)", "print(1)", limits=replace(QUICK, wall_s=2.0))
    runs = asyncio.run(_runs(service, job))
    assert [run.ended for run in runs] == [Ended.WALL_LIMIT] * 2
    assert runs[0].stdout == "on\n"


def test_a_flood_is_cut_off(service: ServiceHandle) -> None:
    job = cells("while True:\n    print('x' * 1000)", limits=replace(QUICK, output_kb=64))
    (run,) = asyncio.run(_runs(service, job))
    assert run.ended is Ended.OUTPUT_LIMIT
    assert len(run.stdout) == 64 * 1024


def test_a_cell_of_which_nothing_was_heard_is_run_again(service: ServiceHandle) -> None:
    """It was under way when its time was up; but whether it had printed too much before, nobody knows."""
    service.add_fault(Fault.KEEPALIVE_ONLY, times=1, match="execute", after=1)
    limits = replace(QUICK, wall_s=2.0, output_kb=8)
    (run,) = asyncio.run(_runs(service, cells("while True:\n    print('x' * 1000)", limits=limits)))
    assert run.ended is Ended.OUTPUT_LIMIT


def test_a_program_that_kills_its_kernel_time_and_again_is_to_blame(service: ServiceHandle) -> None:
    service.reset()

    async def ask() -> tuple[JobResult | SandboxFailure, ...]:
        async with pool_on(service, max_sandboxes=4) as sandbox:
            job = cells("import os\nos._exit(1)", "print(1)")
            first = await sandbox.run(job)
            creates = service.stats().creates
            again = await sandbox.run(job)
            assert service.stats().creates == creates, "a known one costs no more sandboxes"
            return first, again

    for answer in asyncio.run(ask()):
        assert isinstance(answer, JobResult), answer
        assert [run.ended for run in answer.runs] == [Ended.SIGNALLED] * 2
    assert service.alive() == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.EXECUTE_TRUNCATED,
        Fault.EXECUTE_SILENT_END,
        Fault.EXECUTE_MISSING_END,
        Fault.EXECUTE_GARBAGE,
        Fault.KEEPALIVE_ONLY,
        Fault.ABORT_HANG,
        Fault.KERNEL_DEATH,
        Fault.VANISH,
        Fault.PORT_CLOSED,
        Fault.INTERNAL_ERROR,
        Fault.UNAUTHORIZED,
    ],
    ids=lambda fault: fault.value,
)
@pytest.mark.parametrize("after", [0, 2], ids=["at the start", "at the last cell"])
def test_what_happens_to_the_service_does_not_happen_to_the_program(
    service: ServiceHandle, fault: Fault, after: int
) -> None:
    service.reset()
    service.add_fault(fault, times=1, match="interpreter/execute", after=after)
    job = cells("print(x)\nimport time\ntime.sleep(0.3)\nprint(x)", program="x = 5", limits=replace(QUICK, wall_s=4.0))
    (run,) = asyncio.run(_runs(service, job))
    assert (run.ended, run.stdout) == (Ended.RETURNED, "5\n5\n")
    assert service.alive() == ()


def test_jobs_of_cells_do_not_meet_and_no_program_runs_after_them(service: ServiceHandle) -> None:
    service.reset()

    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1) as sandbox:
            note = cells("open('note', 'w').close()\nprint('written')")
            assert outputs(await sandbox.run(note)) == ["written\n"]
            look = cells("import os\nprint(os.path.exists('note'))")
            assert outputs(await sandbox.run(look)) == ["False\n"]
            assert outputs(await sandbox.run(Job(Program("print(3)"), (ScriptStep(),), QUICK))) == ["3\n"]

    asyncio.run(ask())
    assert service.stats().creates == 3


def test_a_job_of_both_kinds_is_refused(service: ServiceHandle) -> None:
    job = cells("1")
    with pytest.raises(ConfigurationError, match="cells alone"):
        asyncio.run(_runs(service, replace(job, steps=(*job.steps, ScriptStep()))))


@pytest.mark.parametrize(
    ("text", "progress"),
    [
        pytest.param("00000003 began", Progress.BEGAN, id="under way"),
        pytest.param("00000003 ended", Progress.ENDED, id="over"),
        pytest.param("00000002 ended", Progress.UNKNOWN, id="the cell before"),
        pytest.param("", Progress.UNKNOWN, id="nothing"),
        pytest.param("x began", Progress.UNKNOWN, id="nonsense"),
        pytest.param("9" * 5000 + " began", Progress.UNKNOWN, id="a number of thousands of digits"),
    ],
)
def test_a_kernels_word_on_its_progress_is_read_with_care(text: str, progress: Progress) -> None:
    assert read_progress(text, 3) is progress


def test_a_program_does_not_board_the_sandbox_that_cells_have_just_entered(service: ServiceHandle) -> None:
    """They are root in there, and could answer for it."""
    service.reset()

    async def ask() -> None:
        async with pool_on(service, max_sandboxes=1, jobs_per_sandbox=1) as sandbox:
            await sandbox.run(echo("a"))
            busy = asyncio.ensure_future(sandbox.run(nap(0.5)))
            await asyncio.sleep(0.1)
            answers = await asyncio.gather(sandbox.run(cells("print(1)")), sandbox.run(echo("b")), busy)
            assert [outputs(answer) for answer in answers] == [["1\n"], ["bb\n"], ["up\n"]]

    asyncio.run(ask())
    assert service.stats().creates == 2
