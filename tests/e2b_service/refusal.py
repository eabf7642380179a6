"""The service's error answers, with the bodies that the SDK and its users see."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from .faults import Fault, Rule


class Refusal(Exception):
    """A request that is answered with an error of the control plane."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Return the answer."""
        return refuse(self.status, self.message, headers=self.headers)


def refuse(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error answer of the control plane."""
    return web.json_response({"code": status, "message": message}, status=status, headers=headers)


def rate_limited(retry_after_s: float, *, limit_per_s: float = 1.0) -> Refusal:
    """Return the 429 of a rate limiter, which says when to come again."""
    wait_s = str(max(1, round(retry_after_s)))
    headers = {
        "Retry-After": wait_s,
        "RateLimit-Limit": f"{max(1, round(limit_per_s))}",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": wait_s,
    }
    return Refusal(429, "Rate limit exceeded", headers=headers)


def too_many_sandboxes(cap: int) -> Refusal:
    """Return the 429 of the concurrency cap, which does not say when to come again."""
    return Refusal(
        429,
        f"you have reached the maximum number of concurrent E2B sandboxes ({cap}). "
        "Please wait until some of them end, or ask for a higher limit",
    )


def no_such_sandbox(sandbox_id: str) -> Refusal:
    """Return the control plane's 404."""
    return Refusal(404, f'sandbox "{sandbox_id}" does not exist or you do not have access to it')


def proxy_not_found(sandbox_id: str) -> web.Response:
    """Return the proxy's answer when a machine is not there, or not any more."""
    body = {"sandboxId": sandbox_id, "message": "The sandbox was not found", "code": 502}
    return web.json_response(body, status=502)


def proxy_port_closed(sandbox_id: str, port: int) -> web.Response:
    """Return the proxy's answer when nobody listens on the machine's port."""
    message = "The sandbox is running but port is not open"
    return web.json_response({"sandboxId": sandbox_id, "message": message, "port": port, "code": 502}, status=502)


STATUS_FAULTS = {
    Fault.RATE_LIMITED: 429,
    Fault.RATE_LIMITED_SILENT: 429,
    Fault.UNAUTHORIZED: 401,
    Fault.INTERNAL_ERROR: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE: 503,
    Fault.GATEWAY_TIMEOUT: 504,
}
REST_MESSAGES = {
    Fault.UNAUTHORIZED: "Invalid API key",
    Fault.INTERNAL_ERROR: "Failed to place sandbox, please retry",
    Fault.UNAVAILABLE: "sandbox_capacity_unavailable",
    Fault.GATEWAY_TIMEOUT: "sandbox_placement_timeout",
}


def refuse_by_rule(rule: Rule, operation: str) -> web.Response:
    """Return the error answer that was asked for."""
    status = STATUS_FAULTS[rule.fault]
    if rule.fault is Fault.RATE_LIMITED:
        return rate_limited(rule.delay_s).response()
    if rule.fault is Fault.BAD_GATEWAY:  # a load balancer's page: it knows nothing of the service's bodies
        return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
    messages = REST_MESSAGES if operation.startswith("rest/") else {}
    return refuse(status, messages.get(rule.fault, HTTPStatus(status).phrase))
