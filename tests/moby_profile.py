"""Docker's own seccomp profile as a filter, for a container without CAP_SYS_ADMIN. Needs pyseccomp and libseccomp."""

from __future__ import annotations

import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import pyseccomp as seccomp

CAPABILITY_NAMES = """
CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
AUDIT_WRITE
"""
CAPABILITIES = {"CAP_" + name for name in CAPABILITY_NAMES.split()}
MACHINES = {"x86_64": {"amd64", "x86_64", "x86", "x32"}, "aarch64": {"arm64", "aarch64", "arm"}}
COMPARISONS = {
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def compile_profile(path: Path) -> bytes:
    """Return the filter that *path*, in moby's JSON form, describes for this machine."""
    profile = json.loads(path.read_text())
    policy = seccomp.SyscallFilter(seccomp.ERRNO(profile.get("defaultErrnoRet", 1)))
    for group in profile["syscalls"]:
        if not _applies(group):
            continue
        allowed = group["action"] == "SCMP_ACT_ALLOW"
        action = seccomp.ALLOW if allowed else seccomp.ERRNO(group.get("errnoRet", 1))
        arguments = [_argument(argument) for argument in group.get("args") or []]
        for name in group["names"]:
            try:
                policy.add_rule(action, name, *arguments)
            except OSError:
                continue  # a call that this machine, or this libseccomp, does not have
    with tempfile.TemporaryFile() as file:
        policy.export_bpf(file)
        file.seek(0)
        return file.read()


def _applies(group: dict[str, Any]) -> bool:
    included, excluded = group.get("includes") or {}, group.get("excludes") or {}
    here = MACHINES[platform.machine()]
    wanted = not included.get("caps") or set(included["caps"]) <= CAPABILITIES
    wanted &= not included.get("arches") or bool(set(included["arches"]) & here)
    unwanted = bool(set(excluded.get("caps", ())) & CAPABILITIES) or bool(set(excluded.get("arches", ())) & here)
    return wanted and not unwanted


def _argument(argument: dict[str, Any]) -> seccomp.Arg:
    comparison = COMPARISONS[argument["op"]]
    return seccomp.Arg(argument["index"], comparison, argument["value"], argument.get("valueTwo", 0))
