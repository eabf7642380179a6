"""What arrives where people look: TensorBoard, trackio, the table of completions, the terminal and the report."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the reward inside TRL")

from rewards import CircuitBreaker, CircuitBreakerOpen, CodeReward, Extraction
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox
from trainers.arguments import ReportArguments, RewardArguments

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # transformers renamed what TRL still sets
)
TESTS = json.dumps([{"type": "stdin", "input": "1\n", "output": "1\n"}])
COLUMNS = {"prompt": ["print one: "] * 4, "tests": [TESTS] * 4}
OURS = {"code/accepted", "code/unjudged", "code/job_latency/p95", "code/retries"}
TIMES = {"time/generation", "time/reward", "time/update"}


class Wordy(FakeSandbox):
    """Takes anything for a program that prints 1 or 2, as its length is; breaks after *lasts* programs."""

    def __init__(self, lasts: int = 10_000) -> None:
        self.left = lasts
        super().__init__(self._print)

    def _print(self, job: Any) -> Any:
        self.left -= 1
        broken = SandboxFailure("start", "no sandbox today", retryable=False)
        return broken if self.left < 0 else str(1 + len(job.program.source) % 2)


def run_of(trainer: Any, **report: Any) -> Any:
    """Return what `reporting` reads of a run's arguments."""
    return SimpleNamespace(
        method="grpo",
        training=trainer.args,
        model=SimpleNamespace(model_name_or_path="tiny"),
        data=SimpleNamespace(dataset="ones"),
        agent=SimpleNamespace(tools=[]),
        reward=RewardArguments(),
        report=replace(ReportArguments(), **report),
    )


def train(folder: Path, *, sandbox: Any = None, report: dict[str, Any] | None = None, **options: Any) -> Any:
    """Train for real with a reward that knows any text for a program, and return the trainer."""
    from tiny_policy import grpo_trainer

    from trainers.callbacks import reporting

    resume = options.pop("resume", None)
    breaker = CircuitBreaker(batches=2)
    sandbox = sandbox or Wordy()
    with CodeReward(sandbox=sandbox, extraction=Extraction(allow_unparsed=True), breaker=breaker) as reward:
        trainer = grpo_trainer([reward], COLUMNS, str(folder), **options)
        with reporting(trainer, run_of(trainer, **(report or {})), reward):
            trainer.train(resume_from_checkpoint=resume)
    return trainer


def samples_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of protobuf and the like, inside TensorBoard
def test_the_figures_arrive_in_tensorboard(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="pip install tensorboard to read its files")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    trainer = train(tmp_path, steps=2, report_to="tensorboard", report={"report": False})
    for callback in trainer.callback_handler.callbacks:
        getattr(getattr(callback, "tb_writer", None), "close", lambda: None)()
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    tags = {tag.removeprefix("train/") for tag in events.Tags()["scalars"]}
    assert tags >= OURS | TIMES
    assert [event.step for event in events.Scalars("train/time/reward")] == [1, 2]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # inside trackio
def test_the_figures_and_the_table_arrive_in_trackio(tmp_path, capsys):
    pytest.importorskip("trackio", reason="pip install trackio to read its database")
    from trackio.sqlite_storage import SQLiteStorage

    train(tmp_path, steps=2, report_to="trackio", log_completions=True, report={"report": False}, project="ones")
    (name,) = SQLiteStorage.get_runs("ones")
    logged = SQLiteStorage.get_logs("ones", name)
    names = {name.removeprefix("train/") for row in logged for name in row}
    assert names >= OURS | TIMES
    tables = [row["completions"] for row in logged if "completions" in row]
    assert len(tables) >= 2
    assert {"code/program", "code/verdict", "code/detail"} <= set(tables[0]["_value"][0])
    capsys.readouterr()


def test_a_run_leaves_its_report_with_pictures_and_evaluations_apart(tmp_path):
    from datasets import Dataset
    from tiny_policy import grpo_trainer

    from trainers.callbacks import reporting
    from trainers.summary import write_summary

    with CodeReward(sandbox=Wordy(), extraction=Extraction(allow_unparsed=True)) as reward:
        trainer = grpo_trainer([reward], COLUMNS, str(tmp_path), steps=4, eval_steps=2, per_device_eval_batch_size=4)
        trainer.eval_dataset = Dataset.from_dict(COLUMNS)
        trainer.args.eval_strategy = "steps"
        with reporting(trainer, run_of(trainer), reward):
            trainer.train()
        summary = write_summary(trainer, {"rows": 4})
    labels = {(sample["step"], dict(sample["labels"])["phase"]) for sample in samples_in(tmp_path)}
    assert labels == {(i, "training") for i in (1, 2, 3, 4)} | {(i, "evaluation") for i in (2, 4)}
    page = (tmp_path / "report.html").read_text()
    assert "finished · step 4 of 4" in page
    assert "accepted in evaluation" in page
    pictures = {path.name for path in (tmp_path / "charts").iterdir()}
    assert pictures >= {"reward.png", "verdicts.png", "time.png", "unjudged.png", "retries.png"}
    assert (tmp_path / "reward_curve.png").exists()
    assert set(summary["seconds_per_step"]) == {"generation", "reward", "update"}
    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    for entry in steps:
        assert sum(entry[name] for name in TIMES) == pytest.approx(entry["step_time"], rel=0.5, abs=0.1)


def test_a_resumed_run_shows_its_earlier_steps(tmp_path):
    train(tmp_path, steps=4, save_strategy="steps", save_steps=2, report={"report_every": 0})
    first = samples_in(tmp_path)
    train(
        tmp_path,
        steps=4,
        save_strategy="steps",
        save_steps=2,
        resume=str(tmp_path / "checkpoint-2"),
        report={"report_every": 0},
    )
    again = samples_in(tmp_path)
    assert [sample for sample in again if sample["step"] <= 2] == [sample for sample in first if sample["step"] <= 2]
    assert {sample["step"] for sample in again} == {1, 2, 3, 4}


def test_a_run_that_dies_leaves_the_report_of_what_it_did(tmp_path):
    with pytest.raises(CircuitBreakerOpen):
        train(tmp_path, steps=9, sandbox=Wordy(lasts=4), save_strategy="no")
    page = (tmp_path / "report.html").read_text()
    assert "The run ended early: CircuitBreakerOpen" in page
    assert {sample["verdict"] for sample in samples_in(tmp_path)} >= {"unjudged"}


def test_a_report_that_cannot_be_written_does_not_end_the_run(tmp_path, caplog):
    (tmp_path / "report.html").mkdir()
    with caplog.at_level(logging.WARNING):
        trainer = train(tmp_path, steps=2, report={"report_every": 1})
    assert trainer.state.global_step == 2
    warnings = [record for record in caplog.records if "the report in" in record.message]
    assert len(warnings) == 1
    assert "the run goes on" in warnings[0].message


def test_what_is_logged_stands_above_the_progress_bar(capsys):
    from tqdm import tqdm

    from trainers.progress import logs_above_bar

    with logs_above_bar(), tqdm(total=3, ascii=True) as bar:
        bar.update(1)
        logging.getLogger("rewards").warning("12 of 64 programs were not judged")
        bar.update(1)
    shown = capsys.readouterr().err
    assert "\r" in shown
    assert any(part.strip() == "12 of 64 programs were not judged" for part in shown.replace("\r", "\n").splitlines())


@pytest.mark.parametrize("logs", [{"eval_reward": 0.5, "eval_code/accepted": 0.25}])
def test_an_evaluation_is_a_row_of_the_table(capsys, logs):
    from tqdm import tqdm

    from trainers.progress import RewardTable

    table = RewardTable()
    table.training_bar = tqdm(total=1)
    table.on_log(SimpleNamespace(log_completions=True), SimpleNamespace(global_step=3), None, logs=logs)
    table.training_bar.close()
    assert "  eval         0.500         0.250             -" in "".join(capsys.readouterr())
