"""The language that the opening marker of a fenced block names."""

from __future__ import annotations

from ..languages import canonical_language

_NO_LANGUAGE = frozenset({"", "code"})
"""`text` and `output` are not here: they mark what a program prints, not a program."""
_DIRECTIVES = frozenset({"code", "code-block", "code-cell", "sourcecode"})
"""MyST and Sphinx write ```{code-cell} python."""


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
