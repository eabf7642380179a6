"""Connect-RPC as the SDK speaks it to envd: JSON messages, one a request or in frames with a five-byte head."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

HEAD = struct.Struct(">BI")
END_OF_STREAM = 2
STATUS_OF_CODE = {
    "canceled": 499,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "resource_exhausted": 429,
    "unauthenticated": 401,
    "unimplemented": 501,
}


class RpcError(Exception):
    """A call that fails in the way its caller is told: a code of Connect and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def body(self) -> dict[str, str]:
        """Return the error as it goes over the wire."""
        return {"code": self.code, "message": self.message}

    def response(self) -> web.Response:
        """Return the answer to a call that is no stream."""
        return web.json_response(self.body(), status=STATUS_OF_CODE.get(self.code, 500))


def deadline_s(request: web.Request) -> float | None:
    """Return how long the caller lets this call take."""
    text = request.headers.get("Connect-Timeout-Ms", "")
    if not text:
        return None
    if not text.isdecimal():
        raise RpcError("invalid_argument", f"invalid timeout header: {text!r}")
    return int(text) / 1000 or None


def parse(data: bytes) -> dict[str, Any]:
    """Return the message that *data* is."""
    try:
        message = json.loads(data or b"{}")
    except ValueError as error:
        raise RpcError("invalid_argument", f"unmarshal message: {error}") from error
    if not isinstance(message, dict):
        raise RpcError("invalid_argument", "unmarshal message: not an object")
    return message


async def messages(request: web.Request) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of a request body that is a stream of frames."""
    pending = bytearray()
    async for chunk in request.content.iter_any():
        pending += chunk
        while len(pending) >= HEAD.size:
            flags, length = HEAD.unpack_from(pending)
            if len(pending) < HEAD.size + length:
                break
            data = bytes(pending[HEAD.size : HEAD.size + length])
            del pending[: HEAD.size + length]
            if flags & END_OF_STREAM:
                return
            yield parse(data)


async def only_message(request: web.Request) -> dict[str, Any]:
    """Return the one message that opens a stream from the server."""
    async for message in messages(request):
        await request.read()  # what is left of the body, so that the connection can be used again
        return message
    raise RpcError("invalid_argument", "the request has no message")


def frame(data: bytes, flags: int = 0) -> bytes:
    """Return *data* with its head."""
    return HEAD.pack(flags, len(data)) + data


class FrameStream:
    """The answer to a streaming call: 200 whatever happens, and an error in its last frame."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(headers={"Content-Type": "application/connect+json"})

    async def send(self, data: bytes) -> None:
        """Send one message."""
        await self.send_raw(frame(data))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, frames or not."""
        if not self._response.prepared:
            await self._response.prepare(self._request)
        await self._response.write(data)

    async def end(self, error: RpcError | None = None) -> web.StreamResponse:
        """Send the frame that ends the stream, and end the body."""
        last: Mapping[str, Any] = {} if error is None else {"error": error.body()}
        await self.send_raw(frame(json.dumps(last).encode(), END_OF_STREAM))
        return await self.end_body()

    async def end_body(self) -> web.StreamResponse:
        """End the body in good order without a last frame."""
        if not self._response.prepared:
            await self._response.prepare(self._request)
        await self._response.write_eof()
        return self._response

    def cut(self) -> web.StreamResponse:
        """Break the connection off in the middle of the body."""
        if self._request.transport is not None:
            self._request.transport.abort()
        return self._response
