"""One table: how a program of each language is named, compiled and run, and what to install where its tool is missing.

A command's first word is a tool to look up, with its other names behind `|`, or the program's own file (`./main`).
`{memory_mb}` is the job's limit, `{file}` the program's file and `{main}` the class that a virtual machine starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .entry_points import java_entry_point, javascript_file

_TSC = "tsc --noCheck --skipLibCheck --target es2022 --module commonjs --esModuleInterop main.ts"
"""Types are taken off and not checked, as the usual runners of TypeScript do: programs come without type packages."""


COMPILE_CPU_S, COMPILE_WALL_S = 60.0, 150.0
"""What a compiler may take: no limit of the program's, but a program that keeps it busy for longer is not compiled."""


@dataclass(frozen=True)
class Toolchain:
    """What it takes to run programs of one language."""

    file: str | Callable[[str], tuple[str, str]]
    """The program's file; or, where the source decides, a function of it that returns the file and the class to run."""
    run: tuple[str, ...]
    install: str
    hello: str
    """A program that prints `ok`: where this does not work, the machine is at fault and no program."""
    compile: tuple[str, ...] = ()
    artefacts: tuple[str, ...] = ()
    """What the compiler leaves for the run; a name that ends in `/` stands for all below."""
    overhead_mb: int = 32
    """What the language's own machinery takes, which is not counted against a program."""

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the tools that must be there, as the commands name them."""
        commands = [command[0] for command in (self.compile, self.run) if command]
        return tuple(dict.fromkeys(word for word in commands if not word.startswith("./")))

    def names_for(self, source: str) -> tuple[str, str]:
        """Return the file that *source* belongs into, and the class that starts it, where the language has one."""
        return (self.file, "") if isinstance(self.file, str) else self.file(source)


def _native(file: str, command: str, install: str, hello: str, *, overhead_mb: int = 16) -> Toolchain:
    words = tuple(command.split())
    return Toolchain(file, ("./main",), install, hello, words, ("main",), overhead_mb=overhead_mb)


_JVM = ("-Xmx{memory_mb}m", "-Xss64m", "-XX:+UseSerialGC", "-XX:-UsePerfData")
_JAVA_HELLO = 'public class Main { public static void main(String[] a) { System.out.println("ok"); } }'

TOOLCHAINS: dict[str, Toolchain] = {
    "javascript": Toolchain(
        javascript_file, ("node", "{file}"), "apt install nodejs", "console.log('ok')", overhead_mb=256
    ),
    "typescript": Toolchain(
        "main.ts",
        ("node", "main.js"),
        "apt install nodejs npm && npm install -g typescript",
        "const s: string = 'ok'; console.log(s)",
        compile=tuple(_TSC.split()),
        artefacts=("main.js",),
        overhead_mb=256,
    ),
    "bash": Toolchain("main.sh", ("bash", "main.sh"), "apt install bash", "echo ok"),
    "r": Toolchain("main.R", ("Rscript", "main.R"), "apt install r-base-core", "cat('ok\\n')", overhead_mb=128),
    "java": Toolchain(
        java_entry_point,
        ("java", "-ea", *_JVM, "-cp", "out:.", "{main}"),
        "apt install default-jdk-headless",
        _JAVA_HELLO,
        compile=("javac", "-J-XX:+UseSerialGC", "-encoding", "UTF-8", "-nowarn", "-d", "out", "-cp", ".", "{file}"),
        artefacts=("out/",),
        overhead_mb=256,
    ),
    "cpp": _native(
        "main.cpp",
        "g++ -O2 -std=gnu++20 -pthread -o main main.cpp",
        "apt install g++",
        '#include <iostream>\nint main() { std::cout << "ok" << std::endl; }',
    ),
    "c": _native(
        "main.c",
        "gcc -O2 -std=gnu17 -pthread -o main main.c -lm",
        "apt install gcc libc6-dev",
        '#include <stdio.h>\nint main(void) { puts("ok"); return 0; }',
    ),
    "go": _native(
        "main.go",
        "go build -o main main.go",
        "apt install golang-go",
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("ok") }\n',
        overhead_mb=64,
    ),
    "rust": _native(
        "main.rs", "rustc --edition 2021 -O -o main main.rs", "apt install rustc", 'fn main() { println!("ok"); }'
    ),
    "php": Toolchain("main.php", ("php", "main.php"), "apt install php-cli", "<?php echo 'ok';", overhead_mb=64),
    "perl": Toolchain("main.pl", ("perl", "main.pl"), "apt install perl", 'print "ok\\n";'),
    "ruby": Toolchain("main.rb", ("ruby", "main.rb"), "apt install ruby", "puts 'ok'", overhead_mb=64),
    "lua": Toolchain("main.lua", ("lua|lua5.4|lua5.3", "main.lua"), "apt install lua5.4", "print('ok')"),
    "julia": Toolchain(
        "main.jl", ("julia", "--startup-file=no", "main.jl"), "apt install julia", 'println("ok")', overhead_mb=512
    ),
    "kotlin": Toolchain(
        "main.kt",
        ("java", *_JVM, "-jar", "main.jar"),
        "apt install kotlin",
        'fun main() { println("ok") }',
        compile=("kotlinc", "main.kt", "-nowarn", "-include-runtime", "-d", "main.jar"),
        artefacts=("main.jar",),
        overhead_mb=256,
    ),
    "csharp": Toolchain(
        "main.cs",
        ("mono", "main.exe"),
        "apt install mono-mcs mono-runtime libmono-system-core4.0-cil",
        'class P { static void Main() { System.Console.WriteLine("ok"); } }',
        compile=("mcs", "-out:main.exe", "main.cs"),
        artefacts=("main.exe",),
        overhead_mb=128,
    ),
    "swift": _native(
        "main.swift", "swiftc -O -o main main.swift", "apt install swiftlang", 'print("ok")', overhead_mb=64
    ),
    "scala": Toolchain(
        "main.scala",
        ("scala", "-nc", "main.jar"),
        "apt install scala",
        'object Main extends App { println("ok") }',
        compile=("scalac", "-d", "main.jar", "main.scala"),
        artefacts=("main.jar",),
        overhead_mb=256,
    ),
    "racket": Toolchain(
        "main.rkt", ("racket", "main.rkt"), "apt install racket", '#lang racket/base\n(display "ok")', overhead_mb=256
    ),
    "d": _native(
        "main.d",
        "gdc -O2 -o main main.d",
        "apt install gdc",
        'import std.stdio;\nvoid main() { writeln("ok"); }',
    ),
    "haskell": _native("main.hs", "ghc -O -o main main.hs", "apt install ghc", 'main = putStrLn "ok"', overhead_mb=64),
    "ocaml": _native("main.ml", "ocamlopt -o main main.ml", "apt install ocaml-nox", 'print_endline "ok"'),
    "pascal": _native("main.pas", "fpc -O2 -omain main.pas", "apt install fpc", "begin writeln('ok') end."),
    "elixir": Toolchain("main.exs", ("elixir", "main.exs"), "apt install elixir", 'IO.puts("ok")', overhead_mb=256),
}
"""By the names of `Program.language`. Python is not in it: it runs in the sandbox's own interpreter."""


def advice(language: str) -> str:
    """Return, to stand behind a sentence, what brings the tools for *language*; empty where nothing is known of it."""
    return f"; what it needs comes with `{TOOLCHAINS[language].install}`" if language in TOOLCHAINS else ""
