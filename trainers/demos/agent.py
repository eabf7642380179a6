"""The agent demo: a small model learns to have its interpreter work out what it cannot know, and to hand that in.

Nothing is downloaded. Held-out figures come from the trainer's own evaluation, so that the rollouts, the sandbox and
the reward are those of training: tool calls are really run, one answer is sampled for each question.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import datasets
import torch
from transformers import set_seed

from ..arguments import RunArguments
from ..callbacks import reporting
from ..ingredients import Ingredients
from ..reward import open_reward
from ..summary import write_summary
from ..training import build_trainer
from .agent_model import train_chat_tokenizer
from .agent_task import Question, example_for, make_questions
from .programs import fine_tune
from .programs_model import build_model

_log = logging.getLogger("trainers")


def run_agent_demo(run: RunArguments, *, say: Callable[[str], Any] = _log.info) -> dict[str, Any]:
    """Warm up, measure, train by the run's method, measure again; return the summary that is also written.

    *say* is told what comes next, in a line for people.
    """
    if run.training.device.type == "cpu":
        torch.set_num_threads(run.demo.cpu_threads)
    datasets.disable_progress_bars()  # five bars for each of the small datasets here
    demo, seed = run.demo, run.training.seed
    questions = make_questions(demo.held_out_exercises + demo.exercises, seed=seed)
    held_out, training = questions[: demo.held_out_exercises], questions[demo.held_out_exercises :]
    examples = _examples(training, run)
    tokenizer = train_chat_tokenizer(_written(examples))
    model = build_model(tokenizer, hidden_size=demo.hidden_size, layers=demo.layers, seed=seed)
    say(f"{len(questions)} questions, the first of them:\n\n{training[0].prompt}\n  {training[0].code}\n")
    say(f"warm-up: {len(examples)} examples, {demo.right_share:.0%} right; {model.num_parameters():,} parameters")
    seconds = {"warm-up": fine_tune(model, tokenizer, examples, run)}
    with open_reward(run) as reward:
        trainer = build_trainer(Ingredients(run, reward, rows(training), rows(held_out), model, tokenizer))
        rates = {"before": _success_rate(trainer, rows(held_out))}
        say(f"held-out success {rates['before']:.1%}; {run.method.upper()}: {run.training.max_steps} steps")
        began = time.monotonic()
        with reporting(trainer, run, reward):
            trainer.train()
            seconds[run.method] = time.monotonic() - began
        rates["after"] = _success_rate(trainer, rows(held_out))
        say(f"held-out success {rates['after']:.1%}; the same questions, and other data in the interpreters")
        rates["other data"] = _success_rate(trainer, rows(held_out, known=_moved_on(held_out)))
    trainer.save_model(run.training.output_dir)
    return write_summary(trainer, {"seed": seed, "held_out_pass_rate": rates, "seconds": seconds})


def rows(questions: Sequence[Question], *, known: Sequence[Question] | None = None) -> datasets.Dataset:
    """Return a row for each question; its interpreter knows the data of the same one in *known*, else its own."""
    return datasets.Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": asked.prompt}],
                "tests": asked.tests,
                "environment_setup": there.setup,
            }
            for asked, there in zip(questions, known or questions, strict=True)
        ]
    )


def make_tokenizer(questions: Sequence[Question], run: RunArguments) -> Any:
    """Return the tokenizer of a model that is warmed up on these questions."""
    return train_chat_tokenizer(_written(_examples(questions, run)))


def _moved_on(questions: Sequence[Question]) -> list[Question]:
    """Return the questions each in the place of the one before: nobody's data is its own."""
    return [*questions[1:], questions[0]]


def _examples(questions: Sequence[Question], run: RunArguments) -> list[dict[str, Any]]:
    rng = random.Random(run.training.seed)
    asked = rng.choices(questions, k=run.demo.sft_steps * run.demo.sft_batch_size)
    return [example_for(question, rng, right_share=run.demo.right_share) for question in asked]


def _written(examples: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Give the texts of the conversations as the chat template writes them."""
    for message in (message for example in examples for message in example["messages"]):
        yield message["content"]
        for call in message.get("tool_calls", ()):
            yield f"{call['function']['name']} {json.dumps(call['function']['arguments'])}"


def _success_rate(trainer: Any, asked: datasets.Dataset) -> float:
    """Return the share of the rows whose last answer passes its tests, sampled as in training."""
    set_seed(trainer.args.seed)
    return float(trainer.evaluate(eval_dataset=asked)["eval_reward"])
