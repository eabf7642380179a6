"""The words of a chat template inside of what a tool has said, where a tokenizer would take them for the template's."""

from __future__ import annotations

import re
from typing import Any

_MARKER = re.compile(r"[^\w\s]\S*\w\S*")
"""Such as `<|im_end|>` or `[/INST]`; other added tokens are runs of blanks, or words."""


class Markers:
    """The added tokens of one tokenizer that end messages, begin them, or stand around parts of them."""

    def __init__(self, tokenizer: Any) -> None:
        added = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
        found = sorted(filter(_MARKER.fullmatch, added), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, found))) if found else None

    def broken_in(self, text: str) -> str:
        """Return *text* with a blank inside of each marker, so that a program cannot speak as user or assistant."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"{found.group()[:1]} {found.group()[1:]}", text)
