"""What can go wrong with the service, when it does, and how often it did."""

from __future__ import annotations

import enum
import random
from collections import Counter
from dataclasses import dataclass


class Fault(enum.Enum):
    """Everything that the real service was seen to do wrong, or does by its rules to who asks too much."""

    LATENCY = "latency"
    """The request waits `delay_s` (2) before it is served."""
    CREATE_RATE = "create_rate"
    """429 on create, with Retry-After."""
    CONCURRENCY_CAP = "concurrency_cap"
    """429 on create, without Retry-After."""
    CREATE_LOST = "create_lost"
    """The machine is made, the answer is a 504: nobody but the list of machines knows of it."""
    TTL_EXPIRY = "ttl_expiry"
    """The machine's time is over; asked for, it is over `delay_s` (0.2) after the data-plane request that it hit."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After (`delay_s`, at least 1), on any request."""
    RATE_LIMITED_SILENT = "rate_limited_silent"
    """429 without Retry-After, on any request."""
    UNAUTHORIZED = "unauthorized"
    INTERNAL_ERROR = "internal_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    CONNECTION_RESET = "connection_reset"
    """The connection is cut before a byte of the answer."""
    PORT_CLOSED = "port_closed"
    """502 with the body that names the port."""
    VANISH = "vanish"
    """The machine is gone in the middle of the request, `delay_s` (0.2) after it came; 0: before it is served."""
    SLOW_KILL = "slow_kill"
    """The kill is answered after `delay_s` (2); the machine lives until then."""
    EXECUTE_TRUNCATED = "execute_truncated"
    """/execute: the connection is cut in the middle of the chunked body."""
    EXECUTE_SILENT_END = "execute_silent_end"
    """/execute: the body ends in good order before the results came."""
    EXECUTE_MISSING_END = "execute_missing_end"
    """/execute: all lines but end_of_execution."""
    EXECUTE_GARBAGE = "execute_garbage"
    """/execute: a line that is not JSON."""
    KEEPALIVE_ONLY = "keepalive_only"
    """/execute: nothing but keepalives, for ever."""
    ABORT_HANG = "abort_hang"
    """/execute: the cell after an interrupted one is aborted, and nobody tells the client."""
    KERNEL_DEATH = "kernel_death"
    """/execute: the kernel dies in the middle of the cell."""
    ENVD_TRUNCATED = "envd_truncated"
    """process stream: the connection is cut in the middle of the chunked body."""
    ENVD_SILENT_END = "envd_silent_end"
    """process stream: the body ends in good order before the end event and without the end-of-stream frame."""
    ENVD_MISSING_END = "envd_missing_end"
    """process stream: an end-of-stream frame, but no end event."""
    ENVD_GARBAGE = "envd_garbage"
    """process stream: bytes that are no frame."""
    ENVD_SILENCE = "envd_silence"
    """process stream: after the start event nothing more, for ever."""


DELAYS_S = {
    Fault.RATE_LIMITED: 1.0,
    Fault.CREATE_RATE: 1.0,
    Fault.LATENCY: 2.0,
    Fault.TTL_EXPIRY: 0.2,
    Fault.VANISH: 0.2,
    Fault.SLOW_KILL: 2.0,
}


def operation_of(method: str, path: str, *, plane: str) -> str:
    """Return the name that rules are matched with, as "rest/create", "envd/process/Start" or "interpreter/execute".

    *plane* is "rest", "envd" or "interpreter". The others: rest/connect, kill, timeout, info, list; envd/files/read,
    files/write, filesystem/Stat, health; interpreter/contexts, contexts/restart, health.
    """
    parts = [part for part in path.split("/") if part]
    if plane == "rest":
        return f"rest/{_rest_operation(method, parts)}"
    if plane == "envd" and parts == ["files"]:
        parts.append("write" if method == "POST" else "read")
    if plane == "interpreter" and parts[:1] == ["contexts"]:
        parts[1:2] = []  # the id
    if parts and "." in parts[0]:
        parts[0] = parts[0].partition(".")[0]  # process.Process
    return "/".join([plane, *parts])


def _rest_operation(method: str, parts: list[str]) -> str:
    rest = parts[1:] if parts[:1] == ["v2"] else parts
    if len(rest) >= 3:
        return rest[2]
    if len(rest) == 2:
        return {"DELETE": "kill", "GET": "info"}.get(method, method.lower())
    return {"POST": "create", "GET": "list"}.get(method, method.lower())


@dataclass
class Rule:
    """One fault that was asked for; `times` counts down."""

    fault: Fault
    probability: float = 1.0
    times: int | None = None
    match: str = ""
    """Only operations whose name (see `operation_of`) contains it: "rest/", "create", "kill", "process/Start", …"""
    delay_s: float = 0.0
    """For faults that are a matter of time; for a 429 its Retry-After."""
    after: int = 0
    """How many fitting operations are spared first."""


class Faults:
    """The faults that were asked for; which requests they hit is decided by a seeded generator."""

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Rule] = []
        self.fired: Counter[Fault] = Counter()
        self._random = random.Random(seed)

    def add(
        self,
        fault: Fault,
        *,
        probability: float = 1.0,
        times: int | None = None,
        match: str = "",
        delay_s: float | None = None,
        after: int = 0,
    ) -> None:
        """Let *fault* happen to operations that contain *match*, each with *probability*, at most *times* times."""
        delay = DELAYS_S.get(fault, 0.0) if delay_s is None else delay_s
        self.rules.append(Rule(fault, probability, times, match, delay, after))

    def reset(self, seed: int) -> None:
        """Forget what was asked for and what happened, and begin with the same luck again."""
        self.rules.clear()
        self.fired.clear()
        self._random.seed(seed)

    def clear(self) -> None:
        """Forget what was asked for, not what happened."""
        self.rules.clear()

    def fires(self, fault: Fault, operation: str = "") -> bool:
        """Tell whether *fault* happens to this operation, and count it if so: ask once an operation."""
        return self.rule(fault, operation) is not None

    def rule(self, fault: Fault, operation: str = "") -> Rule | None:
        """Return the rule by which *fault* happens to this operation, counted, or None."""
        for rule in self.rules:
            if rule.fault is fault and rule.match in operation and self._applies(rule):
                self.note(fault)
                return rule
        return None

    def note(self, fault: Fault) -> None:
        """Count a fault that happened by itself, as a kernel that died or a machine whose time was over."""
        self.fired[fault] += 1

    def _applies(self, rule: Rule) -> bool:
        if rule.after > 0:
            rule.after -= 1
            return False
        if rule.times == 0 or (rule.probability < 1 and self._random.random() >= rule.probability):
            return False
        if rule.times is not None:
            rule.times -= 1
        return True
