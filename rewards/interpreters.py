"""Interpreters that keep their state from call to call, for agents: many at once, from synchronous code.

They live in the same sandboxes as the programs that rewards run, on the same background loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import math
import weakref
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

from .errors import ConfigurationError, RewardError
from .grader.loop import BackgroundLoop
from .grader.workplace import Workplace, announce
from .records import CellStep, File, Limits, SandboxFailure, TestRun
from .sandboxes import choice
from .sandboxes.base import Interactive, Sandbox, Session

T = TypeVar("T")
_OF_SESSIONS = ("open_session", "session_capacity", "sessions_have_shell")
DEFAULT_LIMITS = Limits(cpu_s=5.0, memory_mb=512, output_kb=64, job_cpu_s=120.0)
CLOSED = SandboxFailure("closed", "the interpreter was closed", retryable=False)
ELSEWHERE = SandboxFailure("died", "this interpreter's process is gone, or its event loop was blocked", retryable=False)


class Interpreters:
    """Opens interpreters in one sandbox, which is shared with rewards that name the same one.

    *sandbox* is `auto`, `local`, `e2b`, or an object with sessions. The limits on CPU time, wall time and output are
    those of one cell, `job_cpu_s` is that of an interpreter from its opening to its end. Nothing starts before the
    first `open`. Usable from any thread; picklable, and a copy opens interpreters of its own. All of them are closed
    with this object, when it is forgotten, and at the end of the process.

    Raises `ConfigurationError` for a sandbox without sessions.
    """

    def __init__(
        self,
        sandbox: str | Sandbox = "auto",
        *,
        limits: Limits = DEFAULT_LIMITS,
        start_timeout_s: float = 120.0,
    ) -> None:
        if not isinstance(start_timeout_s, (int, float)) or not 0 < start_timeout_s < math.inf:
            raise ConfigurationError(f"start_timeout_s must be a positive number, found {start_timeout_s!r}")
        if not isinstance(limits, Limits):
            raise ConfigurationError(f"limits must be a rewards.Limits, found {limits!r}")
        self.sandbox, self.limits, self.start_timeout_s = sandbox, limits, start_timeout_s
        self._workplace = Workplace(sandbox)
        kind = choice.class_of(choice.chosen_name(sandbox)) if isinstance(sandbox, str) else type(sandbox)
        missing = [name for name in _OF_SESSIONS if not hasattr(kind, name)]
        if missing:
            raise ConfigurationError(
                f"the sandbox {kind.__name__} has no sessions, in which code is run cell by cell: it lacks "
                f"{', '.join(missing)}, see `rewards.sandboxes.base.Interactive`"
            )
        self._running: dict[int, _Running] = {}
        self._close = weakref.finalize(self, _close_all, self._running)

    def __getstate__(self) -> dict[str, object]:
        """Return the settings alone."""
        return {"sandbox": self.sandbox, "limits": self.limits, "start_timeout_s": self.start_timeout_s}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def capacity(self) -> int | None:
        """Return how many interpreters may be open at once; None for as many as the machine's memory holds."""
        return self._sandbox.session_capacity

    @property
    def has_shell(self) -> bool:
        """Whether `submit_shell` can be used."""
        return self._sandbox.sessions_have_shell

    @property
    def _sandbox(self) -> Interactive:
        return cast(Interactive, self._workplace.sandbox)  # the constructor has looked

    def open(self) -> Interpreter:
        """Return an interpreter at once; it starts meanwhile, and what is submitted to it waits for that.

        Raises `ConfigurationError` when this object is closed.
        """
        if not self._close.alive:
            raise ConfigurationError("these interpreters were closed: make another Interpreters object")
        loop, sandbox = self._workplace.enter()
        on_start = announce if self.sandbox == "auto" else _say_nothing
        running = _Running(loop, cast(Interactive, sandbox), self.limits, self.start_timeout_s, on_start)
        self._running[id(running)] = running
        # Of the dict and not of `self`: that would never be forgotten.
        running.when_closed = functools.partial(self._running.pop, id(running), None)
        return Interpreter(running)

    def close(self) -> None:
        """End all interpreters; and the sandbox, when nobody else uses it."""
        self._close()
        self._workplace.close()

    def __enter__(self) -> Interpreters:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Interpreter:
    """One interpreter. What is submitted is run in that order, one after the other; usable from any thread.

    Every answer is a `TestRun`, or a `SandboxFailure` that says nothing about the code. After a run that neither
    `RETURNED` nor `RAISED`, and after a failure, the state is gone and the next cell finds a fresh interpreter; one
    that did not start answers everything with the failure. A future raises what is nobody's answer:
    `ConfigurationError`, and `SandboxUnavailable` where no sandbox can be had at all.
    """

    def __init__(self, running: _Running) -> None:
        """Made by `Interpreters.open`."""
        self._running = running
        self._close = weakref.finalize(self, running.close)

    def submit(self, source: str, *, files: Iterable[File] = ()) -> concurrent.futures.Future[TestRun | SandboxFailure]:
        """Run a cell; *files* are written into its directory first."""
        cell = CellStep(source, tuple(files))
        return self._submit(lambda session: session.run(cell))

    def run(self, source: str, *, files: Iterable[File] = ()) -> TestRun | SandboxFailure:
        """Run a cell and wait for its end."""
        if self._running.loop.is_current_thread:
            raise ConfigurationError("an interpreter was asked to wait on its own background loop: use `submit`")
        return self.submit(source, files=files).result()

    def submit_shell(self, command: str) -> concurrent.futures.Future[TestRun | SandboxFailure]:
        """Run a command line beside the interpreter; the future raises `ConfigurationError` where there is no shell."""
        return self._submit(lambda session: session.shell(command))

    def submit_read(self, path: str, *, limit_bytes: int) -> concurrent.futures.Future[bytes | SandboxFailure | None]:
        """Read the beginning of a file in the interpreter's directory; None where there is none that can be read."""
        return self._submit(lambda session: session.read(path, limit_bytes=limit_bytes))

    def _submit(
        self, ask: Callable[[Session], Awaitable[T | SandboxFailure]]
    ) -> concurrent.futures.Future[T | SandboxFailure]:
        return self._running.submit(functools.partial(_asked, self, ask))

    def close(self) -> None:
        """End the interpreter, whatever it does, and return at once; what was submitted is answered with a failure."""
        self._close()


async def _asked(
    _: Interpreter, ask: Callable[[Session], Awaitable[T | SandboxFailure]], session: Session
) -> T | SandboxFailure:
    """Ask, and hold the interpreter until that is answered: nobody else may remember it."""
    return await ask(session)


class _Running:
    """An interpreter as the background loop knows it; if it knew the `Interpreter`, none would ever be forgotten."""

    def __init__(
        self,
        loop: BackgroundLoop,
        sandbox: Interactive,
        limits: Limits,
        timeout_s: float,
        on_start: Callable[[Any], None],
    ) -> None:
        self.loop = loop
        self.when_closed: Callable[[], object] = lambda: None
        self._sandbox, self._limits, self._timeout_s, self._on_start = sandbox, limits, timeout_s, on_start
        self._turn = asyncio.Lock()
        self._start: asyncio.Task[Session | SandboxFailure] | None = None
        self._asking: asyncio.Task[object] | None = None
        self._is_closed = self._is_ending = False
        loop.begin(self._begin())

    async def _begin(self) -> None:
        if not self._is_closed:
            self._start = asyncio.get_running_loop().create_task(self._open())
            await asyncio.wait([self._start])
            if not self._start.cancelled():
                self._start.exception()  # told to whoever asks; asyncio would log it as forgotten

    async def _open(self) -> Session | SandboxFailure:
        try:
            async with asyncio.timeout(self._timeout_s):
                session = await self._sandbox.open_session(self._limits)
        except TimeoutError:
            return SandboxFailure("start", f"no interpreter was ready within {self._timeout_s:g} s")
        except RewardError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary to a sandbox, which may raise anything
            return _raised(error)
        self._on_start(self._sandbox)
        return session

    def submit(
        self, ask: Callable[[Session], Awaitable[T | SandboxFailure]]
    ) -> concurrent.futures.Future[T | SandboxFailure]:
        if not self.loop.usable:
            gone: concurrent.futures.Future[T | SandboxFailure] = concurrent.futures.Future()
            gone.set_result(ELSEWHERE)
            return gone
        return self.loop.begin(self._in_turn(ask)).future

    async def _in_turn(self, ask: Callable[[Session], Awaitable[T | SandboxFailure]]) -> T | SandboxFailure:
        async with self._turn:
            if self._is_closed or self._start is None:
                return CLOSED
            asking = asyncio.get_running_loop().create_task(self._ask(self._start, ask))
            self._asking = asking
            await asyncio.wait([asking])
            return CLOSED if asking.cancelled() else asking.result()

    async def _ask(
        self, start: asyncio.Task[Session | SandboxFailure], ask: Callable[[Session], Awaitable[T | SandboxFailure]]
    ) -> T | SandboxFailure:
        session = await start
        if isinstance(session, SandboxFailure):
            return session
        try:
            return await ask(session)
        except RewardError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return _raised(error)

    def close(self) -> None:
        """End it from any thread, and from a finalizer."""
        self.when_closed()
        if self._is_ending or not self.loop.usable:
            return
        self._is_ending = True
        ending = self._end()
        try:
            self.loop.begin_last(ending)
        except RuntimeError:  # the loop has just ended with the process, and all that was on it
            ending.close()

    async def _end(self) -> None:
        self._is_closed = True
        tasks = [task for task in (self._asking, self._start) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        start = self._start
        if start is None or start.cancelled() or start.exception() is not None:
            return
        session = start.result()
        if not isinstance(session, SandboxFailure):
            await session.close()


def _raised(error: Exception) -> SandboxFailure:
    """Return what is said of a sandbox that breaks its contract, as the grader has it: no word about the code."""
    return SandboxFailure("transport", f"the sandbox raised {type(error).__name__}: {error}")


def _say_nothing(_: object) -> None:
    """Leave out what is said about a sandbox that somebody has chosen."""


def _close_all(running: dict[int, _Running]) -> None:
    for one in list(running.values()):
        one.close()
