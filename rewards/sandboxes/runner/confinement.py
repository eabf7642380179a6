"""Put the layers of protection on, in the order in which they do not get into each other's way.

Namespaces and a private root (level A), a uid of its own (from root), no capabilities, Landlock, limits, and last the
seccomp allow-list. Nothing here can be undone by the process afterwards.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import landlock, limits, namespaces
from .handshake import Kind, Setup
from .kernel import die_with_parent, drop_capabilities
from .seccomp import Filter


@dataclass(frozen=True)
class Confinement:
    """What holds in this process, and what the later steps need of it."""

    own_pids: bool
    landlock_abi: int
    scratch: str
    processes: int
    """Descriptor of a procfs that shows the programs' processes, or -1."""
    own_state: int
    """Descriptor of /proc/self/stat: how much memory and how many threads this process has."""


def needs_new_user(setup: Setup) -> bool:
    """Tell whether the namespaces need a user namespace: root makes them without."""
    return os.geteuid() != 0 or not setup.pool_uid


def confine(setup: Setup) -> Confinement:
    """Confine this process; seccomp follows when everything is loaded."""
    own_state = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    processes = -1
    if setup.namespaces:
        owner = namespaces.INNER_UID if needs_new_user(setup) else setup.pool_uid
        processes = namespaces.enter_private_root(setup, owner=owner)
    elif os.geteuid() == 0 and setup.pool_uid:
        os.chown(setup.scratch, setup.pool_uid, setup.pool_uid)
    if os.geteuid() == 0 and setup.pool_uid:
        _become(setup.pool_uid)
    os.chdir(setup.scratch)
    _check_readable()
    drop_capabilities()
    die_with_parent()
    abi = _restrict_files(setup, processes)
    limits.set_common_limits(setup.tasks, limits.TOOL_OPEN_FILES if _runs_tools(setup) else limits.OPEN_FILES)
    return Confinement(setup.namespaces, abi, setup.scratch, processes, own_state)


def _runs_tools(setup: Setup) -> bool:
    return setup.kind is Kind.COMMANDS


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _check_readable() -> None:
    # A pool uid may be shut out of an interpreter that lives in somebody's home directory.
    with open(os.__file__, "rb") as file:
        file.read(1)


def _restrict_files(setup: Setup, processes: int) -> int:
    abi = landlock.abi_version(setup.landlock_abi)
    if abi < 1:
        if setup.landlock:
            raise OSError("the kernel has no Landlock, or does not let it be used here")
        return 0
    rules = landlock.Ruleset(abi)
    executing = landlock.EXECUTE if _runs_tools(setup) else 0
    for path in setup.readable:
        _allow_reading(rules, path, setup.hidden, landlock.READ | executing)
    for path in setup.search_path:  # the import system lists them, where it may read only some of what is in there
        rules.allow(path, landlock.READ_DIR)
    for path in setup.devices:
        rules.allow(path, landlock.READ_WRITE_FILE if path == "/dev/null" else landlock.READ_FILE)
    rules.allow(setup.scratch, landlock.SCRATCH | executing)
    if _runs_tools(setup):
        rules.allow("/proc", landlock.READ)  # of its own pid namespace
    if processes >= 0:
        rules.allow_descriptor(processes, landlock.READ)
    rules.restrict()
    return abi


def _allow_reading(rules: landlock.Ruleset, path: str, hidden: tuple[str, ...], rights: int) -> None:
    """Allow reading all below *path* but what is hidden: Landlock cannot take back, so the rest is listed."""
    if not any(other.startswith(path + "/") for other in hidden):
        rules.allow(path, rights)
        return
    rules.allow(path, landlock.READ_DIR)  # the import system lists it; names below show, contents do not
    for name in os.listdir(path):
        entry = f"{path}/{name}"
        if entry not in hidden:
            _allow_reading(rules, entry, hidden, rights)


def load_allow_list(setup: Setup) -> None:
    """Confine this process to the calls on the list."""
    if setup.seccomp:
        Filter("tools_zygote" if _runs_tools(setup) else "zygote").load()


def program_filter(setup: Setup, confinement: Confinement, *, processes: bool) -> Filter | None:
    """Return the filter that each child adds."""
    if not setup.seccomp:
        return None
    if _runs_tools(setup):
        return Filter("tools")
    if confinement.own_pids:
        return Filter("processes" if processes else "own_pids")
    truncate_is_covered = confinement.landlock_abi >= 3
    return Filter("shared_pids" if truncate_is_covered else "no_truncate")
