"""Interpreters for agents: many at once from synchronous code, closed by whoever forgets them, never a hang."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from rewards import CodeReward, ConfigurationError, Interpreter, Interpreters, Limits, SandboxUnavailable
from rewards.records import Ended, File, Job, JobResult, SandboxFailure, TestRun
from rewards.sandboxes.base import KeepGoing, SandboxDescription, Session
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from rewards.sandboxes.local import LocalSandbox

WITHIN_S = 30.0
HANGS = float("inf")
FAILURE = SandboxFailure("start", "written down")


def echo(source: str) -> str:
    return source


def fake(**options: object) -> FakeSandbox:
    return FakeSandbox({}, sessions=FakeSessions(echo, **options))  # type: ignore[arg-type]


def stdout(answer: TestRun | SandboxFailure) -> str:
    assert isinstance(answer, TestRun), answer
    return answer.stdout


def kind(answer: object) -> str:
    assert isinstance(answer, SandboxFailure), answer
    return answer.kind


def eventually(claim: Callable[[], bool]) -> bool:
    until = time.monotonic() + WITHIN_S
    while not claim() and time.monotonic() < until:
        time.sleep(0.01)
    return claim()


def all_closed(sandbox: FakeSandbox) -> bool:
    gc.collect()
    return all(session.closed for session in sandbox.opened)


@pytest.fixture
def closing() -> Iterator[Callable[[Interpreters], Interpreters]]:
    made: list[Interpreters] = []

    def keep(interpreters: Interpreters) -> Interpreters:
        made.append(interpreters)
        return interpreters

    yield keep
    for interpreters in made:
        interpreters.close()


Closing = Callable[[Interpreters], Interpreters]


def test_construction_starts_nothing() -> None:
    before = threading.active_count()
    sandbox = fake()
    Interpreters(sandbox)
    Interpreters("local")
    assert (sandbox.opened, sandbox.starts, threading.active_count()) == ([], 0, before)


def test_all_start_at_once_and_what_is_submitted_waits_for_that(closing: Closing) -> None:
    interpreters = closing(Interpreters(fake(start_s=1.0)))
    began = time.monotonic()
    opened = [interpreters.open() for _ in range(50)]
    assert time.monotonic() - began < 1.0
    futures = [interpreter.submit(f"cell {n}") for n, interpreter in enumerate(opened)]
    assert [stdout(future.result(WITHIN_S)) for future in futures] == [f"cell {n}" for n in range(50)]
    assert time.monotonic() - began < 10.0


def test_cells_of_one_interpreter_run_in_order_one_by_one(closing: Closing) -> None:
    sandbox = fake(latency_s=lambda source: 0.05 if source == "0" else 0.0)
    interpreter = closing(Interpreters(sandbox)).open()
    futures = [interpreter.submit(str(n)) for n in range(20)]
    assert [stdout(future.result(WITHIN_S)) for future in futures] == [str(n) for n in range(20)]
    assert [cell.source for cell in sandbox.opened[0].cells] == [str(n) for n in range(20)]


def test_interpreters_can_be_used_from_many_threads(closing: Closing) -> None:
    sandbox = fake(latency_s=0.001)
    interpreters = closing(Interpreters(sandbox))
    shared = interpreters.open()

    def work(n: int) -> str:
        own = interpreters.open()
        answers = stdout(own.run(f"{n}")) + stdout(shared.run(f"{n}"))
        own.close()
        return answers

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(work, range(100))) == [f"{n}{n}" for n in range(100)]
    assert sorted(int(cell.source) for cell in sandbox.opened[0].cells) == list(range(100))
    assert eventually(lambda: sum(not session.closed for session in sandbox.opened) == 1)


def test_files_commands_and_reading_go_through(closing: Closing) -> None:
    interpreters = closing(Interpreters(fake(commands={"ls": "data.txt\n"})))
    interpreter = interpreters.open()
    assert interpreters.has_shell
    interpreter.submit("x", files=[File("data.txt", b"given")])
    assert interpreter.submit_read("data.txt", limit_bytes=2).result(WITHIN_S) == b"gi"
    assert interpreter.submit_read("nothing", limit_bytes=2).result(WITHIN_S) is None
    assert stdout(interpreter.submit_shell("ls").result(WITHIN_S)) == "data.txt\n"


def test_a_shell_that_is_not_there_is_the_callers_error(closing: Closing) -> None:
    interpreters = closing(Interpreters(fake()))
    assert not interpreters.has_shell
    with pytest.raises(ConfigurationError, match="no shell"):
        interpreters.open().submit_shell("ls").result(WITHIN_S)


def test_a_sandbox_that_holds_so_many_says_so(closing: Closing) -> None:
    assert closing(Interpreters(fake(capacity=3))).capacity == 3
    assert closing(Interpreters(fake())).capacity is None


def test_a_fake_session_loses_its_files_with_its_interpreter(closing: Closing) -> None:
    ends = {"spin": TestRun(Ended.CPU_LIMIT), "fail": TestRun(Ended.RAISED), "x": "", "lose": FAILURE}
    sandbox = FakeSandbox({}, sessions=FakeSessions(ends))
    interpreter = closing(Interpreters(sandbox)).open()
    for source, kept in (("x", True), ("fail", True), ("spin", False), ("x", True), ("lose", False)):
        if kept:
            interpreter.submit("x", files=[File("f", b"content")])
        interpreter.run(source)
        found = interpreter.submit_read("f", limit_bytes=9).result(WITHIN_S)
        assert found == (b"content" if kept else None), source
    assert sandbox.opened[0].restarts == 2
    with pytest.raises(ConfigurationError, match="no answer for this cell"):
        interpreter.run("unheard of")


def test_an_interpreter_that_does_not_start_answers_with_the_failure(closing: Closing) -> None:
    sandbox = fake(failures=(FAILURE,))
    interpreters = closing(Interpreters(sandbox))
    interpreter = interpreters.open()
    assert [interpreter.run("x"), interpreter.run("y")] == [FAILURE, FAILURE]
    assert stdout(interpreters.open().run("x")) == "x"


def test_a_start_that_hangs_is_given_up(closing: Closing) -> None:
    interpreters = closing(Interpreters(fake(start_s=HANGS), start_timeout_s=0.1))
    answer = interpreters.open().run("x")
    assert kind(answer) == "start"


@pytest.mark.parametrize("error", [SandboxUnavailable("none here"), ConfigurationError("no IPython")])
def test_what_is_nobodys_answer_is_raised(closing: Closing, error: Exception) -> None:
    class Unusable(FakeSandbox):
        async def open_session(self, limits: Limits) -> SandboxFailure:  # type: ignore[override]
            raise error

    interpreter = closing(Interpreters(Unusable({}))).open()
    with pytest.raises(type(error), match=str(error)):
        interpreter.run("x")


def test_a_sandbox_that_raises_says_nothing_about_the_code(closing: Closing) -> None:
    class Breaking(FakeSandbox):
        async def open_session(self, limits: Limits) -> Session | SandboxFailure:  # type: ignore[override]
            raise OSError("no route to host")

    answer = closing(Interpreters(Breaking({}))).open().run("x")
    assert isinstance(answer, SandboxFailure)
    assert "no route to host" in answer.detail

    def failing(source: str) -> str:
        raise OSError("connection reset")

    answer = closing(Interpreters(FakeSandbox({}, sessions=FakeSessions(failing)))).open().run("x")
    assert isinstance(answer, SandboxFailure)
    assert "connection reset" in answer.detail


def test_closing_returns_at_once_and_answers_what_is_under_way(closing: Closing) -> None:
    sandbox = fake(latency_s=lambda source: HANGS if source == "hang" else 0.0)
    interpreter = closing(Interpreters(sandbox)).open()
    interpreter.run("ready")
    futures: list[Future[TestRun | SandboxFailure]] = [interpreter.submit(source) for source in ("hang", "x", "y")]
    began = time.monotonic()
    interpreter.close()
    interpreter.close()
    assert time.monotonic() - began < 5.0
    assert [kind(future.result(WITHIN_S)) for future in futures] == ["closed"] * 3
    assert kind(interpreter.run("later")) == "closed"
    assert eventually(lambda: all_closed(sandbox))


def test_one_can_be_closed_while_it_starts(closing: Closing) -> None:
    sandbox = fake(start_s=0.2)
    interpreters = closing(Interpreters(sandbox))
    opened = [interpreters.open() for _ in range(10)]
    futures = [interpreter.submit("x") for interpreter in opened]
    for interpreter in opened:
        interpreter.close()
    assert [kind(future.result(WITHIN_S)) for future in futures] == ["closed"] * 10
    time.sleep(0.3)
    assert all_closed(sandbox)


def test_closing_them_all_closes_each_and_none_can_be_opened(closing: Closing) -> None:
    sandbox = fake()
    interpreters = Interpreters(sandbox)
    opened = [interpreters.open() for _ in range(5)]
    assert [stdout(interpreter.run("x")) for interpreter in opened] == ["x"] * 5
    interpreters.close()
    interpreters.close()
    assert all_closed(sandbox)
    assert sandbox.closed
    assert kind(opened[0].run("x")) == "closed"
    with pytest.raises(ConfigurationError, match="closed"):
        interpreters.open()


def test_an_interpreter_that_is_forgotten_is_closed(closing: Closing) -> None:
    sandbox = fake()
    interpreters = closing(Interpreters(sandbox))
    interpreter = interpreters.open()
    interpreter.run("x")
    del interpreter
    assert eventually(lambda: all_closed(sandbox))
    assert not sandbox.closed


def test_interpreters_that_are_forgotten_close_what_they_have_opened() -> None:
    sandbox = fake()
    interpreters = Interpreters(sandbox)
    interpreter = interpreters.open()
    interpreter.run("x")
    del interpreters
    gc.collect()
    assert eventually(lambda: sandbox.closed and all_closed(sandbox))
    assert kind(interpreter.run("x")) == "closed"


def test_they_share_the_sandbox_with_a_reward_that_names_the_same_one() -> None:
    sandbox = FakeSandbox({"print(1)": "1"}, sessions=FakeSessions(echo))
    with CodeReward(sandbox=sandbox) as reward:
        with Interpreters(sandbox) as interpreters:
            interpreters.open().run("x")
        assert not sandbox.closed
        assert reward(completions=["```python\nprint(1)\n```"], expected_output=["1"]) == [1.0]
    assert sandbox.closed


class WithoutSessions:
    name = "plain"
    capacity = 1
    languages = None

    async def start(self) -> None:
        return None

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        return FAILURE

    def describe(self) -> SandboxDescription:
        return SandboxDescription(self.name, "", (), (), 1)

    def usage(self) -> dict[str, float]:
        return {}

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("sandbox", "options", "match"),
    [
        pytest.param(WithoutSessions(), {}, "no sessions", id="a sandbox without sessions"),
        pytest.param("docker", {}, "unknown", id="an unknown name"),
        pytest.param(7, {}, "sandbox must be", id="no sandbox"),
        pytest.param("e2b", {}, "E2B_API_KEY", id="E2B without a key"),
        pytest.param("local", {"start_timeout_s": 0}, "start_timeout_s", id="no time to start"),
        pytest.param("local", {"limits": {"cpu_s": 1}}, "limits must be", id="limits that are none"),
    ],
)
def test_what_cannot_work_is_refused_at_once(sandbox: object, options: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Interpreters(sandbox, **options)  # type: ignore[arg-type]


def test_a_copy_opens_interpreters_of_its_own(closing: Closing) -> None:
    original = closing(Interpreters(fake(), limits=Limits(cpu_s=3), start_timeout_s=9.0))
    original.open().run("x")
    copy = closing(pickle.loads(pickle.dumps(original)))
    assert (copy.limits, copy.start_timeout_s) == (original.limits, 9.0)
    assert stdout(copy.open().run("y")) == "y"
    assert isinstance(copy.sandbox, FakeSandbox)
    assert [len(copy.sandbox.opened), len(original.sandbox.opened)] == [1, 1]  # type: ignore[union-attr]


def _in_a_fork(interpreters: Interpreters, interpreter: Interpreter, answers: multiprocessing.SimpleQueue) -> None:  # type: ignore[type-arg]
    inherited = interpreter.run("x")
    own = interpreters.open().run("x")
    interpreter.close()
    answers.put((getattr(inherited, "kind", "a run"), getattr(own, "stdout", "a failure")))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_its_own_and_leaves_the_parents_alone(closing: Closing) -> None:
    sandbox = fake()
    interpreters = closing(Interpreters(sandbox))
    interpreter = interpreters.open()
    interpreter.run("x")
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()
    child = fork.Process(target=_in_a_fork, args=(interpreters, interpreter, answers))
    child.start()
    child.join(WITHIN_S)
    assert child.exitcode == 0
    assert answers.get() == ("died", "x")
    assert stdout(interpreter.run("still here")) == "still here"
    assert not sandbox.opened[0].closed


def test_waiting_on_the_background_loop_is_refused(closing: Closing) -> None:
    """It would wait for itself."""
    asked: list[Interpreter] = []
    seen: list[str] = []

    def ask_again(source: str) -> str:
        try:
            asked[0].run("x")
        except ConfigurationError as error:
            seen.append(str(error))
        return source

    interpreters = closing(Interpreters(FakeSandbox({}, sessions=FakeSessions(ask_again))))
    asked.append(interpreters.open())
    asked[0].run("x")
    assert "background loop" in seen[0]


SCRIPT = """
import os, sys, time
from rewards import Interpreters
from rewards.sandboxes.local import LocalSandbox
interpreters = Interpreters(LocalSandbox(slots=2))
opened = [interpreters.open() for _ in range(2)]
print(opened[0].run("x = 20\\nprint(x + 1)").stdout, end="")
print(opened[1].run("x").ended.name)
opened[0].submit("import time; time.sleep(60)")
late = interpreters.open()
{end}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")
@pytest.mark.parametrize("end", ["raise SystemExit(0)", "interpreters.close()"])
def test_nothing_outlives_the_process(end: str, tmp_path: object) -> None:
    """However a script ends in the middle of cells and starts: in time, without a word, and with nothing left."""
    pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test sessions")
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(end=end)], capture_output=True, text=True, timeout=60, env=environment
    )
    if "SandboxUnavailable" in done.stderr:
        pytest.skip("run the tests where the local sandbox works")
    assert (done.returncode, done.stdout, done.stderr) == (0, "21\nRAISED\n", "")
    assert os.listdir(str(tmp_path)) == []


def test_a_local_one_keeps_its_state(closing: Closing) -> None:
    pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test sessions")
    interpreters = closing(Interpreters(LocalSandbox(slots=1)))
    interpreter = interpreters.open()
    try:
        first = interpreter.run("x = 20")
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where the local sandbox works: {missing}")
    assert isinstance(first, TestRun)
    assert first.ended is Ended.RETURNED
    assert stdout(interpreter.run("print(x + 1)")) == "21\n"
    assert interpreters.capacity is None
