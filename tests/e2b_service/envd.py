"""What listens on port 49983 of a machine: its files, its processes, its health."""

from __future__ import annotations

from aiohttp import web

from .connect import RpcError
from .faults import Faults
from .files import download, upload
from .filesystem import handle_filesystem_call
from .machine import Machine
from .process_calls import handle_process_call


async def handle_envd(request: web.Request, machine: Machine, faults: Faults) -> web.StreamResponse:
    """Serve one request to envd; which user asks is of no consequence here."""
    match request.method, request.path.strip("/").split("/"):
        case "GET", ["health"]:
            return web.Response(status=204)
        case "GET", ["envs"]:
            return web.json_response(dict(machine.variables))
        case "GET", ["files"]:
            return await download(request, machine)
        case "POST", ["files"]:
            return await upload(request, machine)
        case "POST", ["process.Process", method]:
            return await handle_process_call(request, method, machine, faults)
        case "POST", ["filesystem.Filesystem", method]:
            return await handle_filesystem_call(request, method, machine)
    return RpcError("unimplemented", f"{request.method} {request.path} is not served").response()
