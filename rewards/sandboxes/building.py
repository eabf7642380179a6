"""From what was said about sandboxes, in a YAML file or by variables, to the sandbox to use and the one to move to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .base import Sandbox
from .choice import chosen_name, make, reason_for

_log = logging.getLogger("rewards")
Options = Mapping[str, Any]


@dataclass(frozen=True)
class SandboxWishes:
    """A sandbox by name, and options of it, beside which those of the other one may stand."""

    wanted: str = "auto"
    """`auto`, `local` or `e2b`."""
    fallback: str | None = None
    """`local`, or None for none."""
    programs: Options = field(default_factory=dict)
    """Options that both sandboxes have."""
    local: Options = field(default_factory=dict)
    e2b: Options = field(default_factory=dict)

    @property
    def idle(self) -> Options:
        """Return the options that the named sandbox has no use for; `auto` may come to use any."""
        if self.wanted == "local":
            return self.e2b
        return self.local if self.wanted == "e2b" and self.fallback is None else {}


def sandboxes_for(
    wishes: SandboxWishes, *, make: Callable[[str, Options], Sandbox] = make
) -> tuple[str | Sandbox, str | Sandbox | None]:
    """Return the sandbox and the fallback as `CodeReward` takes them: a name, where no option was given for it.

    Raises `ConfigurationError` for a sandbox that cannot be had, and for options that it refuses. `make` makes a
    sandbox of that name with these options.
    """
    name = chosen_name(wishes.wanted)
    local, e2b = {**wishes.programs, **wishes.local}, {**wishes.programs, **wishes.e2b}
    given = local if name == "local" else e2b
    if given and wishes.wanted == "auto":
        _log.warning("sandbox='auto' means the sandbox %r, because %s", name, reason_for(name))
    fallback: str | Sandbox | None = wishes.fallback
    if fallback == "local" and local and name != "local":
        fallback = make("local", local)  # as well protected as was asked for, and with the same modules for programs
    return (make(name, given) if given else wishes.wanted), fallback
