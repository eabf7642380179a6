"""Extraction holds on any text: it raises nothing, warns of nothing and takes no more than linear time."""

from __future__ import annotations

import re
import threading
import time
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rewards.extraction import (
    CHOICES,
    MAX_ANSWER_CHARS,
    MAX_PARSED_CHARS,
    Extraction,
    extract_program,
    is_python,
    join_prompt,
)
from rewards.extraction.fences import read_fences
from rewards.records import Program

PROMPT = 'def f(x):\n    """Do it."""\n'
MARKS = [
    "```",
    "~~~",
    "````",
    "python",
    "py\n",
    "\n",
    "\r\n",
    "\r",
    "    ",
    "\t",
    "- ",
    "1. ",
    "> ",
    "<think>",
    "</think>",
]
CODE = [
    "x = 1",
    "def f(x):\n",
    "return x",
    "print(f(1))\n",
    '"' * 3,
    "#",
    "\\",
    "\0",
    "\ufeff",
    "\ud800",
    "\u2028",
    "{",
    "(",
]
PIECES = st.sampled_from(MARKS + CODE)
TEXTS = st.one_of(
    st.text(st.characters(codec=None)), st.lists(PIECES, max_size=40).map("".join), st.lists(st.text()).map("```".join)
)
OPTIONS = st.builds(
    Extraction,
    choice=st.sampled_from(sorted(CHOICES)),
    allow_unclosed=st.booleans(),
    allow_unparsed=st.booleans(),
    opened_by_prompt=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(["python", "js", "", "no such language"]), st.sampled_from(["", PROMPT, "\0"]), OPTIONS)
@example("```python\n\ud800\0\n```", "python", PROMPT, Extraction())
@example("```\n" * 3, "python", "", Extraction(allow_unclosed=True))
def test_any_text_gives_a_program_or_none(text: str, language: str, prompt: str, options: Extraction) -> None:
    program = extract_program(text, language=language, entry_point="f", code_prompt=prompt, extraction=options)
    if program is not None:
        assert program.source.strip()
        assert join_prompt(program, prompt).source.strip()
        again = extract_program(text, language=language, entry_point="f", code_prompt=prompt, extraction=options)
        assert again == program


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_characters="\r", codec="utf-8")), st.sampled_from("`~"))
def test_whatever_is_fenced_comes_back_as_it_was(body: str, mark: str) -> None:
    longest = max((len(run) for run in re.findall(f"{mark}+", body)), default=0)
    fence = mark * max(3, longest + 1)
    (block,) = read_fences(f"{fence}py\n{body}\n{fence}\n")
    assert (block.source, block.language, block.closed) == (f"{body}\n", "python", True)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["```", "~~~~"]))
def test_a_block_is_closed_only_when_its_marker_comes_again(body: str, fence: str) -> None:
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    closes = any(len(line.strip(" \t")) >= len(fence) and not line.strip(" \t").strip(fence[0]) for line in lines)
    first = read_fences(f"{fence}py\n" + "\n".join(lines))[0]
    assert closes or not first.closed


N = 2**17
FLOODS = {
    "backticks": "`" * N,
    "lines of backticks": "```\n" * (N // 4),
    "backticks of every length": "".join("`" * (3 + i % 300) + "x\n" for i in range(N // 150)),
    "backticks with text between": "```a`b\n" * (N // 7),
    "markers of both kinds": "~~~\n```\n" * (N // 8),
    "an open block": "```python\n" + "x = 1\n" * (N // 6),
    "an open block of markers": "````\n" + "```\n" * (N // 4),
    "blocks": "```python\nx = f(1)\n```\n" * (N // 23),
    "quote markers": ">" * N,
    "quoted blocks": "> ```\n" * (N // 6),
    "quoted blocks with lazy lines": "> ```\na\n" * (N // 8),
    "lazy lines": "> a\n" + "b\n" * (N // 2),
    "nested list on a line": "- " * (N // 2),
    "nested list": "".join("  " * i + "- a\n" for i in range(500)),
    "list items": "- a\n+ b\n" * (N // 8),
    "list items with blocks": "1. ```\n" * (N // 7),
    "nested quotes and lists": "- > - > - > a\n" * (N // 14),
    "a long line": "a" * N,
    "brackets": "[" * N,
    "references": "[a]: b\n" * (N // 7),
    "blank lines": "\n" * N,
    "carriage returns": "\r" * N,
    "tabs": "\t" * N,
    "NULs": "\0" * N,
    "lone surrogates": "\ud800" * N,
    "opening reasoning": "<think>" * (N // 7),
    "closing reasoning": "</think>" * (N // 8),
    "parentheses": "(" * N,
    "braces": "{" * N,
    "lambdas": "lambda:" * (N // 7),
    "minus signs": "-" * N + "1",
    "a sum": "x+" * (N // 2) + "x",
    "attributes": "x" + ".x" * (N // 2),
    "calls": "f" + "()" * (N // 2),
    "statements": "x\n" * (N // 2),
    "decorators": "@x\n" * (N // 3),
    "deep blocks": "".join(" " * i + "if x:\n" for i in range(500)),
    "nested finally": "".join(" " * i + f"try: x\n{' ' * i}finally:\n" for i in range(60)) + " " * 61 + "x\n",
    "digits": "9" * N,
    "a continued line": "\\\n" * (N // 2),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_read_in_linear_time(flood: str) -> None:
    """Square time would be minutes: a hundred thousand characters take a second or two at the worst."""
    start = time.process_time()
    for text in (flood, f"```python\n{flood}\n```", f"```python\n{flood}\n~~~\n```"):
        extract_program(text, entry_point="f", code_prompt=PROMPT)
    assert time.process_time() - start < 30


def test_hostile_depth_does_not_crash_a_thread_with_a_quarter_of_the_usual_stack() -> None:
    size = threading.stack_size(2**21)
    try:
        worker = threading.Thread(target=lambda: [is_python(flood) for flood in FLOODS.values()])
        worker.start()
        worker.join()
    finally:
        threading.stack_size(size)


def test_what_is_too_long_is_no_program_or_is_not_parsed() -> None:
    line = "x = 1\n"
    long = f"```python\n{line * (MAX_ANSWER_CHARS // 6)}```"
    assert extract_program(long) is None
    assert extract_program(f"{long}</think>```python\nx = 1\n```") == Program("x = 1\n")
    unparsed = line * (MAX_PARSED_CHARS // 6 + 1)
    assert extract_program(unparsed) is None
    assert extract_program(f"```python\n{unparsed}```\n```python\ny = 1\n```") == Program("y = 1\n")
    assert extract_program(f"```python\n{unparsed}```\n```python\ny = (\n```") == Program("y = (\n")


@pytest.mark.parametrize("source", [r"x = '\d'", "x = 1 is 1", "x = 0x1for x in y", "assert (1, 'a')"])
def test_a_program_that_the_compiler_warns_of_is_a_program_under_any_filter(source: str) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("error")
        first = extract_program(source)
        warnings.simplefilter("always")
        assert extract_program(source) == first
    assert first == Program(source)
    assert not seen


def test_other_warnings_stay_what_they_were() -> None:
    extract_program("x = 1")
    with pytest.warns(SyntaxWarning):
        compile("x = 1 is 1", "elsewhere", "exec")
