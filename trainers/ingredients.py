"""What the trainer of a run is made of, whatever its method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datasets
from trl import get_peft_config, get_quantization_config

from rewards import CodeReward, ConfigurationError

from .arguments import RunArguments


@dataclass(frozen=True)
class Ingredients:
    """A run's arguments, its reward and its rows; *model* and *tokenizer* stand in for `model_name_or_path`."""

    run: RunArguments
    reward: CodeReward
    train_rows: datasets.Dataset
    eval_rows: datasets.Dataset | None = None
    model: Any = None
    tokenizer: Any = None

    def check_rows(self) -> str:
        """Read every row, so that a bad one ends a run before it begins, and return what they are.

        Raises `DatasetError`.
        """
        found = self.reward.check(self.train_rows)
        if self.eval_rows is not None:
            self.reward.check(self.eval_rows)
        return str(found)

    def policy(self) -> dict[str, Any]:
        """Return the model, tokenizer, PEFT and quantization arguments that TRL's online trainers share.

        Completes `model_init_kwargs` of the run's training arguments. Raises `ConfigurationError` without a model.
        """
        run = self.run
        if self.model is None and not run.model.model_name_or_path:
            raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
        if self.model is None:
            run.training.model_init_kwargs = {
                "revision": run.model.model_revision,
                "attn_implementation": run.model.attn_implementation,
                "dtype": run.model.dtype,
                **(run.training.model_init_kwargs or {}),
            }
        return {
            "model": run.model.model_name_or_path if self.model is None else self.model,
            "processing_class": self.tokenizer,
            "peft_config": get_peft_config(run.model),
            "quantization_config": get_quantization_config(run.model) if self.model is None else None,
        }
