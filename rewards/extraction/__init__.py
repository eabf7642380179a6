"""From a completion to the program that it submits.

Read by CommonMark's rules for blocks, after the reasoning: closed fenced blocks that name the language, or untagged
ones when none names it. A text whose whole is Python needs no fence. An unclosed block is an answer that was cut off,
not a program, and neither is an empty one. Indented code blocks do not count: 462 of the 1017 bare programs measured
below hold text that CommonMark takes for one, the bodies of their functions.

Of several blocks `auto` takes the last that defines the entry point; else the last that does not merely use what an
earlier one defines; in other languages than Python, which are not parsed here, the longest. Agreement with the code
that official extractors took, by `scripts/measure_extraction.py`:

    choice    LiveCodeBench replies  SandboxFusion  LiveCodeBench graded  MultiPL-E  bare programs
    auto      471 of 472             3 of 4         388 of 388            506 of 506  1012 of 1017
    first     471                    3              388                   506         1012
    longest   471                    3              388                   506         1012
    last      471                    3              388                   473         1012

`last` fails where an answer is followed by an example of its use. `first` would do on these replies and not on one that
begins with a draft, which none of them does. The seven rows on which `auto` differs have no program that parses.
"""

from .choice import CHOICES
from .messages import completion_text
from .program import MAX_ANSWER_CHARS, Extraction, extract_cells, extract_program, join_prompt
from .python_source import MAX_PARSED_CHARS, is_python

__all__ = [
    "CHOICES",
    "MAX_ANSWER_CHARS",
    "MAX_PARSED_CHARS",
    "Extraction",
    "completion_text",
    "extract_cells",
    "extract_program",
    "is_python",
    "join_prompt",
]
