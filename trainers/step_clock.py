"""Where the time of a training step goes: generation, the reward, the update of the weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from rewards.reports.listening import GradedBatch

PREFIX = "time/"


class StepClock:
    """Adds up the seconds of the steps since they were last asked for, from when each part of a step began and ended.

    A step has one or more rounds (`gradient_accumulation_steps`). What goes by in a round before its first reward call
    is generation, and the update is the rest; a round without a reward call, as those that use earlier completions
    have none, is all update. Calls outside of a step, as those of evaluations, are not counted.
    """

    def __init__(self) -> None:
        self._round_began_s: float | None = None
        self._first_call_s: float | None = None
        self._reward_s = 0.0
        self._sums = {"generation": 0.0, "reward": 0.0, "update": 0.0}
        self._steps = 0

    @property
    def is_running(self) -> bool:
        """Say whether a step has begun and not ended."""
        return self._round_began_s is not None

    def begin(self, now_s: float) -> None:
        """Begin a step; what was open is dropped."""
        self._round_began_s, self._first_call_s, self._reward_s = now_s, None, 0.0

    def add_call(self, began_s: float, ended_s: float) -> None:
        """Count a call of the reward."""
        if self._round_began_s is None or began_s < self._round_began_s:
            return
        if self._first_call_s is None:
            self._first_call_s = began_s
        self._reward_s += ended_s - began_s

    def end_round(self, now_s: float) -> None:
        """End a round; the next one of the same step begins."""
        if self._round_began_s is None:
            return
        began_s = self._round_began_s
        generated_s = 0.0 if self._first_call_s is None else self._first_call_s - began_s
        self._sums["generation"] += generated_s
        self._sums["reward"] += self._reward_s
        self._sums["update"] += max(0.0, now_s - began_s - generated_s - self._reward_s)
        self.begin(now_s)

    def end(self, now_s: float) -> None:
        """End the step, where one has begun."""
        if self.is_running:
            self.end_round(now_s)
            self._round_began_s = None
            self._steps += 1

    def drain(self) -> dict[str, float]:
        """Return the mean seconds of a step in each part since the last time; empty where no step has ended."""
        means = {name: total / self._steps for name, total in self._sums.items()} if self._steps else {}
        self._sums = dict.fromkeys(self._sums, 0.0)
        self._steps = 0
        return means


class StepTimes(TrainerCallback):  # type: ignore[misc]  # transformers is not type-checked here
    """Adds `time/generation`, `time/reward` and `time/update`, in seconds per step, to each log about training.

    Those of this process: time spent waiting for other ranks counts for what comes next. It has to stand before the
    callbacks that write logs, for a log is one dictionary that all of them are handed.

    PPOTrainer says when a step ends, but not when it begins, and logs a step before its end.
    """

    def __init__(self) -> None:
        self._clock = StepClock()
        self._has_begins = False
        self._steps_before = 0
        """Those at the end of which the clock has begun, where the trainer does not say when."""

    def hear(self, batch: GradedBatch) -> None:
        """Take a graded batch; for `CodeReward.listen`."""
        self._clock.add_call(batch.began_s, batch.ended_s)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin the first step of a trainer that does not say when."""
        self._has_begins = False
        self._begin_unsaid(state, time.monotonic())

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin a step."""
        self._has_begins = True
        self._clock.begin(time.monotonic())

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End a round of a step."""
        self._clock.end_round(time.monotonic())

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End a step."""
        now_s = time.monotonic()
        self._clock.end(now_s)
        if not self._has_begins:
            self._begin_unsaid(state, now_s)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Add the seconds to a log about training, and to what the trainer keeps of it."""
        now_s = time.monotonic()
        if logs is None or is_about_evaluation(logs):
            if not self._has_begins and self._clock.is_running:
                self._clock.begin(now_s)  # what an evaluation took is no part of the step behind it
            return
        if not self._has_begins and state.global_step > self._steps_before:
            self._clock.end(now_s)
        means = {f"{PREFIX}{name}": seconds for name, seconds in self._clock.drain().items()}
        logs.update(means)
        if means and state.log_history and state.log_history[-1].get("step") == state.global_step:
            state.log_history[-1].update(means)

    def _begin_unsaid(self, state: Any, now_s: float) -> None:
        self._steps_before = state.global_step
        self._clock.begin(now_s)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count nothing that comes after the training."""
        self._clock = StepClock()


def is_about_evaluation(logs: Mapping[str, Any]) -> bool:
    """Say whether a log is one of an evaluation, whose figures all trainers put behind `eval_`."""
    return any(name.startswith("eval_") for name in logs)
