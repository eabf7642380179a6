"""The reward inside TRL's own trainer: a model of a few thousand weights, on the CPU, for real."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from rewards import CircuitBreaker, CircuitBreakerOpen, CodeReward, ConfigurationError, Extraction, combine
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the reward inside TRL")

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # transformers renamed what TRL still sets
)

TESTS = json.dumps([{"type": "stdin", "input": "1\n", "output": "1\n"}])
STANDARD = {"prompt": ["print one: "] * 4, "tests": [TESTS] * 4}
CHAT = {"prompt": [[{"role": "user", "content": "print one"}]] * 4, "tests": [TESTS] * 4}
NO_SANDBOX = SandboxFailure("start", "no sandbox today", retryable=False)


class Wordy(FakeSandbox):
    """Takes anything for a program that prints 1 or 2, as its length is."""

    def __init__(self, failure: SandboxFailure | None = None) -> None:
        super().__init__(lambda job: failure or str(1 + len(job.program.source) % 2))


def any_text_is_a_program(**options) -> CodeReward:

    return CodeReward(
        sandbox=options.pop("sandbox", None) or Wordy(), extraction=Extraction(allow_unparsed=True), **options
    )


def train(rewards, columns, folder: Path, **options) -> list[dict[str, float]]:
    from tiny_policy import grpo_trainer

    trainer = grpo_trainer(rewards, columns, str(folder), **options)
    trainer.train()
    return [entry for entry in trainer.state.log_history if "reward" in entry]


@pytest.mark.parametrize("columns", [pytest.param(STANDARD, id="standard"), pytest.param(CHAT, id="conversational")])
def test_a_trainer_takes_the_reward_and_logs_its_figures(columns, tmp_path):
    with any_text_is_a_program() as reward:
        history = train(reward, columns, tmp_path, steps=3)
    assert len(history) == 3
    for entry in history:
        assert 0.0 <= entry["rewards/code/mean"] <= 1.0
        assert entry["code/accepted"] == pytest.approx(entry["rewards/code/mean"])
        assert entry["code/accepted"] + entry["code/wrong_answer"] + entry["code/no_program"] == pytest.approx(1.0)
        assert all(math.isfinite(value) for name, value in entry.items() if name.startswith("code/"))
    assert sum(entry["code/accepted"] for entry in history) > 0


def test_the_table_of_completions_is_written_with_our_columns(tmp_path, capsys):
    pandas = pytest.importorskip("pandas", reason="TRL writes its table with pandas: pip install pandas")
    with any_text_is_a_program() as reward:
        train(reward, CHAT, tmp_path, steps=2, log_completions=True)
    tables = sorted((tmp_path / "completions").glob("*.parquet"))
    assert len(tables) == 2
    table = pandas.read_parquet(tables[-1])
    assert {"code", "code/program", "code/verdict", "code/detail"} <= set(table.columns)
    assert set(table["code/verdict"]) <= {"accepted", "wrong_answer", "no_program"}
    assert ((table["code/verdict"] == "accepted") == (table["code"] == 1.0)).all()
    capsys.readouterr()


def test_training_goes_on_while_nothing_can_be_judged(tmp_path):
    with any_text_is_a_program(sandbox=Wordy(NO_SANDBOX), breaker=None) as reward:
        history = train(reward, STANDARD, tmp_path, steps=2)
    assert len(history) == 2
    assert all(entry["code/unjudged"] + entry["code/no_program"] == pytest.approx(1.0) for entry in history)


def test_the_breaker_ends_a_run_that_judges_nothing(tmp_path):
    options = {"sandbox": Wordy(NO_SANDBOX), "breaker": CircuitBreaker(batches=2)}
    with any_text_is_a_program(**options) as reward, pytest.raises(CircuitBreakerOpen, match="no sandbox today"):
        train(reward, STANDARD, tmp_path, steps=5)


def test_two_rewards_of_one_name_are_refused_at_the_first_batch(tmp_path):
    with any_text_is_a_program() as one, any_text_is_a_program() as other:
        with pytest.raises(ConfigurationError, match="another live reward"):
            train([one, other], STANDARD, tmp_path, steps=1)
        assert train([one], STANDARD, tmp_path, steps=1)


def test_a_combined_reward_and_an_async_twin_work_in_a_trainer(tmp_path):
    def short(completions, **kwargs):
        return [1.0 / (1 + len(completion)) for completion in completions]

    with any_text_is_a_program() as reward, any_text_is_a_program(name="twin") as twin:
        history = train([combine([reward, short], weights=[1.0, 0.1]), twin.acall], STANDARD, tmp_path, steps=1)
    assert "rewards/code+short/mean" in history[0]
    assert "twin/accepted" in history[0]


def test_the_local_sandbox_grades_what_a_trainer_generates(tmp_path):
    with CodeReward(sandbox="local") as reward:
        history = train(reward, CHAT, tmp_path, steps=2)
    assert all(entry["code/unjudged"] == 0.0 for entry in history)
