"""Completions that were made for an evaluation, kept in its folder in their order, so that none is made twice."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rewards import ConfigurationError

from .store import cut_torn_line, read_lines

logger = logging.getLogger(__name__)
FILE = "completions.jsonl"
REFUSED = "refused"
"""How the reason begins for which a server has answered nothing."""


@dataclass(frozen=True)
class Written:
    """One completion, and what it was made for."""

    problem: str
    number: int
    prompt_digest: str
    completion: str
    finish_reason: str = ""
    """`stop`, `length`, or what kept the model from answering."""


class WrittenCompletions:
    """The file of completions in a folder; opened by one evaluation at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._path.touch()
        cut_torn_line(self._path)

    def read(self) -> Iterator[Written]:
        """Read what was made before, in order."""
        return read_lines(self._path, lambda told: Written(**told))

    def count(self) -> int:
        """Return how many were made before."""
        with open(self._path, "rb") as file:
            return sum(1 for _ in file)

    def tell_what_was_lost(self, max_new_tokens: int) -> None:
        """Warn of completions that were cut off, and of prompts that were refused: they count, and most fail."""
        made = cut = refused = 0
        why = ""
        for found in self.read():
            made += 1
            cut += found.finish_reason == "length"
            if found.finish_reason.startswith(REFUSED):
                refused, why = refused + 1, why or found.finish_reason
        if cut:
            logger.warning("%d of %d completions were cut off at max_new_tokens=%d", cut, made, max_new_tokens)
        if refused:
            logger.warning("%d of %d completions are empty, because the prompt was %.300s", refused, made, why)

    def append(self, made: Sequence[Written]) -> None:
        """Add what was made next; it is on disk when this returns."""
        with open(self._path, "ab") as file:
            file.write("".join(json.dumps(asdict(each)) + "\n" for each in made).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())


def refuse_another(found: Written, *, problem: str, prompt_digest: str, path: Any) -> None:
    """Raise `ConfigurationError` where a completion was made for something else than is asked for now."""
    if (found.problem, found.prompt_digest) != (problem, prompt_digest):
        raise ConfigurationError(
            f"{path} holds a completion for {found.problem!r} where now {problem!r} comes, or for another prompt: the "
            "data set or the prompts have changed. Name another output folder, or remove this one"
        )
