"""Level A: namespaces of its own, and a private root with nothing in it but what programs may read.

Covers host processes, the network, System V and POSIX queues, the host's file tree. Does not cover the kernel itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

from . import kernel
from .handshake import Kind, Setup
from .kernel import check, libc, make_readonly, mount
from .scratch import INODES, TOOL_INODES

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
INNER_UID = 1000
ROOT_OPTIONS = "size=4m,mode=755"
OLD = "/old"


def unshare(*, new_user: bool) -> None:
    """Leave the host's namespaces; the pid namespace is the next child's."""
    uid, gid = os.geteuid(), os.getegid()
    kinds = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | (CLONE_NEWUSER if new_user else 0)
    check(libc.unshare(ctypes.c_int(kinds)), "unshare")
    if new_user:
        maps = {"setgroups": "deny", "uid_map": f"{INNER_UID} {uid} 1", "gid_map": f"{INNER_UID} {gid} 1"}
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)


def enter_private_root(setup: Setup, *, owner: int) -> int:
    """Swap the file tree for a small read-only one and return a descriptor of a procfs of this pid namespace, or -1.

    The procfs hangs nowhere in the tree: only who holds the descriptor can count the processes here.
    """
    mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, ROOT_OPTIONS)
    os.mkdir("/tmp/old")
    check(libc.pivot_root(b"/tmp", b"/tmp/old"), "pivot_root")
    os.chdir("/")
    for path in (*setup.readable, *setup.devices):
        _show(path, device=path in setup.devices)
    for path in setup.hidden:
        if os.path.isdir(path):
            mount("tmpfs", path, "tmpfs", kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV, "size=4k,mode=755")
    inodes = TOOL_INODES if setup.kind is Kind.COMMANDS else INODES
    options = f"size={setup.disk_mb}m,nr_inodes={inodes},mode=700,uid={owner},gid={owner}"
    os.mkdir(setup.scratch)
    mount("tmpfs", setup.scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    if not os.path.lexists("/tmp"):
        os.symlink(setup.scratch.lstrip("/"), "/tmp")
    os.makedirs("/dev", exist_ok=True)
    os.symlink(f"{setup.scratch}/.shm", "/dev/shm")  # leads somewhere only for jobs that may have several processes
    processes = _own_procfs()
    if setup.kind is Kind.COMMANDS:
        _show_own_processes()
    check(libc.umount2(OLD.encode(), kernel.MNT_DETACH), "umount")
    os.rmdir(OLD)
    mount(None, "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV)
    return processes


def _show(path: str, *, device: bool) -> None:
    source = OLD + path
    if os.path.islink(source):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.readlink(source), path)
        return
    if not os.path.exists(source):
        return
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    mount(source, path, None, kernel.MS_BIND | kernel.MS_REC)
    if not device:
        make_readonly(path)


def _show_own_processes() -> None:
    """Mount what tools look up of themselves: no process but their own, and nothing of the kernel (Linux 5.8)."""
    os.mkdir("/proc")
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    mount("proc", "/proc", "proc", flags, "subset=pid,hidepid=invisible")
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")


def _own_procfs() -> int:
    """Return -1 where the kernel refuses: in a container whose own /proc has parts masked, it does."""
    os.mkdir("/proc")
    descriptor = -1
    with contextlib.suppress(OSError):
        mount("proc", "/proc", "proc", kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
        descriptor = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        check(libc.umount2(b"/proc", kernel.MNT_DETACH), "umount /proc")
    os.rmdir("/proc")
    return descriptor
