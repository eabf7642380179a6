"""All machines of the stand-in service: made, found, counted and ended here."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .faults import Fault, Faults, Rule
from .machine import Cleaner, Machine, new_sandbox_id
from .refusal import Refusal, no_such_sandbox, rate_limited, too_many_sandboxes
from .settings import Settings
from .stats import Alive, Stats

EXPIRY_CHECK_S = 0.05
T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """What a create call asks for."""

    template: str
    ttl_s: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    access_token: str | None = None
    internet: bool = True


class Cloud:
    """The account's machines, its limits and its bill."""

    def __init__(self, settings: Settings, base: Path, *, clean: Cleaner) -> None:
        self.settings = settings
        self.faults = Faults(settings.seed)
        self.machines: dict[str, Machine] = {}
        self._base = base
        self._clean = clean
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeps: set[asyncio.Task[None]] = set()
        self._by_key: dict[str, asyncio.Task[Machine]] = {}
        self._being_made = 0
        self._next_create_at = 0.0
        self._zero()

    def _zero(self) -> None:
        self.requests: Counter[str] = Counter()
        self.round_trips = 0
        self._creates = self._replays = self._kills = self._expiries = self._vanished = self._peak_alive = 0
        self._past_s = 0.0

    def find(self, sandbox_id: str) -> Machine | None:
        """Return the living machine of that id."""
        machine = self.machines.get(sandbox_id)
        if machine is None or machine.expires_at <= time.time():
            return None
        return machine

    def require(self, sandbox_id: str) -> Machine:
        """Return the living machine of that id; raise the control plane's 404."""
        machine = self.find(sandbox_id)
        if machine is None:
            raise no_such_sandbox(sandbox_id)
        return machine

    async def create(self, order: Order, *, key: str | None = None) -> Machine:
        """Make a machine, or return the one that this key's first call makes; goes on when the caller goes away."""
        if key is None:
            return await self.go_on(self._make(order))
        task = self._by_key.get(key)
        if task is not None:
            self._replays += 1
        else:
            task = self._by_key[key] = self._start(self._make(order))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        return await asyncio.shield(task)

    def _forget_failed(self, key: str, task: asyncio.Task[Machine]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._by_key.pop(key, None)

    async def _make(self, order: Order) -> Machine:
        ttl_s = self.settings.ttl_s if order.ttl_s is None else order.ttl_s
        self.check_ttl(ttl_s)
        self._admit()
        self._being_made += 1
        try:
            await asyncio.sleep(self.settings.create_latency_s)
        finally:
            self._being_made -= 1
        sandbox_id = new_sandbox_id()
        machine = Machine(
            sandbox_id,
            self._base / sandbox_id,
            self.settings,
            template=order.template,
            metadata=order.metadata,
            variables=order.variables,
            access_token=order.access_token,
            internet=order.internet,
            ttl_s=ttl_s,
            clean=self._clean,
        )
        self.machines[sandbox_id] = machine
        self._creates += 1
        self._peak_alive = max(self._peak_alive, len(self.machines))
        return machine

    def check_ttl(self, ttl_s: float) -> None:
        """Refuse a time to live that the account's plan does not have."""
        if ttl_s > self.settings.max_ttl_s:
            raise Refusal(400, f"Timeout cannot be greater than {self.settings.max_ttl_s // 3600} hours")

    def _admit(self) -> None:
        if asked := self.faults.rule(Fault.CREATE_RATE, "rest/create"):
            raise rate_limited(asked.delay_s)
        cap = self.settings.max_sandboxes
        if self.faults.fires(Fault.CONCURRENCY_CAP, "rest/create"):
            raise too_many_sandboxes(cap or 20)
        if cap is not None and len(self.machines) + self._being_made >= cap:
            self.faults.note(Fault.CONCURRENCY_CAP)
            raise too_many_sandboxes(cap)
        self._meter()

    def _meter(self) -> None:
        """Let `create_burst` through at once, then one each 1 / `creates_per_s` (the generic cell rate algorithm)."""
        per_s = self.settings.creates_per_s
        if per_s is None:
            return
        now = time.monotonic()
        due = max(self._next_create_at, now)
        burst = self.settings.create_burst or max(1, int(per_s))
        wait_s = due - now - (burst - 1) / per_s
        if wait_s > 1e-3:  # a client that paces itself exactly is not refused for its timer's grain
            self.faults.note(Fault.CREATE_RATE)
            raise rate_limited(wait_s, limit_per_s=per_s)
        self._next_create_at = due + 1 / per_s

    async def kill(self, machine: Machine, *, slowly: Rule | None = None) -> None:
        """End a machine because its owner says so; goes on when the owner goes away."""
        await self.go_on(self._kill(machine, self.settings.kill_latency_s + (slowly.delay_s if slowly else 0.0)))

    async def _kill(self, machine: Machine, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        if machine.sandbox_id not in self.machines:
            raise no_such_sandbox(machine.sandbox_id)
        self._kills += 1
        self._end(machine)

    async def vanish(self, machine: Machine, *, after_s: float = 0.0) -> None:
        """End a machine for no reason."""
        await asyncio.sleep(after_s)
        if machine.sandbox_id in self.machines:
            self._vanished += 1
            self._end(machine)

    def _end(self, machine: Machine) -> None:
        """Take a machine off the list; nobody waits until it is swept up."""
        del self.machines[machine.sandbox_id]
        self._past_s += min(time.time(), machine.expires_at) - machine.started_at
        sweep = self._start(machine.stop())
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._sweeps.discard)

    async def expire(self) -> None:
        """End machines whose time is over, for ever."""
        while True:
            await asyncio.sleep(EXPIRY_CHECK_S)
            now = time.time()
            for machine in [one for one in self.machines.values() if one.expires_at <= now]:
                self._expiries += 1
                if not machine.expiry_counted:
                    self.faults.note(Fault.TTL_EXPIRY)
                self._end(machine)

    def doom(self, machine: Machine, in_s: float) -> None:
        """Shorten a machine's life by a fault that is counted already."""
        machine.expires_at = min(machine.expires_at, time.time() + in_s)
        machine.expiry_counted = True

    async def go_on(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* to its end even when this call is cancelled: a service does not notice that a client went away."""
        return await asyncio.shield(self._start(work))

    def start(self, work: Coroutine[Any, Any, T]) -> None:
        """Do *work* beside everything else."""
        self._start(work)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds its tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def reset(self) -> None:
        """End every machine and begin to count from zero, without faults."""
        await self.close()
        self._by_key.clear()
        self._next_create_at = 0.0
        self._zero()
        self.faults.reset(self.settings.seed)

    async def close(self) -> None:
        """End every machine, and wait until nothing is left of any."""
        for machine in list(self.machines.values()):
            self._end(machine)
        await asyncio.gather(*self._sweeps)

    def stats(self) -> Stats:
        """Return what was counted up to this moment."""
        now = time.time()
        alive = sorted(self.machines.values(), key=lambda machine: machine.started_at)
        return Stats(
            requests=dict(self.requests),
            faults={fault.value: self.faults.fired[fault] for fault in Fault},
            creates=self._creates,
            replays=self._replays,
            kills=self._kills,
            expiries=self._expiries,
            vanished=self._vanished,
            sandbox_seconds=self._past_s + sum(min(now, one.expires_at) - one.started_at for one in alive),
            peak_alive=self._peak_alive,
            round_trips=self.round_trips,
            alive=tuple(
                Alive(one.sandbox_id, one.template, dict(one.metadata), one.started_at, one.expires_at) for one in alive
            ),
        )
