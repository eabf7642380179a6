"""Completions by a model of transformers in this process: batched, and the same ones again for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

from rewards import ConfigurationError

from ..tokens import prompt_ids
from .prompts import MakePrompt, Question, plain_prompt, questions
from .rows import Rows
from .sample import Sample
from .sampling import Sampling
from .written import FILE, Written, WrittenCompletions, refuse_another


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
    """For `from_pretrained`, such as dtype and device_map."""

    def samples(self, folder: Path) -> Iterator[Sample]:
        """Give the samples; batches that were made before are read."""
        written = WrittenCompletions(folder)
        asked = questions(self.rows, self.make_prompt, n=self.sampling.n, labels=self.labels)
        generate = None
        read = written.read()
        while batch := list(itertools.islice(asked, self.batch_size)):
            known = list(itertools.islice(read, len(batch)))
            for question, found in zip(batch, known, strict=False):
                refuse_another(found, problem=question.problem, prompt_digest=question.digest, path=folder / FILE)
            if len(known) < len(batch):
                generate = generate or Generator(self)
                made = generate.answers(batch)[len(known) :]
                written.append(made)
                known += made
            yield from (question.answered(found.completion) for question, found in zip(batch, known, strict=True))

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
    name = str(source.model)
    try:
        model = AutoModelForCausalLM.from_pretrained(name, **source.model_arguments)
        return model, source.tokenizer or AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the model {name!r} cannot be loaded: {error}") from error


class Generator:
    """A loaded model with its tokenizer."""

    def __init__(self, source: ModelSource) -> None:
        self._sampling = source.sampling
        named = isinstance(source.model, str | Path)
        if source.tokenizer is None and not named:
            raise ConfigurationError("a model that is handed over needs its tokenizer beside it")
        self.model, self.tokenizer = _loaded(source) if named else (source.model, source.tokenizer)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        if named and torch.cuda.is_available() and "device_map" not in source.model_arguments:
            self.model.to("cuda")
        self.model.eval()

    def answers(self, batch: Sequence[Question]) -> list[Written]:
        """Return a completion for each question; the same batch gets the same ones whenever it is asked."""
        options = self._sampling.chat_template_kwargs
        rows = [torch.tensor(prompt_ids(question.prompt, self.tokenizer, options=options)) for question in batch]
        padding = partial(pad_sequence, batch_first=True, padding_side="left")
        told = {
            "input_ids": padding(rows, padding_value=self.tokenizer.pad_token_id).to(self.model.device),
            "attention_mask": padding([torch.ones_like(row) for row in rows]).to(self.model.device),
        }
        set_seed(self._sampling.seed + batch[0].index)
        with torch.no_grad():
            ids = self.model.generate(**told, **self._options())
        answers = ids[:, told["input_ids"].shape[1] :]
        return [self._written(question, row.tolist()) for question, row in zip(batch, answers, strict=True)]

    def _options(self) -> dict[str, Any]:
        sampling = self._sampling
        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        return {
            "max_new_tokens": sampling.max_new_tokens,
            "do_sample": sampling.temperature > 0,
            "pad_token_id": self.tokenizer.pad_token_id,
            **(drawn if sampling.temperature > 0 else {}),
        }

    def _written(self, question: Question, ids: Sequence[int]) -> Written:
        ends = {self.tokenizer.eos_token_id, self.tokenizer.pad_token_id}
        reason = "stop" if any(token in ends for token in ids) else "length"
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return Written(question.problem, question.number, question.digest, text, reason)
