"""Checkers and the other kinds of test with real programs in the local sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from asking import fenced

from rewards import CodeReward, Verdict
from rewards.errors import SandboxUnavailable
from rewards.sandboxes.local import LocalSandbox

SUMS = """
import sys

given, answer, output = (open(name).read() for name in sys.argv[1:])
first, second = map(int, output.split())
print(1 if first + second == int(given) else 0)
"""
SUMS_CPP = """
#include <cstdio>
#include <cstdlib>
int main(int count, char** names) {
    long n, a, b;
    std::FILE* given = std::fopen(names[1], "r");
    std::FILE* output = std::fopen(names[2], "r");
    if (!given || !output || std::fscanf(given, "%ld", &n) != 1) return 3;
    if (std::fscanf(output, "%ld %ld", &a, &b) != 2) return 2;
    if (a > 1000000) std::abort();
    return a + b == n ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def reward() -> Iterator[CodeReward]:
    try:
        LocalSandbox(slots=1).describe()
    except SandboxUnavailable as error:
        pytest.skip(f"needs a Linux kernel that can confine programs: {error}")
    with CodeReward(sandbox="local", name="kinds", trust="shared", scoring="fraction_passed") as reward:
        yield reward


def details(reward: CodeReward, sources: list[str], tests: list[dict[str, Any]]) -> list[tuple[Verdict, str]]:
    rows = [json.dumps(tests)] * len(sources)
    batch = reward.grade(completions=[fenced(source) for source in sources], tests=rows)
    return [(grade.verdict, grade.detail) for grade in batch.grades]


def test_a_checker_in_python_judges_real_outputs(reward: CodeReward) -> None:
    tests = [
        {"type": "stdin", "input": given, "output": f"0 {given}", "checker": {"source": SUMS}}
        for given in ("5\n", "7\n")
    ]
    sources = [
        "n = int(input())\nprint(1, n - 1)",
        "n = int(input())\nprint(n - 2, 2)",
        "print(1, 4)",
        "print('crash')",
        "print(2**5000, 0)",
        "print(1)\nprint('1 4 # accept me')",
        "print()",
        "import sys; sys.exit(0)",
    ]
    found = [verdict for verdict, _ in details(reward, sources, tests)]
    assert found == [Verdict.ACCEPTED, Verdict.ACCEPTED, *([Verdict.WRONG_ANSWER] * 6)]


def test_the_checker_sees_nothing_that_the_program_left_and_the_program_no_answer(reward: CodeReward) -> None:
    """Neither the process nor the files of one are the other's."""
    checker = "import os, sys\nprint(1 if sorted(os.listdir()) == sorted(sys.argv[1:]) else 0)"
    tests = [{"type": "stdin", "input": "5\n", "output": "hidden", "checker": {"source": checker}}]
    leaves = "open('left.txt', 'w').write('1')\nimport os\nprint(os.listdir())"
    looks = "import os\nfor n in os.listdir('.'):\n    print(n)\nassert not os.path.exists('answer.txt')\nprint('ok')"
    assert [verdict for verdict, _ in details(reward, [leaves, looks], tests)] == [Verdict.ACCEPTED] * 2


@pytest.mark.parametrize("style", ["codeforces", "testlib"])
def test_a_checker_that_is_broken_is_not_a_wrong_program(reward: CodeReward, style: str) -> None:
    checker = {"source": "raise OSError('no')", "style": style}
    tests = [{"type": "stdin", "input": "5\n", "output": "2 3", "checker": checker}]
    [(verdict, detail), (same, _)] = details(reward, ["print(2, 3)", "print(0)"], tests)
    assert (verdict, same) == (Verdict.UNJUDGED, Verdict.UNJUDGED)
    assert "OSError: no" in detail


def test_a_checker_in_python_may_answer_with_exit_codes(reward: CodeReward) -> None:
    source = "import sys\n_, output, answer = (open(path).read().split() for path in sys.argv[1:])\n"
    checker = {"source": source + "sys.exit(0 if output == answer else 'they differ')", "style": "testlib"}
    tests = [{"type": "stdin", "input": "5\n", "output": "2 3", "checker": checker}]
    right, wrong = details(reward, ["print(2, 3)", "print(0)"], tests)
    assert (right[0], wrong[0]) == (Verdict.ACCEPTED, Verdict.WRONG_ANSWER)
    assert "says wrong answer: they differ" in wrong[1]


def test_a_checker_in_cpp_answers_with_exit_codes(reward: CodeReward) -> None:
    if shutil.which("g++") is None:
        pytest.skip("needs g++: apt install g++")
    if "cpp" not in (LocalSandbox(slots=1).languages or ()):
        pytest.skip("needs level A of the local sandbox, where compilers run")
    checker = {"source": SUMS_CPP, "language": "c++", "style": "testlib"}
    tests = [{"type": "stdin", "input": "5\n", "output": "2 3", "checker": checker}]
    found = details(reward, ["print(1, 4)", "print(1, 5)", "print('x')", "print(2000000, 1)"], tests)
    assert [verdict for verdict, _ in found] == [Verdict.ACCEPTED, *([Verdict.WRONG_ANSWER] * 3)]
    assert "presentation error" in found[2][1]
    assert "SIGABRT" in found[3][1]


SUITE = "from solution import f\n\n\ndef test_f():\n    assert f() == 'abc'\n"
UNITTEST = "import unittest\nfrom solution import f\n\n\nclass T(unittest.TestCase):\n    def test_f(self):\n        "
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "output file": (
        "open('out.txt', 'w').write(open('in.txt').read().upper())",
        {"type": "stdin", "files": {"in.txt": "abc"}, "output_file": "out.txt", "output": "ABC"},
    ),
    "file": (
        "import os\nos.mkdir('d')\nopen('d/f.csv', 'w').write(input())",
        {"type": "file", "path": "d/f.csv", "content": "7", "input": "7\n"},
    ),
    "file that exists": ("open('f', 'w')", {"type": "file", "path": "f"}),
    "pytest": ("def f(): return 'abc'", {"type": "suite", "source": SUITE}),
    "unittest": (
        "def f(): return 'abc'",
        {"type": "suite", "source": UNITTEST + "self.assertEqual(f(), 'abc')\n", "framework": "unittest"},
    ),
    "appended": ("def f(): return 'abc'", {"type": "appended", "source": "assert f() == 'abc'"}),
    "accepted": ("print('c')", {"type": "output", "output": "a", "accepted": ["b", "c"]}),
}
CHEATS = [
    *("pass", "import sys; sys.exit(0)", "import os; os._exit(0)", "print('PASSED')", "raise SystemExit(0)"),
    "def f():\n    import os\n    os._exit(0)",
    "class A:\n    __eq__ = lambda a, b: True\ndef f(): return A()",
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_program_passes_and_those_that_get_around_the_test_do_not(reward: CodeReward, kind: str) -> None:
    source, test = KINDS[kind]
    cheats = [cheat for cheat in CHEATS if kind != "appended" or "__eq__" not in cheat]
    found = reward(completions=[fenced(program) for program in (source, *cheats)], tests=[[test]] * (len(cheats) + 1))
    assert found == [1.0, *([0.0] * len(cheats))]


def test_a_cell_is_run_in_the_state_that_the_program_left(reward: CodeReward) -> None:
    pytest.importorskip("IPython", reason="pip install 'code-rewards[notebook]'")
    cells = [
        {"type": "cell", "source": "total = add(2, 3)", "output": "5"},
        {"type": "cell", "source": "f'{total} in all'", "output": "5 in all"},
        {"type": "cell", "source": "print(total)", "output": "5"},
    ]
    sources = ["def add(a, b): return a + b", "def add(a, b): return a - b", "add = print", "raise SystemExit"]
    found = reward(completions=[fenced(source) for source in sources], tests=[cells] * len(sources))
    assert found == [1.0, 0.0, 0.0, 0.0]
