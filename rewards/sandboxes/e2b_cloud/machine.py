"""One sandbox: from its creation to its kill, with a clock of ours on every call that reaches it.

    create -> set up (runner uploaded, agent greeted) -> idle <-> under way (trips, or cells) -> retired -> killed

It is retired, and killed when the last trip has left it, at the first doubt. A sandbox that has run a cell never runs a
trip afterwards: a cell is root in there, and could forge what the agent says.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from ...errors import ConfigurationError, SandboxUnavailable
from ..agent.archive import runner_archive
from ..agent.commands import SETUP_WAIT_S, AgentPaths, setup_command
from ..agent.errors import WireError
from ..agent.greeting import Greeting, read_greeting
from ..agent.trips import StepsBlob
from .clocks import SLACK_S, within
from .credentials import scrub
from .faults import Fault, classify
from .ledger import Ledger
from .options import E2BOptions
from .reaper import check_all

ASIDE_S = 5.0
"""For a call whose answer nobody waits for."""
KILL_S = 10.0
KILL_TRIES = 3
SETUP_SILENCE_S = 20.0
"""Longer than an agent takes to start, on a machine that is busy starting others; it says nothing meanwhile."""
RENEWALS_PER_TTL = 3
LEAST_TTL_SHARE = 0.4
"""Of its time to live that a sandbox must have left to be given another job."""
_log = logging.getLogger("rewards")


class NoAgentError(ConfigurationError):
    """Sandboxes of this backend run no commands: it can run cells, and no programs."""


class SetupFailedError(Exception):
    """A sandbox came up and its agent did not."""


class Machine:
    """A sandbox that is ours, and who is under way in it."""

    def __init__(self, sandbox: Any, options: E2BOptions, *, ledger: Ledger, bare: bool) -> None:
        self.sandbox = sandbox
        self.sandbox_id: str = sandbox.sandbox_id
        self.bare = bare
        """It has no agent, or one that is not to be believed any more: it runs cells and nothing else."""
        self.greeting = Greeting()
        self.paths = AgentPaths(runner_archive().digest)
        self.silence_s = options.silence_s
        self.riders: set[object] = set()
        """Trips and cells that are under way."""
        self.cell_jobs = 0
        self._is_doubted = False
        self.idle_since_s = time.monotonic()
        self.retired = ""
        """Why it gets no more jobs, if it gets none."""
        self._options = options
        self._ledger = ledger
        self._expires_s = time.monotonic() + options.ttl_s
        self._blobs: dict[str, asyncio.Task[None]] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def lanes(self) -> int:
        """Return how many jobs it runs at once."""
        return self.greeting.slots

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a job."""
        return not self.riders and not self.retired

    @property
    def has_time(self) -> bool:
        """Whether it will live for long enough to be given another job."""
        return self._expires_s - time.monotonic() > LEAST_TTL_SHARE * self._options.ttl_s

    def let_out(self, rider: object) -> None:
        """Hold that *rider* is not in there any more."""
        self.riders.discard(rider)
        self.idle_since_s = time.monotonic()

    def doubt(self) -> None:
        """Count it among those that something happened in, whatever it was."""
        self._ledger.deaths += not self._is_doubted
        self._is_doubted = True

    async def set_up(self) -> None:
        """Bring the runner there and greet its agent.

        Raises `ConfigurationError` or `SandboxUnavailable` for what would be the same in the next sandbox.
        """
        if not hasattr(self.sandbox, "commands") or not hasattr(self.sandbox, "files"):
            raise NoAgentError("e2b: sandboxes of this backend have no commands or files, by which programs are run")
        await self.upload(self.paths.archive, runner_archive().data)
        nonce, output = secrets.token_hex(16), list[str]()
        command = setup_command(self.paths, nonce=nonce, options=self._options.agent)
        wait_s = min(max(SETUP_SILENCE_S, self.silence_s), SETUP_WAIT_S)
        handle = await self.start_command(command, on_stdout=output.append, timeout_s=wait_s)
        try:
            await within(wait_s, handle.wait(), "setting up a sandbox")
        finally:
            self.do_aside(handle.disconnect())
        self._read(read_greeting("".join(output), nonce))

    def _read(self, greeting: Greeting | None) -> None:
        if greeting is None:
            raise WireError("the agent did not greet")
        if greeting.error:
            known: dict[str, type[Exception]] = {
                "configuration": ConfigurationError,
                "unavailable": SandboxUnavailable,
            }
            raise known.get(greeting.error_kind, SetupFailedError)(f"e2b: inside the sandbox: {greeting.error}")
        self.greeting = greeting

    async def start_command(
        self,
        command: str,
        *,
        on_stdout: Callable[[str], None],
        timeout_s: float,
        on_stderr: Callable[[str], None] | None = None,
        cwd: str | None = None,
    ) -> Any:
        """Return the handle of a command that has started; the service kills it after *timeout_s*."""
        run, request_s = self.sandbox.commands.run, self._options.request_timeout_s
        # What a command prints goes to `on_stdout`, which is bounded, and is not kept a second time.
        extra = {"retain_output": False} if "retain_output" in inspect.signature(run).parameters else {}
        self._ledger.round_trips += 1
        starting = run(
            command,
            background=True,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            cwd=cwd,
            timeout=timeout_s,
            request_timeout=request_s,
            **self._user(),
            **extra,
        )
        started = asyncio.ensure_future(starting)
        try:
            return await within(request_s + SLACK_S, asyncio.shield(started), "starting a command")
        except BaseException:
            # The SDK cannot be interrupted here without leaving tasks behind: let it come to its end, and stop it then.
            self.do_aside(_stopped(started), seconds=request_s + ASIDE_S)
            raise

    async def upload(self, path: str, data: bytes) -> None:
        """Write a file."""
        self._ledger.round_trips += 1
        request_s = self._options.request_timeout_s
        writing = self.sandbox.files.write(path, data, request_timeout=request_s, **self._user())
        await within(request_s + SLACK_S, writing, "an upload")

    async def download(self, path: str) -> str:
        """Return what is in a small file."""
        self._ledger.round_trips += 1
        request_s = min(self._options.request_timeout_s, ASIDE_S)
        reading = self.sandbox.files.read(path, request_timeout=request_s, **self._user())
        return str(await within(request_s + SLACK_S, reading, "a look into a file"))

    def count_round_trip(self) -> None:
        """Count a call that somebody else makes."""
        self._ledger.round_trips += 1

    def _user(self) -> dict[str, str]:
        return {} if self._options.user is None else {"user": self._options.user}

    async def upload_blob(self, blob: StepsBlob) -> None:
        """Bring large inputs there, once for all programs that are fed with them."""
        task = self._blobs.get(blob.digest)
        if task is None:
            task = self._blobs[blob.digest] = asyncio.ensure_future(
                self.upload(self.paths.blob(blob.digest), blob.data)
            )
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.shield(task)  # others wait for it, too
        except BaseException:
            if task.done():
                self._blobs.pop(blob.digest, None)
            raise

    def forget_blobs(self, digests: Iterable[str]) -> None:
        """Upload these again when they are needed next."""
        for digest in digests:
            self._blobs.pop(digest, None)

    def do_aside(self, call: Coroutine[Any, Any, object], *, seconds: float = ASIDE_S) -> None:
        """Make a call whose outcome does not matter, and do not wait for it."""
        task = asyncio.ensure_future(_outcome_aside(call, seconds))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def keep_alive(self, on_death: Callable[[Machine, str], None]) -> None:
        """Renew its time to live from now on; *on_death* hears when it has gone or can be kept no longer."""
        self._heartbeat = asyncio.ensure_future(self._renew(on_death))

    async def _renew(self, on_death: Callable[[Machine, str], None]) -> None:
        ttl_s, pause_s = self._options.ttl_s, self._options.ttl_s / RENEWALS_PER_TTL
        while True:
            await asyncio.sleep(pause_s)
            check_all()
            asked_s = time.monotonic()
            fault = await self._set_timeout(ttl_s)
            pause_s = ttl_s / RENEWALS_PER_TTL
            if fault is None:
                self._expires_s = asked_s + ttl_s
            elif fault.kind == "dead" or not self.has_time:
                on_death(self, f"its time to live could not be renewed ({fault.kind}: {fault.detail})")
                return
            else:
                pause_s = ttl_s / (RENEWALS_PER_TTL * 5)

    async def _set_timeout(self, ttl_s: float) -> Fault | None:
        try:
            seconds = min(self._options.request_timeout_s, ttl_s / RENEWALS_PER_TTL)
            await within(seconds, self.sandbox.set_timeout(int(ttl_s)), "renewing a time to live")
        except Exception as error:
            fault = classify(error, during="renew")
            if fault is None:
                raise
            return fault
        return None

    async def kill(self) -> bool:
        """Kill it, in bounded time; False means that nobody knows whether it is gone."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        for attempt in range(KILL_TRIES):
            try:
                await within(KILL_S, self.sandbox.kill(), "a kill")
            except Exception as error:
                fault = classify(error, during="kill")
                if fault is None:
                    raise
                if fault.kind == "dead":
                    return True
                _log.info("e2b: sandbox %s was not killed: %s", self.sandbox_id, fault.detail)
                await asyncio.sleep(0.2 * 4**attempt)
            else:
                return True
        return False


async def _stopped(started: asyncio.Future[Any]) -> None:
    """Stop a command that nobody waits for, once it has started."""
    handle = await started
    await handle.kill()
    await handle.disconnect()


async def _outcome_aside(call: Coroutine[Any, Any, object], seconds: float) -> None:
    try:
        await within(seconds, call, "a call aside")
    except Exception as error:  # noqa: BLE001 - the boundary to the SDK, where nobody waits for the answer
        _log.debug("e2b: a call whose answer does not matter failed: %s", scrub(str(error)))
