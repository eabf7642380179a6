"""An interpreter of its own for every rollout, as an environment for TRL's `GRPOTrainer(environment_factory=...)`.

TRL takes every public method of an environment's class for a tool, builds one environment only to look at it, resets
them one after the other, and never closes one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import combinations
from typing import Any, TypeVar

from rewards import ConfigurationError, DatasetError, Interpreter, Interpreters, RewardError
from rewards.records import Ended, File, SandboxFailure, TestRun

from ..data_arguments import SOURCE_COLUMN
from .call_clock import CallClock
from .context_budget import ContextBudget
from .setup import EnvironmentSetup
from .tool_results import NO_INTERPRETER, NO_ROOM, NO_TIME, cut, keeps_state, text_of_failure, text_of_run

T = TypeVar("T")
_BYTES_A_CHARACTER = 4


class InterpreterEnvironment:
    """One rollout's interpreter, without tools.

    Nothing starts before `reset`, which only has a start begun, so that those of a batch go on together. What a row has
    as `environment_setup`, Python source, and as `environment_files`, a JSON object of paths and texts, is there before
    the model's first call, and again after an end that took the interpreter.

    A tool returns text, whatever the model asked for and whatever happened, at most *output_chars* long, and with a
    *budget* no longer than TRL has room for. All calls of a rollout together may take *timeout_s*, waiting for their
    turns included, and half of it by themselves: a model that uses that up has no further calls, and is scored. After a
    failure of the sandbox (`failure`) or an error of the user's (`error`) no call is tried: there can be no score.
    """

    def __init__(
        self,
        *,
        interpreters: Interpreters | None = None,
        output_chars: int = 2000,
        budget: ContextBudget | None = None,
        timeout_s: float = 600.0,
    ) -> None:
        self.calls = 0
        """Calls of the rollout, those left out for want of room not counted."""
        self.stopped_calls = 0
        """Those of them that a limit ended."""
        self.failure: SandboxFailure | None = None
        self.error: RewardError | None = None
        self._interpreters = interpreters
        self._output_chars = output_chars
        self._budget = budget
        self._clock = CallClock(timeout_s)
        self._was_ready = False
        self._interpreter: Interpreter | None = None
        self._setup = EnvironmentSetup()
        self._preparing: Future[TestRun | SandboxFailure] | None = None
        self._room = 0

    def reset(self, **row: Any) -> None:
        """Begin the start of a fresh interpreter for a rollout on *row*; raises `DatasetError` for a bad one."""
        self._close()
        self.calls = self.stopped_calls = 0
        self.failure = self.error = None
        self._setup = EnvironmentSetup.of(row)
        self._clock.start()
        self._was_ready = False
        self._room = 0 if self._budget is None else self._budget.room(row)
        self._interpreter = self._source.open()
        self._prepare()

    def _close(self) -> None:
        """End the interpreter, if there is one; returns at once."""
        if self._interpreter is not None:
            self._interpreter.close()
        self._interpreter = self._preparing = None

    def _prepare(self) -> None:
        if self._interpreter is not None and self._setup:
            self._preparing = self._interpreter.submit(self._setup.source, files=self._setup.files)

    def _text(
        self, ask: Callable[[Interpreter], Future[T | SandboxFailure]], say: Callable[[T], str], **arguments: str
    ) -> str:
        """Return what is to be said of a call, within the room that is left."""
        if self._budget is None:
            return self._cut(self._answer(ask, say))
        self._room -= self._budget.count_call(arguments)
        if not self._budget.holds_a_result(self._room):
            return NO_ROOM
        text = self._budget.cut(self._cut(self._answer(ask, say)), self._room)
        self._room -= self._budget.count(text)
        return text

    def _cut(self, text: str) -> str:
        return cut(text, self._output_chars)

    def _answer(self, ask: Callable[[Interpreter], Future[T | SandboxFailure]], say: Callable[[T], str]) -> str:
        if self._interpreter is None:
            raise RuntimeError("this environment was not reset, or its rollout is over")
        if self.failure is not None or self.error is not None:
            return NO_INTERPRETER
        if self._clock.is_used_up:
            return NO_TIME
        self.calls += 1
        outcome: T | SandboxFailure
        try:
            self._await_setup()
            wall_limit_s = self._source.limits.wall_limit_s
            outcome = self.failure or self._clock.used_by(ask(self._interpreter), wall_limit_s=wall_limit_s)
        except TimeoutError:
            outcome = SandboxFailure("deadline", f"the calls of a rollout took longer than {self._clock.timeout_s:g} s")
        except RewardError as error:  # TRL would make a tool's result of it: the reward tells the trainer
            self.error = error
            return NO_INTERPRETER
        if isinstance(outcome, SandboxFailure):
            self.failure = outcome
            self._interpreter.close()
            return text_of_failure(outcome)
        return say(outcome)

    def _await_setup(self) -> None:
        """Take note of a set-up that did not work: the model's calls would mean something else without it.

        Where it did before, the model has ended that interpreter, and may have used up what this one needs.
        """
        if self._preparing is None:
            return
        run, self._preparing = self._clock.waited_for(self._preparing), None
        if isinstance(run, SandboxFailure):
            self.failure = run
        elif self._was_ready or run.ended is Ended.RETURNED:
            self._was_ready = True
        elif run.ended is Ended.RAISED:
            raise DatasetError(f"the {SOURCE_COLUMN} of a row raised: {run.stderr[-500:]}")
        else:
            self.failure = SandboxFailure("start", f"{SOURCE_COLUMN} ended by {run.ended.value}", retryable=False)

    def _text_of_run(self, run: TestRun, *, is_cell: bool = True) -> str:
        if not keeps_state(run):
            self.stopped_calls += 1
            if is_cell:
                self._prepare()
        return text_of_run(run, self._source.limits, restarts=is_cell)

    @property
    def _source(self) -> Interpreters:
        return self._interpreters or _interpreters_of_this_process()


class RunsPython(InterpreterEnvironment):
    """The tool `run_python`."""

    def run_python(self, code: str) -> str:
        """Run Python code in an interpreter that keeps its state from call to call, like a notebook.

        Args:
            code: The code to run.

        Returns:
            What the code printed, and the value of its last expression.
        """
        if not isinstance(code, str):
            return _no_text("code", code)
        return self._text(lambda interpreter: interpreter.submit(code), self._text_of_run, code=code)


class RunsShell(InterpreterEnvironment):
    """The tool `run_shell`, where the sandbox has it."""

    def run_shell(self, command: str) -> str:
        """Run a shell command in the directory of the interpreter.

        Args:
            command: The command line.

        Returns:
            What the command printed, and its exit code unless that is 0.
        """
        if not isinstance(command, str):
            return _no_text("command", command)
        return self._text(
            lambda interpreter: interpreter.submit_shell(command),
            lambda run: self._text_of_run(run, is_cell=False),
            command=command,
        )


class WritesFiles(InterpreterEnvironment):
    """The tool `write_file`."""

    def write_file(self, path: str, content: str) -> str:
        """Write a text file into the directory of the interpreter.

        Args:
            path: Where to write it, relative to that directory.
            content: The text.

        Returns:
            Whether it was written.
        """
        for name, value in (("path", path), ("content", content)):
            if not isinstance(value, str):
                return _no_text(name, value)
        try:
            file = File(path, content.encode("utf-8", "replace"))
        except DatasetError as error:
            return f"[not written: {error}]"

        def said(run: TestRun) -> str:
            done = f"{len(content)} characters written"
            return done if run.ended is Ended.RETURNED else self._text_of_run(run)

        return self._text(lambda interpreter: interpreter.submit("", files=[file]), said, path=path, content=content)


class ReadsFiles(InterpreterEnvironment):
    """The tool `read_file`."""

    def read_file(self, path: str) -> str:
        """Read a text file in the directory of the interpreter.

        Args:
            path: Where it is, relative to that directory.

        Returns:
            The text.
        """
        if not isinstance(path, str):
            return _no_text("path", path)

        limit_bytes = _BYTES_A_CHARACTER * self._output_chars

        def said(content: bytes | None) -> str:
            if content is None:
                return f"[no file {path!r:.200}]"
            rest = "\n[the file goes on]" if len(content) == limit_bytes else ""
            return content.decode("utf-8", "replace") + rest

        return self._text(lambda interpreter: interpreter.submit_read(path, limit_bytes=limit_bytes), said, path=path)


class CodeInterpreterEnvironment(RunsPython):
    """One rollout's interpreter, with the tool `run_python`."""


TOOLS: Mapping[str, type[InterpreterEnvironment]] = {
    "run_python": RunsPython,
    "run_shell": RunsShell,
    "write_file": WritesFiles,
    "read_file": ReadsFiles,
}


def environment_class(tools: Sequence[str]) -> type[InterpreterEnvironment]:
    """Return the class with exactly these tools; raises `ConfigurationError` for unknown ones, or none."""
    unknown = [name for name in tools if name not in TOOLS]
    if unknown or not tools:
        found = f"found {', '.join(map(repr, unknown))}" if unknown else "found none"
        raise ConfigurationError(f"tools are any of {', '.join(TOOLS)}; {found}")
    return _CLASSES[frozenset(tools)]


def _combined(tools: Sequence[str]) -> type[InterpreterEnvironment]:
    """Return a class of this module: AsyncGRPO sends the class to another process, by its name."""
    name = "".join(TOOLS[tool].__name__ for tool in tools) + "Environment"
    made = type(name, tuple(TOOLS[tool] for tool in tools), {"__doc__": "Made of the tools in its name."})
    made.__module__ = __name__
    globals()[name] = made
    return made


_CLASSES: dict[frozenset[str], type[InterpreterEnvironment]] = {
    frozenset(tools): _combined(tools) for count in range(2, len(TOOLS) + 1) for tools in combinations(TOOLS, count)
}
_CLASSES |= {frozenset([name]): TOOLS[name] for name in TOOLS} | {frozenset(["run_python"]): CodeInterpreterEnvironment}


@functools.cache
def _interpreters_of_this_process() -> Interpreters:
    """Return what environments share that were given none; closed with the process."""
    return Interpreters()


def _no_text(name: str, value: object) -> str:
    return f"[not run: {name} must be text, found {type(value).__name__}]"
