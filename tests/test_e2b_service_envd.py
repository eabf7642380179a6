"""The stand-in service's processes and files, asked by the real SDK."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from e2b import (
    AsyncSandbox,
    CommandExitException,
    FileNotFoundException,
    InvalidArgumentException,
    NotFoundException,
    SandboxException,
    TimeoutException,
)
from e2b.exceptions import SandboxNotRunningException
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service

Scene = Callable[[AsyncSandbox], Coroutine[Any, Any, None]]
MARGIN_S = 3.0
"""What a busy machine may add to a time that is otherwise exact."""


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


@pytest.fixture
def service(running: ServiceHandle, monkeypatch: pytest.MonkeyPatch) -> ServiceHandle:
    running.reset()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def play(service: ServiceHandle) -> Callable[[Scene], None]:
    """Give a scene a sandbox of its own."""

    async def on_stage(scene: Scene) -> None:
        sandbox = await AsyncSandbox.create()
        await scene(sandbox)
        await sandbox.kill()

    return lambda scene: asyncio.run(on_stage(scene))


def test_a_command_is_a_login_shell_in_the_home_of_its_machine(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.files.make_dir("sub")
        here = await sandbox.commands.run('pwd; echo "$HOME"; shopt -q login_shell && echo login; echo oops >&2')
        home = here.stdout.split()[0]
        assert (here.stdout, here.stderr, here.exit_code) == (f"{home}\n{home}\nlogin\n", "oops\n", 0)
        there = await sandbox.commands.run("pwd; echo $COLOUR", cwd="sub", envs={"COLOUR": "red"}, user="root")
        assert there.stdout == f"{home}/sub\nred\n"
        with pytest.raises(InvalidArgumentException, match="does not exist"):
            await sandbox.commands.run("true", cwd="nowhere")

    play(scene)


def test_nothing_of_the_environment_of_the_service_reaches_a_command(
    running: ServiceHandle, play: Callable[[Scene], None]
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        names = {line.partition("=")[0] for line in (await sandbox.commands.run("env")).stdout.splitlines()}
        assert not names & {"PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "E2B_API_KEY"}
        version = await sandbox.commands.run("python3 -c 'import sys; print(sys.version_info >= (3, 11))'")
        assert version.stdout == "True\n"

    play(scene)


def test_how_a_command_ended_is_told_in_the_words_of_envd(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        with pytest.raises(CommandExitException) as failed:
            await sandbox.commands.run("echo out; exit 3")
        assert (failed.value.exit_code, failed.value.stdout, failed.value.error) == (3, "out\n", "exit status 3")
        with pytest.raises(CommandExitException) as killed:
            await sandbox.commands.run("kill -9 $$")
        assert (killed.value.exit_code, killed.value.error) == (-1, "signal: killed")

    play(scene)


def test_a_timeout_is_exact_and_kills_the_whole_group(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        began = time.monotonic()
        with pytest.raises(TimeoutException):
            await sandbox.commands.run("(sleep 1.5; touch survived) & sleep 60", timeout=0.5)
        assert 0.45 < time.monotonic() - began < 0.5 + MARGIN_S
        assert await sandbox.commands.list() == []
        await asyncio.sleep(1.5)
        assert not await sandbox.files.exists("survived")

    play(scene)


def test_a_client_that_hangs_up_leaves_its_process_running(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sandbox.commands.run("sleep 3; touch made; sleep 60"), 1.5)
        (left,) = await sandbox.commands.list()
        async with asyncio.timeout(10):
            while not await sandbox.files.exists("made"):
                await asyncio.sleep(0.05)
        assert await sandbox.commands.kill(left.pid)
        assert not await sandbox.commands.kill(1 << 22)

    play(scene)


def test_a_child_left_in_the_background_does_not_hold_the_command_up(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        began = time.monotonic()
        assert (await sandbox.commands.run("sleep 30 & echo started")).stdout == "started\n"
        assert time.monotonic() - began < 10

    play(scene)


def test_stdin_is_fed_closed_and_streamed_in_order(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        fed = await sandbox.commands.run("wc -c", background=True, stdin=True)
        await fed.send_stdin("x" * 300_000)
        await fed.send_stdin("é\n")
        await fed.close_stdin()
        assert (await fed.wait()).stdout.strip() == "300003"
        streamed = await sandbox.commands.run("cat", background=True, stdin=True)
        async with sandbox.commands.stream_input(streamed.pid) as keyboard:
            for word in ("one ", "two ", "three"):
                await keyboard.send(word)
        await streamed.close_stdin()
        assert (await streamed.wait()).stdout == "one two three"
        assert (await sandbox.commands.run("cat")).stdout == ""
        with pytest.raises(NotFoundException):
            await sandbox.commands.send_stdin(1 << 22, "lost")

    play(scene)


def test_five_megabytes_arrive_whole(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        result = await sandbox.commands.run("head -c 5000000 /dev/zero | tr '\\0' x; echo end >&2")
        assert (len(result.stdout), set(result.stdout), result.stderr) == (5_000_000, {"x"}, "end\n")

    play(scene)


def test_a_flood_waits_for_its_reader_and_still_ends_in_time(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        async def read_slowly(_: str) -> None:
            await asyncio.sleep(0.01)

        with pytest.raises(TimeoutException):
            await sandbox.commands.run("yes", timeout=0.5, on_stdout=read_slowly, retain_output=False)
        assert await sandbox.commands.list() == []

    play(scene)


def test_a_command_can_be_left_and_joined_again(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        handle = await sandbox.commands.run("sleep 0.4; echo still here", background=True)
        await handle.disconnect()
        joined = await sandbox.commands.connect(handle.pid)
        assert (await joined.wait()).stdout == "still here\n"

    play(scene)


def test_files_are_those_that_commands_see(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        written = await sandbox.files.write("deep/text.txt", "hällo")
        assert (written.name, written.path) == ("text.txt", "/home/user/deep/text.txt")
        assert (await sandbox.commands.run("cat deep/text.txt")).stdout == "hällo"
        await sandbox.commands.run("printf made > made.txt")
        assert await sandbox.files.read("/home/user/made.txt") == "made"
        data = bytes(range(256)) * 4096
        await sandbox.files.write("packed", data, gzip=True)
        await sandbox.files.write("streamed", io.BytesIO(data))
        await sandbox.files.write_files([{"path": "/opt/a", "data": data}, {"path": "b", "data": "b"}])
        for name in ("packed", "streamed", "/opt/a"):
            assert await sandbox.files.read(name, format="bytes") == data
        assert await sandbox.files.read("packed", format="bytes", gzip=True) == data
        with pytest.raises(FileNotFoundException):
            await sandbox.files.read("missing")
        with pytest.raises(InvalidArgumentException):
            await sandbox.files.read("deep")

    play(scene)


def test_folders_are_made_listed_moved_and_removed(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        assert await sandbox.files.make_dir("a/b")
        assert not await sandbox.files.make_dir("a/b")
        await sandbox.files.write("a/b/c", "1234")
        assert [entry.path for entry in await sandbox.files.list("a", depth=2)] == [
            "/home/user/a/b",
            "/home/user/a/b/c",
        ]
        moved = await sandbox.files.rename("a/b/c", "d")
        assert (moved.name, moved.size, moved.permissions[:3]) == ("d", 4, "-rw")
        await sandbox.files.remove("a")
        await sandbox.files.remove("never there")
        assert [await sandbox.files.exists(name) for name in ("a", "d")] == [False, True]
        with pytest.raises(FileNotFoundException):
            await sandbox.files.get_info("a/b/c")

    play(scene)


@pytest.mark.parametrize(
    ("fault", "raised", "words"),
    [
        (Fault.ENVD_TRUNCATED, Exception, "error reading a body"),
        (Fault.ENVD_SILENT_END, Exception, "without an end event"),
        (Fault.ENVD_MISSING_END, Exception, "without an end event"),
        (Fault.ENVD_GARBAGE, SandboxException, "could not be decoded"),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)
def test_a_stream_that_is_spoiled_never_looks_like_a_result(
    service: ServiceHandle, play: Callable[[Scene], None], fault: Fault, raised: type[Exception], words: str
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        for _ in range(3):  # the fault strikes after none, one or two events
            service.add_fault(fault, times=1)
            with pytest.raises(raised, match=words):
                await sandbox.commands.run("echo one; sleep 0.05; echo two")
        assert (await sandbox.commands.run("echo fine")).stdout == "fine\n"

    play(scene)
    assert service.stats().faults[fault.value] == 3


def test_a_silent_stream_is_silent_until_the_client_has_enough(
    service: ServiceHandle, play: Callable[[Scene], None]
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        service.add_fault(Fault.ENVD_SILENCE, times=1)
        with pytest.raises((TimeoutError, TimeoutException)):
            await asyncio.wait_for(sandbox.commands.run("echo lost"), 0.5)
        assert (await sandbox.commands.run("echo fine")).stdout == "fine\n"

    play(scene)


def test_a_machine_that_vanishes_takes_its_commands_with_it(
    service: ServiceHandle, play: Callable[[Scene], None]
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        command = asyncio.create_task(sandbox.commands.run("sleep 60"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(command), 0.3)
        await asyncio.to_thread(service.vanish, sandbox.sandbox_id)
        with pytest.raises(SandboxNotRunningException):
            await command

    play(scene)


def test_forty_at_once_are_served(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        results = await asyncio.gather(*(sandbox.commands.run(f"echo {number}") for number in range(40)))
        assert [result.stdout for result in results] == [f"{number}\n" for number in range(40)]

    play(scene)
