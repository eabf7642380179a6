"""Which faults strike, and how often: every one that the stand-in service knows, at random."""

from __future__ import annotations

import random
from dataclasses import dataclass

from e2b_service.faults import Fault
from e2b_service.handle import ServiceHandle


@dataclass(frozen=True)
class Shower:
    """How often a fault strikes where it can."""

    probability: float
    match: str = ""
    delay_s: float | None = None
    after: int = 0


_CREATE, _KILL, _START, _EXECUTE = "rest/create", "rest/kill", "process/Start", "interpreter/execute"
WEATHER = {
    Fault.LATENCY: Shower(0.01, delay_s=1.0),
    Fault.CREATE_RATE: Shower(0.03, _CREATE),
    Fault.CONCURRENCY_CAP: Shower(0.01, _CREATE),
    Fault.CREATE_LOST: Shower(0.03, _CREATE),
    Fault.TTL_EXPIRY: Shower(0.005, delay_s=0.3),
    Fault.RATE_LIMITED: Shower(0.005),
    Fault.RATE_LIMITED_SILENT: Shower(0.005),
    Fault.UNAUTHORIZED: Shower(0.005, after=60),
    Fault.INTERNAL_ERROR: Shower(0.005),
    Fault.BAD_GATEWAY: Shower(0.005),
    Fault.UNAVAILABLE: Shower(0.005),
    Fault.GATEWAY_TIMEOUT: Shower(0.005),
    Fault.CONNECTION_RESET: Shower(0.005),
    Fault.PORT_CLOSED: Shower(0.005),
    Fault.VANISH: Shower(0.005, delay_s=0.3),
    Fault.SLOW_KILL: Shower(0.03, _KILL),
    Fault.EXECUTE_TRUNCATED: Shower(0.005, _EXECUTE),
    Fault.EXECUTE_SILENT_END: Shower(0.005, _EXECUTE),
    Fault.EXECUTE_MISSING_END: Shower(0.005, _EXECUTE),
    Fault.EXECUTE_GARBAGE: Shower(0.005, _EXECUTE),
    Fault.KEEPALIVE_ONLY: Shower(0.005, _EXECUTE),
    Fault.ABORT_HANG: Shower(0.005, _EXECUTE),
    Fault.KERNEL_DEATH: Shower(0.005, _EXECUTE),
    Fault.ENVD_TRUNCATED: Shower(0.015, _START),
    Fault.ENVD_SILENT_END: Shower(0.015, _START),
    Fault.ENVD_MISSING_END: Shower(0.015, _START),
    Fault.ENVD_GARBAGE: Shower(0.015, _START),
    Fault.ENVD_SILENCE: Shower(0.015, _START),
}
"""The first refusal of a key is believed, and rightly so: that fault spares the beginning."""


APPOINTED = 2
"""Times that each fault strikes by appointment, beside those by chance: none is left out of a short run."""
WITHIN = 20
"""Operations that it can strike, among the first of which the appointment is."""


def let_it_rain(service: ServiceHandle, *, seed: int, strength: float = 1.0) -> None:
    """Let every fault strike at random; *strength* multiplies how often."""
    chance = random.Random(seed)
    for fault in Fault:
        shower = WEATHER[fault]  # a fault that is new in the service has to be thought of here
        place = {"match": shower.match, "delay_s": shower.delay_s}
        for _ in range(APPOINTED):
            service.add_fault(fault, times=1, after=shower.after + chance.randrange(WITHIN), **place)
        probability = min(1.0, strength * shower.probability)
        service.add_fault(fault, probability=probability, after=shower.after, **place)
