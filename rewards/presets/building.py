"""From the settings of the environment to a reward."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..code_reward import CodeReward
from ..errors import ConfigurationError
from ..extraction import Extraction
from ..grader.breaker import CircuitBreaker
from ..records import Limits
from ..sandboxes.base import Sandbox
from ..sandboxes.choice import chosen_name, reason_for
from .variables import PREFIX, Setting, read_setting, read_settings

_log = logging.getLogger("rewards")


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
    _refuse_idle_options(given)
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
    options = _part(settings, "reward")
    sandbox, fallback = _sandboxes(settings, options.pop("sandbox", "auto"), options.pop("fallback", None))
    breaker = _part(settings, "breaker")
    if "batches" in breaker and breaker["batches"] is None:
        options["breaker"] = None
    elif breaker:
        options["breaker"] = CircuitBreaker(**breaker)
    return CodeReward(
        name=name,
        sandbox=sandbox,
        fallback=fallback,
        limits=Limits(**_part(settings, "limits")),
        extraction=Extraction(**_part(settings, "extraction")),
        **options,
    )


def _sandboxes(settings: Sequence[Setting], wanted: Any, fallback: Any) -> tuple[Any, Any]:
    """Return the sandbox, and the one to move to, with the options that belong to each."""
    chosen = chosen_name(wanted)
    programs = _part(settings, "programs")
    local, e2b = {**programs, **_part(settings, "local")}, {**programs, **_part(settings, "e2b")}
    given = local if chosen == "local" else e2b
    if given and wanted == "auto":
        _log.warning("sandbox='auto' means the sandbox %r, because %s", chosen, reason_for(chosen))
    if fallback == "local" and local and chosen != "local":
        fallback = _shared_sandbox("local", tuple(sorted(local.items())))
    return (_shared_sandbox(chosen, tuple(sorted(given.items()))) if given else wanted), fallback


def _refuse_idle_options(given: Sequence[Setting]) -> None:
    """Raise `ConfigurationError` for options of a sandbox that `CODE_REWARDS_SANDBOX` says is not used.

    A preset that stands for a sandbox leaves the other one's options alone: another preset may be there for them.
    """
    reward = _part(given, "reward")
    wanted = str(reward.get("sandbox"))
    idle_part = {"local": "e2b", "e2b": "local" if reward.get("fallback") is None else ""}.get(wanted, "")
    idle = [PREFIX + setting.name for setting in given if setting.part == idle_part]
    if idle:
        raise ConfigurationError(f"{', '.join(idle)}: no option of the sandbox {wanted!r}, which is the one in use")


@functools.cache
def _shared_sandbox(name: str, options: tuple[tuple[str, Any], ...]) -> Sandbox:
    """Return one sandbox for all presets of a process: they have the same options, from the same variables."""
    sandbox: Sandbox
    if name == "e2b":
        from ..sandboxes.e2b_cloud import E2BSandbox  # imported when wanted, like the other one

        sandbox = E2BSandbox(**dict(options))
    else:
        from ..sandboxes.local import LocalSandbox

        sandbox = LocalSandbox(**dict(options))
    return sandbox


def _part(settings: Sequence[Setting], part: str) -> dict[str, Any]:
    return {setting.option: setting.value for setting in settings if setting.part == part}
