"""Start the service in a process of its own, and speak with the part of it that E2B does not have."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .faults import Fault
from .settings import Settings
from .stats import Alive, Stats

PACKAGE = Path(__file__).parent
STOP_S = 20.0
ANSWER_S = 30.0


def environment_for(url: str, api_key: str) -> dict[str, str]:
    """Return the variables with which the SDK finds the service."""
    return {"E2B_API_URL": url, "E2B_SANDBOX_URL": url, "E2B_API_KEY": api_key}


@dataclass(frozen=True)
class ServiceHandle:
    """A service that runs."""

    url: str
    api_key: str
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which the SDK finds the service."""
        return environment_for(self.url, self.api_key)

    def stats(self) -> Stats:
        """Return what was counted up to this moment."""
        return Stats.from_json(self._ask("GET", "stats"))

    def alive(self) -> tuple[Alive, ...]:
        """Return the machines that run."""
        return self.stats().alive

    def add_fault(
        self,
        fault: Fault,
        *,
        probability: float = 1.0,
        times: int | None = None,
        match: str = "",
        delay_s: float | None = None,
        after: int = 0,
    ) -> None:
        """Let *fault* happen: see `faults.Faults.add`."""
        asked = {"probability": probability, "times": times, "match": match, "delay_s": delay_s, "after": after}
        self._ask("POST", "faults", {"fault": fault.value, **asked})

    def clear_faults(self) -> None:
        """Let nothing go wrong any more; what happened stays counted."""
        self._ask("DELETE", "faults")

    def change(self, **settings: Any) -> None:
        """Replace fields of the settings; machines that run keep theirs."""
        self._ask("POST", "settings", settings)

    def vanish(self, sandbox_id: str) -> None:
        """End a machine for no reason."""
        self._ask("POST", f"vanish/{sandbox_id}")

    def reset(self) -> None:
        """End every machine, forget faults and counts; the settings stay."""
        self._ask("POST", "reset")

    def _ask(self, method: str, what: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{what}", data=data, method=method)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=ANSWER_S) as answer:
            return json.load(answer)


@contextlib.contextmanager
def start_service(settings: Settings | None = None) -> Iterator[ServiceHandle]:
    """Run a service on a free port; it ends, and all its machines, with this block or with this process."""
    settings = settings or Settings()
    command = [sys.executable, "-m", PACKAGE.name, "--port", "0", "--under-parent"]
    command += ["--settings", json.dumps(dataclasses.asdict(settings))]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        start_new_session=True,  # a Ctrl-C is for the tests; the service ends when its stdin does
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the stand-in service did not start: its own message is above")
            yield ServiceHandle(json.loads(line)["url"], settings.api_key, process.pid)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
