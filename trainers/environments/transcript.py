"""Conversations as tables can hold them: TRL writes those of a batch as one column, and fails where types differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NO_OBJECT = "arguments"
"""The name under which arguments stand that are no JSON object, or an empty one."""


def tabular(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return *message* with nothing but a function's name and texts for its arguments in a call; others are as JSON."""
    told = dict(message)
    if isinstance(told.get("tool_calls"), list):
        told["tool_calls"] = [_call(call) for call in told["tool_calls"]]
    return told


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or call
    found = function.get("arguments")
    arguments = found if isinstance(found, Mapping) and found else {_NO_OBJECT: found}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
    return {"type": "function", "function": {"name": str(function.get("name")), "arguments": texts}}
