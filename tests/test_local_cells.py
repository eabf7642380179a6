"""Cells in the local sandbox: one IPython shell for all cells of a job, and no cell that can speak for another job."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cell_asking import SHORT, Asker, ends, shown
from e2b_pools import cells, pool_on
from e2b_service.handle import ServiceHandle, start_service

from rewards.errors import ConfigurationError
from rewards.records import CellStep, Ended, File, Job, JobResult, Limits, Program, RichResult, ScriptStep, TestRun
from rewards.sandboxes.local import LocalSandbox

pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to test cells")
pytest.importorskip("matplotlib", reason="pip install 'code-rewards[notebook]' to test figures")
pytest.importorskip("pandas", reason="pip install 'code-rewards[notebook]' to test tables")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

PNG = b"\x89PNG\r\n\x1a\n"
RUNNER_PARENT = Path(__file__).resolve().parents[1] / "rewards" / "sandboxes"


@pytest.fixture(scope="module")
def ask(loop: asyncio.Runner, sandbox: LocalSandbox) -> Asker:
    return Asker(loop, sandbox)


def test_cells_share_the_state_that_the_program_left(ask: Asker) -> None:
    runs = ask("print(x)\nx += 1", "x", "x;", program="x = 1\nprint('not shown')")
    assert ends(runs) == [Ended.RETURNED] * 3
    assert [run.stdout for run in runs] == ["1\n", "", ""]
    assert [run.results for run in runs] == [(), (RichResult((("text", "2"),), is_main=True),), ()]
    assert all(run.value is None and run.cpu_s > 0 for run in runs)


def test_what_a_cell_displays_comes_in_order_and_the_value_is_marked(ask: Asker) -> None:
    (run,) = ask("display('a')\nprint('p')\ndisplay({'b': 1})\n[3]")
    assert run.stdout == "p\n"
    assert [(result.is_main, dict(result.data)) for result in run.results] == [
        (False, {"text": "a"}),
        (False, {"text": "{'b': 1}", "json": '{"b": 1}'}),
        (True, {"text": "[3]", "json": "[3]"}),
    ]


def test_errors_are_told_with_a_traceback_in_plain_text_and_the_next_cell_runs(ask: Asker) -> None:
    runs = ask("print('before')\ndef f():\n    return 1 / 0\nf()", "def g(:", "%nothing", "x")
    assert ends(runs) == [Ended.RAISED] * 3 + [Ended.RETURNED]
    assert runs[0].stdout == "before\n"
    assert "return 1 / 0" in runs[0].stderr
    assert runs[0].stderr.endswith("ZeroDivisionError: division by zero")
    assert "SyntaxError" in runs[1].stderr
    assert "`%nothing` not found" in runs[2].stderr
    assert not any("\x1b" in run.stderr for run in runs)


def test_a_program_that_cannot_be_loaded_answers_no_cell(ask: Asker) -> None:
    runs = ask("print(1)", "print(2)", program="print('x')\nx = undefined")
    assert ends(runs) == [Ended.RAISED] * 2
    assert all("NameError" in run.stderr and not run.stdout for run in runs)


def test_figures_are_png_at_the_end_of_a_cell_and_where_they_are_shown(ask: Asker) -> None:
    runs = ask(
        "plt.plot([1, 2])\nprint('drawn')",
        "plt.plot([1])\nplt.title('$x^2$')\nplt.show()\nplt.plot([2])\nplt.show()\n7",
        "1",
        program="import matplotlib.pyplot as plt",
    )
    assert ends(runs) == [Ended.RETURNED] * 3
    assert [[result.is_main for result in run.results] for run in runs] == [[False], [False, False, True], [True]]
    for figure in (shown(runs[0])[0], *shown(runs[1])[:2]):
        assert base64.b64decode(figure["png"], validate=True).startswith(PNG)


def test_tables_are_html_and_columns(ask: Asker) -> None:
    (run,) = ask("pd.DataFrame({'a': [1, 2], 'b': ['x', None]})", program="import pandas as pd")
    (table,) = shown(run)
    assert "<table" in table["html"]
    assert table["data"] == '{"a": [1, 2], "b": ["x", null]}'
    assert table["text"].splitlines()[0].split() == ["a", "b"]


def test_what_is_written_to_the_descriptors_themselves_is_the_cells_output(ask: Asker) -> None:
    runs = ask("import os\nprint('a', flush=True)\nos.write(1, b'raw')\nos.write(2, b'err');", "print('b')")
    assert [(run.stdout, run.stderr) for run in runs] == [("a\nraw", "err"), ("b\n", "")]


def test_files_lie_there_when_their_cell_begins(ask: Asker) -> None:
    steps = (
        CellStep("read('data.csv')", (File("data.csv", b"a,b\n1,2\n"),)),
        CellStep("read('data.csv'), read('deep/down.bin')", (File("deep/down.bin", b"\0\xff"), File("data.csv", b"."))),
        CellStep("import os\nsorted(os.listdir('.'))"),
    )
    program = "def read(name):\n    with open(name, 'rb') as file:\n        return file.read()\nseen = read('data.csv')"
    runs = ask.job(Job(Program(program), steps, SHORT))
    assert [shown(run)[0]["text"] for run in runs] == [
        "b'a,b\\n1,2\\n'", "(b'.', b'\\x00\\xff')", "['data.csv', 'deep']"
    ]  # fmt: skip
    (run,) = ask("import os\nos.listdir('.')")
    assert shown(run)[0]["text"] == "[]"


def test_a_program_that_leaves_no_place_for_a_file_fails_in_that_cell(ask: Asker) -> None:
    steps = (CellStep("x"), CellStep("x", (File("data", b"."),)), CellStep("x"))
    runs = ask.job(Job(Program("import os\nos.makedirs('data/data')\nx = 1"), steps, SHORT))
    assert ends(runs) == [Ended.RETURNED, Ended.RAISED, Ended.RETURNED]


def test_files_that_do_not_fit_the_disk_limit_are_the_users_mistake(
    loop: asyncio.Runner, sandbox: LocalSandbox
) -> None:
    job = Job(Program(""), (CellStep("1", (File("a", bytes(2 << 20)),)),), replace(SHORT, disk_mb=1))
    with pytest.raises(ConfigurationError, match="disk_mb"):
        loop.run(sandbox.run(job))


def test_a_job_of_both_kinds_is_refused(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    with pytest.raises(ConfigurationError, match="cells alone"):
        loop.run(sandbox.run(Job(Program(""), (CellStep("1"), ScriptStep()))))


def test_magics_work_and_commands_do_not(ask: Asker) -> None:
    runs = ask("%time 3", "%%timeit -n1 -r1\nx", "!ls /", "%%bash\nls", "import os\nos.fork()", "x")
    assert ends(runs) == [Ended.RETURNED] * 2 + [Ended.RAISED] * 3 + [Ended.RETURNED]
    assert "Wall time" in runs[0].stdout
    assert shown(runs[0]) == [{"text": "3"}]


def test_warnings_about_the_surroundings_stay_out_of_the_output(ask: Asker) -> None:
    runs = ask(
        "import matplotlib.pyplot as plt\nplt.plot([1]);", "get_ipython().ipython_dir;", "%history", "import pandas"
    )
    assert [run.stderr for run in runs] == [""] * 4
    assert ends(runs) == [Ended.RETURNED] * 4


def test_a_missing_ipython_is_told_with_what_to_install(level: str, tmp_path: Path) -> None:
    """A zero for every program, or a failure that is retried for ever, would hide what the user has to do."""
    tmp_path.chmod(0o755)
    (tmp_path / "IPython.py").write_text("raise ModuleNotFoundError('No module named IPython', name='IPython')")
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)

    async def run() -> None:
        sandbox = LocalSandbox(slots=1, level=level, site_packages=[tmp_path])
        try:
            with pytest.raises(ConfigurationError, match=r"pip install 'code-rewards\[notebook\]'"):
                await sandbox.run(cells("1"))
            script = await sandbox.run(Job(Program("print(1)"), (ScriptStep(),)))
            assert isinstance(script, JobResult)
        finally:
            await sandbox.close()

    asyncio.run(run())


def test_the_host_needs_no_ipython_to_read_answers() -> None:
    code = "import sys; from runner import notebook; print(sorted({'IPython', 'traitlets'} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=RUNNER_PARENT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


AGREED = (
    "x",
    "print('a')\nx + 1",
    "'text'",
    '"it\'s"',
    "x;",
    "y = 3",
    "",
    "[1, 'b', {'c': None}]",
    "{'k': (1, 2)}",
    "1.5, {3}",
    "display('shown')\nprint('p')\n'value'",
    "1 / 0",
    "def f(:",
    "raise ValueError('told')",
    "import sys\nsys.exit(3)",
    "import sys\nprint('e', file=sys.stderr)",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "from IPython.display import HTML, Markdown, display\ndisplay(HTML('<b>b</b>'))\nMarkdown('*m*')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('after')",
    "plt.plot([3, 1]);",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "class R:\n    def _repr_html_(self): return '<i>'\n    def __repr__(self): return 'R'\nR()",
    "_",
    "len?",
    "x, y",
)
AGREED_JOB = cells(*AGREED, program="x = 1\nprint('loaded')", limits=Limits(wall_s=30.0))


def _comparable(run: TestRun) -> object:
    error = run.stderr.splitlines()[-1].partition(":")[0] if run.ended is Ended.RAISED else ""
    return run.ended, run.stdout, error, [(result.is_main, sorted(result.data)) for result in run.results]


@pytest.fixture(scope="module")
def agreed_on_e2b() -> tuple[TestRun, ...]:
    async def run(service: ServiceHandle) -> JobResult:
        async with pool_on(service, max_sandboxes=1, silence_s=10.0) as pool:
            answer = await pool.run(AGREED_JOB)
        assert isinstance(answer, JobResult), answer
        return answer

    with start_service() as service:
        return asyncio.run(run(service)).runs


def test_local_cells_and_those_on_e2b_give_the_same(ask: Asker, agreed_on_e2b: tuple[TestRun, ...]) -> None:
    for source, here, there in zip(AGREED, ask.job(AGREED_JOB), agreed_on_e2b, strict=True):
        assert _comparable(here) == _comparable(there), source
