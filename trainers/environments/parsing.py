"""Tool calls out of whatever a model has written: nothing of it may end a run."""

from __future__ import annotations

from functools import partial
from typing import Any

_NAME = "parse_response"


def guard_parser(tokenizer: Any) -> None:
    """Have *tokenizer* parse so that TRL survives what comes of it, in its own loop, too.

    JSON that is nested too deep is no tool call. Half of a surrogate pair, which JSON can spell and no tokenizer can
    read, becomes a question mark.
    """
    if hasattr(type(tokenizer), _NAME):
        setattr(tokenizer, _NAME, partial(_parsed, tokenizer))


def _parsed(tokenizer: Any, *response: Any, **options: Any) -> Any:
    try:
        return _encodable(getattr(type(tokenizer), _NAME)(tokenizer, *response, **options))
    except RecursionError as error:
        raise ValueError(f"a model's words cannot be parsed: {error}") from None  # what TRL takes for plain text


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value
