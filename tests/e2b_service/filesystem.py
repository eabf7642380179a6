"""The calls of envd's filesystem service: what is there, make it, move it, remove it."""

from __future__ import annotations

import datetime
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from .connect import RpcError, parse
from .machine import Machine


async def handle_filesystem_call(request: web.Request, method: str, machine: Machine) -> web.StreamResponse:
    """Serve one call of the filesystem service; watching is not served."""
    calls = {"Stat": _stat, "MakeDir": _make_dir, "Move": _move, "ListDir": _list_dir, "Remove": _remove}
    try:
        call = calls.get(method)
        if call is None:
            raise RpcError("unimplemented", f"filesystem.Filesystem.{method} is not implemented")
        return web.json_response(call(parse(await request.read()), machine))
    except RpcError as error:
        return error.response()
    except OSError as error:
        return RpcError("internal", str(error)).response()


def _stat(message: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    return {"entry": _entry(_existing(message.get("path", ""), machine), machine)}


def _make_dir(message: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    path = machine.path(message.get("path", ""))
    if path.is_dir():
        raise RpcError("already_exists", f"directory already exists: {machine.name(path)}")
    if path.exists():
        raise RpcError("invalid_argument", f"path already exists but it is not a directory: {machine.name(path)}")
    path.mkdir(parents=True)
    return {"entry": _entry(path, machine)}


def _move(message: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    source = _existing(message.get("source", ""), machine)
    target = machine.path(message.get("destination", ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    return {"entry": _entry(target, machine)}


def _list_dir(message: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    folder = _existing(message.get("path", ""), machine)
    if not folder.is_dir():
        raise RpcError("invalid_argument", f"path is not a directory: {machine.name(folder)}")
    return {"entries": [_entry(path, machine) for path in _below(folder, machine, int(message.get("depth", 0)) or 1)]}


def _remove(message: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    path = machine.path(message.get("path", ""))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return {}


def _existing(name: str, machine: Machine) -> Path:
    path = machine.path(name)
    if not os.path.lexists(path):
        raise RpcError("not_found", f"file not found: {machine.name(path)}")
    return path


def _below(folder: Path, machine: Machine, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path == machine.home / "rootfs":
            continue  # the rest of the machine's files, which are not in its home
        yield path
        if depth > 1 and path.is_dir() and not path.is_symlink():
            yield from _below(path, machine, depth - 1)


def _entry(path: Path, machine: Machine) -> dict[str, Any]:
    """Return what is known of *path*, as protobuf puts it in JSON: a 64-bit number is a string."""
    status = path.lstat()
    kind = "FILE_TYPE_DIRECTORY" if path.is_dir() else "FILE_TYPE_FILE"
    modified = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC)
    entry = {
        "name": path.name,
        "type": kind,
        "path": machine.name(path),
        "size": str(status.st_size),
        "mode": stat.S_IMODE(status.st_mode),
        "permissions": stat.filemode(status.st_mode),
        "owner": _name_of(pwd.getpwuid, status.st_uid),
        "group": _name_of(grp.getgrgid, status.st_gid),
        "modifiedTime": modified.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    if path.is_symlink():
        entry |= {"type": "FILE_TYPE_SYMLINK", "symlinkTarget": str(path.readlink())}
    return entry


def _name_of(look_up: Any, number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)
