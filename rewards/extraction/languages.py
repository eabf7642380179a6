"""The names that languages go by: in dataset rows, and behind the opening marker of a fenced block."""

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
_NO_LANGUAGE = frozenset({"", "code"})
"""`text` and `output` are not here: they mark what a program prints, not a program."""
_DIRECTIVES = frozenset({"code", "code-block", "code-cell", "sourcecode"})
"""MyST and Sphinx write ```{code-cell} python."""


def canonical_language(name: str) -> str:
    """Return the one name of a language (`Py3` and `python3.11` are `python`); an unknown name stays, lower-cased."""
    name = name.strip().lower()
    return _CANONICAL.get(name) or _CANONICAL.get(name.rstrip("0123456789.")) or name


def language_of_info(info: str) -> str:
    """Return the language that the info string of a fenced block names, "" when it names none.

    Understands `python title="x"`, `{.python .numberLines}`, `{python}`, `{code-cell} python`, `python:main.py` and
    `rust,no_run`.
    """
    words = info.lower().replace("{", " ").replace("}", " ").split()
    if info.lstrip().startswith("{") and len(words) > 1 and words[0] in _DIRECTIVES:
        words = words[1:]
    if not words:
        return ""
    word = words[0].lstrip(".").removeprefix("language-").removeprefix("lang-")
    for end in (",", ":", ";"):
        word = word.split(end, 1)[0]
    return "" if word in _NO_LANGUAGE else canonical_language(word)
