"""The calls of envd's process service: start one, follow one, feed it, signal it, list them all."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import signal
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .connect import FrameStream, RpcError, deadline_s, frame, messages, only_message, parse
from .faults import Fault, Faults, operation_of
from .machine import Machine
from .processes import Command, End, Output, Process, ProcessTable

STREAM_FAULTS = (
    Fault.ENVD_TRUNCATED,
    Fault.ENVD_SILENT_END,
    Fault.ENVD_MISSING_END,
    Fault.ENVD_GARBAGE,
    Fault.ENVD_SILENCE,
)
SIGNALS = {"SIGNAL_SIGTERM": signal.SIGTERM, "SIGNAL_SIGKILL": signal.SIGKILL, 15: signal.SIGTERM, 9: signal.SIGKILL}
END_S = 0.25
"""What a client that does not read can delay the end by."""
_serial = itertools.count()


async def handle_process_call(
    request: web.Request, method: str, machine: Machine, faults: Faults
) -> web.StreamResponse:
    """Serve one call of the process service."""
    table = ProcessTable.of(machine)
    if method in ("Start", "Connect"):
        return await _follow(request, method, table, faults)
    try:
        if method == "StreamInput":
            return await _stream_input(request, table)
        return web.json_response(await _unary(parse(await request.read()), method, table))
    except RpcError as error:
        return error.response()


async def _unary(message: Mapping[str, Any], method: str, table: ProcessTable) -> dict[str, Any]:
    if method == "List":
        return {"processes": [_described(process) for process in table.running()]}
    if method not in ("SendInput", "SendSignal", "CloseStdin", "Update"):
        raise RpcError("unimplemented", f"process.Process.{method} is not implemented")
    process = _selected(message, table)
    if method == "SendInput":
        await process.write_stdin(_stdin_bytes(message.get("input")))
    elif method == "CloseStdin":
        process.close_stdin()
    elif method == "SendSignal":
        number = SIGNALS.get(message.get("signal", 0))
        if number is None:
            raise RpcError("unimplemented", f"invalid signal: {message.get('signal')}")
        process.signal(number)
    else:
        raise RpcError("failed_precondition", "tty not assigned to process")
    return {}


async def _stream_input(request: web.Request, table: ProcessTable) -> web.StreamResponse:
    """Write to the stdin of the process that the first message names, in the order of the messages that follow."""
    stream = FrameStream(request)
    process: Process | None = None
    try:
        async for message in messages(request):
            if "start" in message:
                process = _selected(message["start"], table)
            elif "data" in message:
                if process is None:
                    raise RpcError("invalid_argument", "the first message must be the start")
                await process.write_stdin(_stdin_bytes(message["data"].get("input")))
    except RpcError as error:
        return await stream.end(error)
    await stream.send(b"{}")
    return await stream.end()


async def _follow(request: web.Request, method: str, table: ProcessTable, faults: Faults) -> web.StreamResponse:
    stream = FrameStream(request)
    try:
        message = await only_message(request)
        wall_s = deadline_s(request)
        process = table.start(_command(message)) if method == "Start" else _selected(message, table)
    except RpcError as error:
        return await stream.end(error)
    if method == "Start" and wall_s is not None:
        process.limit(wall_s)
    operation = operation_of(request.method, request.path, plane="envd")
    fault = next((fault for fault in STREAM_FAULTS if faults.fires(fault, operation)), None)
    queue = process.follow()
    try:
        async with asyncio.timeout(_stream_s(wall_s, method, fault)):
            return await _stream_events(request, stream, process, queue, fault=fault)
    except TimeoutError:
        return await stream.end(RpcError("deadline_exceeded", "context deadline exceeded"))
    except ConnectionError:
        return stream.cut()  # the client hung up: the process runs on, and nobody follows it
    finally:
        process.unfollow(queue)


def _stream_s(wall_s: float | None, method: str, fault: Fault | None) -> float | None:
    """Return how long the stream may go on: for a process that is killed in time, until its end can be told."""
    if wall_s is None or fault is Fault.ENVD_SILENCE:
        return None
    return wall_s + END_S if method == "Start" else wall_s


async def _stream_events(
    request: web.Request,
    stream: FrameStream,
    process: Process,
    queue: asyncio.Queue[Output | End],
    *,
    fault: Fault | None,
) -> web.StreamResponse:
    await stream.send(_event("start", {"pid": process.pid}))
    if fault is Fault.ENVD_SILENCE:
        await asyncio.Event().wait()  # for ever: the routing cancels this when the client hangs up
    spared = next(_serial) % 3  # events that are let through before the fault strikes, so that it is met early and late
    keepalive_s = float(request.headers.get("Keepalive-Ping-Interval", "90"))
    while True:
        try:
            async with asyncio.timeout(keepalive_s):
                event = await queue.get()
        except TimeoutError:
            await stream.send(_event("keepalive", {}))
            continue
        process.relieve()
        is_last = isinstance(event, End)
        if fault is not None and (is_last or (spared == 0 and fault is not Fault.ENVD_MISSING_END)):
            return await _spoil(stream, event, fault)
        spared -= 1
        if is_last and process.is_overdue:
            return await stream.end(RpcError("deadline_exceeded", "context deadline exceeded"))
        await stream.send(_encoded(event))
        if is_last:
            return await stream.end()


async def _spoil(stream: FrameStream, event: Output | End, fault: Fault) -> web.StreamResponse:
    """End the stream wrongly where *event* should have come."""
    if fault is Fault.ENVD_MISSING_END:
        return await stream.end()
    if fault is Fault.ENVD_SILENT_END:
        return await stream.end_body()
    if fault is Fault.ENVD_GARBAGE:
        await stream.send_raw(frame(b"<html><h1>502 Bad Gateway</h1></html>"))
        return await stream.end_body()
    whole = frame(_encoded(event))
    await stream.send_raw(whole[: len(whole) // 2])
    await asyncio.sleep(0.01)  # so that the half is sent before the connection is cut
    return stream.cut()


def _command(message: Mapping[str, Any]) -> Command:
    config = message.get("process") or {}
    if message.get("pty") is not None:
        raise RpcError("unimplemented", "this envd has no terminals")
    return Command(
        str(config.get("cmd", "")),
        [str(argument) for argument in config.get("args", [])],
        {str(name): str(value) for name, value in config.get("envs", {}).items()},
        config.get("cwd"),
        message.get("tag"),
        has_stdin=message.get("stdin", True) is not False,
    )


def _selected(message: Mapping[str, Any], table: ProcessTable) -> Process:
    selector = message.get("process") or {}
    pid = selector.get("pid")
    return table.find(pid=None if pid is None else int(pid), tag=selector.get("tag"))


def _stdin_bytes(given: Mapping[str, Any] | None) -> bytes:
    text = (given or {}).get("stdin")
    if text is None:
        raise RpcError("unimplemented", "input is neither stdin nor a terminal that exists")
    with contextlib.suppress(ValueError):
        return base64.b64decode(text, validate=True)
    raise RpcError("invalid_argument", "stdin is not base64")


def _described(process: Process) -> dict[str, Any]:
    command = process.command
    config: dict[str, Any] = {"cmd": command.cmd, "args": list(command.args), "envs": dict(command.envs)}
    if command.cwd is not None:
        config["cwd"] = command.cwd
    return {"config": config, "pid": process.pid} | ({} if command.tag is None else {"tag": command.tag})


def _event(name: str, content: Mapping[str, Any]) -> bytes:
    return json.dumps({"event": {name: content}}).encode()


def _encoded(event: Output | End) -> bytes:
    if isinstance(event, Output):  # by hand: megabytes of it need not go through a JSON encoder
        return b'{"event":{"data":{"%b":"%b"}}}' % (event.name.encode(), base64.b64encode(event.data))
    content: dict[str, Any] = {"exited": event.exited, "status": event.status}
    if event.exit_code:
        content["exitCode"] = event.exit_code
    if event.error is not None:
        content["error"] = event.error
    return _event("end", content)
