"""Programs of other languages run in the local sandbox, compiled once; what the table says of each is so."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator

import pytest

from rewards.entry_points import java_entry_point, javascript_file
from rewards.errors import ConfigurationError, DatasetError, SandboxUnavailable
from rewards.intake.samples import ReadingOptions
from rewards.languages import canonical_language, is_language
from rewards.records import CallStep, Ended, File, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes import choice
from rewards.sandboxes.local import LocalSandbox, commands, tools
from rewards.sandboxes.local.builds import Builds, Built
from rewards.sandboxes.runner.parcel import PlacedFile
from rewards.toolchains import TOOLCHAINS, Toolchain, advice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

SLOW = {"kotlin", "scala", "swift", "julia", "csharp", "haskell", "r", "racket"}
DEFAULTS = Limits()


@pytest.fixture(scope="module")
def local(loop: asyncio.Runner) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(slots=1)
    loop.run(sandbox.start())
    if not sandbox.holds_other_languages:
        pytest.skip("run where namespaces can be had (level A): other languages need them")
    yield sandbox
    loop.run(sandbox.close())


def need(*languages: str) -> None:
    for language in languages:
        if language not in tools.languages_here():
            pytest.skip(f"to run {language}: {TOOLCHAINS[language].install}")


def result(
    loop: asyncio.Runner, sandbox: LocalSandbox, program: Program, *steps: ScriptStep, limits: Limits = DEFAULTS
) -> tuple[TestRun, ...]:
    need(program.language)
    answer = loop.run(sandbox.run(Job(program, steps or (ScriptStep(),), limits)))
    assert isinstance(answer, JobResult), answer
    return answer.runs


def run_one(loop: asyncio.Runner, sandbox: LocalSandbox, language: str, source: str, **step: object) -> TestRun:
    return result(loop, sandbox, Program(source, language), ScriptStep(**step))[0]  # type: ignore[arg-type]


# The table


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_each_line_of_the_table_names_a_language_and_what_to_install(language: str) -> None:
    toolchain = TOOLCHAINS[language]
    assert is_language(language)
    assert canonical_language(language) == language
    assert re.match(r"apt install |npm install ", toolchain.install)
    assert toolchain.tools
    assert bool(toolchain.compile) == bool(toolchain.artefacts)


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=[pytest.mark.long] if name in SLOW else []) for name in TOOLCHAINS]
)
def test_a_program_of_the_language_runs(loop: asyncio.Runner, local: LocalSandbox, language: str) -> None:
    run = run_one(loop, local, language, TOOLCHAINS[language].hello)
    assert (run.ended, run.exit_code, run.stdout.strip()) == (Ended.EXITED, 0, "ok"), run


def test_the_languages_of_the_sandbox_are_those_whose_tools_are_here(local: LocalSandbox) -> None:
    assert local.languages == choice.languages_of("local") == tools.languages_here()
    assert "python" in local.languages


def test_a_tool_in_somebodys_home_is_none(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run under another uid and see no home directory."""
    monkeypatch.setitem(tools.ENVIRONMENT, "PATH", str(tmp_path))
    (tmp_path / "mytool").write_text("#!/bin/sh\n")  # type: ignore[operator]
    (tmp_path / "mytool").chmod(0o755)  # type: ignore[operator]
    assert tools.find_tool("mytool|othertool") is None


# What is missing


def test_a_missing_tool_is_said_with_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match="apt install nodejs"):
        ReadingOptions(language="js", languages=frozenset({"python"}))
    with pytest.raises(DatasetError, match=r"javascript, .*apt install nodejs"):
        ReadingOptions(languages=frozenset({"python"})).problem_of({"expected_output": "1", "language": "javascript"})


def test_a_language_that_nobody_knows_has_no_advice() -> None:
    assert advice("cobol") == ""


def test_a_missing_tool_is_no_verdict(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = Toolchain("main.x", ("no-such-tool",), "apt install no-such-tool", "")
    monkeypatch.setitem(TOOLCHAINS, "sql", lacking)
    answer = loop.run(local.run(Job(Program("select 1", "sql"), (ScriptStep(),))))
    assert isinstance(answer, SandboxFailure)
    assert (answer.kind, answer.retryable) == ("unsupported", False)
    assert "apt install no-such-tool" in answer.detail


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Toolchain("x", ("sh", "-c", "exit 1"), "", ""), id="it fails at anything"),
        pytest.param(Toolchain("x", ("sh", "-c", "echo no"), "", ""), id="it prints something else"),
        pytest.param(
            Toolchain("x", ("./main",), "", "", compile=("sh", "-c", "echo broken >&2; exit 1"), artefacts=("main",)),
            id="the compiler refuses everything",
        ),
        pytest.param(
            Toolchain("x", ("./main",), "", "", compile=("true",), artefacts=("main",)), id="the compiler makes nothing"
        ),
    ],
)
def test_a_tool_that_cannot_do_a_good_program_is_the_machines_fault(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch, broken: Toolchain
) -> None:
    monkeypatch.setitem(TOOLCHAINS, "sql", broken)
    answer = loop.run(local.run(Job(Program("", "sql"), (ScriptStep(),))))
    assert isinstance(answer, SandboxFailure)
    assert "do not work in the sandbox" in answer.detail


def test_calls_are_for_python(loop: asyncio.Runner, local: LocalSandbox) -> None:
    need("bash")
    answer = loop.run(local.run(Job(Program("f() { :; }", "bash"), (CallStep("f"),))))
    assert isinstance(answer, SandboxFailure)
    assert (answer.kind, answer.retryable) == ("unsupported", False)


def test_without_namespaces_other_languages_are_refused(loop: asyncio.Runner) -> None:
    need("bash")
    sandbox = LocalSandbox(slots=1, level="B")
    try:
        loop.run(sandbox.start())
        with pytest.raises(ConfigurationError, match="running bash needs level A"):
            loop.run(sandbox.run(Job(Program("echo", "bash"), (ScriptStep(),))))
    except SandboxUnavailable as missing:
        pytest.skip(f"run where level B is to be had: {missing}")
    finally:
        loop.run(sandbox.close())


# Behaviour


def test_stdin_words_files_and_exit_codes_are_as_in_a_shell(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = 'read line; echo "$line $1 $(cat d/f)" | tr a-z A-Z; echo err >&2; echo left > out; exit 7'
    run = run_one(
        loop, local, "bash", source, stdin="in\n", args=("word",), files=(File("d/f", b"file"),), fetch=("out", "no")
    )
    assert (run.ended, run.exit_code, run.stdout, run.stderr) == (Ended.EXITED, 7, "IN WORD FILE\n", "err\n")
    assert run.files == (File("out", b"left\n"),)


def test_a_compiler_runs_once_for_all_steps(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_and_count = ("sh", "-c", "cp main.x main && chmod +x main && date +%N >> main")
    toolchain = Toolchain("main.x", ("sh", "./main"), "", "echo ok #", compile=compile_and_count, artefacts=("main",))
    monkeypatch.setitem(TOOLCHAINS, "sql", toolchain)
    runs = result(loop, local, Program("tail -n 1 main; exit\n", "sql"), *[ScriptStep()] * 3)
    assert len({run.stdout for run in runs}) == 1
    assert runs[0].stdout.strip().isdigit()


def test_a_source_that_comes_again_is_not_compiled_again(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checker comes with every program, and with other data each time."""
    compile_and_count = ("sh", "-c", "cp main.x main && chmod +x main && date +%N >> main")
    toolchain = Toolchain("main.x", ("sh", "./main"), "", "echo ok #", compile=compile_and_count, artefacts=("main",))
    monkeypatch.setitem(TOOLCHAINS, "sql", toolchain)
    program = Program("cat data; tail -n 1 main; exit\n#", "sql")
    seen = [
        result(loop, local, program, ScriptStep(files=(File("data", data), File("lib.h", header))))[0].stdout
        for data, header in ((b"1 ", b"a"), (b"2 ", b"a"), (b"3 ", b"b"))
    ]
    assert [text[0] for text in seen] == ["1", "2", "3"]
    assert seen[0][2:] == seen[1][2:] != seen[2][2:]


def test_what_is_kept_of_compilers_is_bounded() -> None:
    builds = Builds(kept_bytes=10)
    for name in "abc":
        builds.keep(name, Built((PlacedFile("main", b"12345"),)))
    builds.keep("refused", Built(refused=TestRun(Ended.NOT_COMPILED)))
    assert [name for name in ("a", "b", "c", "refused") if builds.find(name)] == ["b", "c"]
    builds.keep("huge", Built((PlacedFile("main", bytes(11)),)))
    assert not any(builds.find(name) for name in ("b", "c", "huge"))


def test_what_the_compiler_says_is_told_for_every_step(loop: asyncio.Runner, local: LocalSandbox) -> None:
    need("c")
    runs = result(loop, local, Program("int main(void) { return undeclared; }", "c"), ScriptStep(), ScriptStep())
    assert [run.ended for run in runs] == [Ended.NOT_COMPILED] * 2
    assert all("undeclared" in run.stderr for run in runs)


def test_a_header_that_the_step_brings_is_there_for_the_compiler(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = '#include <stdio.h>\n#include "lib.h"\nint main(void) { printf("%d\\n", N); }'
    assert run_one(loop, local, "c", source, files=(File("lib.h", b"#define N 5"),)).stdout == "5\n"


def test_a_segmentation_fault_is_a_signal(loop: asyncio.Runner, local: LocalSandbox) -> None:
    run = run_one(loop, local, "c", "int main(void) { *(volatile int *)0 = 1; }")
    assert (run.ended, run.signal) == (Ended.SIGNALLED, 11)


def test_output_beyond_the_limit_ends_the_program(loop: asyncio.Runner, local: LocalSandbox) -> None:
    run = result(loop, local, Program("yes", "bash"), limits=Limits(output_kb=64, disk_mb=1))[0]
    assert run.ended is Ended.OUTPUT_LIMIT
    assert len(run.stdout) == 64 << 10


def test_cpu_time_counts_over_all_processes(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "for i in 1 2 3; do while :; do :; done & done; sleep 60"
    run = result(loop, local, Program(source, "bash"), limits=Limits(cpu_s=0.6, wall_s=20))[0]
    assert run.ended is Ended.CPU_LIMIT
    assert run.wall_s < 10


def test_a_program_that_waits_ends_at_the_wall_limit(loop: asyncio.Runner, local: LocalSandbox) -> None:
    run = result(loop, local, Program("sleep 60 & wait", "bash"), limits=Limits(wall_s=0.5))[0]
    assert run.ended is Ended.WALL_LIMIT


def test_node_reads_stdin_and_takes_modules(loop: asyncio.Runner, local: LocalSandbox) -> None:
    script = "const t = require('fs').readFileSync(0, 'utf8'); console.log(t.length)"
    module = "import { readFileSync } from 'node:fs';\nconsole.log(await Promise.resolve(readFileSync(0).length))"
    for source in (script, module):
        assert run_one(loop, local, "javascript", source, stdin="abc").stdout == "3\n"


def test_node_may_start_processes(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "console.log(require('child_process').execSync('echo hi').toString())"
    assert run_one(loop, local, "javascript", source).stdout == "hi\n\n"


JAVA = [
    pytest.param("class A {}\npublic class B { public static void main(String[] a) {} }", ("B.java", "B"), id="public"),
    pytest.param("class A { public static void main(String[] a) {} }", ("A.java", "A"), id="none is public"),
    pytest.param("class A {}\nclass B { static void main(String... a) {} }", ("B.java", "B"), id="the one with main"),
    pytest.param(
        "public class A {}\nclass B { public static void main(String[] a) {} }", ("A.java", "B"), id="two of them"
    ),
    pytest.param("package a.b;\npublic class C { void main() {} }", ("C.java", "a.b.C"), id="a package"),
    pytest.param(
        "// public class X {\n/* public class Y { */ public final class Z { "
        'String s = "public class W {"; char c = \'"\'; '
        "static class In { public static void main(String[] a) {} } public static void main(String[] a) {} }",
        ("Z.java", "Z"),
        id="comments, literals and inner classes are none",
    ),
    pytest.param("no java at all", ("Main.java", "Main"), id="no Java"),
    pytest.param("", ("Main.java", "Main"), id="nothing"),
    pytest.param("public record P(int x) { public static void main(String[] a) {} }", ("P.java", "P"), id="a record"),
    pytest.param(f"public class {'A' * 251} {{}}", ("Main.java", "A" * 251), id="a name that no file can have"),
    pytest.param(f"public class {'Ä' * 126} {{}}", ("Main.java", "Ä" * 126), id="nor one of so many bytes"),
    pytest.param('}}} """ unclosed public class', ("Main.java", "Main"), id="garbage"),
]


@pytest.mark.parametrize(("source", "names"), JAVA)
def test_a_java_file_bears_the_name_of_its_public_class(source: str, names: tuple[str, str]) -> None:
    assert java_entry_point(source) == names


def test_java_programs_have_any_class_name_and_asserts(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = (
        "package p;\nimport java.util.*;\npublic class Solver { record R(int x) {}\n"
        "public static void main(String[] a) {"
        "System.out.println(new Scanner(System.in).nextInt() + new R(1).x()); assert a.length > 0; } }"
    )
    run = run_one(loop, local, "java", source, stdin="41\n")
    assert (run.stdout, run.exit_code) == ("42\n", 1)
    assert "AssertionError" in run.stderr


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("console.log(1)", "main.js"),
        ("import fs from 'fs';", "main.mjs"),
        ("const a = 1;\nexport default a;", "main.mjs"),
        ("// import x\nconst y = 'import z'", "main.js"),
    ],
)
def test_what_imports_or_exports_is_a_module(source: str, file: str) -> None:
    assert javascript_file(source)[0] == file


def test_a_compiler_that_hangs_is_stopped_and_the_program_is_at_fault(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_one(loop, local, "cpp", TOOLCHAINS["cpp"].hello).stdout == "ok\n"
    monkeypatch.setattr(commands, "COMPILING", Limits(cpu_s=1.0, wall_s=60.0, memory_mb=1024, disk_mb=64))
    source = (
        "template <int D, int N> struct T { enum { v = T<D - 1, 2 * N>::v + T<D - 1, 2 * N + 1>::v }; };\n"
        "template <int N> struct T<0, N> { enum { v = 1 }; };\nint main() { return T<25, 0>::v; }"
    )
    run = result(loop, local, Program(source, "cpp"))[0]
    assert run.ended is Ended.NOT_COMPILED
    assert run.stderr.startswith(("the compiler was stopped: cpu_limit", "the compiler was stopped: memory_limit"))
