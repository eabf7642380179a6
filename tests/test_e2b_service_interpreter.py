"""The stand-in service's code interpreter, asked by the real SDK: real kernels, and how the real service fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
from e2b import NotFoundException, SandboxException, TimeoutException
from e2b_code_interpreter import AsyncSandbox
from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle, start_service
from e2b_service.settings import Settings

SILENT = (Fault.KEEPALIVE_ONLY, Fault.ABORT_HANG)
Scene = Callable[[AsyncSandbox], Coroutine[Any, Any, None]]
SETTLED_S = 1.0
"""After a cell was given up: its interrupt has landed."""


@pytest.fixture(scope="module")
def running() -> Iterator[ServiceHandle]:
    with start_service(Settings(keepalive_s=0.1)) as handle:
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


async def give_up(sandbox: AsyncSandbox, code: str, *, after_s: float = 0.5) -> None:
    """Run *code* and hang up on it."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sandbox.run_code(code), after_s)


def test_a_cell_prints_returns_and_counts(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        first = await sandbox.run_code("import sys\nprint('out')\nprint('err', file=sys.stderr)\nkept = {'k': 1}\nkept")
        assert ("".join(first.logs.stdout), "".join(first.logs.stderr)) == ("out\n", "err\n")
        assert (first.text, first.results[0].json, first.execution_count) == ("{'k': 1}", {"k": 1}, 1)
        second = await sandbox.run_code("kept['k'] + 1")
        assert (second.text, second.execution_count, second.error) == ("2", 2, None)
        assert (await sandbox.run_code("'quoted'")).text == "quoted"

    play(scene)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1/0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("input()", "StdinNotImplementedError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_what_a_cell_raises_is_its_error(play: Callable[[Scene], None], code: str, name: str) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        execution = await sandbox.run_code(code)
        assert execution.error is not None
        assert execution.error.name == name
        assert name in execution.error.traceback
        assert execution.execution_count == 1

    play(scene)


def test_a_table_is_data_and_html(play: Callable[[Scene], None]) -> None:
    pytest.importorskip("pandas")

    async def scene(sandbox: AsyncSandbox) -> None:
        execution = await sandbox.run_code("import pandas\npandas.DataFrame({'a': [1, 2], 'b': ['x', None]})")
        (result,) = execution.results
        assert result.data == {"a": [1, 2], "b": ["x", None]}
        assert result.html is not None

    play(scene)


def test_a_plot_is_a_picture_beside_the_result(play: Callable[[Scene], None]) -> None:
    pytest.importorskip("matplotlib")

    async def scene(sandbox: AsyncSandbox) -> None:
        execution = await sandbox.run_code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n5")
        plot, value = sorted(execution.results, key=lambda result: result.is_main_result)
        assert plot.png is not None
        assert plot.png.startswith("iVBOR")
        assert value.text == "5"

    play(scene)


def test_five_megabytes_arrive_whole(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        assert len("".join((await sandbox.run_code("print('x' * 5_000_000)")).logs.stdout)) == 5_000_001

    play(scene)


def test_contexts_have_their_own_state_and_run_side_by_side(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.files.make_dir("sub")
        contexts = [await sandbox.create_code_context(cwd="/home/user/sub") for _ in range(3)]
        assert len(await sandbox.list_code_contexts()) == 4
        began = time.monotonic()
        cells = [
            sandbox.run_code(
                f"import os, time; time.sleep(1.5); x = {number}; x, os.path.basename(os.getcwd())", context=one
            )
            for number, one in enumerate(contexts)
        ]
        assert [one.text for one in await asyncio.gather(*cells)] == [f"({number}, 'sub')" for number in range(3)]
        assert time.monotonic() - began < 4.4
        assert [(await sandbox.run_code("x", context=one)).text for one in contexts] == ["0", "1", "2"]
        await sandbox.remove_code_context(contexts[0])
        with pytest.raises(NotFoundException, match="not found"):
            await sandbox.run_code("x", context=contexts[0])
        await sandbox.restart_code_context(contexts[1])
        forgotten = (await sandbox.run_code("x", context=contexts[1])).error
        assert forgotten is not None
        assert forgotten.name == "NameError"

    play(scene)


def test_cells_of_one_context_wait_for_each_other(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("import time; running = []")
        cell = "running.append(1); time.sleep(0.1); running.pop(); len(running)"
        assert [one.text for one in await asyncio.gather(*(sandbox.run_code(cell) for _ in range(4)))] == ["0"] * 4

    play(scene)


def test_variables_of_a_call_are_gone_after_it(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        assert (await sandbox.run_code("import os; os.environ['K']", envs={"K": "v"})).text == "v"
        assert (await sandbox.run_code("os.environ.get('K'), 'PYTHONPATH' in os.environ")).text == "(None, False)"

    play(scene)


def test_a_language_without_a_kernel_is_refused(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        with pytest.raises(SandboxException, match=r"500 .*kernel is not available"):
            await sandbox.run_code("1", language="r")
        assert (await sandbox.run_code("1", language="python")).text == "1"
        with pytest.raises(SandboxException, match=r"500 .*working directory"):
            await sandbox.create_code_context(cwd="/nowhere")

    play(scene)


@pytest.mark.parametrize("code", ["import os; os._exit(1)", "import os; os.kill(os.getpid(), 9)"])
def test_a_kernel_that_dies_is_replaced_and_its_cell_says_so(
    service: ServiceHandle, play: Callable[[Scene], None], code: str
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("x = 1")
        died = (await sandbox.run_code(code)).error
        assert died is not None
        assert died.name == "ContextRestarting"
        assert (await sandbox.run_code("'x' in globals()")).text == "False"

    play(scene)
    assert service.stats().faults[Fault.KERNEL_DEATH.value] == 1


def test_a_client_that_hangs_up_interrupts_its_cell(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("import time")
        await give_up(sandbox, "for ticks in range(600): time.sleep(0.1)")
        await asyncio.sleep(SETTLED_S)
        assert int((await sandbox.run_code("ticks")).text or "") < 100

    play(scene)


def test_the_cell_right_after_an_interrupted_one_hangs_until_the_context_is_restarted(
    service: ServiceHandle, play: Callable[[Scene], None]
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("import time")
        await give_up(sandbox, "time.sleep(60)")
        await give_up(sandbox, "6 * 7", after_s=1.0)
        (context,) = await sandbox.list_code_contexts()
        await sandbox.restart_code_context(context)
        assert (await sandbox.run_code("6 * 7")).text == "42"

    play(scene)
    assert service.stats().faults[Fault.ABORT_HANG.value] == 1


def test_a_cell_that_survives_the_interrupt_keeps_its_context_busy(play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("import time")
        stubborn = "while True:\n    try: time.sleep(60)\n    except BaseException: pass"
        await give_up(sandbox, stubborn)
        await asyncio.sleep(SETTLED_S)
        await give_up(sandbox, "1")

    play(scene)


def test_a_flood_does_not_fill_the_service(service: ServiceHandle, play: Callable[[Scene], None]) -> None:
    async def read_slowly(_: Any) -> None:
        await asyncio.sleep(0.05)

    async def scene(sandbox: AsyncSandbox) -> None:
        cell = sandbox.run_code("while True: print('x' * 100_000)", on_stdout=read_slowly)
        with contextlib.suppress(
            TimeoutError
        ):  # or what the kernel keeps of the flood has filled its own memory before
            await asyncio.wait_for(cell, 1.5)
        with open(f"/proc/{service.pid}/status") as status:
            (most_kb,) = (int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert most_kb < 500_000

    play(scene)


def ended_by(raised: type[Exception]) -> Callable[[Any], bool]:
    return lambda outcome: isinstance(outcome, raised)


def is_whole(outcome: Any) -> bool:
    return bool(outcome.text == "5" and outcome.logs.stdout == ["printed\n"] and outcome.error is None)


def is_cut_short(outcome: Any) -> bool:
    """Nothing but what is missing tells it from a success."""
    return bool(outcome.error is None and outcome.text is None)


def is_dead(outcome: Any) -> bool:
    return bool(outcome.error.name == "ContextRestarting" and outcome.execution_count is None)


@pytest.mark.parametrize(
    ("fault", "is_as_expected"),
    [
        (Fault.EXECUTE_TRUNCATED, ended_by(httpx.RemoteProtocolError)),
        (Fault.EXECUTE_SILENT_END, is_cut_short),
        (Fault.EXECUTE_MISSING_END, is_whole),
        (Fault.EXECUTE_GARBAGE, ended_by(json.JSONDecodeError)),
        (Fault.KEEPALIVE_ONLY, ended_by(TimeoutException)),
        (Fault.ABORT_HANG, ended_by(TimeoutException)),
        (Fault.KERNEL_DEATH, is_dead),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)
def test_a_spoiled_answer_looks_to_the_sdk_as_the_real_one_does(
    service: ServiceHandle, play: Callable[[Scene], None], fault: Fault, is_as_expected: Callable[[Any], bool]
) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        await sandbox.run_code("1")
        service.add_fault(fault, times=3)
        for _ in range(3):  # the fault strikes after none, one or two lines
            cell = sandbox.run_code("print('printed')\n5", timeout=0.3 if fault in SILENT else 30)
            (outcome,) = await asyncio.gather(cell, return_exceptions=True)
            assert is_as_expected(outcome), outcome
        await asyncio.sleep(SETTLED_S)
        assert (await sandbox.run_code("6 * 7")).text == "42"

    play(scene)
    assert service.stats().faults[fault.value] == 3


def test_keepalives_come_while_a_cell_is_silent(service: ServiceHandle, play: Callable[[Scene], None]) -> None:
    async def scene(sandbox: AsyncSandbox) -> None:
        headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49999"}
        body = {"code": "import time; time.sleep(0.5)", "context_id": None, "language": None, "env_vars": None}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{service.url}/execute", json=body, headers=headers, timeout=30)
        kinds = [json.loads(line)["type"] for line in answer.text.splitlines()]
        assert kinds.count("keepalive") >= 2
        assert kinds[-1] == "end_of_execution"

    play(scene)
