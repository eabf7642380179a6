"""The runs that bring their own rows and model, by the name that stands for them in the key `dataset`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import datasets

from ..arguments import DEMO, RunArguments
from ..datasets import KNOWN_SOLUTION
from ..dry_run import Material
from .agent import make_tokenizer, rows, run_agent_demo
from .agent_task import make_questions
from .programs import mixed_examples, run_demo
from .programs_model import train_tokenizer
from .programs_task import make_exercises, written_tests

_PREVIEWED = 64
"""Exercises that a dry run makes, and examples that its tokenizer is made of."""


@dataclass(frozen=True)
class Demo:
    """How it runs, and what a dry run needs of it."""

    run: Callable[..., dict[str, Any]]
    material: Callable[[RunArguments], Material]


def _material(run: RunArguments) -> Material:
    exercises = make_exercises(_PREVIEWED, seed=run.training.seed)
    made = [{"prompt": e.prompt, "tests": written_tests(e), KNOWN_SOLUTION: e.program} for e in exercises]
    examples = mixed_examples(exercises, _PREVIEWED, right_share=1.0, seed=run.training.seed)
    tokenizer = train_tokenizer(example["prompt"] + example["completion"] for example in examples)
    return Material(datasets.Dataset.from_list(made), tokenizer, n_rows=run.demo.exercises)


def _agent_material(run: RunArguments) -> Material:
    questions = make_questions(_PREVIEWED, seed=run.training.seed)
    solutions = [f"print({question.answer})" for question in questions]
    made = rows(questions).add_column(KNOWN_SOLUTION, solutions)
    return Material(made, make_tokenizer(questions, run), n_rows=run.demo.exercises)


DEMOS = {DEMO: Demo(run_demo, _material), "agent_demo": Demo(run_agent_demo, _agent_material)}
"""By the value of the key `dataset`."""
