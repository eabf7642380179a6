"""Which sandbox a name means on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import ConfigurationError
from .base import Sandbox

NAMES = ("auto", "local", "e2b")
KEY = "E2B_API_KEY"


def chosen_name(name: str) -> str:
    """Return `local` or `e2b` for one of `NAMES`.

    `auto` means E2B where its key is in the environment, and the local sandbox where it is not. Raises
    `ConfigurationError` for an unknown name, and for E2B without a key or without its SDK.
    """
    if name not in NAMES:
        raise ConfigurationError(f"sandbox {name!r} is unknown: use one of {', '.join(NAMES)} or a sandbox object")
    has_key = bool(os.environ.get(KEY))
    if name == "local" or (name == "auto" and not has_key):
        return "local"
    if not has_key:
        raise ConfigurationError(
            f"sandbox 'e2b' needs a key: set {KEY}, pass E2BSandbox(api_key=...), or use sandbox='local'"
        )
    from .e2b_cloud.sdk import MISSING, is_installed  # `rewards` imports without it

    if not is_installed():
        raise ConfigurationError(f"{MISSING}\n{KEY} is set, so sandbox {name!r} means E2B; unset it, or use 'local'")
    return "e2b"


def reason_for(name: str) -> str:
    """Return, for a log, why `auto` means the sandbox *name*."""
    return f"{KEY} is set" if name == "e2b" else f"{KEY} is not set"


def languages_of(name: str) -> frozenset[str] | None:
    """Return what the sandbox that *name* means runs, without making one."""
    if chosen_name(name) == "local":
        from .local.tools import languages_here

        return languages_here()
    languages: frozenset[str] | None = class_of(chosen_name(name)).languages
    return languages


def make(name: str, options: Mapping[str, Any] = MappingProxyType({})) -> Sandbox:
    """Return a new sandbox of that name with *options*, which need not have started."""
    sandbox: Sandbox = class_of(chosen_name(name))(**options)
    return sandbox


def class_of(name: str) -> Any:
    """Return the class of the sandbox that *name*, which `chosen_name` has returned, means."""
    # Imported when wanted: the local one costs a third of the import of everything.
    if name == "e2b":
        from .e2b_cloud import E2BSandbox

        return E2BSandbox
    from .local import LocalSandbox

    return LocalSandbox
