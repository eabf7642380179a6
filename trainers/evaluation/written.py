"""Completions that were made for an evaluation, kept in its folder in their order, so that none is made twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rewards import ConfigurationError

from .store import cut_torn_line, read_lines

FILE = "completions.jsonl"


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
