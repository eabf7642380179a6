"""Right and wrong programs for every kind of test, with the verdict that each is due, wherever it runs."""

from __future__ import annotations

from rewards.cases import (
    AppendedTest,
    AssertTest,
    CallTest,
    CellTest,
    Checker,
    FileTest,
    OutputTest,
    Problem,
    StdinTest,
    SuiteTest,
    TestCase,
)
from rewards.grader.trial import Unit
from rewards.grades import Verdict
from rewards.records import CallStep, File, Limits, Program
from rewards.sandboxes.local.tools import languages_here

RIGHT, WRONG, BROKEN = Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR
SLOW = Verdict.TIME_LIMIT_EXCEEDED
SHORT = Limits(cpu_s=1.0, wall_s=20.0)
SUMS = """
import sys

given, answer, output = (open(name).read() for name in sys.argv[1:])
print(int(sum(map(int, output.split())) == int(given)))
"""
SUMS_CPP = """
#include <cstdio>
int main(int count, char** names) {
    long n, a, b;
    std::FILE* given = std::fopen(names[1], "r");
    std::FILE* output = std::fopen(names[2], "r");
    if (!given || !output || std::fscanf(given, "%ld", &n) != 1) return 3;
    if (std::fscanf(output, "%ld %ld", &a, &b) != 2) return 2;
    return a + b == n ? 0 : 1;
}
"""
PYTEST = (
    "import pytest\nfrom solution import f\n\n\n"
    "@pytest.mark.parametrize('x', [1, 2])\ndef test_f(x):\n    assert f(x) == 2 * x\n"
)
UNITTEST = (
    "import unittest\nfrom solution import f\n\n\n"
    "class TestF(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(2), 4)\n"
)
TWICE, THRICE = "def f(x):\n    return 2 * x\n", "def f(x):\n    return 3 * x\n"
JS = "console.log(2 * Number(require('fs').readFileSync(0, 'utf8')))"
JS_LATE = "while (true) {}"
CPP = "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n; }"
JAVA = (
    "import java.util.Scanner;\npublic class Twice { public static void main(String[] a) "
    "{ System.out.println(2 * new Scanner(System.in).nextInt()); } }"
)
TS = "const n: number = Number(require('fs').readFileSync(0, 'utf8')); console.log(2 * n)"
READS = "print(int(open('data/in.txt').read()) * 2)"
WRITES = "open('out.txt', 'w').write(str(int(input()) * 2))"

four = StdinTest("2\n", "4\n")
sums = StdinTest("5\n", "1 4", checker=Checker(SUMS, "python", "codeforces"))
sums_cpp = StdinTest("5\n", "1 4", checker=Checker(SUMS_CPP, "cpp", "testlib"))
data = (File("data/in.txt", b"2\n"),)

_ALL: dict[str, tuple[str, str, Verdict, tuple[TestCase, ...]]] = {
    "stdin": ("python", "print(2 * int(input()))", RIGHT, (four,)),
    "stdin, wrong": ("python", "print(5)", WRONG, (four,)),
    "stdin, raises": ("python", "1 / 0", BROKEN, (four,)),
    "stdin, late": ("python", "while True: pass", SLOW, (four,)),
    "output": ("python", "print('hi')", RIGHT, (OutputTest("hi"),)),
    "call": ("python", TWICE, RIGHT, (CallTest("f", (2,), 4),)),
    "call, wrong": ("python", THRICE, WRONG, (CallTest("f", (2,), 4),)),
    "assert": ("python", TWICE, RIGHT, (AssertTest("x = f(2)\nassert x == 4", names=("f",)),)),
    "assert, wrong": ("python", THRICE, WRONG, (AssertTest("x = f(2)\nassert x == 4", names=("f",)),)),
    "lowered assert": ("python", TWICE, RIGHT, (AssertTest("", (CallStep("f", (2,)),), "_0 == 4"),)),
    "pytest": ("python", TWICE, RIGHT, (SuiteTest(PYTEST, "pytest"),)),
    "pytest, wrong": ("python", THRICE, WRONG, (SuiteTest(PYTEST, "pytest"),)),
    "unittest": ("python", TWICE, RIGHT, (SuiteTest(UNITTEST, "unittest"),)),
    "unittest, wrong": ("python", THRICE, WRONG, (SuiteTest(UNITTEST, "unittest"),)),
    "files in": ("python", READS, RIGHT, (StdinTest("", "4", files=data),)),
    "file out": ("python", WRITES, RIGHT, (StdinTest("2\n", "4", output_file="out.txt"),)),
    "file out, none": ("python", "pass", WRONG, (StdinTest("2\n", "4", output_file="out.txt"),)),
    "file": ("python", "open('a', 'w').write('b')", RIGHT, (FileTest("a", "b"),)),
    "file, wrong": ("python", "open('a', 'w').write('c')", WRONG, (FileTest("a", "b"),)),
    "checker": ("python", "print(2, 3)", RIGHT, (sums,)),
    "checker, wrong": ("python", "print(2, 4)", WRONG, (sums,)),
    "checker, broken by its output": ("python", "print('x')", WRONG, (sums,)),
    "c++ checker": ("python", "print(2, 3)", RIGHT, (sums_cpp,)),
    "c++ checker, wrong": ("python", "print(2, 4)", WRONG, (sums_cpp,)),
    "cell": ("python", "x = 2", RIGHT, (CellTest("y = 2 * x", "4"), CellTest("print(y)\ny", "4"))),
    "cell, wrong": ("python", "x = 3", WRONG, (CellTest("2 * x", "4"),)),
    "cell, raises": ("python", "x = 3", BROKEN, (CellTest("1 / 0", "4"),)),
    "cell with files": ("python", "x = 2", RIGHT, (CellTest("int(open('data/in.txt').read()) * x", "4", files=data),)),
    "appended": ("python", TWICE, RIGHT, (AppendedTest("assert f(2) == 4", "print('token')", "token"),)),
    "appended, wrong": ("python", THRICE, WRONG, (AppendedTest("assert f(2) == 4", "print('token')", "token"),)),
    "javascript": ("javascript", JS, RIGHT, (four,)),
    "javascript, wrong": ("javascript", "console.log(5)", WRONG, (four,)),
    "javascript, raises": ("javascript", "throw 1", BROKEN, (four,)),
    "javascript, late": ("javascript", JS_LATE, SLOW, (four,)),
    "c++": ("cpp", CPP, RIGHT, (four,)),
    "c++, not compiled": ("cpp", "int main() { return x; }", BROKEN, (four,)),
    "java": ("java", JAVA, RIGHT, (four,)),
    "typescript": ("typescript", TS, RIGHT, (four,)),
    "bash with a file": (
        "bash",
        "cat data/in.txt > out.txt",
        RIGHT,
        (StdinTest("", "2", files=data, output_file="out.txt"),),
    ),
}


def _is_possible(language: str, tests: tuple[TestCase, ...]) -> bool:
    checkers = [test.checker for test in tests if isinstance(test, StdinTest) and test.checker is not None]
    return {language, *(checker.language for checker in checkers)} <= languages_here()


UNITS: dict[str, tuple[Unit, Verdict]] = {
    name: (Unit(Program(source, language), Problem(tests, limits=SHORT if "late" in name else Limits())), verdict)
    for name, (language, source, verdict, tests) in _ALL.items()
    if _is_possible(language, tests)
}
"""What the tools of this machine can do."""
