"""Write `rewards/sandboxes/runner/seccomp_filters.py` from the policy below, with libseccomp.

A development script: `python scripts/generate_seccomp.py` after a change of the policy, and commit what it writes. The
filters are allow-lists: a call that nobody thought of is refused with ENOSYS, and a foreign architecture kills.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import sys
import tempfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "rewards" / "sandboxes" / "runner" / "seccomp_filters.py"
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PID_MARK = 0x7FFFFFF1
"""Stands for the process's own id, which is known only when the filter is loaded."""

BASE_ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek dup dup2 dup3
pipe pipe2 fstat stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd
chdir fchdir open openat creat truncate ftruncate fallocate rename renameat renameat2 mkdir mkdirat rmdir link
linkat unlink unlinkat symlink symlinkat umask flock fsync fdatasync statfs fstatfs copy_file_range sendfile
fadvise64 readahead mprotect munmap brk mremap madvise mincore msync rt_sigaction rt_sigprocmask
rt_sigreturn sigaltstack rt_sigtimedwait rt_sigpending rt_sigsuspend select pselect6 poll ppoll epoll_create
epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime
timerfd_gettime getitimer setitimer alarm pause nanosleep clock_nanosleep clock_gettime clock_getres
gettimeofday time times getrusage sysinfo uname getrandom getcpu getpid gettid getppid getuid geteuid getgid
getegid getresuid getresgid getgroups getpgrp getpgid getsid capget sched_yield sched_getaffinity
sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority futex futex_waitv
set_robust_list get_robust_list rseq membarrier set_tid_address arch_prctl restart_syscall exit exit_group
wait4 waitid recvfrom shutdown getsockname getsockopt
"""
ZYGOTE_ALLOWED = "fork vfork kill tgkill pidfd_open recvmsg prctl seccomp setrlimit getrlimit"
"""What the zygote needs to serve; the second filter narrows it for the programs."""
MODE_CALLS = "chmod fchmod fchmodat fchmodat2 utime utimes utimensat futimesat"
"""Landlock does not see these: without a private root they are answered with success and do nothing."""
REFUSED = """
socket connect bind listen accept accept4 sendmsg sendmmsg recvmmsg execve execveat ptrace process_vm_readv
process_vm_writev setxattr lsetxattr fsetxattr chown fchown lchown fchownat mknod mknodat memfd_create
memfd_secret setuid setgid setresuid setresgid setreuid setregid setgroups setfsuid setfsgid setsid setpgid
shmget shmat semget msgget mq_open unshare setns mount umount2 pivot_root chroot keyctl add_key request_key
bpf perf_event_open userfaultfd io_uring_setup kcmp tkill rt_sigqueueinfo rt_tgsigqueueinfo personality
setpriority sched_setaffinity sched_setscheduler capset
"""
"""Refused with EPERM rather than ENOSYS, because programs know how to live with that."""
NO_ATTRIBUTES = "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"
"""Answered as by a file system without extended attributes, which `shutil.copy2` knows how to live with."""
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1031, 1032, 1034, 36, 37, 38)  # no owner, signal, lease, notify, seal
SOCKET_FLAGS = (0, 0o4000, 0o2000000, 0o2004000)  # SOCK_NONBLOCK, SOCK_CLOEXEC
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
"""Together: pages that stay when all of them but one are unmapped, and that no limit of a process counts then."""
CLONE_THREAD = 0x10000
CLONE_REFUSED = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x2000, 0x4000, 0x8000)
"""New namespaces; CLONE_PTRACE, CLONE_VFORK and CLONE_PARENT."""
CLONE_VFORK = 0x4000
TOOLS_ALLOWED = """
execve setsid setpgid sendmsg sched_setscheduler timer_create timer_settime timer_gettime timer_getoverrun
timer_delete signalfd signalfd4
"""
"""What interpreters, compilers and shells need beyond what a Python program does; nothing that leads out of the pid and
network namespaces, which they are never without."""
S_IFMT, S_IFIFO = 0o170000, 0o010000
PR_SET_NAME, PR_GET_NAME = 15, 16

Rule = tuple[int, str, tuple[Any, ...]]


def _filter_bytes(architecture: int, default: int, rules: list[Rule]) -> bytes:
    import pyseccomp

    built = pyseccomp.SyscallFilter(default)
    if not built.exist_arch(architecture):
        built.add_arch(architecture)
        built.remove_arch(pyseccomp.system_arch())
    built.set_attr(2, pyseccomp.KILL_PROCESS)  # SCMP_FLTATR_ACT_BADARCH: also x32 and int 0x80
    built.set_attr(8, 2)  # SCMP_FLTATR_CTL_OPTIMIZE: a binary tree, or every call pays for the length of the list
    for action, name, arguments in rules:
        try:
            built.add_rule(action, name, *arguments)
        except OSError:
            # The call does not exist on this architecture, or this libseccomp is older than it. Where the filter
            # refuses by default that is only strict; where it allows by default the rule must not get lost.
            if default == pyseccomp.ALLOW and name not in ("fork", "vfork", *MODE_CALLS.split()):
                raise
    with tempfile.TemporaryFile() as file:
        built.export_bpf(file)
        file.seek(0)
        return file.read()


def _zygote_rules(*, tools: bool = False) -> list[Rule]:
    import pyseccomp as s

    allowed = f"{BASE_ALLOWED} {ZYGOTE_ALLOWED} {MODE_CALLS} {TOOLS_ALLOWED if tools else ''}".split()
    # A call with rules of its own below must not have one without conditions.
    conditional = ("mknod", "mknodat") if tools else ()
    rules: list[Rule] = [(s.ALLOW, name, ()) for name in allowed]
    rules += [(s.ERRNO(errno.EPERM), name, ()) for name in REFUSED.split() if name not in (*allowed, *conditional)]
    if tools:
        rules += [(s.ALLOW, "mknod", (s.Arg(1, s.MASKED_EQ, S_IFMT, S_IFIFO),))]
        rules += [(s.ALLOW, "mknodat", (s.Arg(2, s.MASKED_EQ, S_IFMT, S_IFIFO),))]
    rules += [(s.ERRNO(errno.ENOTSUP), name, ()) for name in NO_ATTRIBUTES.split()]
    # An argument is compared for equality: a list of forbidden values is passed by with garbage in the upper half.
    rules += [(s.ALLOW, "ioctl", (s.Arg(1, s.EQ, request),)) for request in IOCTLS]
    rules += [(s.ALLOW, "fcntl", (s.Arg(1, s.EQ, command),)) for command in FCNTLS]
    rules += [(s.ALLOW, "prlimit64", (s.Arg(0, s.EQ, 0),))]
    both = MAP_SHARED | MAP_ANONYMOUS
    rules += [(s.ALLOW, "mmap", (s.Arg(3, s.MASKED_EQ, flag, 0),)) for flag in (MAP_SHARED, MAP_ANONYMOUS)]
    rules += [(s.ERRNO(errno.EPERM), "mmap", (s.Arg(3, s.MASKED_EQ, both, both),))]
    kinds = (1, 2, 5) if tools else (1,)  # stream, and for tools datagram and packet
    rules += [
        (s.ALLOW, "socketpair", (s.Arg(0, s.EQ, 1), s.Arg(1, s.EQ, kind | flags)))
        for kind in kinds
        for flags in SOCKET_FLAGS
    ]
    rules += [(s.ALLOW, "sendto", (s.Arg(4, s.EQ, 0),))]  # send() on a socketpair: never with an address
    # In this filter, which costs a child nothing: all of them are refused to the zygote as well.
    refused = [bit for bit in CLONE_REFUSED if not (tools and bit == CLONE_VFORK)]
    rules += [(s.ALLOW, "clone", (s.Arg(0, s.MASKED_EQ, sum(refused), 0),))]
    rules += [(s.ERRNO(errno.EPERM), "clone", (s.Arg(0, s.MASKED_EQ, bit, bit),)) for bit in refused]
    return rules


def _program_rules(*, own_pids: bool, processes: bool, truncate: bool) -> list[Rule]:
    import pyseccomp as s

    refused = s.ERRNO(errno.EPERM)
    rules: list[Rule] = [(refused, name, ()) for name in ("pidfd_open", "seccomp", "recvmsg")]
    rules += [(s.ERRNO(errno.ENOSYS), "clone3", ())]  # its flags lie in memory, where no filter looks
    if not processes:
        rules += [(refused, "fork", ()), (refused, "vfork", ())]
        rules += [(refused, "clone", (s.Arg(0, s.MASKED_EQ, CLONE_THREAD, 0),))]
    rules += [(refused, "prctl", (s.Arg(0, s.GT, PR_GET_NAME),)), (refused, "prctl", (s.Arg(0, s.LT, PR_SET_NAME),))]
    if not own_pids:
        rules += [(refused, name, (s.Arg(0, s.NE, PID_MARK),)) for name in ("kill", "tgkill")]
        rules += [(s.ERRNO(0), name, ()) for name in MODE_CALLS.split()]
    if not truncate:
        rules += [(refused, "truncate", ())]
    return rules


def _tool_rules() -> list[Rule]:
    import pyseccomp as s

    refused = s.ERRNO(errno.EPERM)
    rules: list[Rule] = [(refused, name, ()) for name in ("pidfd_open", "seccomp")]
    rules += [(s.ERRNO(errno.ENOSYS), "clone3", ())]  # its flags lie in memory, where no filter looks
    rules += [(refused, "prctl", (s.Arg(0, s.GT, PR_GET_NAME),)), (refused, "prctl", (s.Arg(0, s.LT, PR_SET_NAME),))]
    return rules


def build_filters() -> dict[str, dict[str, bytes]]:
    """Return the filters by architecture and purpose."""
    import pyseccomp as s

    refuse, allow = s.ERRNO(errno.ENOSYS), s.ALLOW
    return {
        name: {
            "zygote": _filter_bytes(number, refuse, _zygote_rules()),
            "tools_zygote": _filter_bytes(number, refuse, _zygote_rules(tools=True)),
            "tools": _filter_bytes(number, allow, _tool_rules()),
            "own_pids": _filter_bytes(number, allow, _program_rules(own_pids=True, processes=False, truncate=True)),
            "processes": _filter_bytes(number, allow, _program_rules(own_pids=True, processes=True, truncate=True)),
            "shared_pids": _filter_bytes(number, allow, _program_rules(own_pids=False, processes=False, truncate=True)),
            "no_truncate": _filter_bytes(
                number, allow, _program_rules(own_pids=False, processes=False, truncate=False)
            ),
        }
        for name, number in ARCHITECTURES.items()
    }


def libseccomp_version() -> str:
    """Return the version of the library here; another one may order the same rules in another way."""
    from pyseccomp import _libseccomp

    class Version(ctypes.Structure):
        _fields_ = (("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint))

    _libseccomp.seccomp_version.restype = ctypes.POINTER(Version)
    version = _libseccomp.seccomp_version().contents
    return f"{version.major}.{version.minor}.{version.micro}"


def render(filters: dict[str, dict[str, bytes]], version: str) -> str:
    """Return the text of the generated module."""
    lines = [
        '"""Seccomp filters as the kernel takes them. Generated by scripts/generate_seccomp.py: do not edit."""',
        "",
        f'LIBSECCOMP = "{version}"',
        f"PID_MARK = {PID_MARK:#X}".replace("0X", "0x"),
        "FILTERS = {",
    ]
    for architecture, programs in filters.items():
        lines.append(f'    "{architecture}": {{')
        for purpose, data in programs.items():
            lines.append(f'        "{purpose}": (')
            text = base64.b85encode(data).decode("ascii")
            lines += [f'            "{text[i : i + 104]}"' for i in range(0, len(text), 104)]
            lines.append("        ),")
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    TARGET.write_text(render(build_filters(), libseccomp_version()), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, libseccomp {libseccomp_version()}", file=sys.stderr)
