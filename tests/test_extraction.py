"""What of a completion is the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rewards.errors import ConfigurationError
from rewards.extraction import Extraction, extract_cells, extract_program, join_prompt
from rewards.records import Program

ROOT = Path(__file__).parents[1]
REPLIES = ROOT.parent / "shared" / "data"
PROMPT = 'import math\n\n\ndef area(r):\n    """Return the area."""\n'
BODY = "    return math.pi * r * r\n"
WHOLE = "def area(r):\n    return math.pi * r * r\n"


def source(text: str, *, language: str = "python", entry_point: str | None = None, prompt: str = "", **options: object):
    extraction = Extraction(**options)  # type: ignore[arg-type]
    program = extract_program(
        text, language=language, entry_point=entry_point, code_prompt=prompt, extraction=extraction
    )
    return program.source if program else None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("```python\nx = 1\n```", id="backticks"),
        pytest.param("~~~python\nx = 1\n~~~", id="tildes"),
        pytest.param("`````python\nx = 1\n`````", id="a longer marker"),
        pytest.param("```python\nx = 1\n``````", id="a closing marker that is longer"),
        pytest.param("``` python \nx = 1\n```  \t", id="spaces around the marks"),
        pytest.param("```python\r\nx = 1\r\n```\r\n", id="CRLF"),
        pytest.param("\ufeff```python\nx = 1\n```", id="a byte order mark"),
        pytest.param("Text directly above\n```python\nx = 1\n```\nand below.", id="no blank lines around"),
        pytest.param("1. First:\n   ```python\n   x = 1\n   ```\n2. Then", id="in a list item"),
        pytest.param("- a\n  - b\n\n    ```python\n    x = 1\n    ```", id="in a nested list item"),
        pytest.param("> ```python\n> x = 1\n> ```", id="in a quote"),
        pytest.param("<answer>\n```python\nx = 1\n```\n</answer>", id="within tags that CommonMark takes for HTML"),
        pytest.param("1. So:\n   ```python\nx = 1\n   ```\n", id="opened in a list item, continued at the margin"),
        pytest.param("<think>\n```python\ny = 2\n```\n</think>\n```python\nx = 1\n```", id="after the reasoning"),
        pytest.param("```\nx = 1\n```", id="untagged"),
        pytest.param("```output\n1\n```\n```\nx = 1\n```\n```bash\nls\n```", id="untagged among others"),
        pytest.param("x = 1\n", id="no fence at all"),
        pytest.param(" x = 1\n", id="no fence, and a tokenizer's space before the first word"),
    ],
)
def test_one_program_in_many_guises_is_found(text: str) -> None:
    assert source(text) == "x = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n\t\n", id="white space"),
        pytest.param("I cannot do that.", id="prose"),
        pytest.param("Sorry", id="prose of one word, which parses"),
        pytest.param("Answer: unknown", id="prose that parses as an annotation"),
        pytest.param("42", id="a number"),
        pytest.param("# nothing but a comment", id="a comment"),
        pytest.param("```python\nx = 1\n", id="an unclosed block was cut off"),
        pytest.param("```\n1\n```\n```python\nx = 1\n", id="an untagged output does not stand in for a cut answer"),
        pytest.param("````python\nx = 1\n```", id="a closing marker that is too short"),
        pytest.param("```python\nx = 1\n~~~", id="a closing marker of the other kind"),
        pytest.param("```python\n```", id="an empty block"),
        pytest.param("```python\n \n\n```", id="a blank block"),
        pytest.param("```bash\nls\n```", id="another language"),
        pytest.param("```text\n1\n```", id="an output"),
        pytest.param("<think>\n```python\nx = 1\n```\n", id="reasoning without an end"),
        pytest.param("```python\nx = 1\n```\n</think>", id="nothing after the reasoning"),
        pytest.param("So:\n\n    x = 1\n", id="an indented code block"),
        pytest.param("def f(x):\n    return (x +", id="bare code that was cut off"),
    ],
)
def test_what_submits_no_program_has_none(text: str) -> None:
    assert source(text) is None


@pytest.mark.parametrize(
    ("info", "language"),
    [
        *[(tag, "python") for tag in ("py", "python3", "Python", "PY3", "ipython", "python3.11")],
        ('python title="x"', "python"),
        ("python:main.py", "python"),
        ("python,ignore", "python"),
        ("{.python}", "python"),
        ("{.python .numberLines startFrom=1}", "python"),
        ("{python}", "python"),
        ("{code-cell} ipython3", "python"),
        ("language-python", "python"),
        ("code", "python"),
        ("js", "javascript"),
        ("node", "javascript"),
        ("ts", "typescript"),
        ("c++", "cpp"),
        ("c++17", "cpp"),
        ("cc", "cpp"),
        ("rs", "rust"),
        ("rust,no_run", "rust"),
        ("sh", "bash"),
        ("shell", "bash"),
        ("C#", "csharp"),
        ("R", "r"),
        ("golang", "go"),
        ("zig", "zig"),
    ],
)
def test_a_language_goes_by_many_names(info: str, language: str) -> None:
    text = f"~~~ruby\nz\n~~~\n~~~{info}\nx = 1\n~~~\n"
    assert extract_program(text, language=language) == Program("x = 1\n", language)
    assert source(text, language="ruby") == "z\n"


def test_the_wanted_language_has_aliases_too() -> None:
    assert extract_program("```python\nx = 1\n```", language="Py3") == Program("x = 1\n", "python")


def test_options_take_what_is_left_out_by_default() -> None:
    assert source("```python\nx = 1\n", allow_unclosed=True) == "x = 1\n"
    assert source("x = 1", allow_bare=False) is None
    assert source("echo hello", language="bash") is None
    assert source("echo hello", language="bash", allow_unparsed=True) == "echo hello"
    assert source("```bash\n```", language="bash", allow_unparsed=True) is None
    assert source("x = 1\n```\nThat is it.", opened_by_prompt=True) == "x = 1\n"
    assert source("x = (\n```", opened_by_prompt=True) == "x = (\n"
    assert source("\n```python\nx = 1\n```", opened_by_prompt=True) == "x = 1\n"


@pytest.mark.parametrize(
    "options",
    [
        {"choice": "best"},
        {"choice": ["auto"]},
        {"choice": None},
        {"allow_bare": "no"},
        {"opened_by_prompt": 1},
        {"allow_bare": False, "allow_unparsed": True},
    ],
    ids=str,
)
def test_an_option_that_does_not_fit_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Extraction(**options)  # type: ignore[arg-type]


def blocks(*sources: str, tag: str = "python") -> str:
    return "\n".join(f"Then:\n\n```{tag}\n{source}```\n" for source in sources)


DRAFT, ANSWER, USE, LONG = "def f(x):\n    return 0\n", "def f(x):\n    return x\n", "print(f(3))\n", "y = 1\n" * 50


@pytest.mark.parametrize(
    ("sources", "entry_point", "expected"),
    [
        pytest.param([DRAFT, ANSWER], "f", ANSWER, id="a draft comes before the answer"),
        pytest.param([ANSWER, USE], "f", ANSWER, id="an example of use is not the answer"),
        pytest.param([ANSWER, USE], None, ANSWER, id="an example of use, with no entry point known"),
        pytest.param([ANSWER, LONG], "f", ANSWER, id="the entry point decides, not the length"),
        pytest.param([DRAFT, LONG], None, LONG, id="two whole programs: the later one"),
        pytest.param(
            [ANSWER, "def f(x):\n    return (\n"], "f", ANSWER, id="a block that does not parse is passed over"
        ),
        pytest.param([ANSWER, "3\n"], None, ANSWER, id="a value shown is no program"),
        pytest.param(["pip install x\n", "(\n"], "f", "(\n", id="nothing parses: the last"),
        pytest.param(["class Solution:\n    def f(self): pass\n", USE], "f", None, id="a method is an entry point"),
        pytest.param(["class S:\n    def f(self): pass\n", "S().f()\n"], "S().f", None, id="so is a class"),
    ],
)
def test_auto_chooses_the_program_in_its_own_right(
    sources: list[str], entry_point: str | None, expected: str | None
) -> None:
    assert source(blocks(*sources), entry_point=entry_point) == (expected or sources[0])


def test_first_last_and_longest_are_what_they_say() -> None:
    text = blocks(DRAFT, LONG, USE)
    assert [source(text, choice=choice) for choice in ("first", "last", "longest")] == [DRAFT, USE, LONG]


def test_auto_takes_the_longest_block_of_a_language_that_is_not_parsed_here() -> None:
    program, example = "function f(x) {\n  return x\n}\n", "f(3)\n"
    assert source(blocks(program, example, tag="js"), language="javascript") == program


def test_a_bare_program_keeps_the_fences_in_its_docstring() -> None:
    program = 'def f(x):\n    """Do it.\n\n```python\nf(3)\n```\n"""\n    return x\n'
    assert source(program) == program


def test_a_continuation_keeps_its_indentation() -> None:
    assert source(BODY, prompt=PROMPT) == BODY
    assert source(f"```python\n{BODY}```", prompt=PROMPT) == BODY
    assert source(f"{blocks(BODY)}{blocks('print(area(1))')}", prompt=PROMPT, entry_point="area") == BODY
    assert source(BODY) is None
    assert source("    # to be done\n", prompt=PROMPT) is None


@pytest.mark.parametrize(
    ("prompt", "program"),
    [
        pytest.param(PROMPT, BODY, id="a continuation"),
        pytest.param(PROMPT, WHOLE, id="a whole function that needs the prompt's import"),
        pytest.param(PROMPT, f"from __future__ import annotations\n{WHOLE}", id="an import that must come first"),
        pytest.param("import math\ndef area(r):\n    return", " math.pi * r * r", id="a prompt that stops in a line"),
        pytest.param("import math\ndef area(r):", BODY, id="a signature alone"),
        pytest.param("import math\ndef area(r):\n", WHOLE, id="a signature alone and a whole function"),
        pytest.param("Write me a function.", f"import math\n{WHOLE}", id="a prompt that is no source"),
        pytest.param("", f"import math\n{WHOLE}", id="no prompt"),
    ],
)
def test_a_joined_program_defines_the_function(prompt: str, program: str) -> None:
    space: dict[str, object] = {}
    exec(join_prompt(Program(program), prompt).source, space)
    assert round(space["area"](1), 2) == 3.14  # type: ignore[operator]


def test_what_cannot_be_joined_is_joined_by_the_plain_rule() -> None:
    assert join_prompt(Program("return ("), "def f():\n").source == "def f():\n\nreturn ("
    assert join_prompt(Program("}", "java"), "class A {").source == "class A {\n}"


@pytest.mark.skipif(not REPLIES.is_dir(), reason="needs the model replies in ../shared/data")
def test_the_default_agrees_with_official_extractors_on_real_replies() -> None:
    """The seven that differ hold no program that parses: a doubled opening marker, a cut block, five cut or broken."""
    command = [sys.executable, str(ROOT / "scripts" / "measure_extraction.py"), str(REPLIES)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    agreed = {cells[0].strip(): cells[1:] for cells in (line.strip("| ").split("|") for line in table.splitlines())}
    counts = {choice: [int(cell) for cell in agreed[choice]] for choice in ("auto", "first", "last", "longest")}
    assert counts["auto"] == [471, 3, 388, 506, 962, 50]
    assert counts["last"] == [471, 3, 388, 473, 962, 50]
    assert all(sum(row) <= sum(counts["auto"]) for row in counts.values())


CELLS = [
    pytest.param("```python\nx = 1\n```\nand\n```py\nx + 1\n```", ("x = 1\n", "x + 1\n"), id="two blocks in order"),
    pytest.param("```python\nx = 1\n```\nIt prints\n```\n1\n```", ("x = 1\n",), id="an output block is no cell"),
    pytest.param("x = 1\nprint(x)", ("x = 1\nprint(x)",), id="a text that is Python"),
    pytest.param(
        "<think>```python\nx = 0\n```</think>```python\nx = 1\n```", ("x = 1\n",), id="reasoning does not count"
    ),
    pytest.param("```python\nx = 1", (), id="cut off"),
    pytest.param("no code", (), id="prose"),
    pytest.param("```python\r\nx = 1\r\n```", ("x = 1\n",), id="line ends of Windows"),
]


@pytest.mark.parametrize(("text", "cells"), CELLS)
def test_the_blocks_of_an_answer_are_the_cells_of_a_notebook(text, cells):
    assert extract_cells(text) == cells
