"""What a user may ask of the local sandbox, checked when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ConfigurationError
from .levels import strategies

PackageDirectories = Iterable[str | Path] | bool


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    level: str = "auto"
    allow_unprotected: bool = False
    preload: tuple[str, ...] = ()
    site_packages: tuple[str | Path, ...] | bool = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    landlock_abi: int | None = None
    own_uid: bool = True


def read_options(
    *,
    level: str,
    allow_unprotected: bool,
    preload: Iterable[str],
    site_packages: PackageDirectories,
    environment: Mapping[str, str] | None,
    landlock_abi: int | None = None,
    own_uid: bool = True,
) -> Options:
    """Return the options; raises `ConfigurationError` for those that no slot could be started with."""
    if not isinstance(allow_unprotected, bool):
        raise ConfigurationError(f"allow_unprotected must be True or False, found {allow_unprotected!r}")
    strategies(level, allow_unprotected=allow_unprotected)
    return Options(
        level=level,
        allow_unprotected=allow_unprotected,
        preload=_modules(preload),
        site_packages=_directories(site_packages),
        environment=_environment({} if environment is None else environment),
        landlock_abi=landlock_abi,
        own_uid=own_uid,
    )


def check_slots(slots: int | None) -> None:
    """Raise `ConfigurationError` for what is no number of slots."""
    # True is an int to Python, but who writes slots=True did not mean one slot.
    if slots is not None and (isinstance(slots, bool) or not isinstance(slots, int) or slots < 1):
        raise ConfigurationError(f"slots must be a whole number of at least 1, or None, found {slots!r}")


def _modules(preload: Iterable[str]) -> tuple[str, ...]:
    if isinstance(preload, (str, bytes)) or not isinstance(preload, Iterable):
        raise ConfigurationError(f"preload takes a list of module names, not {preload!r}")
    names = tuple(preload)
    for name in names:
        if not (isinstance(name, str) and all(part.isidentifier() for part in name.split("."))):
            raise ConfigurationError(f"preload takes names of modules, such as 'numpy.linalg', found {name!r}")
    return names


def _directories(site_packages: PackageDirectories) -> tuple[str | Path, ...] | bool:
    if isinstance(site_packages, bool):
        return site_packages
    if isinstance(site_packages, (str, bytes, os.PathLike)) or not isinstance(site_packages, Iterable):
        raise ConfigurationError(f"site_packages takes a list of directories, or True, not {site_packages!r}")
    directories = tuple(site_packages)
    for directory in directories:
        if not isinstance(directory, (str, Path)) or "\0" in str(directory):
            raise ConfigurationError(f"site_packages takes a list of directories, found {directory!r} in it")
    return directories


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(environment, Mapping):
        raise ConfigurationError(f"environment takes a mapping of names to values, not {environment!r}")
    for name, value in environment.items():
        if not (_is_text(name) and name and "=" not in name):
            raise ConfigurationError(f"environment has the name {name!r}: it must be text without '=' and NUL")
        if not _is_text(value):
            # The value is not shown: it may be a secret, and messages end up in logs.
            found = "text with NUL or half a surrogate pair" if isinstance(value, str) else type(value).__name__
            raise ConfigurationError(f"environment[{name!r}] must be text without NUL, found {found}")
    return dict(environment)


def _is_text(value: object) -> bool:
    """Tell whether the kernel would take *value* as a part of an environment."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True
