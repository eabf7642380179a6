"""Cells of sessions that go wrong or mean harm: each is an answer, in time, and never another session's trouble."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest
from session_asking import BRIEF, ENDLESS, NO_CLOCK, Asker, Open, opened_sessions

from rewards.records import Ended
from rewards.sandboxes.local import LocalSandbox

pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test sessions")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp"),
    # What the level changes is tried by the promises of the contract.
    pytest.mark.parametrize("sandbox", ["A"], indirect=True, scope="module"),
]
SLOTS = 2


@pytest.fixture
def opening(loop: asyncio.Runner, sandbox: LocalSandbox) -> Iterator[Open]:
    yield from opened_sessions(loop, sandbox)


@pytest.fixture
def ask(opening: Open) -> Asker:
    return opening()


@pytest.mark.parametrize(
    ("path", "make"),
    [
        pytest.param("pipe", "import os\nos.mkfifo('pipe')", id="a pipe"),
        pytest.param("link", "import os\nos.symlink('/etc/shadow', 'link')", id="a link to where no cell may read"),
        pytest.param("link", "import os\nos.symlink('link', 'link')", id="a link to itself"),
        pytest.param("link", "import os\nos.symlink('/dev/zero', 'link')", id="a link to a device"),
        pytest.param("folder", "import os\nos.mkdir('folder')", id="a folder"),
        pytest.param("locked", "import os\nopen('locked', 'w').close()\nos.chmod('locked', 0)", id="a locked file"),
        pytest.param("../../etc/passwd", "", id="a way out"),
        pytest.param("/etc/passwd", "", id="a path from the root"),
        pytest.param("a\0b", "", id="a name that is none"),
        pytest.param("", "", id="no name"),
    ],
)
def test_what_is_no_plain_file_is_not_read(ask: Asker, path: str, make: str) -> None:
    ask(make)
    if path == "locked" and os.geteuid() == 0:
        assert ask.read(path) in (None, b"")  # root, where it stays root, may read it
    else:
        assert ask.read(path) is None
    assert ask("print('alive')").stdout == "alive\n"


ENDS = [
    pytest.param(ENDLESS, Ended.CPU_LIMIT, id="an endless loop that catches all"),
    pytest.param("import time\ntime.sleep(60)", Ended.WALL_LIMIT, id="a sleep"),
    pytest.param("import os\nos._exit(0)", Ended.SIGNALLED, id="os._exit"),
    pytest.param("import os\nos.kill(os.getpid(), 9)", Ended.SIGNALLED, id="a kill"),
    pytest.param("import os\nos.kill(os.getpid(), 19)", Ended.WALL_LIMIT, id="a stop"),
    pytest.param("import ctypes\nctypes.string_at(0)", Ended.SIGNALLED, id="a crash"),
    pytest.param("print('x' * (1 << 20))", Ended.OUTPUT_LIMIT, id="a flood"),
    pytest.param("import os\nos.write(2, b'x' * (1 << 20))", Ended.OUTPUT_LIMIT, id="a flood of errors"),
    pytest.param("'x' * (20 << 20)", Ended.OUTPUT_LIMIT, id="a value that is too large"),
    pytest.param("bytearray(1 << 40)", Ended.MEMORY_LIMIT, id="too much memory"),
    pytest.param("import os\nos.closerange(0, 100)", Ended.SIGNALLED, id="closed descriptors"),
    pytest.param(f"import os\nos.close(4)\n{ENDLESS}", Ended.SIGNALLED, id="hanging up and working on"),
    pytest.param("import os\nos.close(3)", Ended.SIGNALLED, id="nowhere to answer"),
    pytest.param("import os\nos.write(3, b'\\xff' * 9)", Ended.SIGNALLED, id="a frame of four gigabytes"),
    pytest.param("import os\nos.write(4, b'x')\nimport time\ntime.sleep(60)", Ended.SIGNALLED, id="a junk wake-up"),
    pytest.param(
        "import os\nos.ftruncate(3, 60 << 20)\nos.lseek(3, 0, 2)", Ended.SIGNALLED, id="an answer full of nothing"
    ),
    pytest.param("import os\nos.ftruncate(1, 60 << 20)", Ended.OUTPUT_LIMIT, id="an output full of nothing"),
    pytest.param("import os\nos.read(4, 1 << 20)", Ended.WALL_LIMIT, id="waiting for the host's next word"),
]


@pytest.mark.parametrize(("source", "ended"), ENDS)
def test_an_end_that_takes_the_interpreter_is_told_and_the_next_cell_finds_a_fresh_one(
    opening: Open, source: str, ended: Ended
) -> None:
    ask = opening(BRIEF if ended is Ended.WALL_LIMIT else NO_CLOCK)
    ask("x = 1\nopen('left', 'w').close()")
    run = ask(source)
    assert run.ended is ended, run
    assert len(run.stdout) <= BRIEF.output_kb << 10
    assert ask.read("left") is None
    fresh = ask("import os\nprint('x' in globals(), os.listdir('.'))")
    assert (fresh.ended, fresh.stdout) == (Ended.RETURNED, "False []\n")


GOES_ON = {
    "sys.exit": "import sys\nsys.exit(3)",
    "quit": "quit()",
    "an interruption": "import os\nos.kill(os.getpid(), 2)",
    "a question": "input()",
    "a fork": "import os\nos.fork()",
    "a command": "import subprocess\nsubprocess.run(['ls'])",
    "a shell escape": "!ls",
    "a socket": "import socket\nsocket.socket()",
    "a broken str": "class E(Exception):\n    def __str__(_): 1 / 0\nraise E",
}


@pytest.mark.parametrize("source", GOES_ON.values(), ids=GOES_ON)
def test_what_only_raises_leaves_the_state(ask: Asker, source: str) -> None:
    ask("x = 41")
    assert ask(source).ended is Ended.RAISED
    assert ask("print(x + 1)").stdout == "42\n"


HOSTILE = {
    "a shell without run_cell": "get_ipython().run_cell = lambda *a, **k: None",
    "another transformer": "get_ipython().transform_cell = lambda cell: 'x = 5'",
    "no publisher": "get_ipython().display_pub.publish = lambda *a, **k: 1 / 0",
    "hooks of the shell": "get_ipython().events.register('post_run_cell', lambda *a: 1 / 0)",
    "no stdout": "import sys\nsys.stdout = sys.stderr = None",
    "closed outputs": "import os\nos.close(1)\nos.close(2)",
    "no os": "import os\nfor name in ('read', 'write', 'open', 'fstat', 'close'): setattr(os, name, None)",
    "no builtins": "import builtins\nbuiltins.len = builtins.list = builtins.str = builtins.isinstance = None",
    "no modules": "import sys\nsys.modules.clear()",
    "no clock": "import time\ntime.process_time = time.perf_counter = None",
    "a tracer": "import sys\ndef trace(*a): raise SystemExit\nsys.settrace(trace)",
    "a timer": "import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 / 0)\nsignal.setitimer(0, 0.01, 0.01)",
    "a thread that prints": "import threading\ndef f():\n    while True: print('t')\n"
    "threading.Thread(target=f, daemon=True).start()",
    "a thread that forges": "import os, threading, time\n"
    "def f():\n    while True:\n        os.write(3, b'\\2\\0\\0\\0[]')\n"
    "        os.write(4, b'A')\n        time.sleep(0.001)\nthreading.Thread(target=f, daemon=True).start()",
    "a thread that floods the channel": "import os, threading\ndef f():\n    while True: os.write(4, b'A' * 1000)\n"
    "threading.Thread(target=f, daemon=True).start()",
    "a thread that cuts off": "import os, threading, time\ndef f():\n    while True:\n        os.ftruncate(3, 0)\n"
    "        time.sleep(0.001)\nthreading.Thread(target=f, daemon=True).start()",
    "a thread that steals": "import os, threading\nthreading.Thread(target=os.read, args=(4, 9), daemon=True).start()",
    "a seal": "import fcntl\nfor n in (0, 1, 2, 3):\n    try: fcntl.fcntl(n, 1033, 15)\n    except OSError: pass",
    "other flags": "import fcntl, os\nfor n in range(5): fcntl.fcntl(n, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)",
    "a mapped answer": "import mmap, os\nos.ftruncate(3, 4096)\nm = mmap.mmap(3, 4096)\nm[:] = b'x' * 4096",
    "a folder gone": "import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)",
    "a limit of its own": "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_cell_breaks_is_its_own_sessions(loop: asyncio.Runner, opening: Open, source: str) -> None:
    """Each answer is a run, in time; and the next session of the same zygote finds a shell that nobody has touched."""
    ask = opening(BRIEF)
    ask(source)
    for _ in range(3):
        assert isinstance(ask("x = 1").ended, Ended)
    loop.run(ask.session.close())
    other = opening()
    fresh = other("import os\nprint('x' in globals(), os.listdir('.'))\n'unharmed'")
    assert (fresh.ended, fresh.stdout, len(fresh.results)) == (Ended.RETURNED, "False []\n", 1)
