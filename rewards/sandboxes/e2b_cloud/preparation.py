"""Getting a new sandbox ready for programs, in the same one again where the service was only busy."""

from __future__ import annotations

import asyncio
import time

from ...records import SandboxFailure
from ..agent.errors import WireError
from .drought import Drought
from .faults import Fault, classify
from .machine import Machine, SetupFailedError
from .throttle import PASSING_KINDS, PATIENCE_S, Throttle, Throttled

SETUP_S = 120.0
BUSY_TRIES = 4
"""In one sandbox: that it is busy may be its own trouble, whereas a rate is the account's."""
_POLL_S = 0.5


async def prepare(machine: Machine, throttle: Throttle, drought: Drought) -> None:
    """Set *machine* up; raises what `failure_of` reads, or what the user has to mend."""
    began_s, tries = time.monotonic(), 0
    while True:
        tries += 1
        try:
            async with asyncio.timeout(SETUP_S):
                await machine.set_up()
        except Exception as error:
            fault = classify(error, during="setup")
            if fault is None or fault.kind not in PASSING_KINDS or machine.retired:
                raise
            drought.add(fault.detail, passing=True)
            throttle.hear(fault)
            if time.monotonic() - began_s > PATIENCE_S or (fault.kind == "busy" and tries >= BUSY_TRIES):
                raise
        else:
            throttle.ease()
            return
        while throttle.left_s > 0 and not machine.retired:
            await asyncio.sleep(min(throttle.left_s, _POLL_S))


def failure_of(error: Exception) -> SandboxFailure | None:
    """Return what those who wait are told of a set-up that failed, or None for a mistake of ours."""
    if isinstance(error, SetupFailedError):
        return SandboxFailure("start", str(error))
    fault = classify(error, during="setup")
    if fault is None and isinstance(error, WireError | TimeoutError):
        fault = Fault("protocol", str(error))
    if fault is None:
        return None
    kind = Throttled if fault.kind in PASSING_KINDS else SandboxFailure
    return kind("start", f"setting up a sandbox failed ({fault.kind}): {fault.detail}")
