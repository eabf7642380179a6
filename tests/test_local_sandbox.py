"""A program in the local sandbox behaves as under `python main.py`, and finds what it was promised, and no more."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
from pathlib import Path

import pytest

from rewards.errors import ConfigurationError, SandboxUnavailable
from rewards.records import Ended, Job, JobResult, Limits, Program, ScriptStep, TestRun
from rewards.sandboxes.local import LocalSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")


def run_script(loop: asyncio.Runner, sandbox: LocalSandbox, source: str, stdin: str = "", **limits: float) -> TestRun:
    job = Job(Program(source), (ScriptStep(stdin),), Limits(**limits))  # type: ignore[arg-type]
    result = loop.run(sandbox.run(job))
    assert isinstance(result, JobResult), result
    return result.runs[0]


BEHAVIOUR = [
    pytest.param("print(input('? ') + input())", "a\nb\n", "? ab\n", id="input writes its prompt to stdout"),
    pytest.param("import sys\nprint(sys.stdin.buffer.read())", "é\n", "b'\\xc3\\xa9\\n'\n", id="stdin has bytes"),
    pytest.param("print(open(0).read().split())", "1 2\n3", "['1', '2', '3']\n", id="stdin is descriptor 0"),
    pytest.param("import os\nprint(os.read(0, 3))", "abcdef", "b'abc'\n", id="stdin can be read below the interpreter"),
    pytest.param("if __name__ == '__main__':\n    print('main')", "", "main\n", id="it is the main module"),
    pytest.param("import sys\nprint(1)\nsys.exit()", "", "1\n", id="what was printed before sys.exit is kept"),
    pytest.param("print(1)\nexit()", "", "1\n", id="exit is there without site"),
    pytest.param("import atexit\natexit.register(print, 'bye')\nprint('hi')", "", "hi\nbye\n", id="atexit runs"),
    pytest.param(
        "import threading, time\ndef late():\n    time.sleep(0.05)\n    print('late')\n"
        "threading.Thread(target=late).start()",
        "",
        "late\n",
        id="threads are waited for",
    ),
    pytest.param(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint(1)",
        "",
        "1\n",
        id="daemon threads are not waited for",
    ),
    pytest.param("out = open(1, 'w', closefd=False)\nout.write('x')", "", "x", id="a file nobody closed is written"),
    pytest.param(
        "class Last:\n    def __del__(self):\n        print('gone')\nlast = Last()\nlast.me = last",
        "",
        "gone\n",
        id="finalizers run",
    ),
    pytest.param(
        "import gc\nclass Last:\n    def __del__(self):\n        print('gone')\n"
        "last = Last()\nlast.me = last\ngc.collect()",
        "",
        "gone\n",
        id="finalizers run also for what is old",
    ),
    pytest.param(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n"
        "    x: Undefined\nprint(pickle.loads(pickle.dumps(P(1))).x)",
        "",
        "1\n",
        id="dataclasses and pickle find the main module",
    ),
    pytest.param(
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(200 << 20)\n"
        "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\n"
        "t = threading.Thread(target=lambda: print(f(50000)))\nt.start()\nt.join()",
        "",
        "50000\n",
        id="a thread with a large stack",
    ),
    pytest.param("def f(n):\n    return n and f(n - 1)\nprint(f(990))", "", "0\n", id="the whole recursion limit"),
    pytest.param("import os\nprint(os.environ['GREETING'], os.environ.get('HOME') == os.getcwd())", "", "hello True\n",
                 id="the listed environment"),
    pytest.param("import sys\nprint(sys.argv, __file__, sys.path[0] == '')", "", "['main.py'] main.py True\n",
                 id="names of the script"),
    pytest.param("open('a.py', 'w').write('x = 3')\nimport a\nprint(a.x)", "", "3\n", id="a module it wrote itself"),
    pytest.param("import time\nprint(time.tzname[0], time.localtime(0).tm_hour)", "", "UTC 0\n", id="the time is UTC"),
    pytest.param(
        "import sqlite3, ssl, lzma, bz2, decimal, multiprocessing, xml.etree.ElementTree\nprint('ok')",
        "",
        "ok\n",
        id="the rest of the standard library",
    ),
    pytest.param("import sys\nprint([m for m in sys.modules if 'runner' in m or 'rewards' in m])", "", "[]\n",
                 id="nothing of ours is in sys.modules"),
    pytest.param("import signal\nprint(signal.getsignal(signal.SIGINT) is signal.default_int_handler)", "", "True\n",
                 id="the handler of an interrupt"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "stdin", "expected"), BEHAVIOUR)
def test_it_behaves_as_python_main_py(
    loop: asyncio.Runner, sandbox: LocalSandbox, source: str, stdin: str, expected: str
) -> None:
    run = run_script(loop, sandbox, source, stdin)
    assert (run.stdout, run.ended, run.exit_code) == (expected, Ended.EXITED, 0), run.stderr


ENDINGS = [
    pytest.param("import sys\nsys.exit('why')", 1, "why\n", id="sys.exit with a message"),
    pytest.param("import sys\nsys.exit(7)", 7, "", id="sys.exit with a number"),
    pytest.param("raise SystemExit(256 + 3)", 3, "", id="an exit code is a byte"),
    pytest.param("import os\nos._exit(251)", 251, "", id="the code that the zygote uses itself"),
    pytest.param("def f():\n    return 1 / 0\nf()", 1, "ZeroDivisionError: division by zero\n", id="an exception"),
    pytest.param("x = (", 1, "SyntaxError: '(' was never closed\n", id="a syntax error"),
    pytest.param("x = '\0'", 1, "null bytes", id="a null byte"),
    pytest.param(
        "import sys\nsys.excepthook = lambda *a: print('mine', file=sys.stderr)\n1/0", 1, "mine\n", id="a hook"
    ),
    pytest.param("import sys\nsys.stdout.close()\nraise ValueError(1)", 1, "ValueError: 1\n", id="stdout was closed"),
]


@pytest.mark.parametrize(("source", "code", "stderr"), ENDINGS)
def test_the_exit_code_is_the_interpreters(
    loop: asyncio.Runner, sandbox: LocalSandbox, source: str, code: int, stderr: str
) -> None:
    run = run_script(loop, sandbox, source)
    assert (run.ended, run.exit_code) == (Ended.EXITED, code)
    assert stderr.strip() in run.stderr
    assert "runner" not in run.stderr


def test_a_traceback_shows_the_programs_lines_only(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run = run_script(loop, sandbox, "def f():\n    return 1 / 0\nf()")
    assert run.stderr.startswith('Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    f()\n')


def test_the_same_program_gets_the_same_answer(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = "import random\nprint(random.random(), list({'a', 'b', 'c', 'd'}), hash('x'))"
    assert len({run_script(loop, sandbox, source).stdout for _ in range(3)}) == 1


def test_a_signal_is_told_apart_from_an_exit_code(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run = run_script(loop, sandbox, "import os\nos.abort()")
    assert (run.ended, run.signal, run.exit_code) == (Ended.SIGNALLED, 6, None)


def test_site_packages_are_read_and_preloaded_only_when_asked_for(
    loop: asyncio.Runner, sandbox: LocalSandbox, tmp_path: Path
) -> None:
    (tmp_path / "listed_module.py").write_text("import os\nvalue = 5\npid = os.getpid()\n")
    tmp_path.chmod(0o755)
    source = "import sys\nprint('listed_module' in sys.modules)\nimport listed_module\nprint(listed_module.value)"
    assert "ModuleNotFoundError" in run_script(loop, sandbox, source).stderr
    level = sandbox.describe().level[:1]
    with_packages = LocalSandbox(slots=1, level=level, site_packages=[tmp_path], preload=["listed_module"])
    try:
        assert run_script(loop, with_packages, source).stdout == "True\n5\n"
    finally:
        loop.run(with_packages.close())


def test_numpy_of_this_environment_can_be_preloaded(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    numpy = pytest.importorskip("numpy", reason="install numpy")
    level = sandbox.describe().level[:1]
    local = LocalSandbox(slots=1, level=level, site_packages=True, preload=["numpy"])
    source = "import numpy as np\nprint(np.arange(4).reshape(2, 2) @ np.ones(2), np.random.rand() == np.random.rand())"
    try:
        run = run_script(loop, local, source)
        assert run.stdout == "[1. 5.] False\n", run.stderr
        assert run.cpu_s < 0.1, f"numpy {numpy.__version__} was imported again"
        drawn = {run_script(loop, local, "import numpy\nprint(numpy.random.rand())").stdout for _ in range(2)}
        assert len(drawn) == 1
    finally:
        loop.run(local.close())


def test_a_module_that_cannot_be_preloaded_is_the_users_error(loop: asyncio.Runner) -> None:
    local = LocalSandbox(slots=1, preload=["no_such_module"])
    with pytest.raises(ConfigurationError, match="no_such_module"):
        loop.run(local.start())
    loop.run(local.close())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"slots": 0}, "slots", id="no slot"),
        pytest.param({"preload": "numpy"}, "preload", id="a name where a list belongs"),
        pytest.param(
            {"site_packages": ["/no/such/directory"]}, "/no/such/directory", id="a directory that is not there"
        ),
        pytest.param({"level": "C"}, "level", id="an unknown level"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(loop: asyncio.Runner, options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        loop.run(LocalSandbox(**options).start())  # type: ignore[arg-type]


def test_several_processes_are_held_at_level_a_and_refused_below(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    source = (
        "import multiprocessing\ndef square(x):\n    return x * x\nif __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool:\n        print(pool.map(square, range(4)))"
    )
    if sandbox.describe().level.startswith("A"):
        run = run_script(loop, sandbox, source, processes=4)
        assert run.stdout == "[0, 1, 4, 9]\n", run.stderr
        assert "PermissionError" in run_script(loop, sandbox, "import os\nos.fork()").stderr
    else:
        with pytest.raises(ConfigurationError, match="level A"):
            run_script(loop, sandbox, source, processes=4)


def test_it_travels_as_its_options(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    copy: LocalSandbox = pickle.loads(pickle.dumps(sandbox))
    try:
        assert run_script(loop, copy, "import os\nprint(os.environ['GREETING'])").stdout == "hello\n"
    finally:
        loop.run(copy.close())


def test_another_language_is_a_failure_and_not_a_verdict(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    failure = loop.run(sandbox.run(Job(Program("1", language="cobol"), (ScriptStep(),))))
    assert not isinstance(failure, JobResult)
    assert (failure.kind, failure.retryable) == ("unsupported", False)


def test_it_says_loudly_that_nothing_protects(loop: asyncio.Runner, caplog: pytest.LogCaptureFixture) -> None:
    local = LocalSandbox(slots=1, level="B", allow_unprotected=True, _landlock_abi=0)
    with caplog.at_level(logging.WARNING):
        loop.run(local.start())
    try:
        assert run_script(loop, local, "print(1)").stdout == "1\n"
        assert "unprotected" in caplog.text
        assert "READING YOUR FILES" in str(local.describe())
    finally:
        loop.run(local.close())


@pytest.mark.parametrize("abi", [1, 3, 5])
def test_an_older_landlock_is_enough(loop: asyncio.Runner, abi: int) -> None:
    local = LocalSandbox(slots=1, level="B", _landlock_abi=abi)
    try:
        try:
            loop.run(local.start())
        except SandboxUnavailable as missing:
            pytest.skip(f"run the tests on a kernel with Landlock: {missing}")
        assert f"ABI {abi}:" in str(local.describe())
        source = f"import os\nos.truncate({str(Path(__file__))!r}, {Path(__file__).stat().st_size})"
        assert "PermissionError" in run_script(loop, local, source).stderr
    finally:
        loop.run(local.close())


def test_describe_needs_no_start_and_no_loop() -> None:
    local = LocalSandbox(slots=3)
    description = local.describe()
    assert description.capacity == 3
    assert description.protects_against
    assert "kernel" in " ".join(description.does_not_protect_against)
    assert os.getpid()  # nothing was started that would have to be closed
