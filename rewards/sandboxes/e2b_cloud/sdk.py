"""The E2B SDK: the one module that imports it, and knows what its versions can do.

Nothing is passed to it that the user has not set: its own environment variables (E2B_API_KEY, E2B_DOMAIN, E2B_API_URL,
E2B_SANDBOX_URL and others) decide the rest, as they do in everybody's scripts.
"""

from __future__ import annotations

import atexit
import importlib
import inspect
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from ...errors import ConfigurationError
from .credentials import is_address, is_key, remember
from .options import E2BOptions

MISSING = 'the E2B sandbox needs the E2B SDK: pip install "code-rewards[e2b]"'
_CLASSES = ("e2b_code_interpreter", "e2b")
"""Where `AsyncSandbox` is looked for: the first one can also run cells."""
_DISTRIBUTIONS = ("e2b", "e2b-code-interpreter")
_NOT_KNOWN = ("idempotency_key", "retries")
"""Arguments that are left out where an SDK lacks them, because it works without."""
_RETURN_S = 0.1
"""How long a thread of the SDK's HTTP stack, which has just handed over an answer, may take to come back."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listed:
    """A sandbox of the account, as the service lists it."""

    sandbox_id: str
    metadata: Mapping[str, str]
    started_at: datetime


@dataclass(frozen=True)
class SDK:
    """One version of the SDK, with one user's options."""

    options: E2BOptions
    sandbox_class: Any
    versions: Mapping[str, str]
    create_names: frozenset[str] | None
    """Arguments that `create` takes; None where that cannot be known, as with a class of the user's."""

    @property
    def has_run_code(self) -> bool:
        """Say whether cells can be run."""
        return hasattr(self.sandbox_class, "run_code")

    @property
    def max_connections(self) -> int:
        """Return how many requests travel at a time; the SDK lets more of them wait, while their time runs."""
        found = getattr(importlib.import_module("e2b.api"), "max_connections", None)
        return found if isinstance(found, int) else int(os.environ.get("E2B_MAX_CONNECTIONS") or 200)

    def connection(self) -> dict[str, Any]:
        """Return the connection options that the user has set."""
        options = self.options
        names = ("api_key", "domain", "api_url", "sandbox_url", "proxy", "headers")
        given = {name: value for name in names if (value := getattr(options, name))}
        return {**given, "request_timeout": options.request_timeout_s}

    def create_arguments(self, tags: Mapping[str, str], *, key: str | None = None) -> dict[str, Any]:
        """Return the arguments of one create call; raises `ConfigurationError` for one that this SDK does not take.

        *tags* are the metadata of ours. The SDK's own retries are switched off, because they know of no rate.
        """
        options = self.options
        wanted = {
            **options.create_arguments,
            "timeout": options.ttl_s,
            "metadata": {**options.metadata, **tags},
            "allow_internet_access": options.allow_internet_access,
            "retries": options.create_arguments.get("retries", 0),
            **({"template": options.template} if options.template else {}),
            **({"idempotency_key": key} if key else {}),
            **self.connection(),
        }
        unknown = set() if self.create_names is None else wanted.keys() - self.create_names
        if unknown - {*_NOT_KNOWN}:
            names = ", ".join(sorted(unknown - {*_NOT_KNOWN}))
            raise ConfigurationError(f"e2b: create() of {self} does not take {names}: use a newer SDK, or leave it out")
        return {name: value for name, value in wanted.items() if name not in unknown}

    async def create(self, tags: Mapping[str, str], *, key: str | None = None) -> Any:
        """Return a new sandbox, an object of `sandbox_class`."""
        _note_use()
        return await self.sandbox_class.create(**self.create_arguments(tags, key=key))

    async def kill(self, sandbox_id: str) -> bool:
        """Kill a sandbox; False means that there was none of that name any more."""
        _note_use()
        return bool(await self.sandbox_class.kill(sandbox_id, **self.connection()))

    async def list(self, tags: Mapping[str, str]) -> list[Listed]:
        """Return all sandboxes of the account that carry all of *tags*."""
        _note_use()
        query = importlib.import_module("e2b").SandboxQuery(metadata=dict(tags))
        pages = self.sandbox_class.list(query=query, **self.connection())
        pages = await pages if inspect.isawaitable(pages) else pages
        found: list[Listed] = []
        while pages.has_next:
            for info in await pages.next_items():
                # A backend that cannot filter returns everything: other people's sandboxes, too.
                if tags.items() <= dict(info.metadata or {}).items():
                    found.append(Listed(info.sandbox_id, dict(info.metadata), _with_zone(info.started_at)))
        return found

    def __str__(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items()) or "this SDK"


def load(options: E2BOptions) -> SDK:
    """Return the SDK; raises `ConfigurationError` where there is none, or where a fork has made it unusable."""
    check_process()
    _check_environment(options)
    remember(api_key=options.api_key, headers=options.headers, proxy=options.proxy)
    sandbox_class = options.sandbox_class or _find_class()
    for name in ("create", "kill", "list"):
        if not hasattr(sandbox_class, name):
            raise ConfigurationError(f"e2b: {sandbox_class.__module__}.{sandbox_class.__qualname__} has no {name}()")
    if os.environ.get("E2B_DEBUG", "").lower() == "true":
        _log.warning("E2B_DEBUG=true: the SDK talks to localhost and does not kill any sandbox; unset it to grade")
    found = SDK(options, sandbox_class, _versions(), _create_names(sandbox_class))
    found.create_arguments({}, key="checked-early")  # rather than at the first batch
    return found


def _check_environment(options: E2BOptions) -> None:
    """Raise `ConfigurationError` for what could not be sent, without showing it: no call would ever succeed."""
    if not options.api_key and not is_key(os.environ.get("E2B_API_KEY", "")):
        raise ConfigurationError(
            "e2b: the key in E2B_API_KEY has characters that no key has, such as a line end or a space"
        )
    for name, option in (("E2B_API_URL", options.api_url), ("E2B_SANDBOX_URL", options.sandbox_url)):
        if not option and not is_address(os.environ.get(name, "")):
            raise ConfigurationError(f"e2b: what {name} says is no URL that begins with http:// or https://")


def has_key(options: E2BOptions) -> bool:
    """Say whether there is an API key; an empty one is none, and any other may be right."""
    return bool(options.api_key or os.environ.get("E2B_API_KEY"))


def is_installed() -> bool:
    """Say whether the SDK can be imported, without using it."""
    try:
        return _find_class() is not None
    except ConfigurationError:
        return False


class _Process:
    """What this process, or the one that it was forked from, has done with the SDK."""

    was_used = False
    was_forked = False
    is_watched = False


def check_process() -> None:
    """Raise `ConfigurationError` in a process that was forked from one that had used the SDK.

    Its HTTP stack runs threads of its own, which no fork takes along: every call would wait for ever.
    """
    if _Process.was_forked:
        raise ConfigurationError(
            "e2b: this process was forked from one that had used the E2B SDK, where every call would hang for ever: "
            "fork before the first use of the reward, or start processes by 'spawn' or 'forkserver'"
        )


def _note_use() -> None:
    check_process()
    _Process.was_used = True
    if not _Process.is_watched:
        _Process.is_watched = True
        os.register_at_fork(after_in_child=_note_fork)
        atexit.register(_let_threads_return)


def _note_fork() -> None:
    _Process.was_forked = _Process.was_used


def _let_threads_return() -> None:
    """Wait for the threads that handed over the last answers.

    The answer is here before the thread that brought it has the interpreter's lock back. Where the interpreter ends in
    between, the thread is ended in the middle of native code, and the whole process with it, by SIGABRT.
    """
    time.sleep(_RETURN_S)


def _find_class() -> Any:
    for name in _CLASSES:
        try:
            return importlib.import_module(name).AsyncSandbox
        except ModuleNotFoundError as error:
            if error.name != name:  # it is there, and broken
                raise ConfigurationError(f"e2b: {name} cannot be imported: {error}") from error
        except (ImportError, AttributeError) as error:
            raise ConfigurationError(f"e2b: {name} cannot be used: {error}; {MISSING}") from error
    raise ConfigurationError(MISSING)


def _create_names(sandbox_class: Any) -> frozenset[str] | None:
    """Return what `create` takes; where it passes on what it does not name, that are the SDK's connection options."""
    parameters = inspect.signature(sandbox_class.create).parameters.values()
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        if not sandbox_class.__module__.startswith(_CLASSES):
            return None
        names |= set(inspect.signature(importlib.import_module("e2b").ConnectionConfig.__init__).parameters) - {"self"}
    return frozenset(names)


def _versions() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
