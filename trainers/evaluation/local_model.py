"""Completions by a model of transformers in this process: batched, and the same ones again for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rewards import ConfigurationError

from .generator import Generator
from .prompts import MakePrompt, plain_prompt, questions
from .rows import Rows
from .sample import Sample
from .sampling import Sampling
from .written import FILE, WrittenCompletions, refuse_another


@dataclass(frozen=True)
class ModelSource:
    """Completions of a local model, kept in the evaluation's folder."""

    rows: Rows
    model: Any
    """A path, a name on the Hub, or a model."""
    tokenizer: Any = None
    """Unset: the model's own."""
    sampling: Sampling = Sampling()  # noqa: RUF009 - frozen
    batch_size: int = 16
    make_prompt: MakePrompt = plain_prompt
    labels: Sequence[str] = ()
    model_arguments: dict[str, Any] = field(default_factory=dict)
    """For `from_pretrained`, such as dtype (unset: that of the saved weights) and device_map."""

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples; batches that were made before are read."""
        written = WrittenCompletions(folder)
        asked = questions(self.rows, self.make_prompt, self.sampling, labels=self.labels)
        generate = None
        read = written.read()
        while batch := list(itertools.islice(asked, self.batch_size)):
            known = list(itertools.islice(read, len(batch)))
            for question, found in zip(batch, known, strict=False):
                refuse_another(found, problem=question.problem, prompt_digest=question.digest, path=folder / FILE)
            if len(known) < len(batch):
                generate = generate or _generator(self)
                made = generate.answers(batch)[len(known) :]
                written.append(made)
                known += made
            yield from (question.answered(found.completion) for question, found in zip(batch, known, strict=True))
        written.tell_what_was_lost(self.sampling.max_new_tokens)

    def count(self) -> int | None:
        """Return how many there are, where the data set says how long it is."""
        return self.sampling.completions_of(self.rows.count())

    def settings(self) -> dict[str, Any]:
        """Return the data set, the model, and how it is sampled."""
        name = self.model if isinstance(self.model, str | Path) else self.model.config._name_or_path
        name = name or type(self.model).__name__
        told = {"model": str(name), **vars(self.sampling), "batch_size": self.batch_size}
        return {"dataset": self.rows.described, "rows": self.rows.most, "completions": told}


def _loaded(source: ModelSource) -> tuple[Any, Any]:
    """Return the model and the tokenizer that *source* names."""
    name, given = str(source.model), source.model_arguments
    kind = {} if "torch_dtype" in given else {"dtype": "auto"}  # transformers before 5 would widen all to 32 bits
    try:
        model = AutoModelForCausalLM.from_pretrained(name, **{**kind, **given})
        return model, source.tokenizer or AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the model {name!r} cannot be loaded: {error}") from error


def _generator(source: ModelSource) -> Generator:
    named = isinstance(source.model, str | Path)
    if source.tokenizer is None and not named:
        raise ConfigurationError("a model that is handed over needs its tokenizer beside it")
    model, tokenizer = _loaded(source) if named else (source.model, source.tokenizer)
    if named and torch.cuda.is_available() and "device_map" not in source.model_arguments:
        model.to("cuda")
    return Generator(model, tokenizer, source.sampling)
