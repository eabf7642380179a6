"""The reward in all of TRL's trainers that take one, each of which really trains, and what each makes of a None."""

from __future__ import annotations

import json
import logging
import pickle
import statistics
from pathlib import Path

import pytest

from rewards import CodeReward, Extraction
from rewards.records import Job, SandboxFailure
from rewards.reports.listening import GradedBatch
from rewards.sandboxes.fake import FakeSandbox

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the reward inside TRL")

pytestmark = [
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated.*:FutureWarning:trl.*"),
]

TESTS = json.dumps([{"type": "stdin", "input": "1\n", "output": "1\n"}])
COLUMNS = {"prompt": ["print one: "] * 4, "tests": [TESTS] * 4}
LOST = SandboxFailure("transport", "no answer", retryable=False)
LEAVES_NONE_OUT = ("GRPO", "RLOO", "GMPO")
TAKES_NONE_FOR_ZERO = ("OnlineDPO", "SDPO")
STOPS_AT_NONE = ("A2PO",)
ALL = (*LEAVES_NONE_OUT, *TAKES_NONE_FOR_ZERO, *STOPS_AT_NONE)


def answer(job: Job) -> str | SandboxFailure:
    """Take any text for a program that prints 1 or 2, as its length is."""
    return str(1 + len(job.program.source) % 2)


def answer_or_fail(job: Job) -> str | SandboxFailure:
    """Judge two programs out of three."""
    return LOST if sum(job.program.source.encode()) % 3 == 0 else answer(job)


def fail(job: Job) -> SandboxFailure:
    return LOST


def reward_of(answers, **options) -> CodeReward:
    extraction = Extraction(allow_unparsed=True)
    return CodeReward(sandbox=FakeSandbox(answers), extraction=extraction, breaker=None, **options)


def train(name: str, reward: CodeReward, folder: Path) -> tuple[list[dict[str, float]], list[GradedBatch], list[float]]:
    """Return what the trainer has logged, what the reward has graded, and the advantages of the last batch if any."""
    from every_trainer import KINDS, trainer_of

    batches: list[GradedBatch] = []
    reward.listen(batches.append)
    trainer = trainer_of(name, reward, COLUMNS, folder)
    trainer.train()
    key = KINDS[name].mean_reward
    history = [{**entry, "mean": entry[key]} for entry in trainer.state.log_history if key in entry]
    return history, batches, list(getattr(trainer, "_logs", {}).get("advantages", ()))


@pytest.mark.parametrize("name", ALL)
def test_it_trains_with_the_reward(name, tmp_path):
    with reward_of(answer) as reward:
        history, batches, _ = train(name, reward, tmp_path)
    assert len(history) == 2
    scores = batches[-1].grade.scores
    assert history[-1]["mean"] == pytest.approx(statistics.mean(scores))
    assert {score for batch in batches for score in batch.grade.scores} == {0.0, 1.0}


@pytest.mark.parametrize("name", LEAVES_NONE_OUT)
def test_a_completion_that_no_sandbox_could_judge_is_left_out(name, tmp_path):
    with reward_of(answer_or_fail) as reward:
        history, batches, advantages = train(name, reward, tmp_path)
    scores = batches[-1].grade.scores
    assert None in scores
    assert history[-1]["mean"] == pytest.approx(statistics.mean(score for score in scores if score is not None))
    assert all(found == 0.0 for found, score in zip(advantages, scores, strict=True) if score is None)


@pytest.mark.parametrize("name", [*TAKES_NONE_FOR_ZERO, *STOPS_AT_NONE])
def test_where_no_none_is_known_the_number_that_was_asked_for_is_used(name, tmp_path, caplog):
    caplog.set_level(logging.WARNING, "rewards")
    with reward_of(answer_or_fail, unjudged_score=0.5) as reward:
        history, batches, _ = train(name, reward, tmp_path)
    scores = batches[-1].grade.scores
    assert 0.5 in [score for batch in batches for score in batch.grade.scores]
    assert history[-1]["mean"] == pytest.approx(statistics.mean(scores))
    assert "counts a None as 0" not in caplog.text


@pytest.mark.parametrize("name", TAKES_NONE_FOR_ZERO)
def test_a_trainer_that_takes_none_for_zero_is_warned_of_at_its_first_batch(name, tmp_path, caplog):
    caplog.set_level(logging.WARNING, "rewards")
    with reward_of(fail) as reward:
        history, _, _ = train(name, reward, tmp_path)
    assert [entry["mean"] for entry in history] == [0.0, 0.0]
    warnings = [record.getMessage() for record in caplog.records if record.name == "rewards"]
    assert "counts a None as 0" in warnings[0]
    assert sum("counts a None as 0" in warning for warning in warnings) == 1


@pytest.mark.parametrize("name", STOPS_AT_NONE)
def test_before_a_trainer_stops_at_a_none_the_console_says_how_it_came_about(name, tmp_path, caplog):
    caplog.set_level(logging.WARNING, "rewards")
    with reward_of(fail) as reward, pytest.raises(TypeError, match="NoneType"):
        train(name, reward, tmp_path)
    assert "unjudged_score" in [record.getMessage() for record in caplog.records if record.name == "rewards"][-1]


def test_the_scoring_of_async_grpo_takes_a_pickled_reward_and_leaves_none_out():
    from every_trainer import advantages_of_async_grpo

    texts = ["a", "bb", "c", "dd"]  # wrong, right, lost, right
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    original = reward_of(answer_or_fail)
    with original, pickle.loads(pickle.dumps(original)) as copied:
        scores = copied(prompts=[""] * 4, completions=completions, tests=[TESTS] * 4)
        advantages = advantages_of_async_grpo(copied, completions, [TESTS] * 4)
    assert None in scores
    assert {0.0, 1.0} < set(scores)
    assert [found == 0.0 for found in advantages] == [score is None for score in scores]


def test_trl_prints_no_row_and_says_once_that_a_completion_got_no_reward(tmp_path, caplog):
    from trainers.quiet import quiet_rows_without_reward

    quiet_rows_without_reward()
    with reward_of(fail) as reward:
        train("GRPO", reward, tmp_path)
    said = [record.getMessage() for record in caplog.records if record.name == "trl.trainer.grpo_trainer"]
    assert [line[:33] for line in said if "reward" in line] == ["a completion got no reward from a"]
    assert "print one" not in caplog.text
