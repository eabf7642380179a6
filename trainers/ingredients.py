"""What the trainer of a run is made of, whatever its method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from trl import get_peft_config, get_quantization_config

from rewards import CodeReward, ConfigurationError

from .arguments import RunArguments
from .packages import refuse_missing_packages

REFERENCE_FOLDER = "reference"
"""Where, in the output folder, the policy is kept as it was at the start."""


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
        refuse_missing_packages(run)
        if self.model is None and not run.model.model_name_or_path:
            raise ConfigurationError("model_name_or_path is missing: which model is to be trained?")
        if self.model is not None:
            self._keep_for_reference()
        else:
            run.training.model_init_kwargs = {
                "revision": run.model.model_revision,
                "trust_remote_code": run.training.trust_remote_code,
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

    def _keep_for_reference(self) -> None:
        """Save a model that was made in memory where a trainer needs a second one: TRL loads that from a folder."""
        training = self.run.training
        if not getattr(training, "beta", 0.0) or self.run.model.use_peft or _is_folder(self.model.name_or_path):
            return
        folder = Path(training.output_dir, REFERENCE_FOLDER)
        with training.main_process_first(desc="saving the reference model"):
            if training.process_index == 0:
                self.model.save_pretrained(folder)
        self.model.config._name_or_path = str(folder)


def _is_folder(name: str) -> bool:
    return bool(name) and Path(name).is_dir()
