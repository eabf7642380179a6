"""One completion to be graded, with its problem, and what it got."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..report import SampleTest


@dataclass(frozen=True)
class Sample:
    """One of a problem's completions."""

    problem: str
    """The problem's name: what the row says that it is, else the row's number."""
    number: int
    """Which of the problem's completions it is, from 0."""
    completion: Any
    """Text, or messages."""
    row: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    """What figures are also told apart by, such as `model` or `difficulty`."""

    @property
    def digest(self) -> str:
        """Return a name for all that the result depends on: the row, the completion, and who they are."""
        told = json.dumps([self.problem, self.number, self.completion, self.row], sort_keys=True, default=repr)
        return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Result:
    """What a sample got. Everything in it is JSON."""

    problem: str
    number: int
    digest: str
    score: float | None
    """None: unjudged, because the sandbox failed or the row has no tests."""
    verdict: str
    passed: bool | None
    """Whether it counts as right for pass@k; None where that is not known."""
    detail: str = ""
    program: str = ""
    prompt: str = ""
    completion: Any = ""
    tests: tuple[SampleTest, ...] = ()
    """The first ones, where there are very many."""
    tests_passed: int = 0
    tests_total: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    sandbox: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
