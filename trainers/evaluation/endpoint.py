"""Completions by any server that speaks OpenAI's protocol: vLLM, TGI, and services."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewards import ConfigurationError, RewardError

from .local_model import Sampling
from .prompts import MakePrompt, Question, plain_prompt, questions
from .rows import Rows
from .sample import Sample
from .written import FILE, Written, WrittenCompletions, refuse_another

MISSING = "completions by an endpoint need the package openai: pip install 'code-rewards[endpoint]'"
AHEAD = 4
"""Requests that may be done or waiting, for each that may be under way: a slow answer must not stop the others."""


class EndpointUnavailable(RewardError):
    """A server that makes completions does not answer any more."""


@dataclass(frozen=True)
class EndpointSource:
    """Completions of a model behind an address, kept in the evaluation's folder.

    Prompts that are messages go to `chat/completions`, text to `completions`. Requests that fail for the server's
    reasons are repeated with growing pauses by the `openai` client, *retries* times.
    """

    rows: Rows
    model: str
    base_url: str | None = None
    """Such as `http://localhost:8000/v1`; unset: OPENAI_BASE_URL, or OpenAI's own."""
    api_key: str | None = None
    """Unset: OPENAI_API_KEY; a server of one's own rarely wants one."""
    sampling: Sampling = Sampling()  # noqa: RUF009 - frozen
    concurrency: int = 32
    retries: int = 8
    timeout_s: float = 600.0
    make_prompt: MakePrompt = plain_prompt
    labels: Sequence[str] = ()

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples in order; answers that came before are read, and none is asked for again."""
        written = WrittenCompletions(folder)
        asked = questions(self.rows, self.make_prompt, n=self.sampling.n, labels=self.labels)
        for found in written.read():
            question = next(asked, None)
            if question is None:
                raise ConfigurationError(f"{folder / FILE} holds more completions than are asked for")
            refuse_another(found, problem=question.problem, prompt_digest=question.digest, path=folder / FILE)
            yield question.answered(found.completion)
        with Client(self) as client:
            for question, answer in client.answers(asked):
                written.append([answer])
                yield question.answered(answer.completion)

    def count(self) -> int | None:
        """Return how many there are, where the data set says how long it is."""
        rows = self.rows.count()
        return None if rows is None else rows * self.sampling.n

    def settings(self) -> dict[str, Any]:
        """Return the data set, the model, and how it is sampled; not where the server is, and never the key."""
        told = {"model": self.model, **vars(self.sampling)}
        return {"dataset": self.rows.described, "rows": self.rows.most, "completions": told}


class Client:
    """Asks many questions at once, on a thread of its own, and gives the answers in the questions' order."""

    def __init__(self, source: EndpointSource) -> None:
        try:
            import openai
        except ImportError as error:
            raise ConfigurationError(MISSING) from error
        self._source, self._openai = source, openai
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="evaluation-endpoint", daemon=True)
        self._thread.start()
        self._client = openai.AsyncOpenAI(
            base_url=source.base_url,
            api_key=source.api_key or _key(),
            max_retries=source.retries,
            timeout=source.timeout_s,
        )
        self._places = asyncio.Semaphore(source.concurrency)
        self._answered = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def answers(self, asked: Iterator[Question]) -> Iterator[tuple[Question, Written]]:
        """Give each question with its answer.

        Raises `ConfigurationError` for what the server refuses from the first question on, such as a wrong key or
        model, and what is left of the server's faults after all retries; what was answered before is kept.
        """
        ahead = self._source.concurrency * AHEAD
        under_way: deque[tuple[Question, Future[Written]]] = deque()
        for question in itertools.chain(asked, [None]):
            if question is not None:
                under_way.append((question, asyncio.run_coroutine_threadsafe(self._answer(question), self._loop)))
            while under_way and (question is None or len(under_way) >= ahead):
                first, future = under_way.popleft()
                yield first, future.result()

    async def _answer(self, question: Question) -> Written:
        async with self._places:
            try:
                text, reason = await self._ask(question)
            except self._openai.BadRequestError as error:
                if not self._answered:
                    raise ConfigurationError(f"the server refuses the first question: {error}") from error
                text, reason = "", f"refused: {error}"[:500]  # this prompt: most of all, one that is too long
            except (
                self._openai.AuthenticationError,
                self._openai.PermissionDeniedError,
                self._openai.NotFoundError,
            ) as e:
                raise ConfigurationError(f"the server at {self._client.base_url} refuses: {e}") from e
            except self._openai.APIError as error:
                raise EndpointUnavailable(
                    f"the server at {self._client.base_url} failed {self._source.retries + 1} times: {error}. What it "
                    "has answered is kept; the same evaluation goes on from there"
                ) from error
        self._answered = True
        return Written(question.problem, question.number, question.digest, text, reason)

    async def _ask(self, question: Question) -> tuple[str, str]:
        sampling = self._source.sampling
        options: dict[str, Any] = {
            "model": self._source.model,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed + question.index,
        }
        if isinstance(question.prompt, str):
            continued = await self._client.completions.create(prompt=question.prompt, **options)
            return continued.choices[0].text or "", continued.choices[0].finish_reason or ""
        told = await self._client.chat.completions.create(messages=question.prompt, **options)
        return told.choices[0].message.content or "", told.choices[0].finish_reason or ""


def _key() -> str:
    import os

    return os.environ.get("OPENAI_API_KEY") or "none"
