"""A stand-in for the other machine: a home directory, a clean environment, and one interpreter on the path."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rewards.records import Job, JobResult, SandboxFailure
from rewards.sandboxes.agent.archive import runner_archive
from rewards.sandboxes.agent.commands import AgentOptions, AgentPaths, setup_command, stop_command, trip_command
from rewards.sandboxes.agent.greeting import Greeting, read_greeting
from rewards.sandboxes.agent.lines import Failed, Heartbeat, Line, Result, read_line
from rewards.sandboxes.agent.results import result_from_bytes
from rewards.sandboxes.agent.trips import pack_trip, steps_blob

PYTHON = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
NOBODY = 65534
ONE_SLOT = AgentOptions(slots=1)


def python_for_nobody() -> str | None:
    """Return an interpreter that users without a name may run: one below /root is none."""
    for python in (PYTHON, *(f"/usr/bin/python3{minor}" for minor in ("", ".14", ".13", ".12", ".11"))):
        check = [python, "-I", "-S", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(check, user=NOBODY, group=NOBODY, extra_groups=[]).returncode == 0:
                return python
        except OSError:
            continue
    return None


class Machine:
    """Runs commands as the service does: by a shell, in the home directory of a user."""

    def __init__(self, *, python: str = PYTHON, user: int | None = None, archive: bytes | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="machine-", dir="/tmp"))
        self.user = user
        self.paths = AgentPaths(runner_archive().digest)
        self.greeting = Greeting()
        (self.home / "bin").mkdir()
        if python:
            (self.home / "bin/python3").symlink_to(python)
        self.upload(self.paths.archive, runner_archive().data if archive is None else archive)
        if user is not None:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, user, user, follow_symlinks=False)

    def upload(self, path: str, data: bytes) -> None:
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if self.user is not None:
            os.chown(target, self.user, self.user)

    def start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": str(self.home / "bin")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )

    def output(self, command: str) -> str:
        with self.start(command) as process:
            return process.communicate(timeout=90)[0]

    def set_up(self, options: AgentOptions = ONE_SLOT, *, prefix: str = "") -> Greeting:
        nonce = secrets.token_hex(16)
        output = self.output(prefix + setup_command(self.paths, nonce=nonce, options=options))
        found = read_greeting(output, nonce)
        assert found is not None, output
        self.greeting = found
        return found

    def start_trip(self, jobs: Sequence[Job], nonce: str) -> subprocess.Popen[str]:
        trip = pack_trip(jobs, [steps_blob(job.steps) for job in jobs])
        return self.start(trip_command(self.paths, self.greeting, trip, nonce=nonce))

    def lines(self, jobs: Sequence[Job]) -> list[Line]:
        nonce = secrets.token_hex(16)
        with self.start_trip(jobs, nonce) as process:
            output = process.communicate(timeout=90)[0]
        found = [read_line(line, nonce) for line in output.splitlines()]
        return [line for line in found if line is not None and not isinstance(line, Heartbeat)]

    def results(self, jobs: Sequence[Job]) -> list[JobResult | SandboxFailure | Failed]:
        found: dict[int, JobResult | SandboxFailure | Failed] = {}
        for line in self.lines(jobs):
            match line:
                case Result(index, data):
                    found[index] = result_from_bytes(data, jobs[index])
                case Failed(int(index)):
                    found[index] = line
        return [found[index] for index in range(len(jobs))]

    def stop(self) -> str:
        return self.output(stop_command(self.paths, self.greeting, nonce=secrets.token_hex(16)))

    def remove(self) -> None:
        if self.greeting.executable:
            self.stop()
        shutil.rmtree(self.home)
