"""What the host lacks or has changed is never an exception in the middle of a training, nor a program's fault."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rewards.errors import ConfigurationError, SandboxUnavailable
from rewards.records import AssertStep, CellStep, Ended, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

HELLO = Job(Program("print(input())"), (ScriptStep("hello\n"),))
ASSERT = Job(Program("def f(x):\n    return x * x"), (AssertStep("assert f(2) == 4", names=("f",)),))
SLEEP = Job(Program("import time\ntime.sleep(1000)"), (ScriptStep(),), Limits(cpu_s=0.2, wall_s=0.4))

SUITE = "from solution import f\n\n\ndef test_f():\n    assert f(2) == 4\n"
OTHER_KINDS = {
    "a suite": Job(ASSERT.program, (AssertStep(SUITE, framework="pytest"),)),
    "another language": Job(Program("echo hello > a", "bash"), (ScriptStep(fetch=("a",)),)),
}
if importlib.util.find_spec("IPython"):
    OTHER_KINDS["a cell"] = Job(Program("x = 1"), (CellStep("x"),))


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asyncio.run(asyncio.sleep(0))
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) <= before
    assert list(tmp_path.glob("box-*")) == []


@contextlib.contextmanager
def descriptors_left(free: int) -> Iterator[None]:
    """Leave so many descriptors for what happens inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    held: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 40, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(free):
            os.close(held.pop())
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def well(answer: JobResult | SandboxFailure) -> bool:
    assert isinstance(answer, JobResult), answer
    return answer.runs[0].ended in (Ended.EXITED, Ended.RETURNED)


@pytest.mark.parametrize("free", [0, 1, 4])
@pytest.mark.parametrize("job", [HELLO, ASSERT], ids=["script", "assert"])
@pytest.mark.parametrize("warmed_by", [HELLO, ASSERT], ids=["after a script", "after an assert"])
def test_without_descriptors_a_job_fails_and_may_be_tried_again(
    level: str, free: int, job: Job, warmed_by: Job
) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=2, level=level)
        assert well(await sandbox.run(warmed_by))
        with descriptors_left(free):
            answers = await asyncio.gather(*(sandbox.run(job) for _ in range(3)))
        for answer in answers:
            if isinstance(answer, SandboxFailure):
                assert answer.retryable
                assert answer.kind in ("start", "transport")
                assert "Too many open files" in answer.detail
            else:
                assert well(answer)
        assert all(well(answer) for answer in await asyncio.gather(*(sandbox.run(job) for _ in range(3))))
        await sandbox.close()

    asyncio.run(scene())


@pytest.mark.parametrize("free", [0, 3])
@pytest.mark.parametrize("job", OTHER_KINDS.values(), ids=OTHER_KINDS)
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_without_descriptors_other_kinds_of_worker_fail_and_may_be_tried_again(
    free: int, job: Job, is_warm: bool
) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1)
        assert well(await sandbox.run(HELLO))
        if job.program.language != "python" and not sandbox.holds_other_languages:
            pytest.skip("run where namespaces can be had (level A): other languages need them")
        if is_warm:
            assert well(await sandbox.run(job))
        with descriptors_left(free):
            answer = await sandbox.run(job)
        if isinstance(answer, SandboxFailure):
            assert answer.retryable
            assert answer.kind in ("start", "transport")
            assert "Too many open files" in answer.detail
        else:
            assert well(answer)
        assert well(await sandbox.run(job))
        await sandbox.close()

    asyncio.run(scene())


@pytest.mark.parametrize("free", [0, 1, 5, 7])
def test_a_first_start_without_descriptors_says_so_and_settles_for_no_weaker_level(free: int) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, allow_unprotected=True)
        with descriptors_left(free), pytest.raises(SandboxUnavailable, match="RLIMIT_NOFILE") as refused:
            await sandbox.start()
        assert "user namespaces" not in str(refused.value)
        assert "unprotected" not in str(refused.value)
        assert well(await sandbox.run(HELLO))
        await sandbox.close()

    asyncio.run(scene())


@pytest.mark.parametrize("free", [0, 1])
def test_a_program_that_sleeps_is_stopped_though_nobody_can_tell_how_long_it_waited(level: str, free: int) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        assert well(await sandbox.run(HELLO))
        with descriptors_left(free):
            answer = await sandbox.run(SLEEP)
        assert isinstance(answer, JobResult)
        assert (answer.runs[0].ended, answer.runs[0].starved) == (Ended.WALL_LIMIT, False)
        assert answer.runs[0].wall_s < 1.5
        await sandbox.close()

    asyncio.run(scene())


def test_a_program_that_sleeps_is_stopped_where_no_thread_can_be_had(level: str) -> None:
    """As while the interpreter shuts down."""

    async def scene() -> None:
        executor = ThreadPoolExecutor()
        executor.shutdown()
        asyncio.get_running_loop().set_default_executor(executor)
        sandbox = LocalSandbox(slots=1, level=level)
        answer = await sandbox.run(SLEEP)
        assert isinstance(answer, JobResult)
        assert (answer.runs[0].ended, answer.runs[0].starved) == (Ended.WALL_LIMIT, False)
        await sandbox.close()

    asyncio.run(scene())


def test_slots_start_where_the_working_directory_was_deleted(
    level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        assert well(await sandbox.run(ASSERT))
        await sandbox.close()

    try:
        asyncio.run(scene())
    finally:
        os.chdir(tmp_path)


def test_slots_start_and_stop_programs_whatever_signals_the_host_ignores_or_blocks(level: str) -> None:
    source = "import signal\nprint(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.pthread_sigmask(0, []))"

    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        answer = await sandbox.run(Job(Program(source), (ScriptStep(),)))
        assert isinstance(answer, JobResult)
        assert answer.runs[0].stdout == "True set()\n"
        looping = await sandbox.run(Job(Program("while True: pass"), (ScriptStep(),), Limits(cpu_s=0.2)))
        assert isinstance(looping, JobResult)
        assert looping.runs[0].ended is Ended.CPU_LIMIT
        await sandbox.close()

    before = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGINT})
    try:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(scene())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_closing_does_not_wait_for_a_fork_of_the_host_that_holds_the_socket(level: str) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=2, level=level)
        assert well(await sandbox.run(ASSERT))
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        try:
            began = time.monotonic()
            await sandbox.close()
            assert time.monotonic() - began < 20
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    asyncio.run(scene())


@pytest.mark.parametrize(
    "limits",
    [
        {"memory_mb": 1 << 30},
        {"disk_mb": 1 << 30},
        {"output_kb": 1 << 30},
        {"cpu_s": float(1 << 30), "job_cpu_s": float(1 << 30)},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_the_largest_limits_can_be_asked_for(level: str, limits: dict[str, Any]) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(slots=1, level=level)
        pauses = Program("import time\ntime.sleep(0.1)")
        assert well(await sandbox.run(Job(pauses, (ScriptStep(),), Limits(**limits))))
        await sandbox.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"slots": 0}, "slots.*0", id="no slots"),
        pytest.param({"slots": True}, "slots.*True", id="a flag for slots"),
        pytest.param({"slots": "4"}, "slots.*'4'", id="text for slots"),
        pytest.param({"slots": 2.0}, "slots.*2.0", id="a fraction for slots"),
        pytest.param({"level": "C"}, "level 'C'", id="an unknown level"),
        pytest.param({"level": None}, "level None", id="no level"),
        pytest.param({"allow_unprotected": "no"}, "allow_unprotected.*'no'", id="text for a flag"),
        pytest.param({"preload": "numpy"}, "preload.*'numpy'", id="one module"),
        pytest.param({"preload": 5}, "preload.*5", id="a number for modules"),
        pytest.param({"preload": [None]}, "preload.*None", id="a module without a name"),
        pytest.param({"preload": ["a b"]}, "preload.*'a b'", id="a module that cannot exist"),
        pytest.param({"site_packages": "/opt"}, "site_packages.*'/opt'", id="one directory"),
        pytest.param({"site_packages": 1}, "site_packages.*1", id="a number for directories"),
        pytest.param({"site_packages": [3]}, "site_packages.*3", id="a number in directories"),
        pytest.param({"environment": [("A", "b")]}, "environment.*mapping", id="pairs for an environment"),
        pytest.param({"environment": {"A": 1}}, "'A'.*int", id="a number in the environment"),
        pytest.param({"environment": {1: "b"}}, "name 1", id="a number for a name"),
        pytest.param({"environment": {"A=B": "c"}}, "A=B", id="an equals sign in a name"),
        pytest.param({"environment": {"": "c"}}, "name ''", id="an empty name"),
        pytest.param({"environment": {"A": "b\0c"}}, "'A'.*NUL", id="NUL in a value"),
        pytest.param({"environment": {"A": "\ud800"}}, "'A'.*surrogate", id="half a surrogate pair in a value"),
    ],
)
def test_options_that_no_slot_could_start_with_are_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        LocalSandbox(**options)
