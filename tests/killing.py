"""Workers of the local sandbox that somebody kills while a job runs in them, as an out-of-memory killer does."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Callable
from typing import Any

import pytest

from rewards.sandboxes.local.worker import Outcome, Worker
from rewards.sandboxes.runner.handshake import Kind

IN_MID_JOB_S = 0.03


def kill_workers(
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    *,
    times: float = math.inf,
    only: Callable[[bytes], bool] = lambda job: True,
    after_s: float = IN_MID_JOB_S,
) -> list[int]:
    """Kill the first *times* workers of *kind* *after_s* they got a job; returns their ids as a list that grows."""
    killed: list[int] = []
    execute = Worker.execute

    async def doomed(self: Worker, order: Any, job: bytes, stdin: bytes, **options: Any) -> Outcome:
        is_self_test = self._number == 0
        if self.setup.kind != kind or is_self_test or len(killed) >= times or not only(job):
            return await execute(self, order, job, stdin, **options)
        killed.append(self._process.pid)
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._process.send_signal, signal.SIGKILL)
        else:
            self._process.send_signal(signal.SIGKILL)
        return await execute(self, order, job, stdin, **options)

    monkeypatch.setattr(Worker, "execute", doomed)
    return killed
