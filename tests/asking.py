"""What the tests of the grader and the reward ask with: completions, rows and scripted runs."""

from __future__ import annotations

from typing import Any

from rewards import CodeReward
from rewards.records import Ended, TestRun
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.fake import FakeSandbox


def fenced(source: str, language: str = "python") -> str:
    return f"Here it is:\n```{language}\n{source}\n```\n"


ANSWERS = {"print(1)": "1\n", "print(2)": "2\n", "print(3)": "3\n"}
RIGHT, WRONG = fenced("print(1)"), fenced("print(2)")
"""Of a row that expects 1."""


def make(sandbox: Sandbox | None = None, **options: Any) -> CodeReward:
    """Return a reward that runs nothing, in a sandbox that knows three programs unless one is given."""
    return CodeReward(sandbox=sandbox or FakeSandbox(ANSWERS, otherwise="?"), **options)


def prints(text: str, *, cpu_s: float = 0.0) -> TestRun:
    return TestRun(Ended.EXITED, exit_code=0, stdout=text, cpu_s=cpu_s)


def starved() -> TestRun:
    return TestRun(Ended.WALL_LIMIT, starved=True)


def stdin_row(*expected: str) -> dict[str, object]:
    """Return a row of as many stdin tests as there are expected outputs."""
    return {"tests": [{"type": "stdin", "input": f"{i}\n", "output": text} for i, text in enumerate(expected)]}


class Log:
    """Stands for a trainer's `log_metric` and `log_extra`, and is as strict as its loggers."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.columns: dict[str, list[str]] = {}

    def log_metric(self, name: str, value: float) -> None:
        assert type(value) is float
        assert value - value == 0, f"{name} is {value}"
        self.metrics[name] = value

    def log_extra(self, column: str, values: list[str]) -> None:
        for value in values:
            assert type(value) is str
            value.encode()
        self.columns[column] = values
