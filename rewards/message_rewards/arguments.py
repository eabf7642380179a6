"""What a message reward's function is called with: from the one call of a person, or from a trainer's batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..intake.columns import read_call
from .conversation import Conversation

_SPOKEN = ("messages", "response")
"""The names by which a function asks for the conversation: all of it, or the text of its end."""
_TAKEN = (*_SPOKEN, "original_messages")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ONE_FOR_ALL = (str, bytes, bool, int, float, type(None), Mapping)


@dataclass(frozen=True)
class Arguments:
    """The parameters of a function that grades one conversation."""

    owner: str
    signature: inspect.Signature
    options: frozenset[str]
    """Parameters that are no dataset row's business: in a batch they have one value, and a column of that name is not
    meant for them."""

    @classmethod
    def of(cls, function: Callable[..., Any], *, owner: str, options: Iterable[str] = ()) -> Arguments:
        """Read the parameters of *function*; raises `ConfigurationError` if it asks for no conversation."""
        arguments = cls(owner, inspect.signature(function), frozenset(options))
        if not any(name in arguments.names for name in _SPOKEN):
            raise ConfigurationError(f"{owner} must have a parameter `messages` or `response`: it has none to grade")
        return arguments

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters that have names."""
        return tuple(p.name for p in self.signature.parameters.values() if p.kind in _NAMED)

    @property
    def takes_any(self) -> bool:
        """Say whether the function has `**row`."""
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in self.signature.parameters.values())

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Raise `TypeError` for a name that means nothing here: swallowed, a misspelt one would grade nothing."""
        known = self.names
        unknown = [name for name in names if name not in known]
        if unknown and not self.takes_any:
            listed = ", ".join(map(repr, unknown))
            raise TypeError(f"{self.owner}() got unknown arguments: {listed}; known are {', '.join(known)}")

    def of_one(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments for one conversation; raises `TypeError` as any call of a function does."""
        self.refuse_unknown(kwargs)
        bound = self.signature.bind_partial(*args, **kwargs).arguments
        row: dict[str, Any] = {}
        for name, value in bound.items():
            kind = self.signature.parameters[name].kind
            row |= value if kind is inspect.Parameter.VAR_KEYWORD else {name: value}
        given = [name for name in _SPOKEN if row.get(name) is not None]
        if not given:
            raise TypeError(f"{self.owner}() needs {' or '.join(name for name in _SPOKEN if name in self.names)}")
        conversation = Conversation.of(row[given[0]])
        if not conversation.has_response:
            raise ConfigurationError("the conversation has no message of the assistant at its end: nothing to grade")
        row = self._with_conversation(conversation, row)
        if missing := self._missing(row):
            raise TypeError(f"{self.owner}() needs {', '.join(missing)}")
        return row

    def of_batch(
        self, prompts: Any, completions: Any, columns: Mapping[str, Any], *, preset: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return the arguments for each completion; what the function does not ask for is ignored."""
        wanted = {name: values for name, values in columns.items() if self._is_wanted(name, values, preset)}
        constant = {name: value for name, value in wanted.items() if self._is_constant(name, value)}
        rowwise = {name: values for name, values in wanted.items() if name not in constant}
        call = read_call(prompts, completions, rowwise, needs_columns=False)
        rows = []
        for i, completion in enumerate(call.completions):
            prompt = None if call.prompts is None else call.prompts[i]
            row = {name: values[i] for name, values in call.columns.items()}
            row = self._with_conversation(Conversation.of(completion, prompt=prompt), {**row, **constant, **preset})
            if missing := self._missing(row):
                raise ConfigurationError(
                    f"{self.owner} needs {', '.join(missing)}, and no column is called so; found are "
                    f"{', '.join(columns) or 'no columns'}"
                )
            rows.append(row)
        return rows

    def _is_wanted(self, name: str, values: Any, preset: Mapping[str, Any]) -> bool:
        if name in preset or name in _TAKEN or name == "completion_ids":
            return False
        if name in self.options:
            return self._is_constant(name, values)
        return name in self.names or self.takes_any

    def _is_constant(self, name: str, value: Any) -> bool:
        """Say whether *value* goes for all completions: one of an option is never a column."""
        if name in self.options:
            return not isinstance(value, list | tuple)
        return name in self.names and isinstance(value, _ONE_FOR_ALL)

    def _with_conversation(self, conversation: Conversation, row: dict[str, Any]) -> dict[str, Any]:
        names = self.names
        if "messages" in names or self.takes_any:
            row["messages"] = conversation
        if "response" in names:
            row["response"] = conversation.response
        if row.get("original_messages") is not None:
            row["original_messages"] = Conversation.of(row["original_messages"])
        elif "original_messages" in names:
            row["original_messages"] = conversation.before_response
        return row

    def _missing(self, row: Mapping[str, Any]) -> list[str]:
        parameters = self.signature.parameters
        return [name for name in self.names if name not in row and parameters[name].default is inspect.Parameter.empty]
