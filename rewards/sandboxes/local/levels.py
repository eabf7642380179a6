"""The levels of protection, which of them may be tried here, and what each is good for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from ...errors import ConfigurationError
from ..runner.handshake import Greeting

FIRST_POOL_UID, POOL_UIDS = 61184, 4336
"""The range that systemd keeps for users without a name: nobody's files belong to them."""


@dataclass(frozen=True)
class Strategy:
    """One way to confine a slot."""

    level: str
    """`A`, `B`, or `unprotected`."""
    name: str
    namespaces: bool = False
    landlock: bool = False
    seccomp: bool = True
    own_uid: bool = False


A_ROOT = Strategy("A", "A (namespaces, own uid)", namespaces=True, own_uid=True)
A_USER = Strategy("A", "A (user namespace)", namespaces=True)
B_UID = Strategy("B", "B (Landlock and seccomp, own uid)", landlock=True, own_uid=True)
B_SAME = Strategy("B", "B (Landlock and seccomp)", landlock=True)
FILTERED = Strategy("unprotected", "unprotected (seccomp only)")
BARE = Strategy("unprotected", "unprotected (a process with limits)", seccomp=False)


def strategies(level: str, *, allow_unprotected: bool) -> tuple[Strategy, ...]:
    """Return what to try, best first."""
    if level not in ("auto", "A", "B"):
        raise ConfigurationError(f"level {level!r} is unknown: use auto, A (namespaces) or B (Landlock and seccomp)")
    root = os.geteuid() == 0
    chosen: list[Strategy] = []
    if level in ("auto", "A"):
        chosen += [A_ROOT, A_USER] if root else [A_USER]
    if level in ("auto", "B"):
        chosen += [B_UID, B_SAME] if root else [B_SAME]
    if allow_unprotected:
        chosen += [FILTERED, BARE]
    return tuple(chosen)


def pool_uid(slot: int) -> int:
    """Return a uid for a slot's programs; other processes of this library on the machine get others, most likely."""
    return FIRST_POOL_UID + (os.getpid() * 64 + slot) % POOL_UIDS


def unsupported_reason() -> str | None:
    """Return why no level can work on this system at all."""
    if sys.platform != "linux":
        return f"the local sandbox needs Linux; this is {sys.platform}, which has neither Landlock nor seccomp"
    return None


def protections(strategy: Strategy, greeting: Greeting) -> tuple[str, ...]:
    """Return what programs are kept from, for people."""
    found = ["CPU time, wall time, memory, output and open files are limited; each job gets a fresh process"]
    if strategy.seccomp:
        found.append(
            "seccomp: no network, no new processes, no other programs, no signals to others; about 160 calls left"
        )
    if greeting.landlock_abi:
        found.append(
            f"Landlock ABI {greeting.landlock_abi}: only the standard library, libraries and the scratch directory"
        )
    if strategy.namespaces:
        found.append("namespaces: own processes, network, mounts and queues; a private root; a size limit on files")
    if strategy.own_uid:
        found.append(f"a user id of its own for each slot ({greeting.uid} in this one), without capabilities")
    return tuple(found)


def gaps(strategy: Strategy, greeting: Greeting) -> tuple[str, ...]:
    """Return what programs are not kept from, for people."""
    found = [
        "errors in the kernel that can be reached through the calls left",
        "timing side channels",
        "load on the machine",
    ]
    if strategy.level == "unprotected":
        found.insert(0, "READING YOUR FILES, AND WRITING TO THEM: this level was allowed by allow_unprotected=True")
    if not strategy.seccomp:
        found.insert(1, "THE NETWORK, OTHER PROCESSES, ANYTHING THAT YOUR USER MAY DO")
    if strategy.namespaces and not greeting.landlock_abi:
        found.append("a second wall behind the private root: the kernel has no Landlock")
    if strategy.level == "A":
        found.append("reading the machine's tools and libraries below /usr: programs in other languages need them")
    if not strategy.namespaces:
        found.append("seeing that host files exist, and their sizes (stat)")
        found.append(
            "filling the disk for a moment: the scratch directory is watched, not bounded; one process per job only"
        )
        if greeting.uid == 0:
            found.append("thousands of threads for a moment: root has no limit, so they are counted every 20 ms")
    if strategy.namespaces and not greeting.counts_processes:
        found.append("jobs with several processes are refused: no procfs can be mounted here")
    return tuple(found)
