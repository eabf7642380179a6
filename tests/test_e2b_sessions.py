"""Sessions: state from cell to cell, a sandbox for each, and nothing of one in another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("aiohttp", reason="the stand-in service needs aiohttp")
pytest.importorskip("e2b_code_interpreter", reason='pip install "code-rewards[e2b]"')

from e2b_pools import echo, outputs
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from e2b_sessions import SHORT, opened, pool, said, with_session

from rewards.records import CellStep, Ended, File, SandboxFailure, TestRun
from rewards.sandboxes.base import Interactive
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.e2b_cloud.sendable import is_below
from rewards.sandboxes.e2b_cloud.session import E2BSession


@pytest.fixture(scope="module")
def shared_service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(shared_service: ServiceHandle) -> Iterator[ServiceHandle]:
    shared_service.reset()
    yield shared_service
    assert shared_service.alive() == ()


def test_state_and_files_last_from_cell_to_cell_and_over_a_long_pause(service: ServiceHandle) -> None:
    """The pause is longer than a sandbox lives that nobody renews."""

    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        assert await said(session, "x = 5\nopen('note', 'w').write('kept')", File("deep/data", b"sent")) == ""
        await asyncio.sleep(6.0)
        assert await said(session, "print(x, open('note').read(), open('deep/data').read())") == "5 kept sent\n"
        assert "ZeroDivisionError" in await said(session, "1 / 0")
        assert await said(session, "print(x)") == "5\n"

    with_session(service, use, ttl_s=5, idle_s=0.0)
    assert service.stats().expiries == 0
    assert service.stats().creates <= 2


def test_the_shell_and_files_are_those_of_the_interpreters_directory(service: ServiceHandle) -> None:
    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        await said(session, "open('note', 'w').write('0123456789')\nimport os\nos.mkdir('d')\nos.mkfifo('pipe')")
        run = await session.shell("cat note; echo oh >&2; exit 3")
        assert isinstance(run, TestRun)
        assert (run.ended, run.exit_code, run.stdout, run.stderr) == (Ended.EXITED, 3, "0123456789", "oh\n")
        overdue, flood = await session.shell("sleep 30"), await session.shell("yes")
        assert [run.ended for run in (overdue, flood) if isinstance(run, TestRun)] == [
            Ended.WALL_LIMIT,
            Ended.OUTPUT_LIMIT,
        ]
        assert isinstance(flood, TestRun)
        assert len(flood.stdout) == 8 * 1024
        assert await session.read("note", limit_bytes=4) == b"0123"
        assert await session.read("./note", limit_bytes=400) == b"0123456789"
        for path in ("gone", "d", "pipe", "../etc/passwd", "d/../../x", "/etc/passwd", "", "-n", "a'b\n"):
            assert await session.read(path, limit_bytes=10) is None, path
        assert await said(session, "print(open('note').read())") == "0123456789\n", "it outlives its commands"

    with_session(service, use, limits=SHORT)


def test_a_cell_that_is_stopped_takes_the_interpreter_with_it(service: ServiceHandle) -> None:
    stopped = {
        "import time\nwhile True: time.sleep(1)": Ended.WALL_LIMIT,
        "while True: print('x' * 1000)": Ended.OUTPUT_LIMIT,
        "import os\nos._exit(0)": Ended.SIGNALLED,
    }

    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        for source, ended in stopped.items():
            await said(session, "x = 1\nopen('note', 'w').close()")
            run = await session.run(CellStep(source))
            assert isinstance(run, TestRun)
            assert run.ended is ended
            assert await session.read("note", limit_bytes=10) is None
            assert await said(session, "import os\nprint('x' in globals(), os.path.exists('note'))") == "False False\n"

    with_session(service, use, limits=SHORT)
    assert service.stats().creates == 4


def test_what_no_service_could_carry_out_is_told_to_the_program(service: ServiceHandle) -> None:
    """As a failure, each of these would leave the rollout unjudged."""

    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        assert "could not be put in place" in await said(session, "", File(".profile/below", b".")), "it is a file"
        await said(session, "import os, shutil\nhere = os.getcwd()\nos.makedirs('d/e')")
        assert "SyntaxError" in await said(session, "print('\ud800')")
        assert "null" in await said(session, "print(1)\0")
        assert "name of a file" in await said(session, "print(1)", File("n" * 300, b""))
        assert "could not be put in place" in await said(session, "print(1)", File("d/e", b"."))
        runs = [await session.shell(command) for command in ("echo \0", "echo \ud800", "#" * 200_000, "kill -9 $$")]
        assert [(run.ended, run.exit_code) for run in runs if isinstance(run, TestRun)] == [
            *[(Ended.EXITED, 126)] * 3,
            (Ended.SIGNALLED, None),
        ]
        await said(session, "shutil.rmtree(here)")
        run = await session.shell("pwd")
        assert isinstance(run, TestRun), run
        assert (run.ended, run.exit_code) == (Ended.EXITED, 126)
        assert await session.read("note", limit_bytes=10) is None

    with_session(service, use)


def test_a_session_has_its_time_and_no_more(service: ServiceHandle) -> None:
    async def use(sandbox: E2BSandbox, session: E2BSession) -> None:
        for _ in range(2):
            await session.run(CellStep("import time\ntime.sleep(1.6)"))
        run = await session.run(CellStep("print(1)"))
        assert isinstance(run, TestRun)
        assert (run.ended, run.stdout) == (Ended.WALL_LIMIT, "")

    with_session(service, use, limits=replace(SHORT, job_cpu_s=1.0))


def test_sessions_do_not_meet_and_leave_a_sandbox_to_programs(service: ServiceHandle) -> None:
    async def go() -> None:
        async with pool(service) as sandbox:
            assert isinstance(sandbox, Interactive)
            assert sandbox.session_capacity == 2
            one, other = await asyncio.gather(opened(sandbox), opened(sandbox))
            await said(one, "x = 'mine'\nopen('note', 'w').close()")
            assert await said(other, "import os\nprint('x' in globals(), os.listdir('.').count('note'))") == "False 0\n"
            third = asyncio.ensure_future(opened(sandbox))
            assert outputs(await sandbox.run(echo("a"))) == ["aa\n"]
            assert not third.done(), "it waits for its place"
            await one.close()
            assert await said(await third, "print(7)") == "7\n"

    asyncio.run(go())
    assert service.stats().peak_alive <= 3


def test_a_sandbox_in_which_no_cell_ran_goes_back(service: ServiceHandle) -> None:
    async def go() -> None:
        async with pool(service, max_sandboxes=1, idle_s=30.0) as sandbox:
            for _ in range(2):
                session = await opened(sandbox)
                await session.close()
                await session.close()
                assert await session.run(CellStep("1")) == SandboxFailure("closed", "the sandbox was closed", False)
            assert outputs(await sandbox.run(echo("a"))) == ["aa\n"], "its agent is to be believed"

    asyncio.run(go())
    assert service.stats().creates == 1


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        ("a", True),
        ("a/b..c", True),
        ("./a", True),
        ("..", False),
        ("a/../b", False),
        ("/a", False),
        ("a\0", False),
        ("a" * 256, False),
        ("\ud800", False),
    ],
)
def test_a_path_that_leads_upwards_is_none_of_the_sessions(path: str, stays: bool) -> None:
    assert is_below(path) is stays


@pytest.mark.long
def test_more_sessions_than_may_be_created_in_a_second_all_come(service: ServiceHandle) -> None:
    """Twelve at once, with the limits of the smaller plan, which the service holds against us."""
    service.change(creates_per_s=1.0, create_burst=1, max_sandboxes=20)
    service.add_fault(Fault.CREATE_RATE, times=2, match="rest/create")

    async def rollout(sandbox: E2BSandbox, i: int) -> str:
        session = await opened(sandbox)
        await said(session, f"x = {i}")
        await asyncio.sleep(1.0)
        text = await said(session, "print(x)")
        await session.close()
        return text

    async def go() -> None:
        async with pool(service, plan="hobby", max_sandboxes=None, creates_per_s=None) as sandbox:
            assert sandbox.session_capacity == 19
            assert await asyncio.gather(*(rollout(sandbox, i) for i in range(12))) == [f"{i}\n" for i in range(12)]

    asyncio.run(go())
    service.change(creates_per_s=None, create_burst=None, max_sandboxes=None)
