"""Prompts that keep from the model what its tests call: every answer would fail, whoever gave it."""

from __future__ import annotations

import builtins
import logging
import re
from collections.abc import Mapping
from typing import Any

from .report import text_of

logger = logging.getLogger(__name__)
_SAID_BY = {
    "starter_code": r"\bdef\s+(\w+)",  # APPS, TACO, LiveCodeBench
    "input_output": r'"fn_name"\s*:\s*"(\w+)"',  # APPS, TACO
    "metadata": r'"func_name"\s*:\s*"(\w+)"',  # LiveCodeBench
    "entry_point": r"(\w+)\W*$",  # HumanEval, LeetCodeDataset
    "test_list": r"(?<![.\w])(\w+)\(",  # MBPP, LBPP
}
_SHOWING = ("starter_code", "test_list", "entry_point")
"""Columns that a prompt can show to say it."""


class SilentPrompts:
    """Looks at prompts, and warns of the first one that names no function of those which its tests call."""

    def __init__(self) -> None:
        self._told = False

    def see(self, row: Mapping[str, Any], number: int, prompt: Any) -> None:
        """Look at one row's prompt."""
        names = () if self._told else called_by(row)
        asked = text_of(prompt) if names else ""
        if not names or any(re.search(rf"\b{re.escape(name)}\b", asked) for name in names):
            return
        self._told = True
        column = next((name for name in _SHOWING if row.get(name)), None)
        hint = f", as prompt_template \"{{prompt}}\\n\\n{{{column}}}\" does ($'...' in a shell)" if column else ""
        logger.warning(
            "the prompt of row %d, and maybe of others, does not say that its tests call %r, so that no model can "
            "pass them: ask for it%s",
            *(number, names[0], hint),
        )


def called_by(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the functions that the tests of *row* call, as far as its columns say so in plain words."""
    for column, pattern in _SAID_BY.items():
        value = row.get(column)
        text = "\n".join(map(str, value)) if isinstance(value, list) else value
        found = re.findall(pattern, text) if isinstance(text, str) else []
        names = tuple(dict.fromkeys(name for name in found if not hasattr(builtins, name) and name != "__init__"))
        if names:
            return names
    return ()
