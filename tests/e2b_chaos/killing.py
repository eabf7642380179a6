"""A process that is killed while it asks, and what it leaves behind."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from e2b_service.handle import ServiceHandle, start_service

from .run import Plan, settings_for
from .weather import let_it_rain

ROOT = Path(__file__).resolve().parents[2]
UNDER_WAY_S = 60.0
GONE_S = 55.0
"""Below the time to live of the sandboxes: it is not that which ends them."""


@dataclass(frozen=True)
class Aftermath:
    """What was there at the moment of the kill, and what became of it."""

    alive_then: int
    round_trips_then: int
    alive: int
    gone_after_s: float

    @property
    def is_good(self) -> bool:
        """Say whether the process was killed in its middle and nothing is left."""
        return self.alive_then > 0 and self.alive == 0

    def __str__(self) -> str:
        return (
            f"killed in the middle, after {self.round_trips_then} round trips: {self.alive_then} sandboxes were alive, "
            f"{self.alive} are left {self.gone_after_s:.1f} s later"
        )


def kill_in_the_middle(plan: Plan, *, round_trips: int = 60) -> Aftermath:
    """Let a process of its own ask for everything, and kill it after so many *round_trips*."""
    with start_service(settings_for(plan)) as service:
        let_it_rain(service, seed=plan.seed, strength=plan.strength)
        command = [sys.executable, "-m", "e2b_chaos", json.dumps(dataclasses.asdict(plan))]
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        with subprocess.Popen(command, env={**os.environ, **service.environment, "PYTHONPATH": path}) as process:
            try:
                _wait_until_under_way(service, process, round_trips)
            finally:
                process.send_signal(signal.SIGKILL)
        then, killed = service.stats(), time.monotonic()
        while (alive := len(service.alive())) and time.monotonic() - killed < GONE_S:
            time.sleep(0.2)
        return Aftermath(len(then.alive), then.round_trips, alive, time.monotonic() - killed)


def _wait_until_under_way(service: ServiceHandle, process: subprocess.Popen[bytes], round_trips: int) -> None:
    until = time.monotonic() + UNDER_WAY_S
    while service.stats().round_trips < round_trips:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the process came to no middle")
        time.sleep(0.1)
