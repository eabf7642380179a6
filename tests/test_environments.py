"""The environments of agents: an interpreter for each rollout, which answers with text whatever happens."""

from __future__ import annotations

import gc
import inspect
import pickle
import time
from functools import partial

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the environments")

from transformers.utils import get_json_schema

from rewards import (
    ConfigurationError,
    DatasetError,
    Interpreters,
    Limits,
)
from rewards.records import CellStep, Ended, File, RichResult, SandboxFailure, TestRun
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from trainers.environments import TOOLS, CodeInterpreterEnvironment, environment_class
from trainers.environments.tool_results import NO_INTERPRETER, NO_OUTPUT, RESTARTED, cut

ALL = tuple(TOOLS)
GONE = SandboxFailure("died", "the machine is gone")


def sandbox_with(cells, **options) -> FakeSandbox:
    return FakeSandbox({}, sessions=FakeSessions(cells, **options))


@pytest.fixture
def opened():
    """Give a function that returns an environment of its own interpreters; they are closed behind the test."""
    made: list[Interpreters] = []

    def environment(sandbox, tools=ALL, **options):
        made.append(Interpreters(sandbox))
        return environment_class(tools)(interpreters=made[-1], **options)

    yield environment
    for interpreters in made:
        interpreters.close()


def echo(source: str) -> str:
    return f"ran {source}"


def test_nothing_starts_before_a_reset(opened):
    """TRL builds an environment only to look at it."""
    sandbox = sandbox_with(echo)
    environment = opened(sandbox)
    assert CodeInterpreterEnvironment().calls == 0
    assert (sandbox.starts, sandbox.opened) == (0, [])
    with pytest.raises(RuntimeError, match="not reset"):
        environment.run_python("1")


def test_sixteen_starts_overlap_though_the_resets_come_one_after_the_other():
    sandbox = sandbox_with(echo, start_s=1.0)
    with Interpreters(sandbox) as interpreters:
        environments = [CodeInterpreterEnvironment(interpreters=interpreters) for _ in range(16)]
        began = time.monotonic()
        for environment in environments:
            environment.reset(prompt="go")
        assert time.monotonic() - began < 1.0
        assert [environment.run_python("1") for environment in environments] == ["ran 1"] * 16
        assert time.monotonic() - began < 16 * 1.0 / 3
    assert len(sandbox.opened) == 16


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(TestRun(Ended.RETURNED, stdout="3\n"), "3", id="printed"),
        pytest.param(TestRun(Ended.RETURNED), NO_OUTPUT, id="silence is said"),
        pytest.param(
            TestRun(
                Ended.RETURNED,
                stdout="a\n",
                results=(RichResult((("png", "AAAA"),)), RichResult((("text", "42"),), is_main=True)),
            ),
            "a\n[shown: png]\n42",
            id="what it showed",
        ),
        pytest.param(
            TestRun(Ended.RAISED, stdout="1\n", stderr="ZeroDivisionError"), "1\nZeroDivisionError", id="raised"
        ),
        pytest.param(
            TestRun(Ended.CPU_LIMIT, stdout="1\n"),
            f"1\n[stopped: too much CPU time; 5 s a call, 120 s in all]\n{RESTARTED}",
            id="too much CPU time",
        ),
        pytest.param(
            TestRun(Ended.WALL_LIMIT), f"[stopped: it took longer than 17 s]\n{RESTARTED}", id="too long by the clock"
        ),
        pytest.param(
            TestRun(Ended.MEMORY_LIMIT),
            f"[stopped: it needed more than 512 MB of memory]\n{RESTARTED}",
            id="too much memory",
        ),
        pytest.param(
            TestRun(Ended.OUTPUT_LIMIT, stdout="spam"),
            f"spam\n[stopped: it printed more than 64 KB]\n{RESTARTED}",
            id="a flood",
        ),
        pytest.param(
            TestRun(Ended.SIGNALLED, signal=11),
            f"[stopped: it ended the process of the interpreter]\n{RESTARTED}",
            id="a crash",
        ),
        pytest.param(GONE, f"[the call was lost: died] {NO_INTERPRETER}", id="no sandbox"),
    ],
)
def test_whatever_happens_comes_back_as_text(run, expected, opened):
    environment = opened(sandbox_with(lambda source: run))
    environment.reset()
    assert environment.run_python("x") == expected


def test_a_long_result_keeps_its_beginning_and_its_end(opened):
    environment = opened(sandbox_with(lambda source: "a" * 5000 + "b" * 5000), output_chars=300)
    environment.reset()
    text = environment.run_python("x")
    assert len(text) <= 300
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    kept = text.count("a", 0, text.index("[")) + text.count("b", text.index("]"))
    assert f"[... {10_000 - kept} characters left out ...]" in text


@pytest.mark.parametrize("limit", [0, 1, 5, 36, 37, 40, 80])
def test_no_limit_is_too_small_for_a_cut(limit):
    assert len(cut("x" * 1000, limit)) <= limit


def test_half_a_character_is_no_end_of_a_run():
    assert cut("a\ud800b", 10) == "a?b"


@pytest.mark.parametrize(
    ("tool", "arguments", "complaint"),
    [
        pytest.param("run_python", {"code": 123}, "code must be text, found int", id="code that is a number"),
        pytest.param("run_python", {"code": None}, "found NoneType", id="no code"),
        pytest.param("run_shell", {"command": ["ls"]}, "command must be text, found list", id="a list of words"),
        pytest.param("write_file", {"path": 1, "content": ""}, "path must be text", id="a path that is a number"),
        pytest.param("write_file", {"path": "a", "content": {}}, "content must be text", id="content that is none"),
        pytest.param("write_file", {"path": "../a", "content": ""}, "[not written: ", id="a path that leads out"),
        pytest.param("read_file", {"path": True}, "path must be text, found bool", id="a path that is a flag"),
    ],
)
def test_arguments_of_a_wrong_type_are_answered_and_not_run(tool, arguments, complaint, opened):
    sandbox = sandbox_with(echo, commands=echo)
    environment = opened(sandbox)
    environment.reset()
    assert complaint in getattr(environment, tool)(**arguments)
    assert environment.calls == 0


def test_files_and_commands_are_those_of_the_interpreter(opened):
    sandbox = sandbox_with(echo, commands={"false": TestRun(Ended.EXITED, exit_code=1, stderr="no\n"), "ls": "a.txt"})
    environment = opened(sandbox)
    environment.reset()
    assert environment.write_file("a.txt", "hällo") == "5 characters written"
    assert environment.read_file("a.txt") == "hällo"
    assert environment.read_file("b.txt") == "[no file 'b.txt']"
    assert environment.run_shell("ls") == "a.txt"
    assert environment.run_shell("false") == "no\n[exit code 1]"
    assert environment.calls == 5
    assert environment.stopped_calls == 0


def test_a_files_beginning_says_that_it_goes_on(opened):
    environment = opened(sandbox_with(echo), output_chars=120)
    environment.reset()
    environment.write_file("a.txt", "a" * 900)
    assert environment.read_file("a.txt").endswith("[the file goes on]")


def test_what_a_row_wants_there_is_there_first_and_again_after_a_restart(opened):
    sandbox = sandbox_with({"x = 1": "said by nobody", "boom": TestRun(Ended.CPU_LIMIT), "x": "1"})
    environment = opened(sandbox)
    environment.reset(environment_setup="x = 1", environment_files='{"a.txt": "hello"}', prompt="go")
    assert environment.run_python("x") == "1"
    assert RESTARTED in environment.run_python("boom")
    assert environment.read_file("a.txt") == "hello"
    setup = CellStep("x = 1", (File("a.txt", b"hello"),))
    assert sandbox.opened[0].cells == [setup, CellStep("x"), CellStep("boom"), setup]
    assert environment.stopped_calls == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        pytest.param({"environment_setup": 3}, "environment_setup must be Python source", id="a number"),
        pytest.param({"environment_files": "{"}, "no JSON object", id="no JSON"),
        pytest.param({"environment_files": "[1]"}, "must be a JSON object", id="a list"),
        pytest.param({"environment_files": {"a": 1}}, "must be a JSON object", id="a number for a text"),
        pytest.param({"environment_files": {"/a": "x"}}, "must be relative", id="an absolute path"),
    ],
)
def test_a_row_that_wants_the_impossible_is_refused(row, complaint, opened):
    with pytest.raises(DatasetError, match=complaint):
        opened(sandbox_with(echo)).reset(**row)


def test_after_a_failure_no_further_call_is_tried(opened):
    sandbox = sandbox_with(lambda source: GONE if source == "2" else "fine")
    environment = opened(sandbox)
    environment.reset()
    assert environment.run_python("1") == "fine"
    assert NO_INTERPRETER in environment.run_python("2")
    assert environment.run_python("3") == NO_INTERPRETER
    assert environment.failure == GONE
    assert [cell.source for cell in sandbox.opened[0].cells] == ["1", "2"]
    environment.reset()
    assert environment.failure is None
    assert environment.run_python("1") == "fine"


def test_a_sandbox_that_never_answers_is_waited_for_in_vain_but_not_for_ever(opened):
    environment = opened(sandbox_with(echo, latency_s=float("inf")), timeout_s=0.05)
    environment.reset()
    assert "deadline" in environment.run_python("1")
    assert environment.failure is not None


@pytest.mark.parametrize(
    "tools",
    [["run_python"], ["run_shell"], ["read_file", "write_file"], ["run_python", "write_file", "read_file"], ALL],
    ids="+".join,
)
def test_the_tools_are_exactly_the_wanted_ones(tools):
    made = environment_class(tools)
    public = {name for name, _ in inspect.getmembers(made, inspect.isfunction) if not name.startswith("_")}
    assert public == {*tools, "reset"}
    for tool in tools:
        described = get_json_schema(getattr(made(), tool))["function"]
        assert described["description"]
        assert all(about["description"] for about in described["parameters"]["properties"].values())
    factory = pickle.loads(pickle.dumps(partial(made, interpreters=Interpreters("local"), output_chars=7)))
    assert type(factory()) is made


@pytest.mark.parametrize(("tools", "complaint"), [(["rum_python"], "found 'rum_python'"), ([], "found none")])
def test_unknown_tools_are_refused(tools, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        environment_class(tools)


def test_a_forgotten_environment_closes_its_interpreter(opened):
    sandbox = sandbox_with(echo)
    environment = opened(sandbox)
    environment.reset()
    environment.run_python("1")
    (session,) = sandbox.opened
    del environment
    gc.collect()
    within(2.0, lambda: session.closed)


def within(seconds: float, is_so) -> None:
    """Wait for what happens on the background loop."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_local_sandbox_answers_as_a_notebook_does():
    pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]' to run cells in the local sandbox")
    tools = ["run_python", "write_file", "read_file"]
    with Interpreters("local", limits=Limits(cpu_s=0.5, memory_mb=512, output_kb=64)) as interpreters:
        environments = [environment_class(tools)(interpreters=interpreters, output_chars=300) for _ in range(2)]
        for i, environment in enumerate(environments):
            environment.reset(environment_setup=f"x = {i}", environment_files='{"a.txt": "hello"}')
        assert [environment.run_python("x += 1; x") for environment in environments] == ["1", "2"]
        one = environments[0]
        assert "ZeroDivisionError" in one.run_python("x / 0")
        assert one.run_python("print(open('a.txt').read(), x)") == "hello 1"
        assert one.write_file("b/c.txt", "deep") == "4 characters written"
        assert one.run_python("open('b/c.txt').read()") == "deep"
        assert one.read_file("b/c.txt") == "deep"
        assert one.run_python("while True: pass").endswith(RESTARTED)
        assert one.run_python("print('y' * 10**7)").endswith(RESTARTED)
        assert one.run_python("import os; os._exit(3)").endswith(RESTARTED)
        assert one.run_python("x") == "0"
        assert (one.stopped_calls, one.failure, one.error) == (3, None, None)
        assert environments[1].run_python("x") == "2"
