"""The sandboxes that there are: made as many as are wanted and allowed, and killed when they are not wanted any more.

Whoever makes a sandbox also sees to its end: one that comes when nobody waits for it any more, because the pool was
closed or the job was cancelled in mid-create, is killed as it comes. A kill runs by itself and in bounded time; no job
waits for it. What could not be killed is left to the reaper, and to its time to live.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError, RewardError, SandboxUnavailable
from ...records import SandboxFailure
from ..agent.greeting import Greeting
from .drought import Drought
from .faults import Fault
from .gate import CreationFailed, CreationGate
from .ledger import Ledger
from .machine import KILL_S, KILL_TRIES, Machine, NoAgentError
from .options import E2BOptions
from .pace import Pace
from .preparation import failure_of, prepare
from .reaper import Reaper
from .sdk import SDK
from .shares import Share
from .tags import Tags
from .throttle import Throttle, Throttled

PATIENCE_S = 180.0
"""How long one creation is tried before those who wait are told."""
REFUSALS_BELIEVED = 3
"""A refusal for good is believed at once, and from an account that has given us sandboxes before, at the third."""
SWEEP_S = 15.0
_log = logging.getLogger("rewards")


@dataclass(eq=False)
class _Creation:
    """A sandbox on its way."""

    bare: bool
    task: asyncio.Task[None] | None = None
    called_s: float = 0.0
    is_called: bool = False
    """The service was asked for it: it may come, whether it is wanted or not."""


class Fleet:
    """All sandboxes of one pool, on one event loop."""

    def __init__(
        self,
        sdk: SDK,
        *,
        options: E2BOptions,
        share: Share,
        tags: Tags,
        ledger: Ledger,
        reaper: Reaper,
        on_change: Callable[[], None],
        on_failure: Callable[[SandboxFailure | RewardError], None],
    ) -> None:
        """Take *on_change* to hear that a sandbox has come or gone, *on_failure* that none can be had."""
        self.ready: set[Machine] = set()
        self.share = share
        self.pace = Pace()
        self.throttle = Throttle()
        self.greeting: Greeting | None = None
        """What the last agent has said; None before the first one."""
        self._sdk, self._options, self._tags = sdk, options, tags
        self._ledger, self._reaper = ledger, reaper
        self._on_change, self._on_failure = on_change, on_failure
        self._creations: set[_Creation] = set()
        self._dying: set[asyncio.Task[None]] = set()
        self._buried: set[str] = set()
        self._drought = Drought(options.retries)
        self._refusals_in_a_row = 0
        self._is_closed = False
        self._gate: CreationGate[Any] = CreationGate(
            share.creates_per_s,
            share.max_sandboxes,
            discard=self._discard,
            attempt_s=options.request_timeout_s,
            on_refusal=self._count_refusal,
        )

    @property
    def lanes(self) -> int | None:
        """Return how many jobs a sandbox runs at once, when the first one has told."""
        return None if self.greeting is None else self.greeting.slots

    @property
    def room(self) -> int:
        """Return how many more sandboxes may be asked for."""
        return self.share.max_sandboxes - len(self.ready) - len(self._creations) - len(self._dying)

    def coming(self, *, bare: bool) -> int:
        """Return how many sandboxes of a kind are on their way."""
        return sum(creation.bare is bare for creation in self._creations)

    def start_one(self, *, bare: bool) -> None:
        """Begin to make a sandbox; `on_change` or `on_failure` will tell."""
        creation = _Creation(bare)
        self._creations.add(creation)
        creation.task = asyncio.ensure_future(self._make(creation))

    def call_off(self, surplus: int, *, bare: bool) -> None:
        """Give up at most *surplus* creations that nobody has paid for yet."""
        for creation in [c for c in self._creations if c.bare is bare and not c.is_called][:surplus]:
            self._creations.discard(creation)
            if creation.task is not None:
                creation.task.cancel()

    def give_up(self, why: str) -> None:
        """Let every sandbox go, also those that are on their way."""
        for machine in list(self.ready):
            self.retire(machine, why)
        for creation in list(self._creations):
            self._creations.discard(creation)
            if creation.task is not None:
                creation.task.cancel()

    async def _make(self, creation: _Creation) -> None:
        outcome: SandboxFailure | RewardError | None = None
        try:
            machine = await self._create(creation)
            self._on_change()  # from now on it costs something, of which there may be a limit
            outcome = await self._set_up(machine)
            if outcome is None and not creation.bare:
                self.pace.record_birth(time.monotonic() - creation.called_s)
        except CreationFailed as failed:
            outcome = failed.fault.failure
        except RewardError as error:
            outcome = error
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - not lost: it is raised at every job that waits, and is our mistake
            _log.exception("e2b: making a sandbox failed in an unexpected way")
            outcome = SandboxUnavailable(f"e2b: making a sandbox failed: {type(error).__name__}: {error}")
        finally:
            self._creations.discard(creation)
        if outcome is None:
            self._drought.end()
            self._refusals_in_a_row = 0
        elif not self._is_closed:
            self._hear_failure(outcome)
        self._on_change()

    async def _create(self, creation: _Creation) -> Machine:
        async def create(key: str) -> Any:
            creation.is_called, creation.called_s = True, time.monotonic()
            try:
                sandbox = await self._sdk.create(self._tags.metadata({}), key=key)
            except BaseException:
                creation.is_called = False  # it can be called off again, rather than tried again
                raise
            self._ledger.started(sandbox.sandbox_id)
            self._reaper.add(sandbox.sandbox_id)
            return sandbox

        sandbox = await self._gate.admit(create, give_up_at=time.monotonic() + PATIENCE_S)
        machine = Machine(sandbox, self._options, ledger=self._ledger, bare=creation.bare)
        machine.keep_alive(self._on_death)
        return machine

    async def _set_up(self, machine: Machine) -> SandboxFailure | None:
        """Get *machine* ready, or kill it and say why."""
        failure: SandboxFailure | None = None
        try:
            if not machine.bare:
                await prepare(machine, self.throttle, self._drought)
        except (ConfigurationError, SandboxUnavailable, asyncio.CancelledError):
            self.bury(machine)
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                self.bury(machine)
                raise
        if failure is not None or self._is_closed:
            self.bury(machine)
            return failure
        if machine.retired:  # its heart stopped while it was set up: it is being killed, and must not take a place
            return SandboxFailure("start", machine.retired)
        if not machine.bare:
            self.greeting = machine.greeting
        machine.idle_since_s = time.monotonic()
        self.ready.add(machine)
        return None

    def _hear_failure(self, outcome: SandboxFailure | RewardError) -> None:
        if isinstance(outcome, RewardError):
            self._refusals_in_a_row += 1
            known = self._ledger.creates > 0 and isinstance(outcome, ConfigurationError)
            if known and self._refusals_in_a_row < REFUSALS_BELIEVED and self.lanes is not None:
                _log.warning("e2b: %s; it worked before, so it is tried again", outcome)
                return
            self._on_failure(outcome)
            return
        _log.info("e2b: no sandbox: %s (%s)", outcome.detail, outcome.kind)
        self._drought.add(outcome.detail, passing=isinstance(outcome, Throttled))
        has_no_agents = self._drought.has_no_agents and self.greeting is None
        if self.ready or not self._drought.is_to_be_told():
            return
        if has_no_agents:
            self._on_failure(NoAgentError(f"e2b: no sandbox takes commands: {outcome.detail}"))
        else:
            self._on_failure(SandboxFailure(outcome.kind, outcome.detail, retryable=False))

    def _on_death(self, machine: Machine, why: str) -> None:
        self.retire(machine, why)
        self._on_change()

    def retire(self, machine: Machine, why: str) -> None:
        """Give *machine* no more jobs; kill it when the last one has left it."""
        if not machine.retired:
            machine.retired = why
            _log.debug("e2b: sandbox %s is given up: %s", machine.sandbox_id, why)
        if not machine.riders:
            self.bury(machine)

    def bury(self, machine: Machine) -> None:
        """Kill *machine*, and wait for nothing."""
        self.ready.discard(machine)
        machine.retired = machine.retired or "not needed"
        if machine.sandbox_id in self._buried:
            return
        self._buried.add(machine.sandbox_id)
        task = asyncio.ensure_future(self._kill(machine))
        self._dying.add(task)
        task.add_done_callback(self._has_died)

    def _has_died(self, task: asyncio.Task[None]) -> None:
        self._dying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("e2b: killing a sandbox failed in an unexpected way", exc_info=error)
        self._gate.leave()
        if not self._is_closed:
            self._on_change()

    async def _kill(self, machine: Machine) -> None:
        if await machine.kill():
            self._ledger.stopped(machine.sandbox_id)
            self._reaper.remove(machine.sandbox_id)
        else:
            _log.warning("e2b: sandbox %s could not be killed and is left to its time to live", machine.sandbox_id)

    async def _discard(self, sandbox: Any) -> None:
        """Kill a sandbox that came too late; the gate gives its place back."""
        await self._kill(Machine(sandbox, self._options, ledger=self._ledger, bare=True))

    def _count_refusal(self, fault: Fault) -> None:
        self._ledger.refusals += 1
        _log.info("e2b: a create call was refused (%s): %s", fault.kind, fault.detail)

    def abandon(self) -> None:
        """Let go of everything, where the event loop is gone: the reaper kills what there is."""
        self._is_closed = True
        self._reaper.hand_over()

    async def close(self) -> None:
        """Kill everything, side by side and in bounded time, also what nobody but the service knows of."""
        self._is_closed = True
        tasks = [creation.task for creation in self._creations if creation.task is not None]
        for task in tasks:
            task.cancel()
        for machine in list(self.ready):
            self.bury(machine)
        if tasks:
            await asyncio.wait(tasks, timeout=KILL_S)
        await self._gate.drain(KILL_S)
        if self._dying:
            await asyncio.wait(set(self._dying), timeout=KILL_TRIES * KILL_S)
        is_clean = await self._sweep()
        await asyncio.to_thread(self._reaper.done if is_clean else self._reaper.hand_over)

    async def _sweep(self) -> bool:
        """Kill what a create call made that was answered with an error; False when somebody else has to look again."""
        try:
            async with asyncio.timeout(SWEEP_S):
                left = await self._sdk.list(self._tags.owned)
                await asyncio.gather(*(self._sdk.kill(listed.sandbox_id) for listed in left))
        except Exception as error:  # noqa: BLE001 - the boundary to the SDK: the reaper looks again
            _log.info("e2b: the last look for sandboxes failed (%s), the reaper takes over", error)
            return False
        return True
