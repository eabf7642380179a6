"""The task of the agent demo: questions about data that only the interpreter of a rollout knows.

Each question comes with a list of its own, which the first cell of its interpreter defines. The prompt does not show
it, so that the model has to have it worked on, read what was printed, and hand in a program that prints the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Treatment:
    """What is done to the numbers: in words, as the inside of a comprehension, and as what it really does."""

    words: str
    code: str
    apply: Callable[[Sequence[int], int], list[int]]


@dataclass(frozen=True)
class Summary:
    """What is asked about the outcome: in words, as what stands around the comprehension, and as what it is."""

    words: str
    before: str
    after: str
    apply: Callable[[Sequence[int]], int]


TREATMENTS = (
    Treatment("the numbers in data above {k}", "x for x in data if x > {k}", lambda v, k: [x for x in v if x > k]),
    Treatment("the numbers in data below {k}", "x for x in data if x < {k}", lambda v, k: [x for x in v if x < k]),
    Treatment("the numbers in data plus {k}", "x + {k} for x in data", lambda v, k: [x + k for x in v]),
    Treatment("the numbers in data minus {k}", "x - {k} for x in data", lambda v, k: [x - k for x in v]),
    Treatment("the distances of data to {k}", "abs(x - {k}) for x in data", lambda v, k: [abs(x - k) for x in v]),
)
SUMMARIES = (
    Summary("the sum", "sum(", ")", sum),
    Summary("the largest", "max(", ")", max),
    Summary("the smallest", "min(", ")", min),
    Summary("the first", "next(", ")", lambda v: v[0]),
    Summary("the second largest", "sorted(", ")[-2]", lambda v: sorted(v)[-2]),
    Summary("the second smallest", "sorted(", ")[1]", lambda v: sorted(v)[1]),
)


@dataclass(frozen=True)
class Question:
    """What is asked about which data."""

    treatment: Treatment
    k: int
    summary: Summary
    data: tuple[int, ...]

    @property
    def prompt(self) -> str:
        """Return what the model reads; the data are not in it."""
        return f"Take {self.treatment.words.format(k=self.k)}, and print {self.summary.words}."

    @property
    def setup(self) -> str:
        """Return the first cell of the interpreter, which makes the data known to it."""
        return f"data = {list(self.data)}\n"

    @property
    def code(self) -> str:
        """Return a cell that prints the answer."""
        return f"print({self.summary.before}{self.treatment.code.format(k=self.k)}{self.summary.after})"

    @property
    def answer(self) -> int:
        """Return what a right cell prints."""
        return self.summary.apply(self.treatment.apply(self.data, self.k))

    @property
    def tests(self) -> str:
        """Return the tests of the final program as the JSON text of a `tests` column."""
        return json.dumps([{"type": "stdin", "input": "", "output": f"{self.answer}\n"}])

    @property
    def is_telling(self) -> bool:
        """Whether every other question about the data that differs in one thing has another answer."""
        return all(other.answer != self.answer for other in self.neighbours())

    def neighbours(self) -> Iterator[Question]:
        """Give the questions that differ in what is done or asked, where they have an answer."""
        others = [replace(self, treatment=t) for t in TREATMENTS if t is not self.treatment]
        others += [replace(self, summary=s) for s in SUMMARIES if s is not self.summary]
        return (other for other in others if other.has_answer)

    @property
    def has_answer(self) -> bool:
        """Whether enough of the data is left for each summary."""
        return len(self.treatment.apply(self.data, self.k)) >= _FEWEST


_VALUES, _CONSTANTS = range(100, 1000), range(250, 750)
_LENGTH, _FEWEST = 8, 3


def make_questions(n: int, *, seed: int) -> list[Question]:
    """Return *n* questions with different prompts, each about data of its own, in random order.

    Raises ValueError for more than half of the prompts there are: the last ones would be found only after long.
    """
    most = len(TREATMENTS) * len(SUMMARIES) * len(_CONSTANTS) // 2
    if n > most:
        raise ValueError(f"{n} questions are more than the {most} that there are")
    rng = random.Random(seed)
    found: dict[str, Question] = {}
    while len(found) < n:
        data = tuple(rng.sample(_VALUES, _LENGTH))
        question = Question(rng.choice(TREATMENTS), rng.choice(_CONSTANTS), rng.choice(SUMMARIES), data)
        if question.prompt not in found and question.has_answer and question.is_telling:
            found[question.prompt] = question
    return list(found.values())


def example_for(question: Question, rng: random.Random, *, right_share: float) -> dict[str, Any]:
    """Return a conversation in which *question* is answered, as messages for a chat template.

    *right_share* of them are right. Of the others, most ask the interpreter for something else, a fifth copy its answer
    with a wrong digit, and a fifth do not ask it at all.
    """
    flaw = "none" if rng.random() < right_share else rng.choice(["no call", "copy", "code", "code", "code"])
    if flaw == "no call":
        return _conversation(question, None, rng.randint(100, 9_999))
    asked = rng.choice(_slips(question, rng)) if flaw == "code" else question
    return _conversation(question, asked, _with_a_wrong_digit(asked.answer, rng) if flaw == "copy" else asked.answer)


def _slips(question: Question, rng: random.Random) -> list[Question]:
    constants = [k for k in (question.k + d for d in (-100, -10, -1, 1, 10, 100)) if k in _CONSTANTS]
    slips = [*question.neighbours(), *(replace(question, k=k) for k in rng.sample(constants, 2))]
    return [slip for slip in slips if slip.has_answer]


def _with_a_wrong_digit(number: int, rng: random.Random) -> int:
    digits = list(str(number))
    at = rng.choice([i for i, digit in enumerate(digits) if digit.isdigit()])
    digits[at] = rng.choice([digit for digit in "123456789" if digit != digits[at]])
    return int("".join(digits))


def _conversation(question: Question, asked: Question | None, answer: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": question.prompt}]
    if asked is not None:
        call = {"type": "function", "function": {"name": "run_python", "arguments": {"code": asked.code}}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "name": "run_python", "content": f"{asked.answer}\n"})
    messages.append({"role": "assistant", "content": f"print({answer})"})
    return {"messages": messages}
