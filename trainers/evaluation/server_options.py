"""What a request says beside its prompt, for servers that know it all and for those that refuse a part of it."""

from __future__ import annotations

import logging
import re
from typing import Any

from .prompts import Question
from .sampling import Sampling

logger = logging.getLogger(__name__)
_UNKNOWN = re.compile(
    r"unsupported|not supported|not support|unknown|unrecognized|unexpected|extra|not permitted|not allowed|cannot",
    re.I,
)
"""How servers call an option that they do not take."""

MOST_STOPS = 4
"""That OpenAI takes; what stands behind others is cut off here."""


class ServerOptions:
    """The options of all requests, less what the server has refused: nothing that changes an answer is given up."""

    def __init__(self, model: str, sampling: Sampling) -> None:
        self._model, self._sampling = model, sampling
        self._refused: set[str] = set()

    def of(self, question: Question) -> dict[str, Any]:
        """Return the options to ask *question* with."""
        sampling = self._sampling
        options: dict[str, Any] = {
            "model": self._model,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed_of(question.index),
        }
        if question.stop:
            options["stop"] = list(question.stop[:MOST_STOPS])
        if sampling.chat_template_kwargs:  # no part of OpenAI's protocol: vLLM, SGLang and TGI know it
            options["extra_body"] = {"chat_template_kwargs": dict(sampling.chat_template_kwargs)}
        if "max_tokens" in self._refused:
            options["max_completion_tokens"] = options["max_tokens"]
        return {name: value for name, value in options.items() if name not in self._refused}

    def give_up(self, complaint: str, asked: dict[str, Any]) -> bool:
        """Say whether a question that was *asked* with these options is worth another try, after this *complaint*.

        OpenAI's reasoning models have another name for `max_tokens`; some servers take no `seed`, and some no `top_p`
        beside a temperature, which at 1 does nothing.
        """
        wanted = ["max_tokens"] if "max_completion_tokens" in complaint else []
        wanted += ["seed"] + ["top_p"] * (self._sampling.top_p == 1)
        for name in wanted:
            if name in asked and re.search(rf"\b{name}\b", complaint) and _UNKNOWN.search(complaint):
                self._give_up(name)
                return True
        return False

    def _give_up(self, name: str) -> None:
        if name == "seed" and name not in self._refused:
            logger.warning("the server takes no seed: another evaluation would get other completions")
        self._refused.add(name)
