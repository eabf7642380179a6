"""Which languages' tools this machine has, and what of its files those tools need.

A tool in somebody's home directory is none: programs run under another uid and see no home.
"""

from __future__ import annotations

import functools
import glob
import os
import shutil
import sys
from pathlib import Path

from ...toolchains import TOOLCHAINS, Toolchain
from .paths import PACKAGE_DIRECTORIES, VisiblePaths, visible_paths

TOOL_DIRECTORIES = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/go/bin", "/usr/local/cargo/bin")
NODE_MODULES = ("/usr/local/lib/node_modules", "/usr/lib/node_modules", "/usr/share/nodejs", "/usr/share/node_modules")
SHOWN = (
    *("/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64"),
    *("/usr/libexec", "/usr/share", "/usr/local/bin", "/usr/local/include", "/usr/local/lib", "/usr/local/lib64"),
    *("/usr/local/go", "/usr/local/cargo/bin", "/usr/local/rustup", "/usr/local/share/nodejs"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/etc/mono", "/etc/R", "/etc/php", "/etc/perl", "/etc/ghc"),
    *("/var/lib/ghc", "/etc/fpc.cfg", "/etc/scala", "/etc/racket", "/etc/julia"),
)
"""What interpreters and compilers lie in, and their settings: no home, no /srv, /opt, /var, /usr/src, /etc at large."""
SHOWN_PATTERNS = ("/etc/java-*-openjdk", "/etc/fpc-*.cfg")
ENVIRONMENT = {
    "PATH": ":".join(TOOL_DIRECTORIES),
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "NODE_PATH": ":".join(NODE_MODULES),
    "RUSTUP_HOME": "/usr/local/rustup",
    "GOFLAGS": "-buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GO111MODULE": "auto",
    "CGO_ENABLED": "0",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def environment(scratch: str) -> dict[str, str]:
    """Return what the tools find in their environment."""
    own = {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PWD": scratch,
        "GOCACHE": f"{scratch}/.cache/go",
        "GOPATH": f"{scratch}/go",
    }
    return {**ENVIRONMENT, **own}


def languages_here() -> frozenset[str]:
    """Return the languages that this machine has the tools for: Python, and those of the table."""
    return frozenset({"python", *(name for name, toolchain in TOOLCHAINS.items() if not missing(toolchain))})


def missing(toolchain: Toolchain) -> tuple[str, ...]:
    """Return the tools that *toolchain* lacks on this machine."""
    return tuple(word for word in toolchain.tools if find_tool(word) is None)


@functools.cache
def find_tool(names: str) -> str | None:
    """Return the path of the first of these tools (`lua|lua5.4`) that programs can read and execute, or None."""
    for name in names.split("|"):
        found = shutil.which(name, path=ENVIRONMENT["PATH"])
        if found and _is_shown(os.path.realpath(found)):
            return found
    return None


def state_of(toolchain: Toolchain) -> tuple[object, ...]:
    """Return what changes when somebody replaces one of the tools; None stands for one that is gone."""
    return tuple(_state(find_tool(word)) for word in toolchain.tools)


def _state(path: str | None) -> tuple[int, ...] | None:
    try:
        found = os.stat(path or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_shown(path: str) -> bool:
    return any(path.startswith(os.path.realpath(folder) + "/") for folder in SHOWN)


def visible_to_tools() -> VisiblePaths:
    """Return what programs of other languages may read: the tools, but no Python packages and nothing of ours."""
    own = visible_paths(())
    patterns = [path for pattern in SHOWN_PATTERNS for path in glob.glob(pattern)]
    shown = sorted({path for path in (*SHOWN, *patterns, *own.readable) if os.path.lexists(path)})
    readable = [path for path in shown if not any(path.startswith(other + "/") for other in shown)]
    return VisiblePaths(tuple(readable), tuple(sorted(_hidden(readable))), ())


def _hidden(readable: list[str]) -> set[str]:
    """Return the package directories of every Python below *readable*, and the folder that this package is in.

    Whoever evaluates with a package of problems has the answers in there.
    """
    patterns = [
        f"{folder}/python3*/{name}" for folder in ("/usr/lib", "/usr/local/lib") for name in PACKAGE_DIRECTORIES
    ]
    patterns += [f"/usr/lib/python3/{name}" for name in PACKAGE_DIRECTORIES]
    found = {path for pattern in patterns for path in glob.glob(pattern)}
    found |= {
        path for path in (f"{os.path.dirname(os.path.realpath(os.__file__))}/{name}" for name in PACKAGE_DIRECTORIES)
    }
    found.add(str(Path(__file__).resolve().parents[3]))
    found.add(os.path.realpath(sys.prefix) if sys.prefix != sys.base_prefix else "")
    return {path for path in found if os.path.isdir(path) and any(path.startswith(top + "/") for top in readable)}
