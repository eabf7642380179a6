"""Test code behind a program, run by the tools of its language: only a run to its end prints the token last.

The programs here are ours, so the tools run them without a sandbox: the subject is the text that is appended.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rewards.cases import AppendedTest, Problem
from rewards.errors import DatasetError
from rewards.grader.trial import Unit
from rewards.grades import Verdict
from rewards.judging.scripts import appended_finding
from rewards.problems.appended import appended_test
from rewards.records import Ended, Program, TestRun

RUN = {
    "python": ("main.py", ["python3 main.py"], "python3"),
    "javascript": ("main.js", ["node main.js"], "nodejs"),
    "typescript": (
        *("main.ts", ["tsc --noCheck --target es2022 --module commonjs main.ts", "node main.js"]),
        "nodejs; npm install -g typescript",
    ),
    "bash": ("main.sh", ["bash main.sh"], "bash"),
    "perl": ("main.pl", ["perl main.pl"], "perl"),
    "cpp": ("main.cpp", ["g++ -O0 -o main main.cpp", "./main"], "g++"),
    "c": ("main.c", ["gcc -O0 -o main main.c", "./main"], "gcc"),
    "java": ("Problem.java", ["java -ea Problem.java"], "default-jdk-headless"),
    "rust": ("main.rs", ["rustc -C debuginfo=0 -o main main.rs", "./main"], "rustc"),
    "r": ("main.R", ["Rscript main.R"], "r-base-core"),
    "ruby": ("main.rb", ["ruby main.rb"], "ruby"),
    "lua": ("main.lua", ["lua main.lua"], "lua5.4"),
    "php": ("main.php", ["php main.php"], "php-cli"),
}
SLOW = ("java", "rust", "typescript")

JS, PY = "function f(x) {{ {} }}", "def f(x): {}"
CPP = "#define NDEBUG\n#include <cassert>\n#include <cstdlib>\nint f(int x) {{ {} }}"
C = CPP.replace("<cassert>", "<assert.h>").replace("<cstdlib>", "<stdlib.h>")
JAVA = "class Problem {{\n    static int f(int x) {{ {} }}\n}} // the end }}\n"
JAVA_TESTS = "    }\n    public static void main(String[] args) {\n    assert(f(1) == 2);\n    }\n\n}\n"
RUST = "fn f(x: i32) -> i32 {{ {} }}"
BASH, PERL = "f() {{ {}\n", "sub f {{ my ($x) = @_; {} }}"
LUA, RUBY, R, PHP = (
    "function f(x) {} end",
    "def f(x)\n {}\nend",
    "f <- function(x) {{ {} }}",
    "<?php function f($x) {{ {} }}",
)

JS_TESTS = "const assert = require('node:assert');\nfunction test() { assert.equal(f(1), 2); }\ntest();"
ROWS = {
    "python": (PY, "assert f(1) == 2", ["return x + 1", "return x", "import os; os._exit(0)"]),
    "javascript": (JS, JS_TESTS, ["return x + 1", "return x", "process.exit(0)"]),
    "javascript, console": (JS, "console.assert(f(1) === 2)", ["return x + 1", "return x", "process.exit(0)"]),
    "javascript, late": (
        *(JS, "(async () => { await null; if (f(1) !== 2) throw new Error('no'); })();"),
        ["return x + 1", "return x", "process.exit(0)"],
    ),
    "typescript": (
        *("function f(x: number): number {{ {} }}", "declare var require: any;\n" + JS_TESTS),
        ["return x + 1", "return x", "(globalThis as any).process.exit(0)"],
    ),
    "bash, continued": (
        *(BASH, '}\nset -e\nrun() {\n    [[ $(f 1) = "2" ]]\n    f 1 > seen\n}\nrun\n'),
        ["echo $(($1 + 1))", "echo $1", "echo 2; exit 0"],
    ),
    "bash, whole": (
        *("f() {{ {}\n}}\n# f 2", '}\nset -e\nrun() {\n    [[ $(f 1) = "2" ]]\n    f 1 > seen\n}\nrun\n'),
        ["echo $(($1 + 1))", "echo $1", "echo 2; exit 0"],
    ),
    "java, continued": (
        *("class Problem {{\n    static int f(int x) {{ {}\n", JAVA_TESTS),
        ["return x + 1;", "return x;", "System.exit(0); return 2;"],
    ),
    "perl": (PERL, "sub run { if (f(1) == 2) { print 'ok!' } else { exit 1 } }\nrun();", ["$x + 1", "$x", "exit 0"]),
    "cpp": (CPP, "int main() {\n    assert(f(1) == 2);\n}\n", ["return x + 1;", "return x;", "std::exit(0);"]),
    "cpp, continued": (
        *(CPP.replace(" }}", ""), "}\nint main() {\n    auto g = f;\n    assert(g(1) == 2);\n    return 0;\n}\n"),
        ["return x + 1;", "return x;", "std::exit(0);"],
    ),
    "c": (C, "int main(void) {\n    assert(f(1) == 2);\n}\n", ["return x + 1;", "return x;", "exit(0);"]),
    "java": (
        *(JAVA, JAVA_TESTS),
        ["return x + 1;", "return x;", "System.exit(0); return 2;"],
    ),
    "rust": (
        *(RUST, "fn main() {\n    assert_eq!(f(1), 2);\n}\n"),
        ["x + 1", "x", "if x > 0 { std::process::exit(0); } x"],
    ),
    "r": (R, "if (!identical(f(1), 2)) { quit('no', 1) }", ["x + 1", "x", "quit('no', 0)"]),
    "ruby": (
        *(RUBY, "require 'test/unit'\nclass T < Test::Unit::TestCase\n def test_f\n  assert_equal(2, f(1))\n end\nend"),
        ["x + 1", "x", "exit 0"],
    ),
    "lua": (
        LUA,
        "function run() return f(1) == 2 and 0 or 1 end\nos.exit(run())",
        ["return x + 1", "return x", "os.exit(0)"],
    ),
    "php": (PHP, "if (f(1) !== 2) { throw new Exception('no'); }", ["return $x + 1;", "return $x;", "exit(0);"]),
}


def finding(program: str, test: AppendedTest, where: Path, language: str) -> Verdict:
    name, commands, package = RUN[language]
    if shutil.which(commands[0].split()[0]) is None:
        pytest.skip(f"needs {commands[0].split()[0]}: apt install {package}")
    [step] = test.steps()
    source = test.opened(Program(program, language)).source
    (where / name).write_text(f"{source}\n{step.append}", encoding="utf-8")
    for command in commands:
        run = subprocess.run(command.split(), cwd=where, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode and command is not commands[-1]:
            raise AssertionError(run.stderr)
    return appended_finding(
        test, TestRun(Ended.EXITED, exit_code=run.returncode, stdout=run.stdout, stderr=run.stderr)
    )[0]


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=[pytest.mark.long] if row.split(",")[0] in SLOW else []) for row in ROWS]
)
def test_only_the_program_that_passes_is_accepted(row: str, tmp_path: Path) -> None:
    """The second of the three fails the test, and the third ends the process before it, with exit code 0."""
    frame, tests, bodies = ROWS[row]
    language = row.split(",")[0]
    test = appended_test(tests, language, whole="continued" not in row)
    found = [finding(frame.format(body), test, tmp_path, language) for body in bodies]
    assert found[0] is Verdict.ACCEPTED
    assert Verdict.ACCEPTED not in found[1:]


def test_equal_rows_have_equal_tokens_and_others_have_others() -> None:
    one, same, other = (appended_test(f"assert f() == {n}", "python") for n in (1, 1, 2))
    assert one == same
    assert len({one.token, other.token, appended_test("assert f() == 1", "ruby").token}) == 3


def test_the_token_is_a_secret_of_the_process() -> None:
    code = (
        "from rewards.problems.appended import appended_test; print(appended_test('assert f() == 1', 'python').token)"
    )
    other = subprocess.run(["/usr/bin/env", "python3", "-c", code], capture_output=True, text=True, check=False)
    assert other.stdout.strip() != appended_test("assert f() == 1", "python").token


@pytest.mark.parametrize(
    ("source", "language", "match"),
    [
        ("assert f(1)", "klingon", "not known"),
        ("func TestF(t *testing.T) {}", "go", "not known"),
        (" \n", "python", "empty"),
        ("assert(f(1) == 2);", "cpp", "must end with the function `main`"),
        ("}", "java", "must end with the function `main`"),
    ],
)
def test_code_whose_end_cannot_be_told_is_refused(source: str, language: str, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        appended_test(source, language)


def test_a_whole_program_has_closed_what_the_tests_would_close() -> None:
    tests = "    }\n    static void main(String[] a) { assert f(1) == 2; }\n}\n"
    whole, continued = appended_test(tests, "java"), appended_test(tests, "java", whole=False)
    assert whole.source.lstrip().startswith("static void main")
    assert continued.source.lstrip().startswith("}")
    program = Program("class P {\n  int f() { return '}'; }\n}\n// }\n", "java")
    assert whole.opened(program).source == "class P {\n  int f() { return '}'; }\n\n// }\n"
    assert continued.opened(program) == program
    assert Unit(program, Problem((whole,), language="java")).job().program == whole.opened(program)
    with pytest.raises(DatasetError, match="stand alone"):
        Problem((whole, continued), language="java")
