"""A model of transformers that is asked for completions, by what an evaluation says and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig, StoppingCriteria, set_seed

from rewards import ConfigurationError

from ..tokens import prompt_ids
from .prompts import Question
from .sampling import Sampling
from .stops import cut
from .written import REFUSED, Written

_KEPT = ("bos_token_id", "decoder_start_token_id", "suppress_tokens", "cache_implementation")
"""Of the settings that a model brings with it: the others, such as a repetition penalty, change what is drawn."""


class Generator:
    """A loaded model with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, sampling: Sampling) -> None:
        self.model, self.tokenizer, self._sampling = model, tokenizer, sampling
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._ends = _ends(model.generation_config, tokenizer)
        self._most = _room(model.config, sampling.max_new_tokens)
        model.eval()

    def answers(self, batch: Sequence[Question]) -> list[Written]:
        """Return a completion for each question; the same batch gets the same ones whenever it is asked.

        A prompt that leaves no room among the positions that a model has learned is refused, as servers do.
        """
        options = self._sampling.chat_template_kwargs
        prompts = [prompt_ids(question.prompt, self.tokenizer, options=options) for question in batch]
        fitting = [self._most is None or len(ids) <= self._most for ids in prompts]
        asked = [pair for pair, fits in zip(zip(batch, prompts, strict=True), fitting, strict=True) if fits]
        made = iter(self._made(asked) if asked else ())
        found = zip(batch, prompts, fitting, strict=True)
        return [next(made) if fits else self._refused(question, len(ids)) for question, ids, fits in found]

    def _made(self, asked: Sequence[tuple[Question, list[int]]]) -> list[Written]:
        rows = [torch.tensor(ids) for _, ids in asked]
        padding = partial(pad_sequence, batch_first=True, padding_side="left")
        told = {
            "input_ids": padding(rows, padding_value=self.tokenizer.pad_token_id).to(self.model.device),
            "attention_mask": padding([torch.ones_like(row) for row in rows]).to(self.model.device),
        }
        begin = told["input_ids"].shape[1]
        stopping = [_Stopped(self.tokenizer, [question.stop for question, _ in asked], begin)]
        set_seed(self._sampling.seed_of(asked[0][0].index))
        with torch.no_grad(), self._own_settings():
            ids = self.model.generate(**told, stopping_criteria=stopping)
        answers = zip(asked, ids[:, begin:].tolist(), strict=True)
        return [self._written(question, prompt, answer) for (question, prompt), answer in answers]

    def _refused(self, question: Question, length: int) -> Written:
        why = f"{REFUSED}: a prompt of {length} tokens, where max_new_tokens leave {self._most} of those the model has"
        return Written(question.problem, question.number, question.digest, "", why)

    @contextlib.contextmanager
    def _own_settings(self) -> Iterator[None]:
        """Put the evaluation's settings in the place of the model's own, with which `generate` fills every gap."""
        given = self.model.generation_config
        kept = {name: value for name in _KEPT if (value := getattr(given, name, None)) is not None}
        self.model.generation_config = GenerationConfig(**kept, **self._options())
        try:
            yield
        finally:
            self.model.generation_config = given

    def _options(self) -> dict[str, Any]:
        sampling = self._sampling
        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        return {
            "max_new_tokens": sampling.max_new_tokens,
            "do_sample": sampling.temperature > 0,
            "pad_token_id": self.tokenizer.pad_token_id,
            "eos_token_id": sorted(self._ends) or None,
            **(drawn if sampling.temperature > 0 else {}),
        }

    def _written(self, question: Question, prompt: list[int], ids: list[int]) -> Written:
        ends = {*self._ends, self.tokenizer.pad_token_id}
        text = self._text_behind(prompt, ids) if isinstance(question.prompt, str) else self._decoded(ids)
        whole = cut(text, question.stop)
        reason = "stop" if whole != text or any(token in ends for token in ids) else "length"
        return Written(question.problem, question.number, question.digest, whole, reason)

    def _text_behind(self, prompt: list[int], ids: list[int]) -> str:
        """Return the text by which *ids* continue *prompt*.

        Decoded alone they may lack a space at their beginning (Llama 2, Mistral), which in a function's body is one of
        its indentation.
        """
        before, whole = self._decoded(prompt), self._decoded([*prompt, *ids])
        return whole[len(before) :] if whole.startswith(before) else self._decoded(ids)

    def _decoded(self, ids: list[int]) -> str:
        # Without a cleaning that some tokenizers ask for, which takes spaces from before points and commas.
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _room(config: Any, max_new_tokens: int) -> int | None:
    """Return the longest prompt that can be answered; None where positions are computed, of which there is no last."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or any(getattr(config, name, None) for name in ("rope_parameters", "rope_theta", "alibi")):
        return None
    if max_new_tokens >= positions:
        raise ConfigurationError(f"max_new_tokens={max_new_tokens} leaves no room: the model has {positions} positions")
    return int(positions) - max_new_tokens


def _ends(settings: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a completion: the model's and the tokenizer's, of which trained models have others."""
    own = settings.eos_token_id
    told = [*(own if isinstance(own, list | tuple) else [own]), tokenizer.eos_token_id]
    return {int(token) for token in told if token is not None}


class _Stopped(StoppingCriteria):  # type: ignore[misc]  # transformers is not type-checked here
    """Ends a row whose text holds one of its stops; what stands behind it is cut later."""

    def __init__(self, tokenizer: Any, stops: Sequence[Sequence[str]], begin: int) -> None:
        self._tokenizer, self._stops, self._begin = tokenizer, stops, begin
        self._done = [False] * len(stops)

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        for i, stops in enumerate(self._stops):
            if stops and not self._done[i]:
                # A stop of so many characters is in at most as many tokens, of bytes that may be no character alone.
                most = 4 * max(map(len, stops)) + 1
                ids = input_ids[i, max(self._begin, input_ids.shape[1] - most) :]
                text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
                self._done[i] = any(stop in text for stop in stops)
        return torch.tensor(self._done, device=input_ids.device)
