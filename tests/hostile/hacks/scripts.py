"""The programs that are asked for by tests which compare what is printed."""

from __future__ import annotations

import json
from typing import Any

from ..hack import Hack, canonical


def stdin_row(*cases: tuple[str, str], **top: Any) -> dict[str, str]:
    """Return a row whose cases are pairs of input and expected output."""
    return canonical(*({"type": "stdin", "input": given, "output": wanted} for given, wanted in cases), **top)


SUM = stdin_row(("1 2\n", "3\n"), ("10 5\n", "15\n"), ("7 -7\n", "0\n"))

SUM_AS_OPEN_R1 = {
    "verification_info": json.dumps(
        {
            "language": "python",
            "test_cases": [
                {"type": "stdin_stdout", "input": "1 2\n", "output": "3\n"},
                {"type": "stdin_stdout", "input": "10 5\n", "output": "15\n"},
            ],
        }
    )
}

SUM_AS_APPS = {"input_output": json.dumps({"inputs": ["1 2\n", "10 5\n"], "outputs": ["3\n", "15\n"]})}

QUICK_SUM = stdin_row(("1 2\n", "3\n"), limits={"cpu_s": 0.5})

BRIEF_SUM = stdin_row(("1 2\n", "3\n"), limits={"cpu_s": 0.5, "wall_s": 1.5})

LINES = stdin_row(("3\n", "1\n2\n3\n"), ("2\n", "1\n2\n"))

THIRD = stdin_row(("1\n", "0.333333333\n"), ("2\n", "0.666666667\n"), comparison="float:1e-6")

SILENT = {"expected_output": ""}

HELLO = {"expected_output": "hello\nworld\n"}

SUMS = "print(sum(map(int, input().split())))\n"

COUNTS = "for i in range(int(input())):\n    print(i + 1)\n"

THIRDS = "print(int(input()) / 3)\n"

GREETS = "print('hello')\nprint('world')\n"


def stdin(number: int, name: str, hostile: str, honest: str = SUMS, row: Any = SUM, **more: Any) -> Hack:
    """Return a hack of a program that reads and prints."""
    return Hack(number, name, "stdin", row, hostile, honest, **more)


def output(number: int, name: str, hostile: str, honest: str = GREETS, row: Any = HELLO, **more: Any) -> Hack:
    """Return a hack of a program that only prints."""
    return Hack(number, name, "output", row, hostile, honest, **more)
