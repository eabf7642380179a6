"""The control plane over REST: create, connect, kill, timeout, info and list, in the first and the second version."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from .cloud import Cloud, Order
from .faults import Fault
from .machine import Machine
from .refusal import Refusal, refuse

ENVD_VERSION = "0.6.13"
CLIENT_ID = "6532622b"
PAGE = 100

CLOUD: web.AppKey[Cloud] = web.AppKey("cloud", Cloud)


def add_routes(app: web.Application) -> None:
    """Add the calls of the control plane; a version that the settings switch off answers 405 or 404."""
    router = app.router
    for prefix in ("", "/v2"):
        router.add_post(f"{prefix}/sandboxes", create)
        router.add_get(f"{prefix}/sandboxes", listing)
        router.add_post(f"{prefix}/sandboxes/{{id}}/connect", connect)
    router.add_delete("/sandboxes/{id}", kill)
    router.add_get("/sandboxes/{id}", info)
    router.add_post("/sandboxes/{id}/timeout", set_timeout)


async def create(request: web.Request) -> web.Response:
    """POST /v2/sandboxes: 201 and what the SDK needs to talk to the machine."""
    cloud, version = request.app[CLOUD], _version(request)
    if not cloud.settings.serves(version):
        return refuse(405, "Method Not Allowed")
    order = _order(await _body(request), secure=version == "v2")
    machine = await cloud.create(order, key=request.headers.get("Idempotency-Key"))
    if cloud.faults.fires(Fault.CREATE_LOST, "rest/create"):
        return refuse(504, "sandbox_placement_timeout")
    return web.json_response(_contact(machine), status=201)


async def connect(request: web.Request) -> web.Response:
    """POST /v2/sandboxes/{id}/connect: a running machine lives at least as long as asked for."""
    cloud = request.app[CLOUD]
    if not cloud.settings.serves(_version(request)):
        return refuse(404, "page not found")
    machine = cloud.require(request.match_info["id"])
    ttl_s = (await _body(request)).get("timeout", cloud.settings.ttl_s)
    cloud.check_ttl(ttl_s)
    machine.expires_at = max(machine.expires_at, time.time() + ttl_s)
    return web.json_response(_contact(machine))


async def kill(request: web.Request) -> web.Response:
    """DELETE /sandboxes/{id}: 204 when it is dead, 404 when it was."""
    cloud = request.app[CLOUD]
    machine = cloud.require(request.match_info["id"])
    await cloud.kill(machine, slowly=cloud.faults.rule(Fault.SLOW_KILL, "rest/kill"))
    return web.Response(status=204)


async def set_timeout(request: web.Request) -> web.Response:
    """POST /sandboxes/{id}/timeout: the time to live counts from now on."""
    cloud = request.app[CLOUD]
    machine = cloud.require(request.match_info["id"])
    ttl_s = (await _body(request)).get("timeout")
    if not isinstance(ttl_s, int) or ttl_s < 0:
        return refuse(400, "timeout has to be a whole number of seconds")
    cloud.check_ttl(ttl_s)
    machine.expires_at = time.time() + ttl_s
    return web.Response(status=204)


async def info(request: web.Request) -> web.Response:
    """GET /sandboxes/{id}."""
    return web.json_response(_description(request.app[CLOUD].require(request.match_info["id"])))


async def listing(request: web.Request) -> web.Response:
    """GET /v2/sandboxes: those with this metadata, newest first, a page at a time."""
    cloud, query = request.app[CLOUD], request.query
    # The SDK quotes names and values before it urlencodes the pairs, and the pairs once more as a parameter.
    wanted = {unquote(name): unquote(value) for name, value in parse_qsl(query.get("metadata", ""))}
    found = [
        one for one in cloud.machines.values() if wanted.items() <= one.metadata.items() and cloud.find(one.sandbox_id)
    ]
    if "running" not in query.get("state", "running").split(","):
        found = []
    if template := query.get("template"):
        found = [one for one in found if one.template == template]
    found.sort(key=lambda one: one.started_at, reverse=True)
    start, size = int(query.get("nextToken") or 0), min(PAGE, int(query.get("limit") or PAGE))
    more = {"x-next-token": str(start + size)} if len(found) > start + size else {}
    return web.json_response([_description(one) for one in found[start : start + size]], headers=more)


def _version(request: web.Request) -> str:
    return "v2" if request.path.startswith("/v2/") else "v1"


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refusal(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is no JSON object")
    return body


def _order(body: Mapping[str, Any], *, secure: bool) -> Order:
    template, ttl_s = body.get("templateID"), body.get("timeout")
    if not isinstance(template, str) or not template:
        raise Refusal(400, "templateID is missing")
    if ttl_s is not None and (not isinstance(ttl_s, int) or ttl_s < 0):
        raise Refusal(400, "timeout has to be a whole number of seconds")
    return Order(
        template,
        ttl_s=ttl_s,
        metadata=_texts(body, "metadata"),
        variables=_texts(body, "envVars"),
        access_token=secrets.token_hex(16) if secure or body.get("secure") else None,
        internet=body.get("allow_internet_access") is not False,
    )


def _texts(body: Mapping[str, Any], name: str) -> dict[str, str]:
    value = body.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Refusal(400, f"{name} has to be an object of strings")
    return value


def _contact(machine: Machine) -> dict[str, Any]:
    contact = {
        "templateID": machine.template,
        "sandboxID": machine.sandbox_id,
        "clientID": CLIENT_ID,
        "envdVersion": ENVD_VERSION,
    }
    return contact if machine.access_token is None else {**contact, "envdAccessToken": machine.access_token}


def _description(machine: Machine) -> dict[str, Any]:
    return {
        "templateID": machine.template,
        "sandboxID": machine.sandbox_id,
        "clientID": CLIENT_ID,
        "envdVersion": ENVD_VERSION,
        "startedAt": _timestamp(machine.started_at),
        "endAt": _timestamp(machine.expires_at),
        "cpuCount": machine.settings.cpu_count,
        "memoryMB": machine.settings.memory_mb,
        "diskSizeMB": machine.settings.disk_mb,
        "state": "running",
        "metadata": dict(machine.metadata),
        "allowInternetAccess": machine.internet,
    }


def _timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
