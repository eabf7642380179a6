"""What of this machine's files a program may read: the standard library, shared libraries, and what was asked for."""

from __future__ import annotations

import glob
import os
import site
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError

DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")
"""Without /dev/zero: mapped, it is memory that several may share, and that no limit counts once it is unmapped."""
ALWAYS = ("/usr/lib/locale", "/usr/share/zoneinfo", "/etc/ld.so.cache")
PACKAGE_DIRECTORIES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class VisiblePaths:
    """What a zygote is told to show to its programs."""

    readable: tuple[str, ...]
    hidden: tuple[str, ...]
    search_path: tuple[str, ...]


def interpreter() -> str:
    """Return the interpreter behind a virtual environment: programs need its standard library, not the environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return os.path.realpath(base)


def site_directories(choice: Sequence[str | os.PathLike[str]] | bool) -> tuple[str, ...]:
    """Return the package directories that programs may read; True stands for those of this interpreter."""
    if choice is True:
        found = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
        return tuple(os.path.realpath(path) for path in found if os.path.isdir(path))
    if isinstance(choice, bool):
        return ()
    if isinstance(choice, (str, Path)):
        raise ConfigurationError(f"site_packages takes a list of directories, or True, not {choice!r}")
    missing = [str(path) for path in choice if not os.path.isdir(path)]
    if missing:
        raise ConfigurationError(f"site_packages lists what is no directory: {', '.join(missing)}")
    return tuple(os.path.realpath(path) for path in choice)


def visible_paths(packages: Iterable[str]) -> VisiblePaths:
    """Return what programs may read: standard library, shared libraries, time zones, and the *packages* directories."""
    packages = tuple(packages)
    standard = os.path.dirname(os.path.realpath(os.__file__))
    extensions = [path for path in sys.path if path.endswith("lib-dynload")]
    found = [standard, *map(os.path.realpath, extensions), *_library_paths(), *packages]
    shown = sorted({path for path in found if os.path.exists(path)})
    readable = [path for path in shown if not any(path.startswith(other + "/") for other in shown)]
    inside = [f"{standard}/{name}" for name in PACKAGE_DIRECTORIES]
    hidden = [path for path in inside if os.path.isdir(path) and not any(_overlap(path, other) for other in packages)]
    return VisiblePaths(tuple(readable), tuple(hidden), packages)


def _overlap(path: str, other: str) -> bool:
    return path == other or other.startswith(path + "/") or path.startswith(other + "/")


def _library_paths() -> list[str]:
    """Return where extension modules of the standard library find the libraries that they need."""
    multiarch: str = getattr(sys.implementation, "_multiarch", "")
    usual = ["/lib64", "/usr/lib64", *([f"/lib/{multiarch}", f"/usr/lib/{multiarch}"] if multiarch else [])]
    usual = [path for path in usual if os.path.isdir(path)] or ["/lib", "/usr/lib"]
    own = [] if sys.base_prefix == "/usr" else glob.glob(f"{glob.escape(sys.base_prefix)}/lib/lib*.so*")
    return [*ALWAYS, *usual, *map(os.path.realpath, usual), *own]
