"""The text of a completion, and the part of it that is the answer."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigurationError

_OTHER_ROLES = {"user", "system", "developer", "tool", "function"}
_TEXT_BLOCKS = (None, "text", "output_text")
_REASONING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
)
"""DeepSeek-R1 and Qwen first; then Seed-OSS, Magistral, Kimi, Open-Thoughts, Cohere and the channels of gpt-oss."""
_OPENERS = tuple(opener for opener, _ in _REASONING)
_FENCES = ("```", "~~~")


def completion_text(completion: object) -> str:
    """Return what the completion says: a string itself, of messages the last one of the assistant that has any text.

    Tool messages, tool calls and `reasoning_content` are not what it says. "" when no assistant message has text.
    Raises `ConfigurationError` for anything that is neither text nor a list of messages (mappings or objects with
    `role` and `content`), or where the model goes by another role, because that is the caller's mistake and no model's.
    """
    if isinstance(completion, str):
        return completion
    if not isinstance(completion, (list, tuple)):
        raise ConfigurationError(f"a completion must be a string or a list of messages, found {_shown(completion)}")
    texts = [_content_text(_field(message, "content")) for message in completion if _is_assistant(message)]
    unknown = {str(_field(message, "role")) for message in completion} - _OTHER_ROLES
    if unknown and not texts:  # `model`, `gpt`, `Assistant`: read as silence, they would score every program nothing
        raise ConfigurationError(f"the model's role in a completion is 'assistant', found {sorted(unknown)!r:.100}")
    return next((text for text in reversed(texts) if text.strip()), "")


def answer_text(text: str) -> str | None:
    """Return what follows the reasoning, or None while the reasoning has not ended.

    The closing marker is enough, as chat templates may put the opening one into the prompt. An opening marker counts
    only where it begins a line ahead of all fenced blocks: a program may speak of `<think>` too.
    """
    for _, closer in _REASONING:
        text = text.rpartition(closer)[2]
    for line in text.split("\n"):
        start = line.lstrip()
        if start.startswith(_FENCES):
            break
        if start.startswith(_OPENERS):
            return None
    return text


def _is_assistant(message: object) -> bool:
    role = _field(message, "role")
    if not isinstance(role, str):
        raise ConfigurationError(f"a message needs a role and a content, found {_shown(message)}")
    return role == "assistant"


def _field(message: object, name: str) -> object:
    return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)


def _content_text(content: object) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, (list, tuple)):
        raise ConfigurationError(f"a message's content must be a string or a list of blocks, found {_shown(content)}")
    return "".join(_block_text(block) for block in content)


def _block_text(block: object) -> str:
    if isinstance(block, str):
        return block
    if _field(block, "type") not in _TEXT_BLOCKS:
        return ""  # images, tool calls and reasoning are not what the message says
    text = _field(block, "text")
    if not isinstance(text, str):
        raise ConfigurationError(f"a text block of a message needs a text, found {_shown(block)}")
    return text


def _shown(value: object) -> str:
    return f"{type(value).__name__}: {value!r:.100}"
