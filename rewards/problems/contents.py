"""What a family of schemas finds in a row, before the row's common columns are added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..cases import TestCase
from ..comparison import Comparison


@dataclass(frozen=True)
class Contents:
    """The tests of a row, and whatever else its schema tells about the problem."""

    tests: tuple[TestCase, ...]
    entry_point: str | None = None
    code_prompt: str = ""
    language: str | None = None
    comparison: str | None = None
    official: Comparison | None = None
    """The rule of the set's own evaluator, for rows and rewards that name none."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Fields of `Limits` by name."""
