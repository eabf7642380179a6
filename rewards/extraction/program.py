"""From a completion to the program that it submits."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigurationError
from ..languages import canonical_language
from ..options import FLAG, check_options, one_of
from ..records import Program
from .choice import CHOICES
from .fences import Fence, read_fences
from .messages import answer_text, completion_text
from .python_source import MAX_PARSED_CHARS, is_python, joined_source, outline

MAX_ANSWER_CHARS = 2**19
"""A longer answer, reasoning not counted, is a flood and no program; the worst this long takes seconds to read."""
_FLAGS = dict.fromkeys(("allow_unclosed", "allow_bare", "allow_unparsed", "opened_by_prompt"), FLAG)


@dataclass(frozen=True)
class Extraction:
    """What counts as the program of a completion."""

    choice: str = "auto"
    """Which of several blocks: `auto`, `first`, `last` or `longest`; the package's docstring has the measurements."""
    allow_unclosed: bool = False
    """Take a block whose end is missing. Such an answer was cut off, and a cut program may still pass some tests."""
    allow_bare: bool = True
    """Take a text without any fence that parses as Python, when Python is what is wanted."""
    allow_unparsed: bool = False
    """Take a text without any fence as it stands, in any language: prose is then a program that fails."""
    opened_by_prompt: bool = False
    """The prompt ends inside an opened block, so that the completion begins with code."""

    def __post_init__(self) -> None:
        check_options(vars(self), {"choice": one_of(CHOICES), **_FLAGS}, owner="extraction: ")
        if self.allow_unparsed and not self.allow_bare:
            raise ConfigurationError("allow_unparsed takes text without a fence, and allow_bare=False refuses it")


def extract_program(
    completion: object,
    *,
    language: str = "python",
    entry_point: str | None = None,
    code_prompt: str = "",
    extraction: Extraction = Extraction(),
) -> Program | None:
    """Return the program that *completion* submits, or None when it submits none.

    Raises nothing on any text; `ConfigurationError` when *completion* is neither text nor a list of messages. The
    program keeps its indentation and is not joined with *code_prompt*: `join_prompt` does that.
    """
    answer = answer_text(completion_text(completion))
    if answer is None or len(answer) > MAX_ANSWER_CHARS:
        return None
    language = canonical_language(language)
    answer = answer.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    source = None
    if language == "python" and extraction.allow_bare:
        # Asked first: no fence outside a string is Python, so if all of it parses, its fences belong to docstrings.
        source = _bare_python(answer, code_prompt)
    if source is None:
        blocks = _blocks(answer, language, extraction)
        if blocks:
            source = CHOICES[extraction.choice](blocks, language, entry_point, code_prompt)
    if source is None and extraction.allow_unparsed and not read_fences(answer) and answer.strip():
        source = answer
    return None if source is None else Program(source, language)


def extract_cells(completion: object) -> tuple[str, ...]:
    """Return the Python blocks of *completion* in their order, as the cells of a notebook; none without a program.

    Which blocks count is `extract_program`'s rule; a text that is Python as a whole is one cell.
    """
    program = extract_program(completion)
    answer = answer_text(completion_text(completion))
    if program is None or answer is None:
        return ()
    blocks = _blocks(answer.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"), "python", Extraction())
    return tuple(blocks) if program.source in blocks else (program.source,)


def join_prompt(program: Program, code_prompt: str) -> Program:
    """Return *program* behind the source text that its prompt gave: HumanEval's rule, prompt + line end + program.

    That suits a continuation, whose function the prompt leaves open, and a whole program, which redefines the function
    and may need the prompt's imports and helpers.
    """
    if not code_prompt.strip():
        return program
    if program.language != "python":
        return Program(f"{code_prompt}\n{program.source}", program.language)
    return Program(joined_source(program.source, code_prompt), program.language)


def _bare_python(text: str, code_prompt: str) -> str | None:
    """Return *text* if all of it is a program, or a continuation of *code_prompt*."""
    if len(text) > MAX_PARSED_CHARS:
        return None
    alone = outline(text)
    if alone is not None:
        return text if alone.acts else None
    if code_prompt and text.strip() and (is_python(f"{code_prompt}\n{text}") or is_python(code_prompt + text)):
        return text
    unspaced = text.removeprefix(" ")  # some tokenizers put a space before the first word
    return unspaced if unspaced != text and is_python(unspaced) else None


def _blocks(text: str, language: str, extraction: Extraction) -> list[str]:
    """Return the blocks that may be the answer: those of the language, or the untagged ones where none names it."""
    if extraction.opened_by_prompt and not text.lstrip().startswith("```"):
        text = f"```{language}\n{text}"
    for containers in (True, False):
        fences = read_fences(text, containers=containers)
        named = [fence for fence in fences if fence.language == language]
        blocks = [_source(fence) for fence in named or fences if _is_whole(fence, language, extraction)]
        if blocks:
            return blocks
    return []


def _is_whole(fence: Fence, language: str, extraction: Extraction) -> bool:
    return (
        fence.language in (language, "") and bool(fence.source.strip()) and (fence.closed or extraction.allow_unclosed)
    )


def _source(fence: Fence) -> str:
    return fence.source.lstrip("\ufeff")
