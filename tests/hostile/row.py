"""One hostile program: what it tries, and what must be seen from outside after it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rewards.records import CallStep, Ended, ScriptStep, Step, TestRun

GOOD, ERROR, TIME, SIGNAL = "good", "error", "time", "signal"
OUTPUT, DISK, MEMORY, OTHER = "output", "disk", "memory", "other"
STOPPED = frozenset({TIME, SIGNAL})
FAILED = frozenset({ERROR, SIGNAL, MEMORY})

ALARM = "BREACHED"
"""A row's program prints this word exactly when, seen from inside, the forbidden thing worked."""


@dataclass(frozen=True)
class HostileRow:
    """Data only: nothing here runs unless the harness hands it to a sandbox.

    The program finds these names defined: `ALARM`, `SECRET_FILE` (mode 0600, of the host's user), `OPEN_FOLDER`
    (the host's, mode 0777), `CANARY_PID` (a process of the host's user), `TCP_PORT`, `UDP_PORT`, `SOCKET_PATH`,
    `ABSTRACT_NAME` (listeners of the host), `NEEDLE_BACKWARDS` (what an earlier program in the same slot printed),
    `NR` (syscall numbers of this machine; -1 where there is none), and `libc` where it mentions it.
    """

    name: str
    attempt: str
    source: str
    ends: frozenset[str] | None = None
    """The ways in which the first step may end; unset: any, as long as it is a result."""
    watch: tuple[str, ...] = ()
    """Names of host-side checks: see `Host`."""
    memory_below_mb: float | None = None
    output_below: int | None = None
    prints: str = ""
    steps: tuple[Step, ...] = (ScriptStep("x\n"),)
    never: tuple[Ended, ...] = ()
    """Ways to end that would mean that a wrong answer was taken for a right one."""
    in_a_call: bool = False
    """The same program is also run inside a call, beside the channel on which calls are answered."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """Words that stand as `@WORD@` in the source, with the names above that they mean, instead of those names."""


ATTACK_THEN_ASK: tuple[Step, ...] = (CallStep("attack"), CallStep("untouched"))


def as_call(source: str) -> str:
    """Return a program whose `attack()` does what *source* does."""
    return (
        f"BODY = {source!r}\n"
        "def attack():\n    exec(BODY, {'__name__': 'solution'})\n    return 'done'\n"
        "def untouched():\n    return 42\n"
    )


def ending(run: TestRun) -> str:
    """Return the kind of ending in the words that rows use."""
    if run.ended is Ended.EXITED:
        return GOOD if run.exit_code == 0 else ERROR
    words = {
        Ended.RETURNED: GOOD,
        Ended.RAISED: ERROR,
        Ended.FAILED: ERROR,
        Ended.SIGNALLED: SIGNAL,
        Ended.CPU_LIMIT: TIME,
        Ended.WALL_LIMIT: TIME,
        Ended.MEMORY_LIMIT: MEMORY,
        Ended.OUTPUT_LIMIT: OUTPUT,
        Ended.DISK_LIMIT: DISK,
    }
    return words.get(run.ended, OTHER)
