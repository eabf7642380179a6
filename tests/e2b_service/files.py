"""Whole files, to and from a machine, by plain HTTP."""

from __future__ import annotations

from email.message import Message
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from .machine import Machine

CHUNK_BYTES = 256 * 1024


class Body(Protocol):
    """Where the bytes of a file come from: a request or a part of one."""

    async def read_some(self) -> bytes:
        """Return the next bytes, none at the end."""
        ...


class FilesError(Exception):
    """A request for a file that cannot be served."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self) -> web.Response:
        """Return the answer that envd gives."""
        return web.json_response({"code": self.status, "message": str(self)}, status=self.status)


async def download(request: web.Request, machine: Machine) -> web.StreamResponse:
    """Send the file that the query names; packed only when the caller asks for gzip and nothing else."""
    name = request.query.get("path", "")
    path = machine.path(name)
    if not path.exists():
        return FilesError(404, f"path '{machine.name(path)}' does not exist").response()
    if not path.is_file():
        return FilesError(400, f"path '{machine.name(path)}' is a directory").response()
    response = web.Response(body=path.read_bytes(), content_type="application/octet-stream")
    if request.headers.get("Accept-Encoding") == "gzip":
        response.enable_compression()
    return response


async def upload(request: web.Request, machine: Machine) -> web.StreamResponse:
    """Store what was sent: one file as octets, or each part called `file` of a multipart body."""
    try:
        if request.content_type == "multipart/form-data":
            written = await _store_parts(request, machine)
        else:
            written = [await _store(_Octets(request), _named(request), machine)]
    except FilesError as error:
        return error.response()
    return web.json_response(written)


async def _store_parts(request: web.Request, machine: Machine) -> list[dict[str, Any]]:
    written = []
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            name = request.query.get("path") or _filename(part)
            if not name:
                raise FilesError(400, "a part has no file name")
            written.append(await _store(_Part(part), name, machine))
    return written


async def _store(body: Body, name: str, machine: Machine) -> dict[str, Any]:
    path = machine.path(name)
    if path.is_dir():
        raise FilesError(400, f"path is a directory: {machine.name(path)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        await _copy(body, path)
    except OSError as error:
        raise FilesError(500, f"error writing file: {error}") from error
    return {"name": path.name, "path": machine.name(path), "type": "file"}


async def _copy(body: Body, path: Path) -> None:
    with path.open("wb") as file:
        while data := await body.read_some():
            file.write(data)


def _filename(part: BodyPartReader) -> str | None:
    """Return the file name of *part*; aiohttp's own reading of it drops the slash in front."""
    head = Message()
    head["Content-Disposition"] = part.headers.get("Content-Disposition", "")
    return head.get_filename()


def _named(request: web.Request) -> str:
    name = request.query.get("path")
    if not name:
        raise FilesError(400, "the path of the file is missing")
    return name


class _Octets:
    """A whole request body; aiohttp has unpacked it."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def read_some(self) -> bytes:
        return await self._content.read(CHUNK_BYTES)


class _Part:
    """One part of a multipart body."""

    def __init__(self, part: BodyPartReader) -> None:
        self._part = part

    async def read_some(self) -> bytes:
        return bytes(await self._part.read_chunk(CHUNK_BYTES))
