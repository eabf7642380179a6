"""A run, from its arguments to the model and the summary that are left in its folder."""

from __future__ import annotations

from typing import Any

from .arguments import RunArguments
from .datasets import load_rows
from .ingredients import Ingredients
from .methods import method_called
from .progress import show_reward_table
from .report import write_report
from .reward import open_reward


def build_trainer(ingredients: Ingredients) -> Any:
    """Return the run's trainer, with what it shows of itself; reads every row first, and raises for a bad one."""
    found = ingredients.check_rows()
    trainer = method_called(ingredients.run.method).build(ingredients)
    trainer.accelerator.print(f"training rows: {found}")
    show_reward_table(trainer, reward_name=ingredients.reward.name)
    return trainer


def train(run: RunArguments, *, model: Any = None, tokenizer: Any = None) -> dict[str, Any]:
    """Train as *run* says, save the model, and return the summary that is written beside it."""
    train_rows, eval_rows = load_rows(run.data, seed=run.training.seed)
    with open_reward(run) as reward:
        trainer = build_trainer(Ingredients(run, reward, train_rows, eval_rows, model, tokenizer))
        trainer.train(resume_from_checkpoint=run.training.resume_from_checkpoint)
        trainer.save_model(run.training.output_dir)
        summary = {"dataset": run.data.dataset, "model": run.model.model_name_or_path, "rows": len(train_rows)}
        return write_report(trainer, summary)
