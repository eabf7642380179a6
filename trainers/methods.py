"""The methods by which a run can train, each with TRL's arguments for it and the making of its trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rewards import ConfigurationError

from . import grpo, ppo, rloo
from .ingredients import Ingredients


@dataclass(frozen=True)
class Method:
    """One way to train by a reward."""

    name: str
    config: Callable[[], type[Any]]
    """Returns TRL's dataclass of training arguments; raises `ConfigurationError` where the installed TRL has none."""
    build: Callable[[Ingredients], Any]
    """Returns TRL's trainer."""
    check: Callable[[Ingredients, Sequence[Callable[..., Any]]], None] | None = None
    """Raises what *build* would raise for these rows and rewards, as far as that is known without the weights."""


METHODS = {
    "grpo": Method("grpo", grpo.config_class, grpo.build, grpo.check),
    "rloo": Method("rloo", rloo.config_class, rloo.build),
    "ppo": Method("ppo", ppo.config_class, ppo.build, ppo.check),
}


def method_called(name: str) -> Method:
    """Return the method of that name; raises `ConfigurationError` for an unknown one."""
    if name not in METHODS:
        raise ConfigurationError(f"method {name!r} is unknown: use one of {', '.join(METHODS)}")
    return METHODS[name]
