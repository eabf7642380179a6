"""What the host and the zygote say to each other: fixed-size records over a socket that no program ever holds."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple


class Mode(enum.IntEnum):
    """What a child does with the job's bytes."""

    SCRIPT = 1
    CALLS = 2
    SERVE = 3
    TEST = 4
    COMMAND = 5
    """Files are put into the scratch directory and a program of any language is executed there."""
    CELLS = 6
    PACKED_SCRIPT = 7
    """A script with files beside it, words on its command line, or files to hand over."""
    SESSION = 8
    """Cells that come one by one over the channel, for as long as the host keeps it open."""
    KILL = 16
    """Not a job: stop the one that runs."""
    PROGRESS = 17
    """Not a job: a test or a cell began of which this zygote sees nothing, so its child's CPU clock starts again."""


ONE_CLOCK = frozenset({Mode.SCRIPT, Mode.PACKED_SCRIPT, Mode.COMMAND})
"""What has one limit from its beginning to its end; elsewhere the limits count for each answer."""
COUNTS_ANSWERS = frozenset({Mode.CALLS, Mode.SERVE, Mode.TEST, Mode.CELLS})
"""Where each answer starts the CPU clock again. In a session the host says when: its cells are without number, and a
program that fakes answers would have CPU time without end."""


class Stop(enum.IntEnum):
    """Why a child came to its end."""

    ENDED = 0
    """By itself, or by a signal that the zygote did not send."""
    CPU = 1
    DISK = 2
    MEMORY = 3
    KILLED = 4
    """The host asked for it."""
    BACKSTOP = 5
    """The host did not ask for it in time."""
    SETUP_FAILED = 6
    """Before the first byte of the program ran."""


class Order(NamedTuple):
    """One child to fork."""

    mode: int
    number: int
    size: int
    """Bytes of the job."""
    processes: int
    memory_bytes: int
    file_bytes: int
    """The longest that a file may get, the captured outputs among them."""
    disk_bytes: int
    cpu_s: float
    """For the whole of a script, for each call otherwise."""
    total_cpu_s: float
    backstop_s: float
    """By the clock, where the host fails to keep the time."""
    fetch_bytes: int = 0
    """How much of the files that the job names is handed over after its end; 0 where it names none."""


class Reply(NamedTuple):
    """How one child ended."""

    stop: int
    number: int
    status: int
    """As wait(2) tells it."""
    cpu_s: float
    wall_s: float
    peak_memory_kb: int


ORDER = struct.Struct("=BIQIQQQdddQ")
REPLY = struct.Struct("=BIiddQ")
LARGEST_GREETING = 1 << 16


def pack_order(order: Order) -> bytes:
    """Return the bytes of an order."""
    return ORDER.pack(*order)


def unpack_reply(data: bytes) -> Reply:
    """Read a reply; raises struct.error where it is none."""
    return Reply(*REPLY.unpack(data))
