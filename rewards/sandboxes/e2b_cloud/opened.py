"""What a pool consists of while it is open, on one event loop: its sandboxes, its line, its books and its reaper."""

from __future__ import annotations

import asyncio
import logging

from ...errors import ConfigurationError, RewardError
from ...records import SandboxFailure
from ..agent.greeting import Greeting
from .attempts import Attempts
from .dispatch import Dispatcher
from .fleet import Fleet
from .ledger import Ledger
from .machine import NoAgentError
from .options import E2BOptions
from .reaper import Reaper
from .sdk import SDK, has_key, load
from .shares import Rank, Share, share_of
from .tags import own_tags
from .tickets import CLOSED, Place

HEDGE_S = 8.0
"""How long the first sandbox may take before another one is asked for beside it."""
_log = logging.getLogger("rewards")


class OpenPool:
    """Everything that begins with `start` and ends with `close`."""

    def __init__(self, options: E2BOptions, share: Share, rank: Rank, sdk: SDK) -> None:
        tags = own_tags(options, rank)
        self.ledger = Ledger(options.price_per_s, share.max_sandbox_seconds)
        self.dispatcher = Dispatcher(options, self.ledger, max_connections=sdk.max_connections)
        self.fleet = Fleet(
            sdk,
            options=options,
            share=share,
            tags=tags,
            ledger=self.ledger,
            reaper=Reaper(options, tags.owned),
            on_change=self._hear_change,
            on_failure=self._hear_failure,
        )
        self.dispatcher.fleet = self.fleet
        self.dispatcher.on_spent = self._end_start
        self._no_agent: NoAgentError | None = None
        self.attempts = Attempts(options, self.dispatcher, self.ledger)
        self._options, self._share, self._sdk = options, share, sdk
        self._first: asyncio.Future[None] | None = None
        _log.info(
            "e2b: %s; plan %s; this rank's share: %d sandboxes, %g creates/s; template %s; run %s, rank %s",
            sdk,
            options.plan,
            share.max_sandboxes,
            share.creates_per_s,
            options.template or "the SDK's default",
            tags.run,
            tags.rank,
        )

    @classmethod
    async def begin(cls, options: E2BOptions, rank: Rank) -> OpenPool:
        """Return a pool; raises `ConfigurationError` where there is no SDK, no key, or less than one sandbox."""
        share = share_of(options, rank)
        sdk = await asyncio.to_thread(load, options)  # importing the SDK takes a second
        if not has_key(options) and options.sandbox_class is None:
            raise ConfigurationError("e2b: there is no API key: set E2B_API_KEY, or pass api_key=")
        return cls(options, share, rank, sdk)

    @property
    def greeting(self) -> Greeting | None:
        """Return what the agent in a sandbox has said of it; None before the first one."""
        return self.fleet.greeting

    async def first(self) -> None:
        """Wait until the first sandbox is there, or cannot be had; raises what the user has to mend.

        Raises `BudgetExceeded` when `max_sandbox_seconds` are used up before it is there.
        """
        first = self._first
        if first is None:
            first = self._first = asyncio.get_running_loop().create_future()
            first.add_done_callback(lambda first: first.cancelled() or first.exception())
            self.dispatcher.wanted_at_first = 1
            self.dispatcher.look()
        while not first.done():
            await asyncio.wait({first}, timeout=HEDGE_S)
            if first.done():
                break
            self.ledger.check_budget()
            if self.fleet.room > 0 and not self.fleet.throttle.left_s:
                # The one that is on its way may be stuck: who comes first is taken.
                self.dispatcher.wanted_at_first += 1
                self.dispatcher.look()
        first.result()

    def check(self, *, with_cells: bool) -> None:
        """Raise `ConfigurationError` for a kind of job that cannot run here."""
        if with_cells and not self._sdk.has_run_code:
            raise ConfigurationError(
                "e2b: cells are run by run_code, which this SDK or backend lacks: pip install e2b-code-interpreter"
            )
        if not with_cells and self._no_agent is not None:
            raise self._no_agent

    def _hear_change(self) -> None:
        if self.fleet.ready:
            self._end_start(None)
        self.dispatcher.look()

    def _end_start(self, error: RewardError | None) -> None:
        self.dispatcher.wanted_at_first = 0
        first = self._first
        if first is None or first.done():
            return
        if error is None:
            first.set_result(None)
        else:
            first.set_exception(error)
            self._first = None  # asked again, it is tried again: the user may have mended it

    def _hear_failure(self, outcome: SandboxFailure | RewardError) -> None:
        if isinstance(outcome, NoAgentError) and self._sdk.has_run_code:
            self._no_agent = outcome
            self._end_start(None)
            self.dispatcher.tell_everybody(outcome, places=(Place.SHARED, Place.ALONE))
            return
        # A service that is down is no reason to raise: jobs find out by themselves how it is.
        self._end_start(outcome if isinstance(outcome, RewardError) else None)
        if isinstance(outcome, RewardError):
            outcome = SandboxFailure("start", str(outcome), retryable=False)
        self.dispatcher.tell_everybody(outcome)

    def abandon(self) -> None:
        """Let go of sandboxes whose event loop is gone: the reaper kills them."""
        self.fleet.abandon()

    async def close(self) -> None:
        """Kill everything; those who wait are told."""
        self.dispatcher.tell_everybody(CLOSED, under_way=True)
        self._end_start(None)
        await self.dispatcher.close()
        _log.info("e2b: %s", self.ledger.figures())
