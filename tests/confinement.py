"""Take things away from a process, then become a command: `python confinement.py docker-root -- python -m ...`.

Each surrounding is what a sandbox may find itself in. What is taken away is really taken away, by the kernel, so that
a sandbox cannot tell it from the real thing: system calls by a seccomp filter of our own, capabilities, the user.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)

ORDINARY_USER = 54_321
"""A user that nobody is: limits that the kernel counts by user are then this test's alone."""

DOCKER_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
"""What Docker leaves to root: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service,
net_raw, sys_chroot, mknod, audit_write, setfcap."""

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NAMESPACE_CALLS = {
    "x86_64": {"unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "bpf": 321,
               "perf_event_open": 298, "keyctl": 250, "userfaultfd": 323},
    "aarch64": {"unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "bpf": 280,
                "perf_event_open": 241, "keyctl": 219, "userfaultfd": 282},
}  # fmt: skip
NEW_MOUNT_CALLS = {name: 428 + n for n, name in enumerate(("open_tree", "move_mount", "fsopen"))} | {
    "mount_setattr": 442
}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
CLONE_NEW_ANY = 0x7E020000
LANDLOCK_CALLS = {"landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446}

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID = 0x20000, 0x8000000, 0x20000000
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 24, 38, 1
SECCOMP, SECCOMP_SET_MODE_FILTER = {"x86_64": 317, "aarch64": 277}, 1


def check(result: int, what: str) -> None:
    """Raise the kernel's own complaint when a call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def refusing(refused: Mapping[int, int], *, namespaces_by_clone: bool) -> bytes:
    """Return a filter that answers the system calls in *refused* with an error number and allows all others."""
    machine = platform.machine()
    load, jump_equal, jump_any_bit, give_back = 0x20, 0x15, 0x45, 0x06
    allow, answer_errno = 0x7FFF0000, 0x00050000

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    program = [
        instruction(load, 4),  # the architecture
        instruction(jump_equal, ARCHITECTURES[machine], 1, 0),
        instruction(give_back, 0x80000000),  # kill: a 32-bit call would get round the numbers below
        instruction(load, 0),  # the number of the call
    ]
    for number, error in refused.items():
        program += [instruction(jump_equal, number, 0, 1), instruction(give_back, answer_errno | error)]
    if namespaces_by_clone:
        program += [
            instruction(jump_equal, CLONE[machine], 0, 3),
            instruction(load, 16),  # the flags
            instruction(jump_any_bit, CLONE_NEW_ANY, 0, 1),
            instruction(give_back, answer_errno | errno.EPERM),
        ]
    return b"".join([*program, instruction(give_back, allow)])


def load_filter(code: bytes) -> None:
    """Put *code* on this process; root needs no `no_new_privs` for it, as in a container."""
    if os.geteuid() != 0:
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    room = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(room))
    check(libc.syscall(SECCOMP[platform.machine()], SECCOMP_SET_MODE_FILTER, 0, program), "seccomp")


def forbid_namespaces() -> None:
    """Refuse what Docker's default profile refuses to a container without CAP_SYS_ADMIN."""
    machine = platform.machine()
    refused = dict.fromkeys({**NAMESPACE_CALLS[machine], **NEW_MOUNT_CALLS}.values(), errno.EPERM)
    load_filter(refusing({**refused, CLONE3: errno.ENOSYS}, namespaces_by_clone=True))


def forbid_landlock() -> None:
    """Answer as a kernel that was built without Landlock."""
    load_filter(refusing(dict.fromkeys(LANDLOCK_CALLS.values(), errno.ENOSYS), namespaces_by_clone=False))


def load_moby_profile() -> None:
    """Put on the filter that was compiled from Docker's own profile, in the file that `MOBY_FILTER` names."""
    load_filter(Path(os.environ["MOBY_FILTER"]).read_bytes())


def keep_docker_capabilities() -> None:
    """Give up every capability that Docker does not leave to root; an ordinary user has none."""
    if os.geteuid() != 0:
        return
    for number in range(64):
        if number not in DOCKER_CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    mask = sum(1 << number for number in DOCKER_CAPABILITIES)
    header = struct.pack("=Ii", 0x20080522, 0)
    check(libc.capset(header, struct.pack("=6I", mask, mask, 0, 0, 0, 0)), "capset")


def become_ordinary_user() -> None:
    """Give up root for good, or be who one is."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)
    os.setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)


@dataclass(frozen=True)
class Surrounding:
    """What is taken away, in order, and the level that a sandbox should find there."""

    level: str
    steps: tuple[Callable[[], None], ...] = ()

    @property
    def as_root(self) -> bool:
        return become_ordinary_user not in self.steps


SURROUNDINGS = {
    "root": Surrounding("A"),
    "root-without-landlock": Surrounding("A", (forbid_landlock,)),
    "user": Surrounding("A", (become_ordinary_user,)),
    "user-without-namespaces": Surrounding("B", (forbid_namespaces, become_ordinary_user)),
    "docker-root": Surrounding("B", (forbid_namespaces, keep_docker_capabilities)),
    "docker-user": Surrounding("B", (forbid_namespaces, keep_docker_capabilities, become_ordinary_user)),
    "moby-root": Surrounding("B", (load_moby_profile, keep_docker_capabilities)),
    "moby-user": Surrounding("B", (load_moby_profile, keep_docker_capabilities, become_ordinary_user)),
    "user-without-namespaces-and-landlock": Surrounding(
        "none", (forbid_landlock, forbid_namespaces, become_ordinary_user)
    ),
}


def enter_own_processes() -> None:
    """Go where only processes of this test are, as in a container: a program that kills everybody kills nobody else.

    Returns in the child; the parent waits for it and ends as it ended. Does nothing where the kernel refuses.
    """
    if libc.unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC) != 0:
        return
    if first := os.fork():
        sys.exit(_outcome(first))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    private, nothing_special = 0x44000, 0
    check(libc.mount(None, b"/", None, private, None), "private mounts")
    check(libc.mount(b"proc", b"/proc", b"proc", nothing_special, None), "mount /proc")
    if command := os.fork():
        while True:  # the first process of its namespace: whoever loses a parent becomes its child
            pid, status = os.wait()
            if pid == command:
                os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _outcome(pid: int) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF
    return 1


def main() -> None:
    """Enter the surrounding and become the command."""
    name, dashes, *command = sys.argv[1:]
    assert dashes == "--", "usage: confinement.py SURROUNDING -- COMMAND..."
    enter_own_processes()
    for step in SURROUNDINGS[name].steps:
        step()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
