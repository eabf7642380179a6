"""The environment variables `CODE_REWARDS_...`, and how their text becomes the values of options.

They are called as the options of `configs/*.yaml` are, in capitals. An empty variable says nothing; `none` is None.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..options import as_whole

PREFIX = "CODE_REWARDS_"
_NEARLY = ("CODE_REWARD_", PREFIX)
"""In capitals: nobody else's variables begin like this, so it is a misspelt one of ours."""
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Variable:
    """Which option of which part of a reward a variable sets, and how its text is read."""

    part: str
    option: str
    read: Callable[[str], object]


@dataclass(frozen=True)
class Setting:
    """A variable that is set."""

    name: str
    """Without the prefix."""
    part: str
    option: str
    value: object


def _text(text: str) -> object:
    return text


def _number(text: str) -> object:
    try:
        return as_whole(float(text))
    except ValueError:
        raise ConfigurationError("must be a number") from None


def _flag(text: str) -> object:
    if text.lower() not in _FLAGS:
        raise ConfigurationError("must be true or false")
    return _FLAGS[text.lower()]


def _words(text: str) -> object:
    return tuple(text.replace(",", " ").split())


def _variables(part: str, read: Callable[[str], object], options: str, *, prefix: str = "") -> dict[str, Variable]:
    return {f"{prefix}{option}".upper(): Variable(part, option, read) for option in options.split()}


VARIABLES: dict[str, Variable] = {
    **_variables("reward", _text, "sandbox fallback scoring schema language comparison trust on_bad_row"),
    **_variables("reward", _number, "max_tests batch_deadline_s retries unjudged_score no_program_score program_bonus"),
    **_variables("reward", _flag, "stop_at_first_failure"),
    **_variables("limits", _number, "cpu_s wall_s job_cpu_s memory_mb output_kb disk_mb processes"),
    **_variables("extraction", _text, "choice", prefix="block_"),
    **_variables("extraction", _flag, "opened_by_prompt allow_unclosed allow_bare allow_unparsed"),
    **_variables("breaker", _number, "batches share", prefix="breaker_"),
    **_variables("local", _number, "slots", prefix="sandbox_"),
    **_variables("local", _text, "level", prefix="sandbox_"),
    **_variables("programs", _words, "preload", prefix="sandbox_"),
    **_variables("programs", _flag, "site_packages", prefix="sandbox_"),
    **_variables("e2b", _text, "plan template run domain api_url sandbox_url", prefix="e2b_"),
    **_variables("e2b", _number, "creates_per_s max_sandboxes max_sandbox_seconds", prefix="e2b_"),
    **_variables("e2b", _number, "jobs_per_sandbox trip_jobs keep_warm idle_s ttl_s", prefix="e2b_"),
}
"""By name without the prefix. `programs` are options that the local sandbox and E2B have in common."""


def read_settings(environment: Mapping[str, str]) -> list[Setting]:
    """Return what the variables say; raises `ConfigurationError` for an unknown one and for text that cannot be read.

    A misspelt variable would otherwise be a run with other options than its owner believes.
    """
    found = []
    for full_name, text in sorted(environment.items()):
        if not full_name.startswith(PREFIX):
            if full_name.upper().startswith(_NEARLY):
                raise ConfigurationError(f"the environment variable {full_name} is none of ours, which begin {PREFIX}")
            continue
        name = full_name.removeprefix(PREFIX)
        if name not in VARIABLES:
            raise ConfigurationError(_unknown(name))
        if text.strip():
            found.append(read_setting(name, text.strip()))
    return found


def read_setting(name: str, text: str) -> Setting:
    """Return what the variable *name* says with this text."""
    variable = VARIABLES[name]
    try:
        value = None if text.lower() in ("none", "null") else variable.read(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{PREFIX}{name} {error}, found {text[:80]!r}") from None
    return Setting(name, variable.part, variable.option, value)


def _unknown(name: str) -> str:
    nearest = difflib.get_close_matches(name, VARIABLES, n=1)
    known = ", ".join(f"{PREFIX}{known}" for known in VARIABLES)
    hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else f"known are {known}"
    return f"the environment variable {PREFIX}{name} is unknown: {hint}"
