"""The CPU demo: a small model, warmed up on examples of mixed quality, learns from its reward to write programs.

Nothing is downloaded. Every held-out figure is measured as training measures: one completion at a time sampled at the
training temperature, graded by the same reward in the same sandbox.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import datasets
import torch
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

from rewards import CodeReward

from ..arguments import RunArguments
from ..callbacks import reporting
from ..ingredients import Ingredients
from ..reward import open_reward
from ..summary import write_summary
from ..training import build_trainer
from .programs_model import build_model, train_tokenizer
from .programs_task import Exercise, make_exercises, written_tests

_CONTROL_SEED = 1_000
_log = logging.getLogger("trainers")


def run_demo(run: RunArguments, *, say: Callable[[str], Any] = _log.info) -> dict[str, Any]:
    """Warm up, measure, train by the run's method, measure again; return the summary that is also written.

    *say* is told what comes next, in a line for people.
    """
    if run.training.device.type == "cpu":
        torch.set_num_threads(run.demo.cpu_threads)
    datasets.disable_progress_bars()  # five bars for each of the small datasets here
    demo, seed = run.demo, run.training.seed
    exercises = make_exercises(demo.held_out_exercises + demo.exercises, seed=seed)
    held_out, training = exercises[: demo.held_out_exercises], exercises[demo.held_out_exercises :]
    examples = mixed_examples(training, demo.sft_steps * demo.sft_batch_size, right_share=demo.right_share, seed=seed)
    tokenizer = train_tokenizer(example["prompt"] + example["completion"] for example in examples)
    model = build_model(tokenizer, hidden_size=demo.hidden_size, layers=demo.layers, seed=seed)
    say(f"{len(exercises)} exercises, the first of them:\n\n{exercises[0].prompt}\n{exercises[0].program}\n")
    say(f"warm-up: {len(examples)} examples, {demo.right_share:.0%} right; {model.num_parameters():,} parameters")
    warm_up_s = fine_tune(model, tokenizer, examples, run)
    warmed_up = copy_of(model) if demo.control else None
    with open_reward(run) as reward:
        rates = {"before": pass_rate(model, tokenizer, held_out, reward, run)}
        say(f"held-out pass rate {rates['before']:.1%}; {run.method.upper()}: {run.training.max_steps} steps")
        trainer = build_trainer(Ingredients(run, reward, _rows(training), None, model, tokenizer))
        began = time.monotonic()
        with reporting(trainer, run, reward):
            trainer.train()
            online_s = time.monotonic() - began
        rates["after"] = pass_rate(model, tokenizer, held_out, reward, run)
        seconds = {"warm-up": warm_up_s, run.method: online_s}
        if warmed_up is not None:
            say(f"held-out pass rate {rates['after']:.1%}; control: as long on more of the warm-up's examples")
            seconds["control"] = _train_control(
                warmed_up, tokenizer, training, run, warm_up_s=warm_up_s, online_s=online_s
            )
            rates["control"] = pass_rate(warmed_up, tokenizer, held_out, reward, run)
    trainer.save_model(run.training.output_dir)
    return write_summary(trainer, {"seed": seed, "held_out_pass_rate": rates, "seconds": seconds})


def mixed_examples(exercises: Sequence[Exercise], n: int, *, right_share: float, seed: int) -> list[dict[str, str]]:
    """Return *n* examples of programs as people write them: *right_share* are right, the others have one flaw."""
    rng = random.Random(seed)
    return [
        {"prompt": e.prompt, "completion": e.program if rng.random() < right_share else e.flawed_program(rng)}
        for e in rng.choices(exercises, k=n)
    ]


def fine_tune(model: Any, tokenizer: Any, examples: list[dict[str, Any]], run: RunArguments) -> float:
    """Train *model* on *examples*, each seen once, and return the seconds that it took.

    Of a conversation it learns what the assistant says.
    """
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=run.training.output_dir,
            per_device_train_batch_size=run.demo.sft_batch_size,
            max_steps=len(examples) // run.demo.sft_batch_size,
            learning_rate=run.demo.sft_learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=20,
            seed=run.training.seed,
            use_cpu=run.training.use_cpu,
            bf16=False,
            gradient_checkpointing=False,  # a model of this size has room for what it would compute twice
            dataloader_pin_memory=False,
            logging_steps=50,
            report_to="none",
            save_strategy="no",
            disable_tqdm=run.training.disable_tqdm,
            assistant_only_loss="messages" in examples[0],
        ),
        train_dataset=datasets.Dataset.from_list(examples),
        processing_class=tokenizer,
    )
    began = time.monotonic()
    trainer.train()
    return time.monotonic() - began


def _train_control(
    model: Any, tokenizer: Any, exercises: Sequence[Exercise], run: RunArguments, *, warm_up_s: float, online_s: float
) -> float:
    """Spend at least the time of the online training on more examples of the same quality; return the seconds taken."""
    demo, spent_s, step_s, rounds = run.demo, 0.0, warm_up_s / run.demo.sft_steps, 0
    while spent_s < online_s:
        rounds += 1
        steps = math.ceil((online_s - spent_s) / step_s) + 1
        seed = run.training.seed + _CONTROL_SEED + rounds
        examples = mixed_examples(exercises, steps * demo.sft_batch_size, right_share=demo.right_share, seed=seed)
        round_s = fine_tune(model, tokenizer, examples, run)
        spent_s, step_s = spent_s + round_s, round_s / steps  # a shared machine changes its pace
    return spent_s


def copy_of(model: Any) -> Any:
    """Return a model of its own with the same weights.

    Not by `copy.deepcopy`: a trainer has replaced `forward` by a closure over the old model, which a copy would keep.
    """
    copied = type(model)(model.config).to(model.device)
    copied.load_state_dict(model.state_dict())
    return copied


def _rows(exercises: Sequence[Exercise]) -> datasets.Dataset:
    return datasets.Dataset.from_list([{"prompt": e.prompt, "tests": written_tests(e)} for e in exercises])


def pass_rate(
    model: Any, tokenizer: Any, exercises: Sequence[Exercise], reward: CodeReward, run: RunArguments
) -> float:
    """Return the share of sampled programs that pass every test of their exercise."""
    asked = [e for e in exercises for _ in range(run.demo.held_out_samples)]
    set_seed(run.training.seed)
    completions = sample(
        model,
        tokenizer,
        [e.prompt for e in asked],
        max_new_tokens=run.training.max_completion_length,
        temperature=run.training.temperature,
    )
    scores = reward.grade(completions=completions, tests=[written_tests(e) for e in asked]).scores
    judged = [score for score in scores if score is not None]
    return sum(judged) / max(1, len(judged))


def sample(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    temperature: float,
    batch_size: int = 128,
) -> list[str]:
    """Return one sampled completion for each prompt, from the whole distribution."""
    was_training = model.training
    model.eval()
    completions: list[str] = []
    for start in range(0, len(prompts), batch_size):
        batch = tokenizer(list(prompts[start : start + batch_size]), return_tensors="pt", padding=True)
        with torch.no_grad():
            ids = model.generate(
                input_ids=batch["input_ids"].to(model.device),
                attention_mask=batch["attention_mask"].to(model.device),
                max_new_tokens=max_new_tokens,
                do_sample=True,
                temperature=temperature,
                top_k=0,
            )
        completions += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    model.train(was_training)
    return completions
