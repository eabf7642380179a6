"""A conversation in any of the forms that callers have: a response, a list of dicts, a list of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigurationError
from ..extraction import completion_text
from ..options import shown

ASKING = ("user", "system", "developer")
"""Roles whose words are not the model's."""
_FIELDS = ("role", "content", "name", "tool_call_id", "tool_calls", "function_call", "reasoning_content")


class Message(dict[str, Any]):
    """A message of a conversation, whose fields are keys and attributes alike: both are in use."""

    @property
    def role(self) -> str:
        """Return who speaks."""
        return str(self["role"])

    @property
    def content(self) -> Any:
        """Return what is said: a text, a list of parts, or None."""
        return self.get("content")

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS:
            return self.get(name)
        raise AttributeError(name)


class Conversation(list[Message]):
    """What was said, up to the end of the response to grade, which begins at message `start`.

    Messages ahead of it may be of the assistant, too: earlier turns, and examples, which nobody is to be graded for.
    """

    start: int = 0

    @classmethod
    def of(cls, value: object, *, prompt: object = None) -> Conversation:
        """Read a response or a list of messages, or a response behind *prompt*; raises `ConfigurationError`.

        Of a list without a prompt, the response is what follows the last message of a user or system.
        """
        messages = _messages(value, role="assistant")
        before = () if prompt is None else _messages(prompt, role="user")
        conversation = cls((*before, *messages))
        last_asked = max((i for i, message in enumerate(messages) if message.role in ASKING), default=-1)
        conversation.start = len(before) if prompt is not None else last_asked + 1
        return conversation

    @property
    def has_response(self) -> bool:
        """Say whether the assistant has the word after what was asked."""
        return any(message.role == "assistant" for message in self[self.start :])

    @property
    def response(self) -> str:
        """Return the text of the last assistant message of the response that has any; "" where none has."""
        return completion_text(self[self.start :])

    @property
    def before_response(self) -> list[Message]:
        """Return what was said ahead of the response."""
        return self[: self.start]


def text_of(message: Message) -> str:
    """Return what *message* says in words, whoever speaks."""
    return completion_text([{"role": "assistant", "content": message.content}])


def _messages(value: object, *, role: str) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message(role=role, content=value),)
    if isinstance(value, Mapping) or not isinstance(value, Sequence):
        raise ConfigurationError(f"messages must be a text or a list of messages, found {shown(value)}")
    return tuple(_message(item) for item in value)


def _message(item: object) -> Message:
    if isinstance(item, Mapping):
        message = item if isinstance(item, Message) else Message(item)
    else:
        known = ((name, getattr(item, name, None)) for name in _FIELDS)
        message = Message({name: value for name, value in known if value is not None})
    if not isinstance(message.get("role"), str):
        raise ConfigurationError(f"a message needs a role and a content, found {shown(item)}")
    return message
