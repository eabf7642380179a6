"""Start slots: find the best level that works here, once, and prove for each slot that it holds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import tempfile
from collections.abc import Mapping

from ...errors import ConfigurationError, SandboxUnavailable
from ...records import Job, Limits
from ..runner.handshake import Greeting, Kind, Setup
from . import commands, self_test
from .builds import Builds
from .frameworks import check_frameworks
from .levels import Strategy, pool_uid, strategies, unsupported_reason
from .options import Options
from .paths import DEVICES, interpreter
from .scripts import check_files, run_script
from .shortage import shortage
from .slot import Slot
from .views import paths_for
from .worker import RefusedError, Worker, WorkerDiedError

PRIVATE_SCRATCH = "/box"
PRELOADED = {Kind.TESTERS: ("unittest",), Kind.PYTEST: ("unittest", "pytest")}
TASKS = 66
"""Threads of one program, where the kernel counts them for the slot alone."""
SHARED_TASKS = 2048
"""Threads above those of the user's other processes, where they are counted together."""
ADVICE = (
    "Allow user namespaces, or run as root with CAP_SYS_ADMIN, for level A; use Linux 5.13 or newer with Landlock "
    "enabled for level B (Docker's default profile allows it); or allow_unprotected=True where nothing is at stake."
)

log = logging.getLogger(__name__)


class Launcher:
    """Starts slots of one kind."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._numbers = itertools.count()
        self._disk_mb = Limits().disk_mb
        self._builds = Builds()
        self.strategy: Strategy | None = None
        self.greeting = Greeting()

    async def start_slot(self) -> Slot:
        """Return a slot that passed its self-test.

        Raises `SandboxUnavailable` where no level works, `WorkerDiedError` where one has worked before.
        """
        if self.strategy is None:
            return await self._first_slot()
        return await self._start(self.strategy)

    async def _first_slot(self) -> Slot:
        reason = unsupported_reason()
        if reason:
            raise SandboxUnavailable(reason)
        tried = []
        for strategy in self._strategies():
            try:
                slot = await self._start(strategy)
            except WorkerDiedError as error:
                tried.append(f"level {strategy.name}: {error}")
                advice = shortage(error)
                if advice or isinstance(error, RefusedError):
                    # A weaker level is not the answer to a descriptor that was missing for a moment.
                    raise SandboxUnavailable(f"no slot could be started. Tried {'; '.join(tried)}. {advice}") from error
                continue
            self.strategy, self.greeting = strategy, slot.programs.greeting
            self._announce(tried)
            return slot
        raise SandboxUnavailable("no level of protection works here. Tried " + "; ".join(tried) + ". " + ADVICE)

    def _strategies(self) -> list[Strategy]:
        options = self._options
        found = strategies(options.level, allow_unprotected=options.allow_unprotected)
        return [strategy for strategy in found if options.own_uid or not strategy.own_uid]

    def _announce(self, tried: list[str]) -> None:
        assert self.strategy is not None
        loud = self.strategy.level == "unprotected"
        level = logging.WARNING if loud or tried else logging.INFO
        failed = f"; could not have {'; '.join(tried)}" if tried else ""
        log.log(level, "the local sandbox runs at level %s%s", self.strategy.name, failed)

    async def _start(self, strategy: Strategy) -> Slot:
        programs = await self._start_worker(strategy, Kind.PROGRAMS)
        return Slot(programs, lambda kind: self._start_worker(strategy, kind), builds=self._builds)

    async def _start_worker(self, strategy: Strategy, kind: Kind) -> Worker:
        number = next(self._numbers)
        try:
            setup = self._setup(strategy, number, kind)
            worker = _new_worker(setup, self._options.environment)
        except OSError as error:
            raise RefusedError(f"could not be started: {error}") from error
        try:
            await worker.start()
            if strategy.level != "unprotected":
                await _test(worker, kind)
        except BaseException:
            await worker.close()
            raise
        return worker

    async def start_worker(self, kind: Kind) -> Worker:
        """Return a worker beside the slots, whose level is known; raises `WorkerDiedError`."""
        assert self.strategy is not None
        return await self._start_worker(self.strategy, kind)

    def _setup(self, strategy: Strategy, number: int, kind: Kind) -> Setup:
        paths, tools = paths_for(kind, self._options.site_packages), kind is Kind.COMMANDS
        own_count = strategy.namespaces or strategy.own_uid
        tasks = TASKS if own_count else _threads_of_user() + SHARED_TASKS
        return Setup(
            kind=kind,
            namespaces=strategy.namespaces,
            landlock=strategy.landlock,
            seccomp=strategy.seccomp,
            landlock_abi=self._options.landlock_abi,
            pool_uid=pool_uid(number) if strategy.own_uid else 0,
            host_pid=os.getpid(),
            # Made last: where anything above it fails, there is nothing to remove.
            scratch=PRIVATE_SCRATCH if strategy.namespaces else tempfile.mkdtemp(prefix="box-"),
            readable=paths.readable,
            hidden=paths.hidden,
            devices=DEVICES,
            search_path=paths.search_path,
            preload=() if tools else (*self._options.preload, *PRELOADED.get(kind, ())),
            disk_mb=max(self._disk_mb, commands.DISK_MB) if tools else self._disk_mb,
            threads=TASKS,
            tasks=commands.TASKS if tools else tasks,
        )

    def check(self, job: Job) -> None:
        """Raise `ConfigurationError` for a job that the level here cannot hold."""
        assert self.strategy is not None
        check_frameworks(job)
        check_files(job)
        what = f"a limit of {job.limits.processes} processes"
        if job.program.language != "python":
            what = f"running {job.program.language}"
        elif job.limits.processes == 1:
            return
        if self.strategy.level != "A":
            raise ConfigurationError(
                f"{what} needs level A, for which it takes root or user namespaces; here holds {self.strategy.name}"
            )
        if not self.greeting.counts_processes:
            raise ConfigurationError(f"{what} needs a procfs, which cannot be mounted here")

    def fits(self, limits: Limits, worker: Worker) -> bool:
        """Tell whether the worker's file system is large enough; if not, that of the next one will be."""
        self.make_room(limits)
        return limits.disk_mb <= worker.setup.disk_mb

    def make_room(self, limits: Limits) -> None:
        """Start later workers with file systems that are large enough."""
        self._disk_mb = max(self._disk_mb, limits.disk_mb)


async def _test(worker: Worker, kind: Kind) -> None:
    step, limits = self_test.self_test_step(kind), self_test.LIMITS
    run = await run_script(worker, self_test.PROGRAM, step, limits, left_s=limits.job_cpu_s)
    wrong = self_test.refusal(run)
    if wrong:
        raise WorkerDiedError(wrong)


def _new_worker(setup: Setup, environment: Mapping[str, str]) -> Worker:
    try:
        return Worker(setup, python=interpreter(), environment=environment)
    except BaseException:
        if not setup.namespaces:
            os.rmdir(setup.scratch)  # nothing is in it yet, and `rmtree` needs a descriptor that may be what is missing
        raise


def _threads_of_user() -> int:
    total, uid = 0, os.getuid()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == uid:
                    total += len(os.listdir(f"/proc/{name}/task"))
    return total


def probe_level(launcher: Launcher) -> None:
    """Find out which level holds, from a place where an event loop may run already."""
    asyncio.run(_probe(launcher))


async def _probe(launcher: Launcher) -> None:
    slot = await launcher.start_slot()
    await slot.close()
