"""The committed filters are what the policy says, and they do what it says."""

from __future__ import annotations

import base64
import ctypes.util
import importlib.util
import operator
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rewards.sandboxes.runner import seccomp_filters
from rewards.sandboxes.runner.seccomp_filters import FILTERS, PID_MARK

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "generate_seccomp.py"
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
OWN_PID = 4321


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    pytest.importorskip("pyseccomp", reason="install pyseccomp and libseccomp2 to generate the filters")
    if ctypes.util.find_library("seccomp") is None:
        pytest.skip("install libseccomp2 to generate the filters")
    spec = importlib.util.spec_from_file_location("generate_seccomp", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("generate_seccomp", None)


def test_the_committed_filters_are_those_of_the_policy(generator: ModuleType) -> None:
    version = generator.libseccomp_version()
    if version != seccomp_filters.LIBSECCOMP:
        pytest.skip(
            f"install libseccomp {seccomp_filters.LIBSECCOMP}: {version} may put the same rules in another order"
        )
    committed = {
        name: {purpose: base64.b85decode(text) for purpose, text in filters.items()}
        for name, filters in FILTERS.items()
    }
    assert generator.build_filters() == committed
    assert Path(seccomp_filters.__file__).read_text() == generator.render(committed, version)


LOAD, AND, JUMP, RETURN = 0x20, 0x54, 0x05, 0x06
CONDITIONS = {0x15: operator.eq, 0x25: operator.gt, 0x35: operator.ge}


def decide(data: bytes, number: int, arguments: tuple[int, ...] = (), *, architecture: int) -> int:
    """Return what a filter answers, as the kernel's interpreter would find it."""
    packed = struct.pack("=iIQ6Q", number, architecture, 0, *(arguments + (0,) * 6)[:6])
    instructions = list(struct.iter_unpack("=HBBI", data))
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, constant = instructions[at]
        at += 1
        if code == RETURN:
            return int(constant)
        if code == LOAD:
            accumulator = struct.unpack_from("=I", packed, constant)[0]
        elif code == AND:
            accumulator &= constant
        elif code == JUMP:
            at += constant
        else:
            at += if_true if CONDITIONS[code](accumulator, constant) else if_false


NUMBERS = {
    "x86_64": {"read": 0, "socket": 41, "socketpair": 53, "execve": 59, "clone": 56, "clone3": 435, "kill": 62,
               "prctl": 157, "ioctl": 16, "fcntl": 72, "sendto": 44, "ptrace": 101, "io_uring_setup": 425,
               "pidfd_open": 434, "truncate": 76, "chmod": 90, "open_by_handle_at": 304, "unshare": 272,
               "prlimit64": 302, "memfd_create": 319, "process_vm_readv": 310, "sendmsg": 46, "recvmsg": 47,
               "seccomp": 317, "mknodat": 259, "mmap": 9},
    "aarch64": {"read": 63, "socket": 198, "socketpair": 199, "execve": 221, "clone": 220, "clone3": 435, "kill": 129,
                "prctl": 167, "ioctl": 29, "fcntl": 25, "sendto": 206, "ptrace": 117, "io_uring_setup": 425,
                "pidfd_open": 434, "truncate": 45, "chmod": 53, "open_by_handle_at": 265, "unshare": 97,
                "prlimit64": 261, "memfd_create": 279, "process_vm_readv": 270, "sendmsg": 211, "recvmsg": 212,
                "seccomp": 277, "mknodat": 33, "mmap": 222},
}  # fmt: skip
"""On aarch64 fchmodat stands for chmod, which it does not have."""
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
THREAD = 0x3D0F00
GARBAGE = 1 << 40

ANSWERS = [
    pytest.param("zygote", "read", (), ALLOW, id="reading is allowed"),
    pytest.param("zygote", "socket", (2, 1), ERRNO | EPERM, id="no sockets"),
    pytest.param("zygote", "execve", (), ERRNO | EPERM, id="no other program"),
    pytest.param("zygote", "ptrace", (), ERRNO | EPERM, id="no ptrace"),
    pytest.param("zygote", "process_vm_readv", (), ERRNO | EPERM, id="no other process's memory"),
    pytest.param("zygote", "memfd_create", (), ERRNO | EPERM, id="no memory that no limit sees"),
    pytest.param("zygote", "mmap", (0, 0, 3, 0x21), ERRNO | EPERM, id="no shared memory that no limit sees"),
    pytest.param("zygote", "mmap", (0, 0, 3, 0x23), ERRNO | EPERM, id="nor in the newer way to ask for it"),
    pytest.param("zygote", "mmap", (0, 0, 3, 0x21 | GARBAGE), ERRNO | EPERM, id="nor with garbage"),
    pytest.param("zygote", "mmap", (0, 0, 3, 0x22), ALLOW, id="memory of one's own"),
    pytest.param("zygote", "mmap", (0, 0, 3, 0x01, 5), ALLOW, id="a file that is written by writing to memory"),
    pytest.param("tools_zygote", "mmap", (0, 0, 3, 0x21), ERRNO | EPERM, id="nor for tools"),
    pytest.param("zygote", "unshare", (0x10000000,), ERRNO | EPERM, id="no namespaces"),
    pytest.param("zygote", "sendmsg", (), ERRNO | EPERM, id="no descriptors handed out"),
    pytest.param("zygote", "io_uring_setup", (), ERRNO | EPERM, id="no ring that does calls unseen"),
    pytest.param("zygote", "open_by_handle_at", (), ERRNO | ENOSYS, id="what is not listed does not exist"),
    pytest.param("zygote", "socketpair", (1, 1), ALLOW, id="a pair of stream sockets"),
    pytest.param("zygote", "socketpair", (1, 5), ERRNO | ENOSYS, id="no other pair"),
    pytest.param("zygote", "socketpair", (1 | GARBAGE, 1), ERRNO | ENOSYS, id="no pair with garbage"),
    pytest.param("zygote", "sendto", (3, 0, 1, 0, 0), ALLOW, id="sending without an address"),
    pytest.param("zygote", "sendto", (3, 0, 1, 0, 0x1000), ERRNO | ENOSYS, id="not to an address"),
    pytest.param("zygote", "ioctl", (0, 0x5401), ALLOW, id="asking for a terminal"),
    pytest.param("zygote", "ioctl", (0, 0x5412), ERRNO | ENOSYS, id="not typing into it"),
    pytest.param("zygote", "ioctl", (0, 0x5412 | GARBAGE), ERRNO | ENOSYS, id="not with garbage either"),
    pytest.param("zygote", "fcntl", (0, 4), ALLOW, id="setting flags"),
    pytest.param("zygote", "fcntl", (0, 8), ERRNO | ENOSYS, id="no owner who gets signals"),
    pytest.param("zygote", "prlimit64", (0,), ALLOW, id="own limits"),
    pytest.param("zygote", "prlimit64", (1,), ERRNO | ENOSYS, id="nobody else's"),
    pytest.param("zygote", "clone", (0x1200011,), ALLOW, id="a fork"),
    pytest.param("zygote", "clone", (17 | GARBAGE,), ALLOW, id="a fork with garbage that no kernel reads"),
    pytest.param("zygote", "clone", (THREAD,), ALLOW, id="threads"),
    pytest.param("zygote", "clone", (17 | 0x20000000,), ERRNO | EPERM, id="no process in new namespaces"),
    pytest.param("zygote", "clone", (THREAD | 0x10000000,), ERRNO | EPERM, id="no thread in new namespaces"),
    pytest.param("zygote", "clone", (THREAD | 0x8000,), ERRNO | EPERM, id="no sibling of the zygote"),
    pytest.param("shared_pids", "kill", (OWN_PID, 9), ALLOW, id="a signal to itself"),
    pytest.param("shared_pids", "kill", (1, 9), ERRNO | EPERM, id="none to others"),
    pytest.param("shared_pids", "kill", (OWN_PID | GARBAGE, 9), ERRNO | EPERM, id="none with garbage"),
    pytest.param("shared_pids", "kill", ((1 << 64) - 1, 9), ERRNO | EPERM, id="none to everybody"),
    pytest.param("shared_pids", "chmod", (), ERRNO, id="modes are left as they are, and nobody complains"),
    pytest.param("shared_pids", "truncate", (), ALLOW, id="truncate where Landlock sees it"),
    pytest.param("no_truncate", "truncate", (), ERRNO | EPERM, id="no truncate where it does not"),
    pytest.param("own_pids", "kill", (-1 & 0xFFFFFFFF, 9), ALLOW, id="signals within a pid namespace"),
    pytest.param("own_pids", "chmod", (), ALLOW, id="modes in a private root"),
    *[
        pytest.param(purpose, name, arguments, answer, id=f"{purpose}: {claim}")
        for purpose in ("own_pids", "shared_pids", "no_truncate")
        for name, arguments, answer, claim in (
            ("clone", (THREAD,), ALLOW, "threads"),
            ("clone", (17,), ERRNO | EPERM, "no processes"),
            ("clone3", (), ERRNO | ENOSYS, "nothing whose flags cannot be seen"),
            ("prctl", (15,), ALLOW, "a name for a thread"),
            ("prctl", (1,), ERRNO | EPERM, "no outliving the parent"),
            ("prctl", (15 | GARBAGE,), ERRNO | EPERM, "no option with garbage"),
            ("pidfd_open", (1,), ERRNO | EPERM, "no handles of processes"),
            ("recvmsg", (), ERRNO | EPERM, "no descriptors taken in"),
            ("seccomp", (), ERRNO | EPERM, "no filters"),
        )
    ],
    pytest.param("processes", "clone", (17,), ALLOW, id="processes where they are counted"),
    pytest.param("processes", "clone3", (), ERRNO | ENOSYS, id="and no clone3"),
    pytest.param("tools_zygote", "execve", (), ALLOW, id="tools: other programs"),
    pytest.param("tools_zygote", "clone", (0x4111,), ALLOW, id="tools: a vfork"),
    pytest.param("tools_zygote", "clone", (17 | 0x10000000,), ERRNO | EPERM, id="tools: no new user namespace"),
    pytest.param("tools_zygote", "clone", (17 | 0x40000000,), ERRNO | EPERM, id="tools: no new network"),
    pytest.param("tools_zygote", "clone", (17 | 0x2000,), ERRNO | EPERM, id="tools: nobody is traced"),
    pytest.param("tools_zygote", "socket", (1, 1), ERRNO | EPERM, id="tools: no sockets with names"),
    pytest.param("tools_zygote", "socket", (2, 1), ERRNO | EPERM, id="tools: no network"),
    pytest.param("tools_zygote", "socketpair", (1, 2), ALLOW, id="tools: a pair of datagram sockets"),
    pytest.param("tools_zygote", "socketpair", (2, 1), ERRNO | ENOSYS, id="tools: no pair that is no UNIX pair"),
    pytest.param("tools_zygote", "ptrace", (), ERRNO | EPERM, id="tools: no ptrace"),
    pytest.param("tools_zygote", "process_vm_readv", (), ERRNO | EPERM, id="tools: no other process's memory"),
    pytest.param("tools_zygote", "memfd_create", (), ERRNO | EPERM, id="tools: no memory that no limit sees"),
    pytest.param("tools_zygote", "unshare", (0x10000000,), ERRNO | EPERM, id="tools: no namespaces"),
    pytest.param("tools_zygote", "io_uring_setup", (), ERRNO | EPERM, id="tools: no ring that does calls unseen"),
    pytest.param("tools_zygote", "open_by_handle_at", (), ERRNO | ENOSYS, id="tools: what is not listed is not there"),
    pytest.param("tools_zygote", "mknodat", (3, 0, 0o010644), ALLOW, id="tools: a named pipe"),
    pytest.param("tools_zygote", "mknodat", (3, 0, 0o020666, 261), ERRNO | ENOSYS, id="tools: no device"),
    pytest.param("tools_zygote", "mknodat", (3, 0, 0o060666, 2049), ERRNO | ENOSYS, id="tools: no disk"),
    pytest.param("tools", "clone3", (), ERRNO | ENOSYS, id="tools: nothing whose flags cannot be seen"),
    pytest.param("tools", "clone", (17,), ALLOW, id="tools: processes"),
    pytest.param("tools", "prctl", (1,), ERRNO | EPERM, id="tools: no outliving the parent"),
    pytest.param("tools", "prctl", (22,), ERRNO | EPERM, id="tools: no filters by prctl"),
    pytest.param("tools", "seccomp", (), ERRNO | EPERM, id="tools: no filters"),
    pytest.param("tools", "pidfd_open", (1,), ERRNO | EPERM, id="tools: no handles of processes"),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("purpose", "name", "arguments", "answer"), ANSWERS)
def test_the_filter_answers(
    architecture: str, purpose: str, name: str, arguments: tuple[int, ...], answer: int
) -> None:
    data = base64.b85decode(FILTERS[architecture][purpose])
    data = data.replace(struct.pack("=I", PID_MARK), struct.pack("=I", OWN_PID))
    number = NUMBERS[architecture][name]
    assert decide(data, number, arguments, architecture=ARCHITECTURES[architecture]) == answer


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "purpose", ["zygote", "tools_zygote", "tools", "own_pids", "processes", "shared_pids", "no_truncate"]
)
def test_another_architectures_calls_kill(architecture: str, purpose: str) -> None:
    data = base64.b85decode(FILTERS[architecture][purpose])
    for foreign in (0x40000003, 0x40000028):  # i386 through int 0x80, and arm
        assert decide(data, 1, architecture=foreign) == KILL
    if architecture == "x86_64":
        assert decide(data, 0x40000000 + 39, architecture=ARCHITECTURES[architecture]) == KILL, "x32"
