"""Files lie there before a Python program runs, and what it leaves is handed over: regular files, and nothing else."""

from __future__ import annotations

import asyncio
import sys

import pytest

from rewards.errors import ConfigurationError, DatasetError
from rewards.records import Ended, File, Job, JobResult, Limits, Program, ScriptStep, TestRun
from rewards.sandboxes.local import LocalSandbox
from rewards.sandboxes.runner.parcel import PlacedFile, pack_parcel, unpack_parcel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")


DEFAULTS = Limits()


def run_step(
    loop: asyncio.Runner, sandbox: LocalSandbox, source: str, step: ScriptStep, limits: Limits = DEFAULTS
) -> TestRun:
    result = loop.run(sandbox.run(Job(Program(source), (step,), limits)))
    assert isinstance(result, JobResult), result
    return result.runs[0]


def fetched(run: TestRun) -> dict[str, bytes]:
    return {file.path: file.content for file in run.files}


def test_a_program_finds_its_files(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    step = ScriptStep("in", files=(File("data/a.txt", b"one"), File("b", b"\0\xff"), File("ü.txt", b"")))
    source = "import os\nprint(open('data/a.txt').read(), open('b','rb').read(), os.path.getsize('ü.txt'), input())"
    assert run_step(loop, sandbox, source, step).stdout == "one b'\\x00\\xff' 0 in\n"


def test_what_it_left_is_handed_over_and_what_is_not_there_is_left_out(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    source = "import os\nos.makedirs('a/b')\nopen('a/b/c','wb').write(bytes(range(256)))\nopen('empty','w')"
    run = run_step(loop, sandbox, source, ScriptStep(fetch=("a/b/c", "nowhere", "empty", "a/nowhere/c")))
    assert (run.ended, run.exit_code) == (Ended.EXITED, 0)
    assert fetched(run) == {"a/b/c": bytes(range(256)), "empty": b""}


def test_a_file_that_was_given_can_be_changed_and_fetched(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    step = ScriptStep(files=(File("log", b"a"),), fetch=("log",))
    assert fetched(run_step(loop, sandbox, "open('log','a').write('b')", step)) == {"log": b"ab"}


def test_words_stand_on_the_command_line(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run = run_step(loop, sandbox, "import sys\nprint(sys.argv)", ScriptStep(args=("-x", "é")))
    assert run.stdout == "['main.py', '-x', 'é']\n"
    assert run_step(loop, sandbox, "import sys\nprint(sys.argv)", ScriptStep()).stdout == "['main.py']\n"


def test_appended_source_is_in_the_same_file(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    assert run_step(loop, sandbox, "x = 4 # no newline", ScriptStep(append="print(x)")).stdout == "4\n"


def test_nothing_of_one_run_is_there_in_the_next(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run_step(loop, sandbox, "open('left','w').write('x')", ScriptStep(files=(File("given", b"x"),), fetch=("left",)))
    run = run_step(loop, sandbox, "import os\nprint(os.listdir())", ScriptStep(fetch=("left", "given")))
    assert (run.stdout, run.files) == ("[]\n", ())


def test_a_program_that_fails_hands_over_too(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run = run_step(loop, sandbox, "open('out','w').write('x')\nraise SystemExit(3)", ScriptStep(fetch=("out",)))
    assert (run.exit_code, fetched(run)) == (3, {"out": b"x"})


HOSTILE = [
    pytest.param("os.symlink('/proc/self/environ', 'out')", id="a link out of the directory"),
    pytest.param("open('real','w').write('x'); os.symlink('real', 'out')", id="a link within it"),
    pytest.param("os.symlink('/etc', 'd')", id="a directory on the way is a link"),
    pytest.param("os.mkdir('real'); open('real/hostname','w').write('x'); os.symlink('real', 'd')", id="also within"),
    pytest.param("os.mkdir('out')", id="a directory"),
    pytest.param("os.mkdir('out', 0)", id="a directory that nobody may enter"),
    pytest.param("os.mkdir('d'); open('d/hostname','w').write('x'); os.chmod('d', 0)", id="nobody may pass"),
    pytest.param("open('out','w').write('x'); os.chmod('out', 0)", id="a file that nobody may read"),
    pytest.param("open('d','w').write('x')", id="a file where a directory should be"),
]


@pytest.mark.parametrize("source", HOSTILE)
def test_what_is_no_plain_file_is_not_handed_over(loop: asyncio.Runner, sandbox: LocalSandbox, source: str) -> None:
    run = run_step(loop, sandbox, f"import os\n{source}", ScriptStep(fetch=("out", "d/hostname")))
    assert run.exit_code == 0
    # Level B answers chmod with success and does nothing: the program's own file is a plain one then.
    assert [file.content for file in run.files] in ([], [b"x"] if "chmod" in source else [])


def test_a_program_that_shuts_its_directory_has_ended_like_any_other(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    """And not the sandbox, which would leave the program without a verdict."""
    run = run_step(
        loop, sandbox, "import os\nopen('out', 'w').write('x')\nos.chmod('.', 0)", ScriptStep(fetch=("out",))
    )
    assert (run.exit_code, fetched(run)) == (0, {"out": b"x"})


def test_a_file_beyond_the_disk_limit_is_left_out(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    """However little of it was ever written."""
    source = "for name, kb in ('a', 1000), ('b', 600), ('c', 600), ('d', 1):\n    open(name, 'w').truncate(kb << 10)"
    run = run_step(loop, sandbox, source, ScriptStep(fetch=("a", "b", "b", "c", "d")), Limits(disk_mb=1))
    assert {path: len(content) for path, content in fetched(run).items()} == {"b": 600 << 10, "d": 1 << 10}
    assert len(run.files) == 2


def test_a_pipe_under_the_name_is_not_waited_for(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    """Level A and B refuse mkfifo to Python programs; where one can be made, opening it must not block."""
    source = "import os\ntry:\n    os.mkfifo('out')\nexcept OSError:\n    pass"
    run = run_step(loop, sandbox, source, ScriptStep(fetch=("out",)))
    assert (run.ended, run.files) == (Ended.EXITED, ())


def test_a_program_cannot_speak_for_the_one_that_reads_its_files(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    """What is handed over goes through a descriptor that the program never had."""
    source = """
import os
for n in range(3, 64):
    try:
        os.write(n, b"\\x06\\0\\0\\0out\\0xx")
    except OSError:
        pass
"""
    run = run_step(loop, sandbox, source, ScriptStep(fetch=("out",)))
    assert run.files == ()


def test_files_that_the_limit_has_no_room_for_are_the_users_error(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    step = ScriptStep(files=(File("big", bytes(2 << 20)),))
    with pytest.raises(ConfigurationError, match="disk_mb=1"):
        run_step(loop, sandbox, "", step, Limits(disk_mb=1))


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(ScriptStep(files=(File("a", b""), File("a/b", b""))), id="a file is another's directory"),
        pytest.param(ScriptStep(files=(File("x" * 256, b""),)), id="a name too long"),
        pytest.param(ScriptStep(files=(File("\ud800", b""),)), id="a name that is no text"),
        pytest.param(ScriptStep(files=tuple(File(str(n), b"") for n in range(1001))), id="too many"),
        pytest.param(ScriptStep(args=("a\0b",)), id="a word with NUL"),
    ],
)
def test_files_that_cannot_be_are_the_users_error(
    loop: asyncio.Runner, sandbox: LocalSandbox, step: ScriptStep
) -> None:
    with pytest.raises(ConfigurationError, match="a test"):
        run_step(loop, sandbox, "", step)


def test_names_to_fetch_may_be_anything(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    names = (
        "\ud800",
        "a\0b",
        "x" * 5000,
        "a/" * 500 + "b",
        "",
        "/",
        "//",
        "..",
        ".",
        "../../etc/passwd",
        "/etc/passwd",
        "ü",
    )
    run = run_step(loop, sandbox, "open('ü','w').write('x')", ScriptStep(fetch=names))
    assert run.files == (File("ü", b"x"),)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b"])
def test_a_path_that_leads_elsewhere_is_no_file(path: str) -> None:
    with pytest.raises(DatasetError):
        File(path, b"")


def test_a_parcel_comes_out_as_it_went_in() -> None:
    files = [PlacedFile("a/b", b"\0\1"), PlacedFile("c", b"", executable=True)]
    data = pack_parcel(b"body", files=files, words=["x", "ü"], environment={"A": "1"}, fetch=["o"])
    parcel = unpack_parcel(data)
    assert (parcel.body, list(parcel.files), parcel.words) == (b"body", files, ("x", "ü"))
    assert (parcel.environment, parcel.fetch) == ((("A", "1"),), ("o",))
