"""Completions by any server that speaks OpenAI's protocol: vLLM, TGI, and services."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rewards import ConfigurationError, RewardError

from .prompts import MakePrompt, Question, plain_prompt, questions
from .rows import Rows
from .sample import Sample
from .sampling import Sampling
from .server_options import ServerOptions
from .stops import cut
from .written import FILE, REFUSED, Written, WrittenCompletions, refuse_another

MISSING = "completions by an endpoint need the package openai: pip install 'code-rewards[endpoint]'"
AHEAD = 4
"""Requests that may be done or waiting, for each that may be under way: a slow answer must not stop the others."""

NOT_SERVED = (401, 403, 404)
"""Statuses for a wrong key, model or address."""
REFUSED_STATUSES = (400, 413, 422)
"""Statuses by which OpenAI, vLLM and TGI refuse a prompt."""


class EndpointUnavailable(RewardError):
    """A server that makes completions does not answer any more."""


class _NoAnswerError(Exception):
    """What came back with the status of a success is no answer: a gateway's page, half a body, an error, no choice."""


@dataclass(frozen=True)
class EndpointSource:
    """Completions of a model behind an address, kept in the evaluation's folder.

    Prompts that are messages go to `chat/completions`, text to `completions`. Requests that fail for the server's
    reasons are repeated with growing pauses by the `openai` client, *retries* times; those that come too often even so
    again as often, because services count by the minute.
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
    timeout_s: float | None = None
    """For one answer; unset: ten minutes, or a tenth of a second for each token where that is more."""
    make_prompt: MakePrompt = plain_prompt
    labels: Sequence[str] = ()
    _clients: set[Client] = field(default_factory=set, init=False, repr=False, compare=False)

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples in order; answers that came before are read, and none is asked for again."""
        written = WrittenCompletions(folder)
        asked = questions(self.rows, self.make_prompt, self.sampling, labels=self.labels)
        for found in written.read():
            question = next(asked, None)
            if question is None:
                raise ConfigurationError(f"{folder / FILE} holds more completions than are asked for")
            refuse_another(found, problem=question.problem, prompt_digest=question.digest, path=folder / FILE)
            yield question.answered(found.completion)
        with Client(self) as client:
            self._clients.add(client)
            try:
                for question, answer in client.answers(asked):
                    written.append([answer])
                    yield question.answered(answer.completion)
            finally:
                self._clients.discard(client)
        written.tell_what_was_lost(self.sampling.max_new_tokens)

    def stop(self) -> None:
        """Give up what is being asked, from another thread than that which waits for it."""
        for client in list(self._clients):
            client.stop()

    def count(self) -> int | None:
        """Return how many there are, where the data set says how long it is."""
        return self.sampling.completions_of(self.rows.count())

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
        self._client = openai.AsyncOpenAI(
            base_url=source.base_url,
            api_key=source.api_key or os.environ.get("OPENAI_API_KEY") or "none",
            max_retries=source.retries,
            timeout=source.timeout_s or max(600.0, 0.1 * source.sampling.max_new_tokens),
        )
        self._options = ServerOptions(source.model, source.sampling)
        self._probing = asyncio.Lock()
        self._places = asyncio.Semaphore(source.concurrency)
        self._answered = self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="evaluation-endpoint", daemon=True)
        self._thread.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)
        self._loop.close()

    def stop(self) -> None:
        """Cancel all requests: who waits for an answer is told so; from any thread."""
        self._stopped = True
        with contextlib.suppress(RuntimeError):  # its loop has just ended
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(self._loop)])

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
            if self._stopped:
                raise asyncio.CancelledError
            try:
                text, reason = await self._answer_or_refusal(question)
            except (self._openai.APIError, _NoAnswerError) as error:
                raise self._unavailable(error) from error
        return Written(question.problem, question.number, question.digest, text, reason)

    async def _answer_or_refusal(self, question: Question) -> tuple[str, str]:
        try:
            text, reason = await self._ask_again(question)
        except self._openai.APIStatusError as error:
            return "", await self._refusal(error, question)
        self._answered = True
        return text, reason

    async def _refusal(self, error: Any, question: Question) -> str:
        """Return why a question has no answer; raises where that is not the question's fault."""
        if error.status_code in NOT_SERVED:
            raise ConfigurationError(f"the server at {self._client.base_url} refuses: {error}") from error
        if error.status_code not in REFUSED_STATUSES:
            raise error
        if not await self._answers_anything(question):
            raise ConfigurationError(f"the server refuses the first question: {error}") from error
        return f"{REFUSED}: {error}"[:500]  # this prompt: most of all, one that is too long

    async def _answers_anything(self, refused: Question) -> bool:
        """Say whether the server answers some question, if need be by a short one of the kind of the *refused* one.

        A refusal is there at once, while the answers to other questions may still take minutes.
        """
        async with self._probing:
            if not self._answered:
                short = "1" if isinstance(refused.prompt, str) else [{"role": "user", "content": "Say yes."}]
                try:
                    await self._ask_again(dataclasses.replace(refused, prompt=short))
                except self._openai.APIStatusError as error:
                    if error.status_code not in REFUSED_STATUSES:
                        raise
                    return False
                self._answered = True
            return True

    def _unavailable(self, error: Exception) -> EndpointUnavailable:
        return EndpointUnavailable(
            f"the server at {self._client.base_url} failed {self._source.retries + 1} times: {error}. What it has "
            "answered is kept; the same evaluation goes on from there"
        )

    async def _ask_again(self, question: Question) -> tuple[str, str]:
        """Ask until there is an answer: the `openai` client repeats for a bad status, less than a minute, and not for
        a bad body."""
        failed = 0
        while True:
            options = self._options.of(question)
            try:
                text, reason = await self._ask(question, options)
                whole = cut(text, question.stop)
                return whole, reason if whole == text else "stop"
            except (_NoAnswerError, self._openai.RateLimitError):
                if failed >= self._source.retries:
                    raise
                await asyncio.sleep(min(8.0, 0.5 * 2**failed))
                failed += 1
            except self._openai.APIStatusError as error:
                if error.status_code not in REFUSED_STATUSES:
                    raise
                is_outdated = self._options.of(question) != options  # others were told meanwhile what to leave out
                if not is_outdated and (self._answered or not self._options.give_up(str(error), options)):
                    raise

    async def _ask(self, question: Question, options: dict[str, Any]) -> tuple[str, str]:
        try:
            if isinstance(question.prompt, str):
                told = await self._client.completions.create(prompt=question.prompt, **options)
                return _told(told, told.choices[0].text)
            told = await self._client.chat.completions.create(messages=_sent(question.prompt), **options)
            return _told(told, told.choices[0].message.content)
        except (ValueError, AttributeError, IndexError, TypeError) as error:  # the client checks no body
            raise _NoAnswerError(f"the body is no answer: {error}") from error


def _sent(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return *messages* without the fields that a table gives all of them, and OpenAI refuses where they are empty."""
    return [{name: value for name, value in m.items() if value is not None or name == "content"} for m in messages]


def _told(told: Any, text: object) -> tuple[str, str]:
    if not isinstance(text, str | None):
        raise TypeError(f"text must be text, found {type(text).__name__}")
    return text or "", str(told.choices[0].finish_reason or "")
