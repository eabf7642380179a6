"""The part of this package that runs on the other machine, as one zip."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_MODULES = (
    "comparison.py",
    "entry_points.py",
    "errors.py",
    "languages.py",
    "options.py",
    "records.py",
    "toolchains.py",
    "sandboxes/__init__.py",
    "sandboxes/base.py",
)
_FOLDERS = ("sandboxes/local", "sandboxes/runner", "sandboxes/agent")
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Archive:
    """The zip, and the name of its contents."""

    data: bytes
    digest: str


@functools.cache
def runner_archive() -> Archive:
    """Return the archive to upload; the same contents give the same bytes.

    The package is called `rewards` in there, whatever it is called here, and its `__init__.py` is empty: the reward
    callables stay on the host.
    """
    contents = {"rewards/__init__.py": b""}
    for path in _sources():
        contents[f"rewards/{path.relative_to(_PACKAGE).as_posix()}"] = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            file.writestr(entry, contents[name], zipfile.ZIP_DEFLATED, 9)
    data = buffer.getvalue()
    return Archive(data, hashlib.sha256(data).hexdigest()[:32])


def _sources() -> list[Path]:
    folders = [path for folder in _FOLDERS for path in (_PACKAGE / folder).glob("*.py")]
    return [*(_PACKAGE / name for name in _MODULES), *folders]
