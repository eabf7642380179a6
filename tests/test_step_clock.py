"""Where the time of a step goes, by hand and in the two orders in which trainers call back."""

from types import SimpleNamespace

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]'")

from rewards.grades import BatchGrade
from rewards.reports.listening import GradedBatch
from trainers import step_clock
from trainers.step_clock import StepClock, StepTimes


def test_a_step_is_generation_reward_and_update():
    clock = StepClock()
    clock.begin(10.0)
    clock.add_call(13.0, 13.5)
    clock.end(15.0)
    assert clock.drain() == {"generation": 3.0, "reward": 0.5, "update": 1.5}
    assert clock.drain() == {}, "nothing is told twice"


def test_rounds_with_old_completions_are_updates_and_several_calls_add_up():
    clock = StepClock()
    clock.begin(0.0)
    clock.add_call(2.0, 3.0)
    clock.add_call(3.0, 3.5)
    clock.end_round(4.0)
    clock.end(7.0)
    assert clock.drain() == {"generation": 2.0, "reward": 1.5, "update": 3.5}


def test_a_log_about_several_steps_has_their_mean():
    clock = StepClock()
    for began in (0.0, 10.0):
        clock.begin(began)
        clock.add_call(began + 1, began + 2)
        clock.end(began + (3 if began else 5))
    assert clock.drain() == {"generation": 1.0, "reward": 1.0, "update": 2.0}


def test_an_evaluation_between_two_steps_is_no_part_of_either():
    clock = StepClock()
    clock.begin(0.0)
    clock.end(1.0)
    clock.add_call(2.0, 9.0)
    clock.begin(10.0)
    clock.add_call(5.0, 9.0)
    clock.end(11.0)
    assert clock.drain() == {"generation": 0.0, "reward": 0.0, "update": 1.0}


class Run:
    """Calls back as a trainer does, on a clock of its own."""

    def __init__(self, monkeypatch):
        self.now_s = 100.0
        monkeypatch.setattr(step_clock.time, "monotonic", lambda: self.now_s)
        self.times = StepTimes()
        self.state = SimpleNamespace(global_step=0, log_history=[])
        self.times.on_train_begin(None, self.state, None)

    def grade(self, took_s: float) -> None:
        began_s, self.now_s = self.now_s, self.now_s + took_s
        self.times.hear(GradedBatch((), (), {}, BatchGrade(()), began_s, self.now_s))

    def log(self, **logs: float) -> dict[str, float]:
        self.state.log_history.append({**logs, "step": self.state.global_step})
        self.times.on_log(None, self.state, None, logs=logs)
        return logs


def test_the_seconds_are_in_what_other_callbacks_see_and_in_the_history(monkeypatch):
    run = Run(monkeypatch)
    run.times.on_step_begin(None, run.state, None)
    run.now_s += 4
    run.grade(1)
    run.now_s += 2
    run.state.global_step = 1
    run.times.on_step_end(None, run.state, None)
    logged = run.log(reward=0.5)
    assert logged == {"reward": 0.5, "time/generation": 4.0, "time/reward": 1.0, "time/update": 2.0}
    assert run.state.log_history[-1]["time/reward"] == 1.0
    assert "time/reward" not in run.log(eval_reward=0.5)


def test_a_trainer_that_logs_before_the_end_of_a_step_and_never_begins_one(monkeypatch):
    """So does PPOTrainer."""
    run = Run(monkeypatch)
    for step in (1, 2):
        run.now_s += 3
        run.grade(1)
        run.now_s += 2
        run.state.global_step = step
        logged = run.log(reward=0.5)
        assert (logged["time/generation"], logged["time/reward"], logged["time/update"]) == (3.0, 1.0, 2.0)
        run.times.on_step_end(None, run.state, None)
        run.grade(7)
        run.log(eval_reward=0.1)


def test_a_resumed_run_in_which_nothing_is_left_to_train_has_no_step(monkeypatch):
    run = Run(monkeypatch)
    run.now_s += 3
    assert run.log(train_runtime=3.0) == {"train_runtime": 3.0}
