"""What a run's numbers come to: how much is generated, graded and learned from at a time, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """The sizes of a run, all ranks together unless they say otherwise."""

    ranks: int
    prompts_per_step: float
    completions_per_step: float
    """Those that one update learns from; the same ones serve several, where `num_iterations` or the like says so."""
    completions_per_call: int
    """Those that one rank's reward is asked about at once."""
    steps: int
    epochs: float


def plan_of(training: Any, rows: int) -> Plan:
    """Return what TRL makes of its arguments for GRPO and RLOO, or for PPO, which has one completion a prompt."""
    ranks, per_device = training.world_size, training.per_device_train_batch_size
    accumulated = training.gradient_accumulation_steps
    per_prompt = getattr(training, "num_generations", 1)
    per_generation = getattr(training, "steps_per_generation", None) or accumulated
    uses = getattr(training, "num_iterations", 1)
    generated = per_device * ranks * per_generation
    completions = per_device * ranks * accumulated
    # A trainer generates for whole batches of prompts only, and learns from each `num_iterations` times.
    a_round = max(1, rows * per_prompt // generated)
    steps_per_epoch = max(1.0, a_round * per_generation * uses / accumulated)
    steps = training.max_steps if training.max_steps > 0 else math.ceil(training.num_train_epochs * steps_per_epoch)
    return Plan(
        ranks=ranks,
        prompts_per_step=completions / per_prompt / uses,
        completions_per_step=completions,
        completions_per_call=per_device * per_generation,
        steps=steps,
        epochs=steps / steps_per_epoch,
    )


def worst_grading_s(plan: Plan, *, cpu_s_per_program: float, capacity: int) -> float:
    """Return the seconds for a rank's batch in which every program is another one and uses all that it may."""
    return math.ceil(plan.completions_per_call / max(1, capacity)) * cpu_s_per_program
