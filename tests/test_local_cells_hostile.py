"""Cells that go wrong or mean harm in the local sandbox: verdicts about the cell, never a wrong pass, never a hang."""

from __future__ import annotations

import asyncio
import struct
import sys
from dataclasses import replace

import pytest
from cell_asking import SHORT, Asker, ends, shown
from hypothesis import given
from hypothesis import strategies as st

from rewards.records import Ended
from rewards.sandboxes.local import LocalSandbox
from rewards.sandboxes.runner.encoding import encode
from rewards.sandboxes.runner.notebook import CellReply, read_cells

pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test cells")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")


@pytest.fixture(scope="module")
def ask(loop: asyncio.Runner, sandbox: LocalSandbox) -> Asker:
    return Asker(loop, sandbox)


ENDLESS = "print('on')\nwhile True:\n    pass"


@pytest.mark.parametrize(
    ("cell", "ended", "next_ended"),
    [
        pytest.param(ENDLESS, Ended.CPU_LIMIT, None, id="an endless loop"),
        pytest.param("import time\nprint('on')\ntime.sleep(60)", Ended.WALL_LIMIT, None, id="a sleep"),
        pytest.param("while True:\n    print('x' * 1000)", Ended.OUTPUT_LIMIT, None, id="a flood"),
        pytest.param("import os\nwhile True:\n    os.write(2, b'x' * 1000)", Ended.OUTPUT_LIMIT, None, id="of errors"),
        pytest.param("while True:\n    display('x' * (1 << 20))", Ended.OUTPUT_LIMIT, None, id="of what is displayed"),
        pytest.param("'x' * (20 << 20)", Ended.OUTPUT_LIMIT, None, id="a value that is too large"),
        pytest.param("'x' * (1 << 40)", Ended.MEMORY_LIMIT, Ended.RETURNED, id="too much memory"),
        pytest.param("import sys\nsys.exit(0)", Ended.RAISED, Ended.RETURNED, id="sys.exit"),
        pytest.param("exit", Ended.RAISED, Ended.RETURNED, id="exit"),
        pytest.param("quit()", Ended.RAISED, Ended.RETURNED, id="quit"),
        pytest.param("import os\nos._exit(0)", Ended.SIGNALLED, None, id="os._exit"),
        pytest.param("import os\nos.kill(os.getpid(), 9)", Ended.SIGNALLED, None, id="a kill"),
        pytest.param("import os\nos.kill(os.getpid(), 2)", Ended.RAISED, Ended.RETURNED, id="an interruption"),
        pytest.param("input()", Ended.RAISED, Ended.RETURNED, id="a question"),
        pytest.param("import os\nos.abort()", Ended.SIGNALLED, None, id="an abort"),
        pytest.param("class A:\n    def __repr__(self): 1 / 0\nA()", Ended.RAISED, Ended.RETURNED, id="no repr"),
        pytest.param("raise ExceptionGroup('a', [ValueError(3)])", Ended.RAISED, Ended.RETURNED, id="a group"),
        pytest.param("class E(Exception):\n    def __str__(_): 1 / 0\nraise E", Ended.RAISED, Ended.RETURNED, id="E"),
    ],
)  # fmt: skip
def test_a_cell_that_goes_wrong_leaves_the_ones_before_it_alone(
    ask: Asker, cell: str, ended: Ended, next_ended: Ended | None
) -> None:
    limits = replace(SHORT, output_kb=64, **({"cpu_s": 0.5, "wall_s": 0.8} if "on'" in cell else {}))
    first, second, third = ask("print(x)", cell, "x", limits=limits)
    assert (first.ended, first.stdout) == (Ended.RETURNED, "1\n")
    assert (second.ended, third.ended) == (ended, next_ended or ended)
    assert len(second.stdout) <= 64 << 10
    if "'on'" in cell:
        assert second.stdout == "on\n"


@pytest.mark.parametrize("program", ["import os\nos._exit(0)", "import sys\nsys.exit(0)", ENDLESS, "raise MemoryError"])
def test_a_program_that_does_not_come_to_its_end_is_no_success(ask: Asker, program: str) -> None:
    runs = ask("x = 5\nx", "5", program=program)
    assert not any(run.ended is Ended.RETURNED or run.results for run in runs)
    assert len(set(ends(runs))) == 1


HOSTILE = {
    "a shell without run_cell": "get_ipython().run_cell = lambda *a, **k: None",
    "a shell that runs other cells": "get_ipython().transform_cell = lambda cell: 'x = 5'",
    "another get_ipython": "import builtins, IPython\nbuiltins.get_ipython = IPython.get_ipython = lambda: None",
    "a display hook": "import sys\nsys.displayhook = print\nget_ipython().displayhook.write_format_data = None",
    "a publisher": "get_ipython().display_pub.publish = lambda *a, **k: 1 / 0",
    "no stdout": "import sys\nsys.stdout = sys.stderr = None",
    "its own stdout": "import sys\nclass Out:\n    def write(self, *a): 1 / 0\n    flush = write\nsys.stdout = Out()",
    "closed outputs": "import os\nos.close(1)\nos.close(2)",
    "a stdout that was cut off": "import os\nos.ftruncate(1, 0)\nos.lseek(1, 1 << 20, 0)",
    "no builtins": "import builtins\nbuiltins.len = builtins.list = builtins.str = builtins.isinstance = None",
    "junk in the answers": "import os\nos.write(3, b'junk' * 9)",
    "a frame of junk": "import os\nos.write(3, b'\\x05\\0\\0\\0abcde')",
    "a frame of nothing": "import os\nos.write(3, bytes(4))",
    "a frame of brackets": "import os\nos.write(3, b'\\xa0\\x86\\x01\\0' + b'[' * 100000)",
    "answers cut off": "import os\nos.ftruncate(3, 0)",
    "answers cut off and sought": "import os\nos.ftruncate(3, 0)\nos.lseek(3, 0, 0)",
    "closed answers": "import os\nos.close(3)",
    "answers that are full": "import os\nos.ftruncate(3, 64 << 20)\nos.lseek(3, 0, 2)",
    "other descriptors": "import os\nfor i in range(4, 100):\n    try: os.write(i, b'x')\n    except OSError: pass",
    "a tracer": "import sys\ndef trace(*a): raise SystemExit\nsys.settrace(trace)",
    "a thread that prints": "import threading\nthreading.Thread(target=lambda: [print('t') for _ in '123']).start()",
    "an end of its own": "import atexit, os\natexit.register(os._exit, 0)\nimport sys\nsys.exit(0)",
    "hooks of the shell": "get_ipython().events.register('post_run_cell', lambda *a: 1 / 0)",
    "a transformer": "get_ipython().input_transformers_cleanup.append(lambda lines: ['5'])",
    "no modules": "import sys\nsys.modules.clear()",
    "a deep recursion": "import sys\nsys.setrecursionlimit(30)",
}


@pytest.mark.parametrize("cell", HOSTILE.values(), ids=HOSTILE)
def test_what_a_cell_breaks_is_its_own_jobs_and_never_more(ask: Asker, cell: str) -> None:
    """Whatever comes back is data; and the next job finds a shell that nobody has touched."""
    runs = ask(cell, "x", "1 + 1")
    assert len(runs) == 3
    assert all(isinstance(run.ended, Ended) for run in runs)
    (run,) = ask("x + 1")
    assert (run.ended, shown(run)) == (Ended.RETURNED, [{"text": "2"}])


def test_a_cell_can_forge_no_more_than_its_own_jobs_answers(ask: Asker) -> None:
    """A forged answer is the program's word like any other: it has to say what is compared on our side."""
    forged = encode(["returned", 0.0, 0.0, 0, 0, [[True, [["text", "42"]]]], None])
    frame = struct.pack("=I", len(forged)) + forged
    runs = ask(f"import os\nos.write(3, {frame!r})\nos._exit(0)", "6 * 7")
    assert ends(runs) == [Ended.RETURNED, Ended.SIGNALLED]
    malformed = struct.pack("=I", 3) + b"[1]"
    runs = ask(f"import os\nos.write(3, {malformed!r})\nos._exit(0)", "6 * 7")
    assert ends(runs) == [Ended.RAISED, Ended.SIGNALLED]


def test_cells_have_limits_of_their_own_and_one_for_all(ask: Asker) -> None:
    spin = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    assert ends(ask(spin, spin, spin, limits=replace(SHORT, cpu_s=0.4))) == [Ended.RETURNED] * 3
    runs = ask(spin, spin, spin, limits=replace(SHORT, cpu_s=0.4, job_cpu_s=0.35))
    assert ends(runs) == [Ended.RETURNED, Ended.CPU_LIMIT, Ended.CPU_LIMIT]


@given(st.binary(max_size=400))
def test_any_bytes_in_the_place_of_answers_are_read(data: bytes) -> None:
    assert all(isinstance(reply, CellReply) for reply in read_cells(data, limit=5))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["returned", "x"]),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


@given(
    st.lists(_JSON | st.tuples(st.just("returned"), st.just(0.0), st.just(0.0), _JSON, _JSON, _JSON, _JSON), max_size=3)
)
def test_any_values_in_the_place_of_answers_are_read(values: list[object]) -> None:
    frames = [encode(list(value) if isinstance(value, tuple) else value) for value in values]
    replies = read_cells(b"".join(struct.pack("=I", len(frame)) + frame for frame in frames), limit=5)
    assert len(replies) == len(values)
    for reply in replies:
        assert all(type(text) is str for _, data in reply.shown for pair in data for text in pair)
