"""One test a row: the program runs without input and must print `expected_output`.

Empty text means that nothing may be printed. A number stands for its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import OutputTest
from .contents import Contents
from .fields import scalar_text


def read_expected_output(row: Mapping[str, Any]) -> Contents:
    """Read the column `expected_output`."""
    return Contents((OutputTest(scalar_text(row["expected_output"], "column 'expected_output'")),))
