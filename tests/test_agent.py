"""The agent on a machine of its own: an unpacked archive, a bare interpreter, and commands by a shell."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from machine import NOBODY, Machine, python_for_nobody

from rewards.records import (
    AssertStep,
    CallStep,
    CellStep,
    File,
    Job,
    JobResult,
    Limits,
    Program,
    SandboxFailure,
    ScriptStep,
    TestRun,
)
from rewards.sandboxes.agent.archive import runner_archive
from rewards.sandboxes.agent.commands import AgentOptions, stop_command, trip_command
from rewards.sandboxes.agent.lines import End, Failed, Heartbeat, MissingBlob, Result, read_line
from rewards.sandboxes.agent.trips import pack_trip, steps_blob
from rewards.sandboxes.local import LocalSandbox

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="run the tests as root: another user has to be played")
HELLO = Job(Program("print('hello', input())"), (ScriptStep("you\n"),))
ENDLESS = Job(Program("while True: pass"), (ScriptStep(),), Limits(cpu_s=300, job_cpu_s=300))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    found = Machine()
    assert found.set_up(AgentOptions(slots=2)).error == ""
    yield found
    found.remove()


@pytest.fixture
def bare() -> Iterator[Machine]:
    """A machine on which no agent was started yet."""
    found = Machine()
    yield found
    found.remove()


def _only(machine: Machine, job: Job) -> TestRun:
    (result,) = machine.results([job])
    assert isinstance(result, JobResult)
    return result.runs[0]


JOBS = [
    pytest.param(HELLO, id="a script"),
    pytest.param(Job(Program("import sys; print('x'); sys.exit(3)"), (ScriptStep(),)), id="an exit code"),
    pytest.param(Job(Program("1/0"), (ScriptStep(),) * 2), id="an exception"),
    pytest.param(Job(Program("import os; os.abort()"), (ScriptStep(),)), id="a signal"),
    pytest.param(Job(Program("while True: pass"), (ScriptStep(),), Limits(cpu_s=0.2)), id="no end"),
    pytest.param(Job(Program("print('x' * 2**21)"), (ScriptStep(),)), id="a flood"),
    pytest.param(Job(Program("x = bytearray(1 << 30)"), (ScriptStep(),), Limits(memory_mb=100)), id="too much memory"),
    pytest.param(Job(Program("import socket; socket.socket()"), (ScriptStep(),)), id="a socket"),
    pytest.param(
        Job(Program("def f(*a, **k): return [a, k]"), (CallStep("f", (1, {2}), (("k", b"x"),)), CallStep("g"))),
        id="calls",
    ),
    pytest.param(Job(Program("def f(): return {1: {(2,): 1.5}, 'n': 1 << 99}"), (CallStep("f"),)), id="a value"),
    pytest.param(
        Job(Program("def f(x): return x + 1"), (AssertStep("assert f(1) == 2"), AssertStep("assert f(1) == 3"))),
        id="asserts",
    ),
    pytest.param(Job(Program("def f(:"), (CallStep("f"),)), id="no Python"),
    pytest.param(Job(Program("puts 1", "ruby"), (ScriptStep(),)), id="another language"),
    pytest.param(
        Job(
            Program("import sys\nopen('out', 'w').write(open('a/b').read() + sys.argv[1])"),
            (ScriptStep(files=(File("a/b", b"x"),), fetch=("out", "nowhere"), args=("y",), append="print(1)"),),
        ),
        id="files",
    ),
    pytest.param(
        Job(
            Program("cat f; cat; echo left > out", "bash"),
            (ScriptStep("in", files=(File("f", b"x"),), fetch=("out",)),),
        ),
        id="a shell script with files",
    ),
    pytest.param(Job(Program("int main(void) { return x; }", "c"), (ScriptStep(),)), id="no C"),
    pytest.param(Job(Program("identification division.", "cobol"), (ScriptStep(),)), id="a language nobody has"),
    pytest.param(Job(Program("1"), (CellStep("1"),)), id="a cell"),
    pytest.param(Job(Program("print('\\udc80'.encode(errors='surrogatepass'))"), (ScriptStep(),)), id="odd text"),
]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_the_same_result_as_in_the_local_sandbox(machine: Machine, job: Job, loop: asyncio.Runner) -> None:
    local = LocalSandbox(slots=1)
    expected = loop.run(local.run(job))
    loop.run(local.close())
    (found,) = machine.results([job])
    assert _timeless(found) == _timeless(expected)


def _timeless(result: JobResult | SandboxFailure | Failed) -> object:
    if not isinstance(result, JobResult):
        return result
    return tuple(replace(run, cpu_s=0.0, wall_s=0.0, peak_memory_mb=0.0) for run in result.runs)


def test_each_result_is_told_when_it_is_there(machine: Machine) -> None:
    nonce = secrets.token_hex(16)
    slow = Job(Program("import time; time.sleep(2.3)"), (ScriptStep(),))
    with machine.start_trip([slow, HELLO, HELLO], nonce) as process:
        assert process.stdout is not None
        told = [read_line(line, nonce) for line in process.stdout]
    results = [line.index for line in told if isinstance(line, Result)]
    assert results == [1, 2, 0]
    assert told.index(Heartbeat()) > 1
    assert told.count(Heartbeat()) == 2
    assert told[-1] == End()


def test_jobs_of_several_trips_run_beside_each_other(machine: Machine) -> None:
    slow = Job(Program("import time; time.sleep(3); print(1)"), (ScriptStep(),))
    began = time.monotonic()
    nonces = [secrets.token_hex(16) for _ in range(2)]
    trips = [machine.start_trip([slow], nonce) for nonce in nonces]
    for process in trips:
        with process:
            assert process.communicate(timeout=60)[0].count(" r 0 ") == 1
    assert time.monotonic() - began < 5.7


def test_killing_the_client_cancels_its_jobs(machine: Machine) -> None:
    """Both slots are taken by programs without an end: another trip runs only once they are gone."""
    nonce = secrets.token_hex(16)
    with machine.start_trip([ENDLESS, ENDLESS], nonce) as process:
        assert process.stdout is not None
        assert read_line(process.stdout.readline(), nonce) == Heartbeat()
        process.kill()
    assert _only(machine, HELLO).stdout == "hello you\n"


def test_a_trip_that_is_too_large_for_a_command_is_uploaded_and_deleted(machine: Machine) -> None:
    job = Job(Program(f"# {secrets.token_hex(200_000)}\nprint(1)"), (ScriptStep(),))
    nonce = secrets.token_hex(16)
    machine.upload(machine.paths.trip(nonce), pack_trip([job], [steps_blob(job.steps)]))
    output = machine.output(trip_command(machine.paths, machine.greeting, None, nonce=nonce))
    assert isinstance(read_line(output.splitlines()[0], nonce), Result)
    assert not (machine.home / machine.paths.trip(nonce)).exists()
    output = machine.output(trip_command(machine.paths, machine.greeting, None, nonce=nonce))
    assert [read_line(line, nonce) for line in output.splitlines()] == [
        Failed(None, "malformed", "no trip came with the request"),
        End(),
    ]


def test_large_inputs_are_asked_for_by_name_and_uploaded_once(machine: Machine) -> None:
    text = secrets.token_hex(60_000)
    jobs = [Job(Program(f"print(len(input()), {n})"), (ScriptStep(text),)) for n in range(3)]
    blob = steps_blob(jobs[0].steps)
    assert machine.lines(jobs) == [MissingBlob((blob.digest,)), End()]
    machine.upload(machine.paths.blob(blob.digest), blob.data[:-9])
    assert machine.lines(jobs) == [MissingBlob((blob.digest,)), End()]
    machine.upload(machine.paths.blob(blob.digest), blob.data)
    for _ in range(2):
        found = machine.results(jobs)
        assert [result.runs[0].stdout for result in found if isinstance(result, JobResult)] == [
            f"120000 {n}\n" for n in range(3)
        ]
        (machine.home / machine.paths.blob(blob.digest)).unlink(missing_ok=True)  # it is remembered


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"", id="hangs up at once"),
        pytest.param(b"trip", id="hangs up in the middle"),
        pytest.param(b"\n", id="asks for nothing"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(b"\xff\xfe\n", id="no text"),
        pytest.param(b"x" * (1 << 20), id="a line without an end"),
        pytest.param(b"trip ../../etc/passwd -\n", id="a path for a name"),
        pytest.param(b"trip 0123456789abcdef ====\n", id="no base 64"),
        pytest.param(b"trip 0123456789abcdef eA==\n", id="no trip"),
        pytest.param(b"trip 0123456789abcdef eJwDAAAAAAE=\n", id="an empty trip"),
    ],
)
def test_a_client_that_misbehaves_is_alone_with_it(machine: Machine, request_bytes: bytes) -> None:
    with _connected(machine) as client, contextlib.suppress(OSError):
        client.sendall(request_bytes)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(5)
        while client.recv(1 << 16):
            pass
    assert _only(machine, HELLO).stdout == "hello you\n"


def _python_for_nobody() -> str:
    found = python_for_nobody()
    if found is None:
        pytest.skip("run the tests where another user may run a Python of at least 3.11")
    return found


@contextlib.contextmanager
def _connected(machine: Machine) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{machine.home}/{machine.paths.run}/s")
        yield client


@as_root
def test_another_user_is_not_answered(machine: Machine) -> None:
    folder = machine.home / machine.paths.run
    assert folder.stat().st_mode & 0o777 == 0o700
    for path, mode in ((machine.home, 0o755), (folder, 0o755), (folder / "s", 0o777)):
        path.chmod(mode)  # as if nobody had closed the door
    code = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('s'); s.sendall(b'greet 0123456789abcdef\\n')"
    stranger = Machine(user=NOBODY, python=_python_for_nobody())
    try:
        answer = stranger.output(f'cd {folder} && python3 -I -S -c "{code}; print(s.recv(99))" 2>&1')
    finally:
        stranger.remove()
        folder.chmod(0o700)
    last = answer.strip().splitlines()[-1]
    assert last == "b''" or last.startswith(("ConnectionResetError", "BrokenPipeError"))


@as_root
def test_the_agent_works_for_an_ordinary_user() -> None:
    machine = Machine(user=NOBODY, python=_python_for_nobody())
    try:
        assert machine.set_up().error == ""
        assert _only(machine, HELLO).stdout == "hello you\n"
    finally:
        machine.remove()


def test_what_the_options_of_a_user_break_is_told_as_theirs(bare: Machine) -> None:
    bare.set_up(AgentOptions(slots=1, level="B"))
    if bare.greeting.error:
        pytest.skip(f"run the tests where level B is to be had: {bare.greeting.error}")
    (failed,) = bare.results([replace(HELLO, limits=Limits(processes=2))])
    assert isinstance(failed, Failed)
    assert failed.kind == "configuration"
    assert "needs level A" in failed.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (AgentOptions(level="C"), "level 'C' is unknown"),
        (AgentOptions(preload=("no_such_module",)), "no_such_module could not be imported"),
    ],
)
def test_options_that_fit_nothing_are_told_in_the_greeting(bare: Machine, options: AgentOptions, said: str) -> None:
    greeting = bare.set_up(options)
    assert greeting.error_kind == "configuration"
    assert said in greeting.error


def test_a_machine_that_gives_no_level_says_so(bare: Machine) -> None:
    greeting = bare.set_up(prefix="ulimit -n 14; ")
    assert greeting.error_kind == "unavailable"
    assert "file descriptor" in greeting.error


def test_a_machine_without_a_python_says_so() -> None:
    machine = Machine(python="")
    try:
        greeting = machine.set_up()
    finally:
        machine.remove()
    assert greeting.error_kind == "start"
    assert "no Python 3.11 or newer" in greeting.error


def test_an_archive_that_was_damaged_on_its_way_is_told() -> None:
    machine = Machine(archive=runner_archive().data[:-1000])
    try:
        greeting = machine.set_up()
    finally:
        machine.remove()
    assert (greeting.error_kind, greeting.slots) == ("start", 0)
    assert "archive" in greeting.error


def test_a_second_set_up_finds_the_agent_that_runs(bare: Machine) -> None:
    first = bare.set_up()
    (pid,) = _agents(bare)
    assert bare.set_up(AgentOptions(slots=5)) == first
    assert _agents(bare) == [pid]


def test_stop_leaves_nothing_behind(bare: Machine) -> None:
    bare.set_up(AgentOptions(slots=2))
    nonce = secrets.token_hex(16)
    with bare.start_trip([ENDLESS, ENDLESS], nonce) as process:
        assert process.stdout is not None
        process.stdout.readline()
        output = bare.output(stop_command(bare.paths, bare.greeting, nonce=nonce))
        assert read_line(output.strip(), nonce) == End()
        assert End() not in [read_line(line, nonce) for line in process.stdout]
    assert not (bare.home / bare.paths.run).exists()
    deadline = time.monotonic() + 10
    while _agents(bare) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _agents(bare) == []
    assert bare.lines([HELLO]) == [Failed(None, "gone", "the agent's directory is not there")]


def test_an_agent_that_was_killed_is_told_and_replaced(bare: Machine) -> None:
    bare.set_up()
    (pid,) = _agents(bare)
    os.kill(pid, 9)
    while Path(f"/proc/{pid}/exe").exists():
        time.sleep(0.01)
    assert bare.lines([HELLO]) == [Failed(None, "gone", "no agent answers here")]
    assert bare.set_up().error == ""
    assert _only(bare, HELLO).stdout == "hello you\n"


def test_a_trip_whose_agent_dies_has_no_end(bare: Machine) -> None:
    bare.set_up()
    nonce = secrets.token_hex(16)
    with bare.start_trip([HELLO, ENDLESS], nonce) as process:
        assert process.stdout is not None
        assert isinstance(read_line(process.stdout.readline(), nonce), Result)
        os.kill(_agents(bare)[0], 9)
        assert {read_line(line, nonce) for line in process.stdout} <= {Heartbeat()}


def test_programs_find_packages_where_that_is_asked_for(bare: Machine) -> None:
    bare.set_up(AgentOptions(slots=1, site_packages=True, environment={"GREETING": "hi"}))
    program = Program("import os, sys; print(os.environ['GREETING'], any('-packages' in path for path in sys.path))")
    assert _only(bare, Job(program, (ScriptStep(),))).stdout == "hi True\n"


def _agents(machine: Machine) -> list[int]:
    """Return the agents that run from the machine's home."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (path / "cmdline").read_bytes()
            if str(machine.home).encode() in command and b"agent.server" in command and (path / "exe").exists():
                found.append(int(path.name))
    return found


def test_the_archive_is_the_same_whenever_it_is_made() -> None:
    first = runner_archive()
    runner_archive.cache_clear()
    assert runner_archive() == first


def test_the_archive_holds_what_it_imports_and_no_reward(bare: Machine) -> None:
    with zipfile.ZipFile(io.BytesIO(runner_archive().data)) as file:
        names = file.namelist()
    assert not any(part in name for name in names for part in ("grader", "judging", "scoring", "code_reward", "e2b"))
    modules = [
        name.removesuffix(".py").replace("/", ".") for name in names if not name.endswith(("__init__.py", "client.py"))
    ]
    code = f"import importlib, sys; sys.path.insert(0, '{bare.paths.archive}')\n"
    code += "".join(f"importlib.import_module('{name}')\n" for name in modules)
    code += "known = sys.stdlib_module_names | {'rewards', '__main__'}\n"
    code += "print([name for name in sys.modules if name.partition('.')[0] not in known])"
    assert bare.output(f'python3 -I -S -c "{code}"') == "[]\n"


def test_a_client_loads_next_to_nothing(bare: Machine) -> None:
    """One is started for every trip: what it imports is paid for every time."""
    client = Path(__file__).parents[1] / "rewards/sandboxes/agent/client.py"
    empty, loaded = (
        {line.rpartition("|")[2].strip() for line in bare.output(f"python3 -X importtime {what} 2>&1").splitlines()}
        for what in ("-I -S -c pass", f"-I -S {client} trip {'0' * 16} -")
    )
    assert {name for name in loaded - empty if " f - gone " not in name} <= {"_socket"}


def test_the_greeting_tells_the_languages(machine: Machine) -> None:
    local = LocalSandbox(slots=1)
    local.describe()
    expected = local.languages if local.holds_other_languages else {"python"}
    assert set(machine.greeting.languages) == expected
