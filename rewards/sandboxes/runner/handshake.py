"""What the host tells a zygote at its start, and what the zygote answers."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from typing import Any


class Kind(enum.StrEnum):
    """What a zygote's children are for."""

    PROGRAMS = "programs"
    """Python programs that run in a child of the zygote itself."""
    TESTERS = "testers"
    """Test code that asks a program in another zygote's child."""
    PYTEST = "pytest"
    """The same, with pytest at hand: it takes memory and time that few jobs need."""
    COMMANDS = "commands"
    """Programs of any language, by the interpreters and compilers of the machine."""
    NOTEBOOKS = "notebooks"
    """Cells, one after another in one child."""
    SESSIONS = "sessions"
    """Cells that come one by one: there are as many of these as sessions are open, so they hold nothing but IPython."""


@dataclass(frozen=True)
class Setup:
    """How one zygote confines itself and what programs find there."""

    kind: Kind
    namespaces: bool
    """Level A. As root the user namespace stays, and programs get a uid of their own; else a new one is made."""
    landlock: bool
    """Refuse to start without it. Where this is off, it is still used if the kernel has it."""
    seccomp: bool
    landlock_abi: int | None
    """Pretend to be an older kernel, for tests."""
    pool_uid: int
    """Uid for the programs where the zygote starts as root; 0 keeps root's, without its powers."""
    host_pid: int
    """Gone, or no longer the parent: everything here ends."""
    scratch: str
    """The directory that programs may write to. Level A makes it in a root of its own."""
    readable: tuple[str, ...]
    hidden: tuple[str, ...]
    """Directories below a readable one that are not."""
    devices: tuple[str, ...]
    search_path: tuple[str, ...]
    """Appended to sys.path."""
    preload: tuple[str, ...]
    disk_mb: int
    tasks: int
    """How many threads the uid of the programs may have."""
    threads: int
    """How many one program may have where the kernel sets root no limit, and they are counted from outside."""

    def to_bytes(self) -> bytes:
        """Return the set-up as it travels."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Setup:
        """Read what `to_bytes` wrote."""
        fields: dict[str, Any] = json.loads(data)
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists, "kind": Kind(fields["kind"])})


@dataclass(frozen=True)
class Greeting:
    """What holds in a zygote that is ready, or why it is not."""

    error: str = ""
    preload_failed: bool = False
    """The error is the user's: another level would not help."""
    landlock_abi: int = 0
    uid: int = 0
    counts_processes: bool = False
    """A job may have several processes: their CPU time and memory can be added up."""

    def to_bytes(self) -> bytes:
        """Return the greeting as it travels."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Greeting:
        """Read what `to_bytes` wrote."""
        return cls(**json.loads(data))
