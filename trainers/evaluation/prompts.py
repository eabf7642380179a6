"""What a model is asked for each row: the prompt of training, numbered and named."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rewards import DatasetError

from ..silence import SilentPrompts
from .completions import labels_of
from .names import Names
from .rows import Rows
from .sample import Sample
from .sampling import Sampling
from .stops import stops_of

Prompt = str | list[dict[str, str]]
"""Text to continue, or messages."""
MakePrompt = Callable[[Mapping[str, Any]], Prompt]


@dataclass(frozen=True)
class Question:
    """One completion that is wanted."""

    index: int
    """Which one of the whole evaluation."""
    problem: str
    number: int
    prompt: Prompt
    row: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    stop: Sequence[str] = ()
    """Texts that end the completion."""

    @property
    def digest(self) -> str:
        """Return a name for the prompt."""
        return hashlib.blake2b(json.dumps(self.prompt).encode(), digest_size=8).hexdigest()

    def answered(self, completion: str) -> Sample:
        """Return the sample that an answer makes."""
        return Sample(self.problem, self.number, completion, self.row, self.labels)


def questions(
    rows: Rows, make_prompt: MakePrompt, sampling: Sampling, *, labels: Sequence[str] = ()
) -> Iterator[Question]:
    """Give n questions for each row, one after another; problems that share a name are told apart by their rows."""
    index, silent = 0, SilentPrompts()
    with contextlib.closing(Names(rows)) as names:
        for row_number, row in enumerate(rows):
            prompt, told = make_prompt(row), labels_of(row, labels)
            name = names.name_of(row, row_number, asked=prompt)
            silent.see(row, row_number, prompt)
            stop = stops_of(row, prompt) if sampling.stop is None else tuple(sampling.stop)
            for number in range(sampling.n):
                yield Question(index, name, number, prompt, row, told, stop)
                index += 1


def without_answer(messages: list[Any]) -> list[Any]:
    """Return *messages* without the assistant's at their end, where it has the last word."""
    last = messages[-1] if messages else None
    return messages[:-1] if isinstance(last, Mapping) and last.get("role") == "assistant" else messages


def plain_prompt(row: Mapping[str, Any]) -> Prompt:
    """Return the row's `prompt` as it is, or its `messages` without an answer at their end."""
    if row.get("prompt") is not None:
        return row["prompt"]  # type: ignore[no-any-return]
    messages = row.get("messages") or row.get("text") or row.get("question")
    if messages is None:
        raise DatasetError(f"no column prompt, messages, question or text to ask; found: {', '.join(row)}")
    if isinstance(messages, str):
        return messages
    return without_answer(messages)
