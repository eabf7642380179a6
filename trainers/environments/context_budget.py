"""How much of a rollout's tokens an environment may fill, as far as an environment can know that.

TRL drops the result of a call that has run, without a word, where it does not fit into the completion or the model.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .markers import Markers
from .tool_results import LEFT_OUT, longest_fitting

_CODE = {"code": ""}
_LINE_TOKENS = 32


@dataclass(frozen=True)
class ContextBudget:
    """The tokens that a rollout has, and what the text around a call takes of them."""

    tokenizer: Any
    completion_tokens: int
    """TRL's `max_completion_length`: of the model and of the tools together."""
    model_tokens: int | None = None
    """The model's `max_position_embeddings`."""
    tools_tokens: int = 0
    """What the prompt needs beside its messages: the template's own, and the tools' description."""
    call_tokens: int = 0
    """What a call needs beside its arguments and its result."""

    def room(self, row: Mapping[str, Any]) -> int:
        """Return the tokens for all turns of a rollout on *row*."""
        if self.model_tokens is None:
            return self.completion_tokens
        prompt = sum(self.count(str(message.get("content") or "")) for message in _messages(row.get("prompt")))
        return min(self.completion_tokens, self.model_tokens - 1 - self.tools_tokens - prompt)

    def count(self, text: str) -> int:
        """Return the tokens of *text*."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def count_call(self, arguments: Mapping[str, Any]) -> int:
        """Return the tokens of a call without its result."""
        return self.call_tokens + self.count(json.dumps(arguments))

    def holds_a_result(self, room: int) -> bool:
        """Say whether *room* is enough for any result, however much of it has to be cut away."""
        return self.count(LEFT_OUT) <= room

    def cut(self, text: str, room: int) -> str:
        """Return as much of *text*, without the chat template's markers, as `share_of` *room* holds."""
        return (
            longest_fitting(self._markers.broken_in(text), lambda part: self.count(part) <= share_of(room)) or LEFT_OUT
        )

    @functools.cached_property
    def _markers(self) -> Markers:
        return Markers(self.tokenizer)


def share_of(room: int, *, least: int = 0) -> int:
    """Return how much of the tokens left may be a result: half, as the model is to answer, but a line in any case.

    *least* are the tokens of a result of which nothing is left.
    """
    return min(room, max(room // 2, least + _LINE_TOKENS))


def measured_budget(
    tokenizer: Any, *, tools: Sequence[Any], completion_tokens: int, model_tokens: int | None
) -> ContextBudget:
    """Return a budget with what *tokenizer*'s chat template really puts around messages and calls."""
    call = {"type": "function", "function": {"name": tools[0].__name__, "arguments": _CODE}}
    asked = [{"role": "user", "content": ""}]
    answered = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": tools[0].__name__, "content": ""},
    ]

    def tokens(messages: list[dict[str, Any]]) -> int:
        return len(
            tokenizer.apply_chat_template(
                messages, tools=list(tools), add_generation_prompt=True, tokenize=True, return_dict=False
            )
        )

    around = tokens(asked)
    return ContextBudget(tokenizer, completion_tokens, model_tokens, around, tokens(asked + answered) - around)


def _messages(prompt: Any) -> Sequence[Mapping[str, Any]]:
    return [{"content": prompt}] if isinstance(prompt, str) else prompt or ()
