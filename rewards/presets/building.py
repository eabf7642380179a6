"""From the settings of the environment to a reward."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from ..code_reward import CodeReward
from ..errors import ConfigurationError
from ..extraction import Extraction
from ..grader.breaker import CircuitBreaker
from ..records import Limits
from ..sandboxes.base import Sandbox
from ..sandboxes.building import SandboxWishes, sandboxes_for
from ..sandboxes.choice import make
from .variables import PREFIX, Setting, read_setting, read_settings


def build_reward(name: str, fixed: Mapping[str, str], environment: Mapping[str, str]) -> CodeReward:
    """Return the reward *name*, made of what is *fixed* and of what the environment says of the rest.

    Raises `ConfigurationError` that names the variable that does not fit, or that contradicts what is fixed.
    """
    held = [read_setting(variable, text) for variable, text in fixed.items()]
    given = []
    for setting in read_settings(environment):
        if setting.name not in fixed:
            given.append(setting)
        elif str(setting.value) != fixed[setting.name]:
            raise ConfigurationError(
                f"{PREFIX}{setting.name} is {setting.value!r}, but the preset {name!r} stands for "
                f"{fixed[setting.name]!r}: use the preset 'code', or unset the variable"
            )
    _refuse_idle_options(given)  # a preset that stands for a sandbox leaves the other one's options to other presets
    try:
        return _reward(name, [*held, *given])
    except ConfigurationError as error:
        raise _blaming(error, name, held, given) from None


def _blaming(
    error: ConfigurationError, name: str, held: Sequence[Setting], given: Sequence[Setting]
) -> ConfigurationError:
    """Return *error* with the variable in it that is wrong by itself, or else with all that are set."""
    # The choice of a sandbox goes first, and into every other attempt: what languages there are depends on it.
    where = [setting for setting in given if setting.name == "SANDBOX"]
    for setting in [*where, *(setting for setting in given if setting not in where)]:
        try:
            _reward(name, [*held, *where, setting])
        except ConfigurationError as alone:
            return ConfigurationError(f"{PREFIX}{setting.name}: {alone}")
    return ConfigurationError(f"{error} (set: {', '.join(PREFIX + each.name for each in given)})") if given else error


def _reward(name: str, settings: Sequence[Setting]) -> CodeReward:
    sandbox, fallback = sandboxes_for(_wishes(settings), make=_shared_sandbox)
    options = _part(settings, "reward")
    options |= {"sandbox": sandbox, "fallback": fallback}
    breaker = _part(settings, "breaker")
    if "batches" in breaker and breaker["batches"] is None:
        options["breaker"] = None
    elif breaker:
        options["breaker"] = CircuitBreaker(**breaker)
    return CodeReward(
        name=name,
        limits=Limits(**_part(settings, "limits")),
        extraction=Extraction(**_part(settings, "extraction")),
        **options,
    )


def _wishes(settings: Sequence[Setting]) -> SandboxWishes:
    named = {name: value for name, value in _part(settings, "reward").items() if name in ("sandbox", "fallback")}
    return SandboxWishes(
        wanted=named.get("sandbox", "auto"),
        fallback=named.get("fallback"),
        **{part: _part(settings, part) for part in ("programs", "local", "e2b")},
    )


def _refuse_idle_options(given: Sequence[Setting]) -> None:
    """Raise `ConfigurationError` for options of a sandbox that `CODE_REWARDS_SANDBOX` says is not used."""
    wishes = _wishes(given)
    sandboxes_own = [setting for setting in given if setting.part in ("local", "e2b")]
    idle = [PREFIX + setting.name for setting in sandboxes_own if setting.option in wishes.idle]
    if idle:
        raise ConfigurationError(
            f"{', '.join(idle)}: no option of the sandbox {wishes.wanted!r}, which is the one in use"
        )


def _shared_sandbox(name: str, options: Mapping[str, Any]) -> Sandbox:
    """Return one sandbox for all presets of a process: they have the same options, from the same variables."""
    return _made(name, tuple(sorted(options.items())))


@functools.cache
def _made(name: str, options: tuple[tuple[str, Any], ...]) -> Sandbox:
    return make(name, dict(options))


def _part(settings: Sequence[Setting], part: str) -> dict[str, Any]:
    return {setting.option: setting.value for setting in settings if setting.part == part}
