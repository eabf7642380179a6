"""A run, from its arguments to the model and the summary that are left in its folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from rewards import ConfigurationError

from .arguments import RunArguments
from .callbacks import reporting
from .datasets import load_rows
from .environments.building import refuse_tools
from .ingredients import Ingredients
from .methods import method_called
from .policy_preview import refuse_missing_model
from .progress import show_reward_table
from .reward import open_reward
from .sources import BUILDERS
from .summary import write_summary
from .tables import keep_tables_apart

_log = logging.getLogger("trainers")
_TORN = "a run that was killed while it saved leaves such a one; true takes the last that is whole"


def build_trainer(ingredients: Ingredients) -> Any:
    """Return the run's trainer, with what it shows of itself; reads every row first, and raises for a bad one."""
    refuse_tools(ingredients.run)
    found = ingredients.check_rows()
    try:
        trainer = method_called(ingredients.run.method).build(ingredients)
    except (ValueError, FileExistsError) as error:  # by which TRL and transformers refuse arguments and folders
        raise ConfigurationError(f"TRL cannot begin this run: {error}") from error
    trainer.accelerator.print(f"training rows: {found}")
    show_reward_table(trainer, reward_name=ingredients.reward.name)
    if ingredients.eval_rows is not None:
        keep_tables_apart(trainer)
    return trainer


def train(
    run: RunArguments, *, model: Any = None, tokenizer: Any = None, say: Callable[[str], Any] = lambda line: None
) -> dict[str, Any]:
    """Train as *run* says, save the model, and return the summary that is written beside it.

    *model* and *tokenizer* stand in for `model_name_or_path`. The reward and its sandboxes are closed, and the report
    is written, however it ends; the ranks leave their group together where it ends well, and where it does not, their
    launcher ends the others. *say* is told what people want to know.
    """
    checkpoint = checkpoint_of(run.training)
    if run.training.resume_from_checkpoint is not None:
        say(f"resumed from {checkpoint}" if checkpoint else "no checkpoint to resume from: from the start")
    if checkpoint is not None and 0 < run.training.max_steps <= _step_of(checkpoint):
        say(f"nothing is left to train: max_steps is {run.training.max_steps}")
        # The trainer takes one more step before it looks at `max_steps`, but none of an epoch that there is not.
        run.training.max_steps, run.training.num_train_epochs = -1, 0
    if model is None:
        refuse_missing_model(run)
    train_rows, eval_rows = load_rows(run.data, seed=run.training.seed)
    warn_of_idle_rows(run, eval_rows)
    with open_reward(run) as reward:
        trainer = build_trainer(Ingredients(run, reward, train_rows, eval_rows, model, tokenizer))
        with reporting(trainer, run, reward):
            trainer.train(resume_from_checkpoint=checkpoint)
        summary = {"dataset": run.data.dataset, "model": run.model.model_name_or_path, "rows": len(train_rows)}
        leave_model(trainer, run)
        written = write_summary(trainer, summary)
    (trainer.end if hasattr(trainer, "end") else trainer.accelerator.end_training)()  # from transformers 5.18 on
    return written


def warn_of_idle_rows(run: RunArguments, eval_rows: Any) -> None:
    """Say where rows are held out for nothing; PPO shows samples of them by an option of its own."""
    training = run.training
    if eval_rows is None or run.method == "ppo" or training.eval_strategy != "no" or training.eval_on_start:
        return
    _log.warning("%d rows are kept from training and nothing is evaluated on them: eval_strategy is no", len(eval_rows))


def leave_process_group() -> None:
    """Leave the group of all ranks, where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def checkpoint_of(training: Any) -> str | None:
    """Return the folder to resume from: the one named, or for `true` the last whole one of the output folder, if any.

    Raises `ConfigurationError` for a folder that is not there, or was not written to its end.
    """
    wanted = training.resume_from_checkpoint
    if wanted is None or wanted.lower() in ("false", "none"):
        return None
    if wanted.lower() != "true":
        if not Path(wanted).is_dir():
            raise ConfigurationError(f"resume_from_checkpoint: no folder {wanted!r}; true takes the last checkpoint")
        if not _is_whole(Path(wanted)):
            raise ConfigurationError(f"resume_from_checkpoint: {wanted!r} has no whole {TRAINER_STATE_NAME}; {_TORN}")
        return str(wanted)
    folders = Path(training.output_dir).glob(f"{PREFIX_CHECKPOINT_DIR}-*")
    numbered = sorted((int(number), path) for path in folders if (number := path.name.rpartition("-")[2]).isdecimal())
    return next((str(path) for _, path in reversed(numbered) if _is_whole(path)), None)


def _is_whole(checkpoint: Path) -> bool:
    """Say whether a checkpoint was written to its end: the state comes last, and without it the steps begin at 0."""
    try:
        return isinstance(json.loads((checkpoint / TRAINER_STATE_NAME).read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _step_of(checkpoint: str) -> int:
    return int(json.loads(Path(checkpoint, TRAINER_STATE_NAME).read_bytes()).get("global_step", 0))


def leave_model(trainer: Any, run: RunArguments) -> None:
    """Save the model with its card, and hand both to the Hub where the run says so."""
    data = run.data
    is_on_hub = not (data.datasets or data.dataset in BUILDERS or Path(data.dataset).expanduser().exists())
    dataset = data.dataset if is_on_hub else None
    trainer.save_model(run.training.output_dir)
    trainer.create_model_card(dataset_name=dataset, tags=["code-rewards"])
    if run.training.push_to_hub:
        trainer.push_to_hub(dataset_name=dataset, tags=["code-rewards"])
