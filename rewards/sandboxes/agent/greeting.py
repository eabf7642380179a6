"""What an agent says of itself and of its machine once it is ready, or why it is not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import WireError

LONGEST_GREETING = 1 << 16
_MARK = "g"


@dataclass(frozen=True)
class Greeting:
    """What holds on the machine. The machine's word: good for logs and for the next command there, for no verdict."""

    error: str = ""
    """Why no job can run there; everything else may be empty then."""
    error_kind: str = ""
    """`configuration` (the user's options), `unavailable` (no level of protection) or `start` (anything else)."""
    python: str = ""
    """The version of the interpreter, such as `3.13.1`."""
    executable: str = ""
    slots: int = 0
    """How many jobs run there at once."""
    level: str = ""
    protects_against: tuple[str, ...] = ()
    does_not_protect_against: tuple[str, ...] = ()
    cpu_count: int = 0
    memory_mb: int = 0
    languages: tuple[str, ...] = ("python",)
    """What programs may be written in there."""

    def line(self, nonce: str) -> str:
        """Return the line that tells it, without its end."""
        return f"{nonce} {_MARK} {json.dumps(asdict(self))}"


def read_greeting(output: str, nonce: str) -> Greeting | None:
    """Return the greeting among the lines that a set-up command has printed, or None where there is none.

    Raises `WireError` for a line that bears the nonce and is no greeting.
    """
    start = f"{nonce} {_MARK} "
    for line in output.splitlines():
        if line.startswith(start):
            return _greeting(line[len(start) :])
    return None


def _greeting(text: str) -> Greeting:
    if len(text) > LONGEST_GREETING:
        raise WireError("a greeting out of bounds")
    try:
        found: dict[str, Any] = json.loads(text)
        known = {field.name: found[field.name] for field in fields(Greeting) if field.name in found}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        greeting = Greeting(**{**known, **lists})
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"not a greeting: {type(error).__name__}") from None
    for field in fields(Greeting):
        value = getattr(greeting, field.name)
        if type(value) is not type(field.default) or not (type(value) is not tuple or _are_texts(value)):
            raise WireError(f"not a greeting: {field.name} is {type(value).__name__}")
    if not greeting.error and not (greeting.executable and 1 <= greeting.slots < 1 << 16):
        raise WireError("a greeting without an interpreter or slots")
    return greeting


def _are_texts(values: tuple[Any, ...]) -> bool:
    return all(type(value) is str for value in values)
