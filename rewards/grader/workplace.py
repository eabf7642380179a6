"""Which sandbox a reward works with in this process, on which loop, and who closes it.

Rewards that name the same sandbox share it: two rewards on the local sandbox do not start two pools. The last of them
to be closed, or to be forgotten, closes it. A forked child, and a process that had to give up a blocked loop, gets
another sandbox, because the old one's belongs to what is gone.
"""

from __future__ import annotations

import concurrent.futures
import copy
import logging
import os
import threading
import weakref
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..sandboxes.base import Sandbox
from .loop import BackgroundLoop, background_loop

NAMES = ("auto", "local")
_CLOSE_S = 15.0
_log = logging.getLogger("rewards")


@dataclass(eq=False)
class _Place:
    sandbox: Sandbox
    loop: BackgroundLoop
    users: int = 0


_lock = threading.RLock()  # a finalizer may run inside any allocation, in the thread that holds the lock
_places: dict[object, _Place] = {}
_abandoned: list[_Place] = []
"""Places of a parent process or of a blocked loop, kept from finalizers that would reach into what is not ours."""
_announced: set[str] = set()


class Workplace:
    """A reward's hold on a sandbox, taken when first needed and given up by `close`."""

    def __init__(self, wanted: str | Sandbox) -> None:
        if isinstance(wanted, str) and wanted not in NAMES:
            raise ConfigurationError(
                f"sandbox {wanted!r} is unknown: use one of {', '.join(NAMES)} or a sandbox object"
            )
        if not isinstance(wanted, str) and not callable(getattr(wanted, "run", None)):
            raise ConfigurationError(f"sandbox must be a name or a sandbox object, found {type(wanted).__name__}")
        self._wanted = wanted
        self._place: _Place | None = None
        self._leave: weakref.finalize[[object, _Place], Workplace] | None = None

    def enter(self) -> tuple[BackgroundLoop, Sandbox]:
        """Return the loop and the sandbox to use from now on."""
        with _lock:
            if self._place is None or not self._place.loop.usable:
                self._move_in()
            assert self._place is not None
            return self._place.loop, self._place.sandbox

    @property
    def sandbox(self) -> Sandbox:
        """Return the sandbox, which need not have started."""
        return self.enter()[1]

    def close(self) -> None:
        """Let go; returns when the sandbox is closed, if nobody else uses it."""
        if self._leave is not None and (left := self._leave.detach()) is not None:
            closing = _leave(*left[2])
            if closing is not None and self._place is not None and not self._place.loop.is_current_thread:
                concurrent.futures.wait([closing], timeout=_CLOSE_S)
        self._place = None

    def _move_in(self) -> None:
        if self._leave is not None:
            self._leave.detach()
        key = "local" if isinstance(self._wanted, str) else id(self._wanted)
        place = _places.get(key)
        if place is None or not place.loop.usable:
            if place is not None:
                _abandoned.append(place)
            place = _places[key] = _Place(_new_sandbox(self._wanted, used_before=place is not None), background_loop())
        place.users += 1
        self._place = place
        self._leave = weakref.finalize(self, _leave, key, place)


def announce(sandbox: Sandbox) -> None:
    """Say once a process, in the log, what protects the machine from the programs that run on it."""
    text = str(sandbox.describe())
    with _lock:
        if text in _announced:
            return
        _announced.add(text)
    _log.warning("sandbox='auto' runs programs on this machine: %s", text)


def languages_of(wanted: str | Sandbox) -> frozenset[str] | None:
    """Return the languages of the sandbox that *wanted* means; None for any."""
    if isinstance(wanted, str):
        from ..sandboxes.local import LocalSandbox  # here and below: it costs a third of the import of everything

        return LocalSandbox.languages
    return getattr(wanted, "languages", None)


def _new_sandbox(wanted: str | Sandbox, *, used_before: bool) -> Sandbox:
    if not isinstance(wanted, str):
        return copy.copy(wanted) if used_before else wanted
    from ..sandboxes.local import LocalSandbox  # imported when wanted: a message says where it cannot work

    sandbox: Sandbox = LocalSandbox()
    return sandbox


def _leave(key: object, place: _Place) -> concurrent.futures.Future[None] | None:
    with _lock:
        place.users -= 1
        if place.users:
            return None
        if _places.get(key) is place:
            del _places[key]
    return place.loop.begin_last(place.sandbox.close()) if place.loop.usable else None


def _forget_the_parents_lock() -> None:
    global _lock
    _lock = threading.RLock()  # another thread of the parent may have held it at the moment of the fork


os.register_at_fork(after_in_child=_forget_the_parents_lock)
