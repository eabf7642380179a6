"""No sandbox: programs as they would run without one, to show that rows do raise the alarm. For harmless rows only."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time

from rewards.errors import SandboxUnavailable
from rewards.records import Ended, Job, JobResult, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.base import KeepGoing, SandboxDescription

NOBODY_IS_ABOVE = 50_000
"""A user below this number may be somebody, whose files and processes a row would harm."""

SHORTEST_WALL_S = 20.0
"""What a row says is lost when it is stopped: on a busy machine it must not be the clock that keeps one from harm."""


class PlainProcesses:
    """Runs scripts as subprocesses, in the environment and with the rights of this process."""

    name = "plain"
    capacity = 2

    async def start(self) -> None:
        if os.getuid() < NOBODY_IS_ABOVE:
            raise SandboxUnavailable("programs are not run unprotected as a user who may own something")

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        return JobResult(tuple([await self._script(job, step) for step in job.steps if isinstance(step, ScriptStep)]))

    async def _script(self, job: Job, step: ScriptStep) -> TestRun:
        start = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with (
            tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
            tempfile.NamedTemporaryFile("w", dir="/var/tmp") as file,
        ):
            file.write(job.program.source)
            file.flush()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", file.name, cwd=folder, env=environment, stdin=-1, stdout=-1, stderr=-1
            )
            try:
                reading = process.communicate(step.stdin.encode())
                stdout, stderr = await asyncio.wait_for(reading, max(job.limits.wall_limit_s, SHORTEST_WALL_S))
            except TimeoutError:
                process.kill()
                return TestRun(Ended.WALL_LIMIT, wall_s=time.monotonic() - start)
        code = process.returncode or 0
        return TestRun(
            Ended.EXITED if code >= 0 else Ended.SIGNALLED,
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
            wall_s=time.monotonic() - start,
        )

    def describe(self) -> SandboxDescription:
        return SandboxDescription(self.name, "plain", (), ("anything",), self.capacity)

    async def close(self) -> None:
        return None
