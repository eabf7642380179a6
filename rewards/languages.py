"""The names that programming languages go by."""

from __future__ import annotations

_NAMES = {
    "python": "py python3 py3 ipython ipython3 pypy pypy3 cpython",
    "javascript": "js node nodejs node.js mjs cjs ecmascript jsx",
    "typescript": "ts tsx mts deno",
    "bash": "sh shell shellscript zsh ksh",
    "cpp": "c++ cc cxx cplusplus hpp g++",
    "c": "h gcc",
    "csharp": "c# cs c-sharp dotnet",
    "java": "jdk openjdk",
    "kotlin": "kt kts",
    "go": "golang",
    "rust": "rs",
    "ruby": "rb",
    "r": "rscript rlang",
    "php": "php7 php8",
    "perl": "pl",
    "lua": "luajit",
    "julia": "jl",
    "haskell": "hs",
    "ocaml": "ml",
    "racket": "rkt",
    "elixir": "ex exs",
    "fsharp": "f# fs",
    "visualbasic": "vb vbnet vb.net",
    "pascal": "pas delphi",
    "d": "dlang",
    "swift": "",
    "scala": "sc",
    "sql": "sqlite sqlite3 mysql postgres postgresql",
}
_CANONICAL = {alias: name for name, aliases in _NAMES.items() for alias in (name, *aliases.split())}


def canonical_language(name: str) -> str:
    """Return the one name of a language (`Py3` and `python3.11` are `python`); an unknown name stays, lower-cased."""
    name = name.strip().lower()
    return _CANONICAL.get(name) or _CANONICAL.get(name.rstrip("0123456789.")) or name


def is_language(name: str) -> bool:
    """Say whether *name* means a programming language that is known here."""
    return canonical_language(name) in _NAMES
