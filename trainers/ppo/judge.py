"""A reward callable behind token ids: the sequences of a PPO trainer in, one number for each out."""

from __future__ import annotations

import functools
import inspect
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rewards import ConfigurationError, DatasetError

from .metrics import MetricBuffer
from .prompts import PromptIndex

_NO_COLUMNS = frozenset({"input_ids", "attention_mask", "prompt", "completion", "completion_ids"})
_SHOWN_CHARACTERS = 80
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class _Sample:
    """One sequence, taken apart."""

    row: dict[str, Any]
    completion_ids: list[int]
    border: int


class Judge:
    """Knows the rows by their prompts' token ids, and asks the reward about what follows them.

    A batch is one call of the reward, with what TRL's trainers pass by keyword: `prompts` and `completions` as text, or
    as messages where the row's prompt is a conversation, `completion_ids`, the row's columns, `log_metric` and
    `log_extra`, and `trainer_state` once a trainer has set it.
    """

    def __init__(
        self, reward: Callable[..., Any], rows: Sequence[Any], *, tokenizer: Any, unjudged_value: float | None
    ) -> None:
        if not callable(reward):
            raise ConfigurationError(
                f"a reward model needs one callable, found {type(reward).__name__}: rewards.combine makes one"
            )
        if _is_async(reward):
            raise ConfigurationError(
                f"the reward {_name(reward)!r} is async, and a reward model is called without a loop: pass a plain "
                "callable, which may run its own loop inside; CodeReward does"
            )
        if unjudged_value is not None and not math.isfinite(unjudged_value):
            raise ConfigurationError(f"unjudged_value={unjudged_value} would break the policy: use a finite number")
        if tokenizer.pad_token_id is None:
            raise ConfigurationError("the tokenizer has no pad token: set tokenizer.pad_token, and to the trainer's")
        self.metrics = MetricBuffer()
        self.trainer_state: Any = None
        self._reward, self._name = reward, _name(reward)
        self._rows, self._tokenizer = rows, tokenizer
        self._index = PromptIndex(_input_ids(rows), pad_token_id=tokenizer.pad_token_id)
        self._refuse_contradictions()
        self._unjudged_value = unjudged_value
        self._last_mean = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "trainer_state": None}  # it belongs to a trainer, and holds its callbacks

    def __deepcopy__(self, memo: dict[int, Any]) -> Judge:
        return self  # a copy of the model asks the same reward: another one would start a sandbox of its own

    def score(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the scores of (batch, sequence) token ids: float32, of shape (batch,), on the same device, all finite.

        Raises `DatasetError` for a sequence that begins with no known prompt, and `ConfigurationError` for scores that
        are no numbers.
        """
        ids, masks = input_ids.cpu().numpy(), attention_mask.cpu().numpy().astype(bool)
        samples = [self._sample(*pair) for pair in zip(ids, masks, strict=True)]
        if len({sample.border for sample in samples}) > 1:
            raise ConfigurationError(
                "the prompts of one batch end in different columns: pad them on the left, "
                "tokenizer.padding_side = 'left', which PPOTrainer takes for granted"
            )
        numbers = self._numbers(self._ask(samples), len(samples))
        self._log(numbers, samples)
        return torch.tensor(self._finite(numbers), dtype=torch.float32, device=input_ids.device)

    def _sample(self, ids: Any, mask: Any) -> _Sample:
        found = self._index.find(ids, mask)
        if found is None:
            begin = self._tokenizer.decode(ids[mask][:_SHOWN_CHARACTERS].tolist())[:_SHOWN_CHARACTERS]
            raise DatasetError(
                f"a sequence begins with no prompt of the reward model's rows: {begin!r}. The rows must hold the very "
                "`input_ids` that the trainer trains and evaluates on: from one tokenizer with one chat template, and "
                "not cut off (no truncation, no max_length)"
            )
        after = mask[found.border :]
        n = len(after) if after.all() else int(np.argmin(after))  # TRL takes the first pad token for the end, too
        return _Sample(self._rows[found.row], ids[found.border : found.border + n].tolist(), found.border)

    def _ask(self, samples: Sequence[_Sample]) -> Any:
        texts = self._tokenizer.batch_decode([s.completion_ids for s in samples], skip_special_tokens=True)
        prompts = [self._prompt(sample.row) for sample in samples]
        known = [name for name in samples[0].row if name not in _NO_COLUMNS]
        return self._reward(
            prompts=prompts,
            completions=[
                text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]
                for prompt, text in zip(prompts, texts, strict=True)
            ],
            completion_ids=[sample.completion_ids for sample in samples],
            **{name: [sample.row.get(name) for sample in samples] for name in known},
            **({} if self.trainer_state is None else {"trainer_state": self.trainer_state}),
            log_metric=self.metrics.add,
            log_extra=_no_table,
        )

    def _prompt(self, row: dict[str, Any]) -> Any:
        if "prompt" in row:
            return row["prompt"]
        return self._tokenizer.decode(row["input_ids"], skip_special_tokens=True)

    def _numbers(self, scores: Any, n: int) -> list[float]:
        """Return the scores as floats, NaN where there is none."""
        if inspect.isawaitable(scores):
            getattr(scores, "close", int)()  # a coroutine that nobody awaits would warn of it, much later
            raise ConfigurationError(f"the reward {self._name!r} returned an awaitable: it must be a plain callable")
        try:
            numbers = [_number(score) for score in (scores.tolist() if hasattr(scores, "tolist") else scores)]
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the reward {self._name!r} must return a list of numbers: {error}") from None
        if len(numbers) != n:
            raise ConfigurationError(f"the reward {self._name!r} returned {len(numbers)} scores for {n} completions")
        infinite = [number for number in numbers if abs(number) > _LARGEST]
        if infinite:
            raise ConfigurationError(
                f"the reward {self._name!r} returned {infinite[0]} for a completion, which is no finite float32: no "
                "policy survives that. None says that nothing is known"
            )
        return numbers

    def _finite(self, numbers: list[float]) -> list[float]:
        """Return *numbers* with what stands for no score: PPO learns from every sequence, and NaN ends its weights."""
        judged = [number for number in numbers if not math.isnan(number)]
        self._last_mean = statistics.fmean(judged) if judged else self._last_mean
        stand_in = self._last_mean if self._unjudged_value is None else self._unjudged_value
        return [stand_in if math.isnan(number) else number for number in numbers]

    def _log(self, numbers: list[float], samples: Sequence[_Sample]) -> None:
        judged = [number for number in numbers if not math.isnan(number)]
        self.metrics.add(f"rewards/{self._name}/unjudged", 1 - len(judged) / len(numbers))
        self.metrics.add("completions/mean_length", statistics.fmean(len(s.completion_ids) for s in samples))
        if judged:
            mean, deviation = statistics.fmean(judged), statistics.pstdev(judged)
            for name in ("reward", f"rewards/{self._name}/mean"):
                self.metrics.add(name, mean)
            for name in ("reward_std", f"rewards/{self._name}/std"):
                self.metrics.add(name, deviation)

    def _refuse_contradictions(self) -> None:
        for first, later in self._index.repeated:
            one, other = dict(self._rows[first]), dict(self._rows[later])
            differing = [
                name for name in one if name not in ("input_ids", "attention_mask") and one[name] != other[name]
            ]
            if differing:
                raise DatasetError(
                    f"rows {first} and {later} have the same prompt, but another {differing[0]!r}: PPO tells rows "
                    "apart by their prompts alone. Drop one of them, or make the prompts differ"
                )


def _no_table(column: str, values: Any) -> None:
    """Take what would be a column of the table of completions: PPOTrainer has none."""


def _input_ids(rows: Any) -> Iterator[Any]:
    if hasattr(rows, "select_columns"):
        for batch in rows.select_columns(["input_ids"]).iter(1000):  # other columns may be megabytes a row
            yield from batch["input_ids"]
        return
    for row in rows:
        yield row["input_ids"]


def _number(score: Any) -> float:
    if isinstance(score, str):
        raise TypeError(f"found the text {score!r}")
    return math.nan if score is None else float(score)


def _is_async(reward: Any) -> bool:
    while isinstance(reward, functools.partial):
        reward = reward.func
    return inspect.iscoroutinefunction(reward) or inspect.iscoroutinefunction(type(reward).__call__)


def _name(reward: Any) -> str:
    while isinstance(reward, functools.partial):
        reward = reward.func
    return str(getattr(reward, "__name__", type(reward).__name__))
