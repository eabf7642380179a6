"""Which sandbox a reward works with in this process, on which loop, and who closes it.

Rewards that name the same sandbox share it: two rewards on the local sandbox do not start two pools. The last of them
to be closed, or to be forgotten, closes it. A forked child, and a process that had to give up a blocked loop, gets
another sandbox, because the old one's belongs to what is gone.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import logging
import os
import threading
import weakref
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..sandboxes import choice
from ..sandboxes.base import Sandbox
from .loop import BackgroundLoop, background_loop

_METHODS = ("start", "run", "describe", "close")
_FIGURES = ("name", "capacity")
_CLOSE_S = 15.0
_log = logging.getLogger("rewards")


@dataclass(frozen=True)
class _Home:
    """A sandbox on the loop that it runs on, in the process that made it."""

    loop: BackgroundLoop
    sandbox: Sandbox
    close: weakref.finalize[[BackgroundLoop, Sandbox], _Place]
    """Closes the sandbox, once: called by the last user, or by the end of the process before that stops the loop."""


@dataclass(eq=False)
class _Place:
    """What the rewards share that name one sandbox; they count as its users from their construction on."""

    wanted: str | Sandbox
    users: int = 0
    home: _Home | None = None
    """None until the first batch."""

    def enter(self) -> _Home:
        if self.home is None or not self.home.loop.usable:
            sandbox, loop = _new_sandbox(self.wanted, used_before=self.home is not None), background_loop()
            if self.home is not None:
                self.home.close.detach()
                _abandoned.append((self.home.loop, self.home.sandbox))
            self.home = _Home(loop, sandbox, weakref.finalize(self, _close, loop, sandbox))
        return self.home


_lock = threading.RLock()  # a finalizer may run inside any allocation, in the thread that holds the lock
_places: dict[object, _Place] = {}
_abandoned: list[tuple[BackgroundLoop, Sandbox]] = []
"""Sandboxes of a parent process or of a blocked loop, kept from finalizers that would reach into what is not ours."""
_closed: dict[int, weakref.ref[object]] = {}
"""The sandbox objects that rewards have closed, by their `id`, for as long as they exist."""
_announced: set[str] = set()


class Workplace:
    """A reward's hold on a sandbox, from its construction to `close`; the sandbox starts when first needed."""

    def __init__(self, wanted: str | Sandbox) -> None:
        _refuse_what_is_no_sandbox(wanted)
        key: object = choice.chosen_name(wanted) if isinstance(wanted, str) else id(wanted)
        fresh = _Place(wanted)  # made beforehand: no finalizer may strike between the next two lines
        with _lock:
            self._place = _places.setdefault(key, fresh)
            self._place.users += 1
        self._leave = weakref.finalize(self, _leave, key, self._place)

    def enter(self) -> tuple[BackgroundLoop, Sandbox]:
        """Return the loop and the sandbox to use from now on; raises `ConfigurationError` when it is closed."""
        with _lock:
            if not self._leave.alive or _was_closed(self._place.wanted):
                raise ConfigurationError("this sandbox was closed with the last reward that used it: make another one")
            home = self._place.enter()
            return home.loop, home.sandbox

    @property
    def sandbox(self) -> Sandbox:
        """Return the sandbox, which need not have started."""
        return self.enter()[1]

    def close(self) -> None:
        """Let go; returns when the sandbox is closed, if nobody else uses it."""
        left = self._leave.detach()
        closing = None if left is None else _leave(*left[2])
        home = self._place.home
        if closing is not None and home is not None and not home.loop.is_current_thread:
            concurrent.futures.wait([closing], timeout=_CLOSE_S)


def announce(sandbox: Sandbox) -> None:
    """Say once a process, in the log, which sandbox `auto` means, and what it protects against."""
    text = str(sandbox.describe())
    with _lock:
        if text in _announced:
            return
        _announced.add(text)
    where = "on this machine" if sandbox.name == "local" else f"in {sandbox.name} sandboxes"
    _log.warning("sandbox='auto' runs programs %s, because %s: %s", where, choice.reason_for(sandbox.name), text)


def languages_of(wanted: str | Sandbox) -> frozenset[str] | None:
    """Return the languages of the sandbox that *wanted* means; None for any."""
    _refuse_what_is_no_sandbox(wanted)
    return choice.languages_of(wanted) if isinstance(wanted, str) else getattr(wanted, "languages", None)


def _new_sandbox(wanted: str | Sandbox, *, used_before: bool) -> Sandbox:
    if isinstance(wanted, str):
        return choice.make(wanted)
    return copy.copy(wanted) if used_before else wanted


def _refuse_what_is_no_sandbox(wanted: object) -> None:
    if isinstance(wanted, str):
        choice.chosen_name(wanted)
        return
    if isinstance(wanted, type):
        raise ConfigurationError(f"sandbox is the class {wanted.__name__}: pass an object of it")
    missing = [name for name in _METHODS if not callable(getattr(wanted, name, None))]
    # A property is looked up on the class, where that does not compute it.
    missing += [name for name in _FIGURES if not (hasattr(type(wanted), name) or hasattr(wanted, name))]
    if missing:
        raise ConfigurationError(
            f"sandbox must be a name or a sandbox object, found {type(wanted).__name__}, which lacks "
            f"{', '.join(missing)}: see `rewards.sandboxes.base.Sandbox`"
        )


def _was_closed(wanted: str | Sandbox) -> bool:
    reference = _closed.get(id(wanted))
    return reference is not None and reference() is wanted


def _remember_closed(wanted: str | Sandbox) -> None:
    key = id(wanted)
    with contextlib.suppress(TypeError):  # text, and objects without weak references, which answer for themselves
        _closed[key] = weakref.ref(wanted, lambda _, forget=_closed.pop: forget(key, None))  # type: ignore[misc]


def _leave(key: object, place: _Place) -> concurrent.futures.Future[None] | None:
    with _lock:
        place.users -= 1
        if place.users:
            return None
        if _places.get(key) is place:
            del _places[key]
        if place.home is None:
            return None
        _remember_closed(place.wanted)
        return place.home.close()


def _close(loop: BackgroundLoop, sandbox: Sandbox) -> concurrent.futures.Future[None] | None:
    if loop.usable:
        return loop.begin_last(sandbox.close())
    _abandoned.append((loop, sandbox))
    return None


def _forget_the_parents_lock() -> None:
    global _lock
    _lock = threading.RLock()  # another thread of the parent may have held it at the moment of the fork


os.register_at_fork(after_in_child=_forget_the_parents_lock)
