"""The model that a command line names, and what it is asked."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from rewards import ConfigurationError, DatasetError

from ..data_arguments import DataArguments
from ..datasets import make_prompt
from .completions import Source
from .endpoint import EndpointSource
from .prompts import MakePrompt, Prompt, plain_prompt
from .rows import Rows
from .sampling import Sampling


def source_for(chosen: argparse.Namespace, rows: Rows) -> Source:
    """Return the source of completions that *chosen*, the words of a command line, describe."""
    if chosen.concurrency < 1 or chosen.generation_batch_size < 1:
        raise ConfigurationError("--concurrency and --generation_batch_size must be at least 1")
    if chosen.timeout_s is not None and chosen.timeout_s <= 0:
        raise ConfigurationError("--timeout_s must be above 0")
    sampling = Sampling(
        n=chosen.n,
        max_new_tokens=chosen.max_new_tokens,
        temperature=chosen.temperature,
        top_p=chosen.top_p,
        seed=chosen.seed,
        stop=None if chosen.stop is None else tuple(text.replace("\\n", "\n") for text in chosen.stop),
        chat_template_kwargs=chosen.chat_template_kwargs,
    )
    if chosen.base_url is not None:
        return EndpointSource(
            rows,
            chosen.model,
            base_url=chosen.base_url,
            sampling=sampling,
            concurrency=chosen.concurrency,
            timeout_s=chosen.timeout_s,
            make_prompt=prompt_maker(chosen),
            labels=tuple(chosen.labels),
        )
    from .local_model import ModelSource  # with torch, which a server's answers need nothing of

    return ModelSource(
        rows,
        chosen.model,
        sampling=sampling,
        batch_size=chosen.generation_batch_size,
        make_prompt=prompt_maker(chosen),
        labels=tuple(chosen.labels),
    )


def prompt_maker(chosen: argparse.Namespace) -> MakePrompt:
    """Return what makes a prompt of a row, by the keys that training has for it."""
    arguments = DataArguments(
        prompt_column=chosen.prompt_column,
        prompt_template=chosen.prompt_template,
        system_prompt=chosen.system_prompt,
        conversational=not chosen.plain_text,
    )

    def asked(row: Mapping[str, Any]) -> Prompt:
        if row.get(chosen.prompt_column) is not None:
            return make_prompt(row, arguments)
        if chosen.prompt_column != DataArguments.prompt_column:
            raise DatasetError(f"a row has nothing in {chosen.prompt_column!r} to ask; its columns: {', '.join(row)}")
        # Statements in a column of another name, such as MBPP's `text`, are asked by the same template.
        return make_prompt({**row, chosen.prompt_column: plain_prompt(row)}, arguments)

    return asked
