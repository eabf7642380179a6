"""One sandbox of the stand-in service: a folder, an environment, a time to live."""

from __future__ import annotations

import asyncio
import os
import posixpath
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .leftovers import MARK, remove
from .settings import Settings

USER_HOME = "/home/user"
ENVD_PORT = 49983
INTERPRETER_PORT = 49999
LANGUAGE = "C.UTF-8"
CLOSE_S = 3.0
"""What the data plane gets to put its things away; the killing comes next anyway."""


Cleaner = Callable[[Path], Awaitable[None]]


async def clean_here(folder: Path) -> None:
    """Kill what runs in *folder* and remove it, from a thread of this process."""
    await asyncio.to_thread(remove, {str(folder)})


@dataclass(eq=False)
class Machine:
    """A machine that the service says is a VM; its processes are ordinary ones of this computer."""

    sandbox_id: str
    home: Path
    """What the machine shows as /home/user; absolute paths of the SDK are below `home/rootfs`."""
    settings: Settings
    template: str = "base"
    metadata: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """The `envs` that the create call gave."""
    access_token: str | None = None
    internet: bool = True
    ttl_s: float = 300.0
    started_at: float = field(default_factory=time.time)
    expires_at: float = 0.0
    ended_at: float | None = None
    expiry_counted: bool = False
    """Its expiry was a fault that was asked for, and is counted already."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the machine ends: the routing cancels what is being served and cuts its connections."""
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Called, each once, when the machine has ended and before its processes are killed: kernels, watchers."""
    clean: Cleaner = clean_here
    """Kills what runs in a folder and removes the folder."""
    kept: dict[str, object] = field(default_factory=dict)
    """What the data plane keeps for this machine: its process table, its kernels."""

    def __post_init__(self) -> None:
        """Make the folders; the time to live starts here."""
        self.expires_at = self.expires_at or time.time() + self.ttl_s
        (self.home / "rootfs" / "tmp").mkdir(parents=True, exist_ok=True)

    @property
    def alive(self) -> bool:
        """Tell whether the machine still answers."""
        return self.ended_at is None

    @property
    def environment(self) -> dict[str, str]:
        """Return the whole environment of a process in this machine; nothing of the service's own gets in."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),  # where this computer has its python and bash
            "HOME": str(self.home),
            "USER": "user",
            "LOGNAME": "user",
            "LANG": LANGUAGE,
            "TMPDIR": str(self.home / "rootfs" / "tmp"),
            "E2B_SANDBOX": "true",
            "E2B_SANDBOX_ID": self.sandbox_id,
            "E2B_TEMPLATE_ID": self.template,
            **self.variables,
            MARK: str(self.home),
        }

    def has_port(self, port: int) -> bool:
        """Tell whether something listens there; the `base` template has no interpreter."""
        if port == INTERPRETER_PORT:
            return self.settings.has_interpreter and self.template != "base"
        return port == ENVD_PORT and self.settings.has_envd

    def path(self, name: str) -> Path:
        """Return where the file that the SDK calls *name* is on this computer: always below `home`."""
        home = str(self.home)
        whole = posixpath.normpath(posixpath.join(USER_HOME, name))
        if whole == home or whole.startswith(home + "/"):
            return Path(whole)  # a process here said where it is
        if whole == USER_HOME or whole.startswith(USER_HOME + "/"):
            return self.home / whole[len(USER_HOME) + 1 :]
        return self.home / "rootfs" / whole.lstrip("/")

    def name(self, path: Path) -> str:
        """Return what the SDK calls *path*: the inverse of `path`."""
        below = path.relative_to(self.home)
        if below.parts[:1] == ("rootfs",):
            return "/" + "/".join(below.parts[1:])
        return posixpath.join(USER_HOME, *below.parts)

    async def stop(self) -> None:
        """End the machine: cut what is being served, kill its processes, detached ones too, and remove its folder."""
        if self.ended_at is not None:
            return
        self.ended_at = time.time()
        self.gone.set()
        closers, self.closers[:] = [asyncio.ensure_future(close()) for close in self.closers], []
        if closers:
            await asyncio.wait(closers, timeout=CLOSE_S)
        await self.clean(self.home)


def new_sandbox_id() -> str:
    """Return an id that looks like one of the service: 'i' and nineteen letters or digits."""
    return "i" + "".join(secrets.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(19))
