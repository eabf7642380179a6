"""What listens on port 49999 of a machine: cells run in kernels, told line by line."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .contexts import LANGUAGE, Context, ContextError, Contexts, Line, Run, require_kernel
from .faults import Fault, Faults, operation_of
from .machine import USER_HOME, Machine

STREAM_FAULTS = (
    Fault.EXECUTE_TRUNCATED,
    Fault.EXECUTE_SILENT_END,
    Fault.EXECUTE_MISSING_END,
    Fault.EXECUTE_GARBAGE,
    Fault.KEEPALIVE_ONLY,
    Fault.ABORT_HANG,
    Fault.KERNEL_DEATH,
)
SPARE_LINES = 3
ALIASES = {"": LANGUAGE, "js": "javascript", "ts": "typescript"}
_serial = itertools.count()


async def handle_interpreter(request: web.Request, machine: Machine, faults: Faults) -> web.StreamResponse:
    """Serve one request to the code interpreter."""
    contexts = Contexts.of(machine)
    try:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["health"]:
                return web.json_response("OK")
            case "POST", ["execute"]:
                return await _execute(request, machine, contexts, faults)
            case "GET", ["contexts"]:
                return web.json_response([context.described() for context in contexts.all()])
            case "POST", ["contexts"]:
                return await _create(await _body(request), contexts)
            case "POST", ["contexts", context_id, "restart"]:
                await contexts.find(context_id).restart()
                return web.json_response(None)
            case "DELETE", ["contexts", context_id]:
                contexts.remove(contexts.find(context_id))
                return web.json_response(None)
    except ContextError as error:
        return web.Response(text=str(error), status=error.status)
    return web.json_response({"detail": "Not Found"}, status=404)


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise ContextError(422, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ContextError(422, "the body is not an object")
    return body


async def _create(body: Mapping[str, Any], contexts: Contexts) -> web.Response:
    context = await contexts.create(_language(body), body.get("cwd") or USER_HOME)
    return web.json_response(context.described())


def _language(body: Mapping[str, Any]) -> str:
    language = (body.get("language") or "").lower().strip()
    return ALIASES.get(language, language)


def _chosen(body: Mapping[str, Any], contexts: Contexts) -> Context:
    if body.get("context_id") and body.get("language"):
        raise ContextError(400, "Only one of context_id or language can be provided")
    if body.get("context_id"):
        return contexts.find(body["context_id"])
    require_kernel(_language(body))
    return contexts.default


async def _execute(request: web.Request, machine: Machine, contexts: Contexts, faults: Faults) -> web.StreamResponse:
    body = await _body(request)
    context = _chosen(body, contexts)
    operation = operation_of(request.method, request.path, plane="interpreter")
    fault = next((fault for fault in STREAM_FAULTS if faults.fires(fault, operation)), None)
    stream = LineStream(request, keepalive_s=machine.settings.keepalive_s)
    with contextlib.suppress(ConnectionError):  # the client hung up while a line was on its way
        async with context.lock:
            await _run_cell(stream, context, body, fault=fault, faults=faults)
    return stream.response


async def _run_cell(
    stream: LineStream, context: Context, body: Mapping[str, Any], *, fault: Fault | None, faults: Faults
) -> None:
    variables = body.get("env_vars") or {}
    if fault is Fault.ABORT_HANG:
        await stream.keep_alive()
    key, run = await context.run(body.get("code", ""), variables)
    if fault is Fault.KERNEL_DEATH:
        context.kill_kernel()
    try:
        await _tell(stream, run, fault=fault)
    except (asyncio.CancelledError, ConnectionError):
        context.interrupt_soon()
        raise
    finally:
        await context.forget(key, variables)
        _note(run, fault, faults)


def _note(run: Run, fault: Fault | None, faults: Faults) -> None:
    """Count what nobody asked for and happened all the same."""
    if run.was_aborted:
        faults.note(Fault.ABORT_HANG)
    if run.has_restarted and fault is not Fault.KERNEL_DEATH:
        faults.note(Fault.KERNEL_DEATH)


async def _tell(stream: LineStream, run: Run, *, fault: Fault | None) -> None:
    """Send the lines of *run*, and spoil them as *fault* says."""
    if fault is Fault.KEEPALIVE_ONLY:
        await stream.keep_alive()
    spared = (
        next(_serial) % SPARE_LINES
    )  # lines that are let through before the fault strikes: it is met early and late
    while (line := await stream.next_of(run)) is not None:
        if spared == 0 and await stream.spoil(line, fault):
            return
        spared -= 1
        await stream.send(line)
    last = {"type": "end_of_execution"}
    if spared >= 0 and await stream.spoil(last, fault):
        return
    if fault is not Fault.EXECUTE_MISSING_END:
        await stream.send(last)
    await stream.end()


class LineStream:
    """The answer of /execute: a JSON object a line, and a keepalive whenever nothing was said for a while."""

    def __init__(self, request: web.Request, *, keepalive_s: float) -> None:
        self._request = request
        self._keepalive_s = keepalive_s
        self.response = web.StreamResponse()

    async def send(self, line: Line) -> None:
        """Send one line."""
        await self._write(json.dumps(line).encode() + b"\n")

    async def end(self) -> None:
        """End the body in good order."""
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write_eof()

    async def next_of(self, run: Run) -> Line | None:
        """Return the next line of *run*, with keepalives sent until it comes; None after the last."""
        while True:
            try:
                async with asyncio.timeout(self._keepalive_s):
                    return await run.next_line()
            except TimeoutError:
                await self.send({"type": "keepalive"})

    async def keep_alive(self) -> None:
        """Send nothing but keepalives until the client hangs up."""
        while True:
            await asyncio.sleep(self._keepalive_s)
            await self.send({"type": "keepalive"})

    async def spoil(self, line: Line, fault: Fault | None) -> bool:
        """Do what *fault* does where *line* should have come; tell whether the answer has ended by it."""
        if fault is Fault.EXECUTE_SILENT_END:
            await self.end()
            return True
        if fault is Fault.EXECUTE_GARBAGE:
            await self._write(b"<html><h1>502 Bad Gateway</h1></html>\n")
        if fault is not Fault.EXECUTE_TRUNCATED:
            return False
        whole = json.dumps(line).encode()
        await self._write(whole[: len(whole) // 2])
        await asyncio.sleep(0.01)  # so that the half is sent before the connection is cut
        if self._request.transport is not None:
            self._request.transport.abort()
        return True

    async def _write(self, data: bytes) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(data)
