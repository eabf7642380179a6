"""Numbers of the system calls that rows make by hand."""

from __future__ import annotations

import platform

X86_64 = {
    "getpid": 39, "clone": 56, "fork": 57, "vfork": 58, "ptrace": 101, "rt_sigqueueinfo": 129, "personality": 135,
    "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "mount": 165, "swapon": 167, "iopl": 172,
    "tkill": 200, "lookup_dcookie": 212, "remap_file_pages": 216, "tgkill": 234, "mbind": 237, "kexec_load": 246,
    "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272, "vmsplice": 278, "rt_tgsigqueueinfo": 297,
    "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "seccomp": 317,
    "memfd_create": 319, "bpf": 321, "execveat": 322, "userfaultfd": 323,
}  # fmt: skip

AARCH64 = {
    "lookup_dcookie": 18, "mount": 40, "pivot_root": 41, "chroot": 51, "vmsplice": 75, "acct": 89, "personality": 92,
    "unshare": 97, "kexec_load": 104, "ptrace": 117, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
    "getpid": 172, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224,
    "remap_file_pages": 234, "mbind": 235, "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "fanotify_init": 262,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
    "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "seccomp": 277, "memfd_create": 279, "bpf": 280,
    "execveat": 281, "userfaultfd": 282,
}  # fmt: skip

EVERYWHERE = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446, "memfd_secret": 447,
}  # fmt: skip

NUMBERS = {
    name: {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {}).get(name, EVERYWHERE.get(name, -1))
    for name in {**X86_64, **AARCH64, **EVERYWHERE}
}
"""By name, for this machine; -1, which no kernel has, where the machine has no such call."""
