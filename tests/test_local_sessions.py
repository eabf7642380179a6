"""Sessions in the local sandbox: state from cell to cell, every end an answer, nothing left when they are closed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from session_asking import ENDLESS, NO_CLOCK, SHORT, Asker, Open, opened_sessions

from rewards.errors import ConfigurationError
from rewards.records import CellStep, Ended, Job, JobResult, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.base import Interactive
from rewards.sandboxes.local import LocalSandbox

pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test sessions")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

SLOTS = 2


@pytest.fixture
def opening(loop: asyncio.Runner, sandbox: LocalSandbox) -> Iterator[Open]:
    yield from opened_sessions(loop, sandbox)


@pytest.fixture
def ask(opening: Open) -> Asker:
    return opening()


def test_the_local_sandbox_says_that_it_has_sessions(sandbox: LocalSandbox, ask: Asker) -> None:
    assert isinstance(sandbox, Interactive)
    assert not ask.session.has_shell


def test_a_cell_finds_what_the_cells_before_it_left(ask: Asker) -> None:
    assert ask("import math\nx = 2").ended is Ended.RETURNED
    run = ask("print(x)\nmath.pi > 3")
    assert (run.stdout, [result.data for result in run.results]) == ("2\n", [(("text", "True"),)])
    failed = ask("y = 5\n1 / 0")
    assert failed.ended is Ended.RAISED
    assert failed.stderr.endswith("ZeroDivisionError: division by zero")
    assert ask("print(x + y)").stdout == "7\n"


def test_output_and_values_are_those_of_one_cell(ask: Asker) -> None:
    assert ask("import sys\nprint('a')\nprint('b', file=sys.stderr)").stdout == "a\n"
    run = ask("3")
    assert (run.stdout, run.stderr) == ("", "")
    assert len(run.results) == 1


def test_files_come_and_can_be_read(ask: Asker) -> None:
    assert ask.read("data.txt") is None
    assert ask("print(open('data.txt').read())", **{"data.txt": "given"}).stdout == "given\n"
    ask("import os\nos.makedirs('a/b')\nopen('a/b/c', 'wb').write(bytes(range(256)) * 4)")
    assert ask.read("a/b/c") == (bytes(range(256)) * 4)[:1000]
    assert ask.read("data.txt", 2) == b"gi"
    assert ask("print('still here')").stdout == "still here\n"


def test_a_huge_file_is_read_up_to_the_limit(ask: Asker) -> None:
    ask("import os\nopen('huge', 'w').close()\nos.truncate('huge', 60 << 20)")
    assert ask.read("huge", 1 << 20) == bytes(1 << 20)
    longest = ask.read("huge", 1 << 40)
    assert isinstance(longest, bytes)
    assert 1 << 20 < len(longest) <= 16 << 20


def test_a_death_while_a_file_is_read_is_told_to_the_next_cell(ask: Asker) -> None:
    """What was known before it is gone, which nobody may overlook."""
    ask("x = 1\nopen('f', 'w').close()\nimport os, threading\nthreading.Timer(0.2, os._exit, (0,)).start()")
    time.sleep(0.6)
    assert ask.read("f") is None
    assert ask("x").ended is Ended.SIGNALLED
    assert ask("x").ended is Ended.RAISED


def test_what_burns_between_the_cells_is_stopped_and_told(opening: Open) -> None:
    ask = opening(replace(NO_CLOCK, cpu_s=0.1))
    burn = "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f, daemon=True).start()"
    ask(f"x = 1\n{burn}")
    for _ in range(20):  # each cell starts the clock again, and a busy machine takes its time to reach the limit
        time.sleep(1.0)
        run = ask("print(x)")
        if run.ended is not Ended.RETURNED:
            break
    assert run.ended is Ended.CPU_LIMIT
    assert "before this cell" in run.stderr or run.stdout != "1\n"
    assert ask("print('fresh')").stdout == "fresh\n"


def test_each_cell_has_its_limits_and_the_session_one_for_all(opening: Open) -> None:
    spin = "import time\nend = time.process_time() + 0.25\nwhile time.process_time() < end: pass"
    ask = opening(replace(NO_CLOCK, cpu_s=0.45))
    assert [ask(spin).ended for _ in range(3)] == [Ended.RETURNED] * 3
    ask = opening(replace(NO_CLOCK, cpu_s=0.45, job_cpu_s=0.6))
    ends = [ask(spin).ended for _ in range(4)]
    assert ends[:2] == [Ended.RETURNED] * 2
    assert ends[2:] == [Ended.CPU_LIMIT] * 2


def test_time_between_the_cells_counts_for_nothing(opening: Open) -> None:
    ask = opening(replace(SHORT, cpu_s=0.3, wall_s=0.5))
    ask("x = 1")
    time.sleep(1.0)
    assert ask("print(x)").stdout == "1\n"


def test_faked_answers_buy_no_more_time(opening: Open) -> None:
    ask = opening(replace(NO_CLOCK, cpu_s=0.4))
    fake = (
        "import os, threading, time\ndef f():\n    while True:\n        os.write(3, b'x')\n        time.sleep(0.01)\n"
    )
    began = time.process_time()
    run = ask(f"{fake}threading.Thread(target=f, daemon=True).start()\n{ENDLESS}")
    assert run.ended is Ended.CPU_LIMIT
    assert run.cpu_s < 1.5
    assert time.process_time() - began < 1.0


def test_sessions_and_programs_together_never_exceed_the_places(
    loop: asyncio.Runner, sandbox: LocalSandbox, opening: Open
) -> None:
    """Four naps at once in two places take two turns; a program waits among them like a cell."""
    asked = [opening() for _ in range(3)]
    nap = "import time\ntime.sleep(0.5)"

    async def all_at_once() -> float:
        began = time.monotonic()
        cells: list[Awaitable[object]] = [one.session.run(CellStep(nap)) for one in asked]
        program = sandbox.run(Job(Program(nap), (ScriptStep(),), SHORT))
        await asyncio.gather(program, *cells)
        return time.monotonic() - began

    assert loop.run(all_at_once()) >= 1.0


def test_a_zygote_serves_one_session_after_the_other_and_no_more_are_kept_than_were_open(
    loop: asyncio.Runner, opening: Open
) -> None:
    first = opening()
    first("x = 1\nopen('left', 'w').close()")
    place = first("import os\nprint(os.getuid(), os.getcwd())").stdout
    loop.run(first.session.close())
    second = opening()
    assert second("import os\nprint(os.getuid(), os.getcwd())").stdout == place
    assert second("print('x' in globals(), os.listdir('.'))").stdout == "False []\n"


def test_a_session_with_more_disk_gets_a_zygote_that_has_it(opening: Open) -> None:
    ask = opening(replace(SHORT, disk_mb=100))
    assert ask("open('f', 'wb').write(bytes(80 << 20))\nprint('written')").stdout == "written\n"


def test_files_beyond_the_disk_limit_are_the_callers_error(opening: Open) -> None:
    ask = opening(replace(SHORT, disk_mb=1))
    with pytest.raises(ConfigurationError, match="disk_mb is 1"):
        ask("1", f="x" * (2 << 20))


def test_there_is_no_shell(loop: asyncio.Runner, ask: Asker) -> None:
    with pytest.raises(ConfigurationError, match="no shell"):
        loop.run(ask.session.shell("ls"))


def test_a_killed_zygote_is_a_failure_and_the_next_cell_gets_another(loop: asyncio.Runner, opening: Open) -> None:
    ask = opening()
    ask("x = 1")
    ask.session._worker._process.kill()  # type: ignore[attr-defined]  # the supervisor's end ends the zygote
    answers = (ask.answer("x") for _ in range(1000))  # it takes a moment to die
    lost = next(answer for answer in answers if isinstance(answer, SandboxFailure) or answer.ended is Ended.RAISED)
    assert isinstance(lost, SandboxFailure), lost
    assert (lost.kind, lost.retryable) == ("died", True)
    assert ask("print('x' in globals())").stdout == "False\n"


def test_closing_the_sandbox_ends_its_sessions_and_leaves_nothing(level: str, tmp_path: Path) -> None:
    tempfile.tempdir = str(tmp_path)
    before = _children()
    try:
        asyncio.run(_close_in_the_middle(level))
    finally:
        tempfile.tempdir = None
    assert not list(tmp_path.iterdir())
    assert _children() == before


async def _close_in_the_middle(level: str) -> None:
    sandbox = LocalSandbox(slots=2, level=level)
    sessions = await asyncio.gather(*(sandbox.open_session(SHORT) for _ in range(3)))
    opened = [session for session in sessions if not isinstance(session, SandboxFailure)]
    assert len(opened) == 3
    cells = [asyncio.create_task(session.run(CellStep("import time\ntime.sleep(60)"))) for session in opened]
    program = asyncio.create_task(sandbox.run(Job(Program("print(1)"), (ScriptStep(),), SHORT)))
    starting = asyncio.create_task(sandbox.open_session(SHORT))
    await asyncio.sleep(0.5)
    async with asyncio.timeout(20):
        await sandbox.close()
        answers = await asyncio.gather(*cells, program, starting)
    assert all(isinstance(answer, SandboxFailure | JobResult) for answer in answers), answers
    assert isinstance(await opened[0].run(CellStep("1")), SandboxFailure)
    assert isinstance(await sandbox.open_session(SHORT), SandboxFailure)
    await asyncio.gather(*(session.close() for session in opened))


def _children() -> set[str]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == os.getpid():
                found.add(entry.name)
    return found
