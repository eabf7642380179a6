"""Which part of the service answers a request, and the faults that any request can meet."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from aiohttp import web

from .cloud import Cloud
from .control import CLOUD, add_routes
from .envd import handle_envd
from .faults import Fault, Rule, operation_of
from .interpreter import handle_interpreter
from .machine import ENVD_PORT, INTERPRETER_PORT, Machine
from .refusal import (
    STATUS_FAULTS,
    Refusal,
    proxy_not_found,
    proxy_port_closed,
    refuse,
    refuse_by_rule,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PLANES = {ENVD_PORT: ("envd", handle_envd), INTERPRETER_PORT: ("interpreter", handle_interpreter)}
LARGEST_UPLOAD = 1 << 30


def make_app(cloud: Cloud) -> web.Application:
    """Return the whole service as one application."""
    app = web.Application(middlewares=[_route], client_max_size=LARGEST_UPLOAD)
    app[CLOUD] = cloud
    add_routes(app)
    app.router.add_get("/_control/stats", _stats)
    app.router.add_post("/_control/faults", _add_fault)
    app.router.add_delete("/_control/faults", _clear_faults)
    app.router.add_post("/_control/settings", _change_settings)
    app.router.add_post("/_control/vanish/{id}", _vanish)
    app.router.add_post("/_control/reset", _reset)
    return app


@web.middleware
async def _route(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/_control/"):
        return await handler(request)
    sandbox_id = request.headers.get("E2b-Sandbox-Id")
    if sandbox_id is None:
        return await _control_plane(request, handler)
    port = request.headers.get("E2b-Sandbox-Port", "")
    return await _data_plane(request, sandbox_id, int(port) if port.isdecimal() else 0)


async def _control_plane(request: web.Request, handler: Handler) -> web.StreamResponse:
    cloud = request.app[CLOUD]
    operation = operation_of(request.method, request.path, plane="rest")
    cloud.requests[operation] += 1
    if request.headers.get("X-API-Key") != cloud.settings.api_key:
        return refuse(401, "Invalid API key")
    if refused := await _common_faults(request, operation):
        return refused
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()
    except web.HTTPException as unknown:  # no such path, or not with this method
        return refuse(unknown.status, unknown.reason)


async def _data_plane(request: web.Request, sandbox_id: str, port: int) -> web.StreamResponse:
    cloud = request.app[CLOUD]
    plane, serve = PLANES.get(port, (f"port{port}", None))
    operation = operation_of(request.method, request.path, plane=plane)
    cloud.requests[operation] += 1
    await asyncio.sleep(cloud.settings.round_trip_s)
    machine = cloud.find(sandbox_id)
    if machine is None:
        return proxy_not_found(sandbox_id)
    cloud.round_trips += 1
    if refused := await _common_faults(request, operation):
        return refused
    if serve is None or not machine.has_port(port) or cloud.faults.fires(Fault.PORT_CLOSED, operation):
        return proxy_port_closed(sandbox_id, port)
    if plane == "envd" and not _may(request, machine):
        return refuse(401, "unauthorized access, please provide a valid access token or method signing if supported")
    await _doom(cloud, machine, operation)
    if cloud.find(sandbox_id) is None:
        return proxy_not_found(sandbox_id)
    return await _serve_while_alive(request, machine, serve(request, machine, cloud.faults))


def _may(request: web.Request, machine: Machine) -> bool:
    token = machine.access_token
    return token is None or request.path == "/health" or request.headers.get("X-Access-Token") == token


async def _doom(cloud: Cloud, machine: Machine, operation: str) -> None:
    rule = cloud.faults.rule(Fault.VANISH, operation)
    if rule and rule.delay_s:
        cloud.start(cloud.vanish(machine, after_s=rule.delay_s))
    elif rule:
        await cloud.vanish(machine)
    if rule := cloud.faults.rule(Fault.TTL_EXPIRY, operation):
        cloud.doom(machine, rule.delay_s)


async def _common_faults(request: web.Request, operation: str) -> web.StreamResponse | None:
    faults = request.app[CLOUD].faults
    if not faults.rules:
        return None
    if rule := faults.rule(Fault.LATENCY, operation):
        await asyncio.sleep(rule.delay_s)
    if faults.fires(Fault.CONNECTION_RESET, operation):
        return cut(request)
    rule = _first(faults.rule(fault, operation) for fault in STATUS_FAULTS)
    return None if rule is None else refuse_by_rule(rule, operation)


def _first(rules: Iterable[Rule | None]) -> Rule | None:
    return next((rule for rule in rules if rule is not None), None)


async def _serve_while_alive(
    request: web.Request, machine: Machine, serving: Coroutine[Any, Any, web.StreamResponse]
) -> web.StreamResponse:
    """Serve until the answer is complete or the machine is gone, which cuts the connection in the middle."""
    work = asyncio.ensure_future(serving)
    gone = asyncio.ensure_future(machine.gone.wait())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else cut(request)
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


def cut(request: web.Request) -> web.Response:
    """Reset the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _stats(request: web.Request) -> web.Response:
    return web.json_response(request.app[CLOUD].stats().to_json())


async def _add_fault(request: web.Request) -> web.Response:
    asked = json.loads(await request.read())
    request.app[CLOUD].faults.add(Fault(asked.pop("fault")), **asked)
    return web.json_response({})


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[CLOUD].faults.clear()
    return web.json_response({})


async def _change_settings(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    cloud.settings = dataclasses.replace(cloud.settings, **json.loads(await request.read()))
    return web.json_response({})


async def _vanish(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    machine = cloud.find(request.match_info["id"])
    if machine is None:
        return refuse(404, "no such sandbox")
    await cloud.vanish(machine)
    return web.json_response({})


async def _reset(request: web.Request) -> web.Response:
    await request.app[CLOUD].reset()
    return web.json_response({})
