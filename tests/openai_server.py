"""A small server that speaks OpenAI's protocol on this machine: it solves what it is asked, and fails when told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

from aiohttp import web


class OpenAIServer:
    """Answers `chat/completions` and `completions` by *answer*(prompt, seed) from a thread of its own.

    *faults* maps a request's number, from 0, to an HTTP status to answer with, to 0 for a connection that is cut, or to
    a body that is sent as if it were an answer. `refuses` says of a request's body what is wrong with it, if anything.
    """

    def __init__(
        self, answer: Callable[[str, int], str], *, faults: dict[int, int | str] | None = None, latency_s: float = 0.0
    ) -> None:
        self._answer, self._faults = answer, faults or {}
        self.latency_of: Callable[[str], float] = lambda prompt: latency_s
        self.refuses: Callable[[dict[str, Any]], str | None] = lambda told: None
        self.requests = 0
        self.last: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        self.base_url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    async def _start(self) -> str:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._continue)
        self._runner = web.AppRunner(app, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        told = await request.json()
        return await self._reply(request, told, told["messages"][-1]["content"], "chat.completion")

    async def _continue(self, request: web.Request) -> web.StreamResponse:
        told = await request.json()
        return await self._reply(request, told, told["prompt"], "text_completion")

    async def _reply(self, request: web.Request, told: dict[str, Any], prompt: str, kind: str) -> web.StreamResponse:
        number, self.requests = self.requests, self.requests + 1
        self.last = told
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if (complaint := self.refuses(told)) is not None:
                return web.json_response({"error": {"message": complaint, "type": "test"}}, status=400)
            await asyncio.sleep(self.latency_of(prompt))
            status = self._faults.get(number, 200)
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if isinstance(status, str):
                return web.Response(text=status, content_type="application/json")
            if status != 200:
                body = {"error": {"message": f"fault {status}", "type": "test"}}
                return web.json_response(body, status=status, headers={"retry-after-ms": "5"})
            seed = told.get("seed", 0)
            self.asked[json.dumps([prompt, seed])] += 1
            text = self._answer(prompt, seed)
            content = {"message": {"role": "assistant", "content": text}} if "chat" in kind else {"text": text}
            choice = {"index": 0, "finish_reason": "stop", **content}
            reply = {"id": str(number), "object": kind, "created": 0, "model": told["model"], "choices": [choice]}
            return web.json_response(reply)
        finally:
            self.at_once -= 1
