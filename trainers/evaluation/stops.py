"""Where a completion ends that continues a text: a base model writes on behind its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

HUMANEVAL = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
"""Behind the body of a function: Chen et al., "Evaluating Large Language Models Trained on Code", 2021."""


def stops_of(row: Mapping[str, Any], prompt: Any) -> tuple[str, ...]:
    """Return the texts that end a continuation of *prompt*: those of the row (MultiPL-E), or of a function's body.

    None for messages, which are answered, and where something follows the row's own source in *prompt*.
    """
    source = row.get("code_prompt") or row.get("prompt")
    if not (isinstance(prompt, str) and isinstance(source, str) and prompt.rstrip().endswith(source.strip())):
        return ()
    own = row.get("stop_tokens")
    if isinstance(own, list):
        return tuple(stop for stop in own if isinstance(stop, str) and stop)
    name = row.get("entry_point")
    continues = isinstance(name, str) and re.search(rf"^def {re.escape(name)}\b", source, re.MULTILINE)
    return HUMANEVAL if continues else ()


def cut(text: str, stops: Sequence[str]) -> str:
    """Return *text* up to the first of *stops*."""
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text
