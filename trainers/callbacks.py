"""The report of a training run: written while it goes on, at its end, and when it dies."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback

from rewards import CodeReward

from .arguments import RunArguments
from .progress import logs_above_bar
from .recording import EVALUATION, TRAINING, Recording
from .report import ReportData, Table, write_report
from .report.training import figures_of, key_figures, run_charts
from .step_clock import StepTimes, is_about_evaluation

_BUSY_SHARE = 0.05
"""Of a run's time that reports may take before its end."""
_log = logging.getLogger("trainers")


@contextmanager
def reporting(trainer: Any, run: RunArguments, reward: CodeReward) -> Iterator[None]:
    """Have the training inside tell of itself: the times of its steps in its logs, and a report in its folder.

    The report is written on the main process, also when the training raises. What goes wrong with it is warned of once
    and does not end the run.
    """
    times = StepTimes()
    trainer.callback_handler.callbacks.insert(0, times)  # before those that write logs
    reward.listen(times.hear)
    report = _callback(trainer, run, reward)
    ended_by: BaseException | None = None
    try:
        with logs_above_bar():
            yield
    except BaseException as error:
        ended_by = error
        raise
    finally:
        if report is not None:
            report.close(ended_by)


def _callback(trainer: Any, run: RunArguments, reward: CodeReward) -> ReportCallback | None:
    if not run.report.report or not trainer.is_world_process_zero():
        return None
    recording = Recording(run.training.output_dir, most=run.report.report_samples)
    reward.listen(recording.hear)
    callback = ReportCallback(recording, run, reward_name=reward.name)
    trainer.add_callback(callback)
    return callback


class ReportCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not type-checked here
    """Writes `report.html` every `report_every` logs, as far as that takes little of the run, and all in `close`."""

    def __init__(self, recording: Recording, run: RunArguments, *, reward_name: str) -> None:
        self._recording, self._run, self._reward_name = recording, run, reward_name
        self._state: Any = None
        self._logs = 0
        self._written_s = time.monotonic()
        self._took_s = 2.0  # as long as the first one may take, which loads matplotlib
        self._has_warned = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Go on with the samples of the run that is resumed, where one is."""
        self._state = state
        self._written_s = time.monotonic()
        self._recording.resume(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note that what was graded belongs to this step."""
        self._recording.settle(state.global_step, TRAINING)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Note what was graded for an evaluation; write the report when it is time."""
        if logs and is_about_evaluation(logs):
            self._recording.settle(state.global_step, EVALUATION)
            return
        self._logs += 1
        every = self._run.report.report_every
        rested_s = time.monotonic() - self._written_s
        if every and self._logs % every == 0 and rested_s * _BUSY_SHARE >= self._took_s:
            self._write("training goes on", pictures=False)

    def close(self, ended_by: BaseException | None = None) -> None:
        """Write the report of the whole run; *ended_by* is what has ended it before its time."""
        if self._state is None:
            return  # training has not begun: what stands there is another run's
        self._recording.settle(self._state.global_step + 1, TRAINING)
        self._recording.end()
        alert = "" if ended_by is None else f"The run ended early: {type(ended_by).__name__}: {ended_by}"
        self._write("ended early" if ended_by else "finished", alert=alert, pictures=True)

    def _write(self, status: str, *, alert: str = "", pictures: bool) -> None:
        began_s = time.monotonic()
        try:
            write_report(self._data(status, alert), self._run.training.output_dir, pictures=pictures)
        except Exception as error:  # noqa: BLE001 - the boundary between a run and its report, which must not end it
            if not self._has_warned:
                self._has_warned = True
                _log.warning(
                    "the report in %s cannot be written; the run goes on: %r", self._run.training.output_dir, error
                )
        self._written_s = time.monotonic()
        self._took_s = self._written_s - began_s

    def _data(self, status: str, alert: str) -> ReportData:
        figures = figures_of(self._state.log_history, reward_name=self._reward_name)
        when = time.strftime("%d %b %Y, %H:%M UTC", time.gmtime())
        of = f" of {self._state.max_steps:,}" if self._state.max_steps > 0 else ""
        run = self._run
        return ReportData(
            title=f"{run.method.upper()}: {run.model.model_name_or_path or 'a model'} on {run.data.dataset}",
            subtitle=f"{status} · step {self._state.global_step:,}{of} · {when}",
            alert=alert,
            figures=key_figures(figures),
            charts=run_charts(figures),
            tables=(_settings(run),),
            samples=self._recording.samples,
            samples_note="An even choice of the main process's completions, in each step one of each verdict first: "
            "the charts say how frequent they were.",
        )


def _settings(run: RunArguments) -> Table:
    training, reward = run.training, run.reward
    rows = {
        "method": run.method.upper(),
        "model": run.model.model_name_or_path,
        "dataset": run.data.dataset,
        "sandbox": reward.sandbox,
        "scoring": reward.scoring,
        "limits of a test": f"{reward.cpu_s:g} s CPU, {reward.memory_mb} MB",
        "batch of a device": training.per_device_train_batch_size,
        "completions of a prompt": getattr(training, "num_generations", None),
        "tokens of a completion, at most": getattr(training, "max_completion_length", None),
        "learning rate": f"{training.learning_rate:g}",
        "tools": ", ".join(run.agent.tools),
        "seed": training.seed,
        "folder": training.output_dir,
    }
    return Table("Run", (), tuple((name, str(value)) for name, value in rows.items() if value not in (None, "")))
