"""The GRPO factory, up to a training step of the config for a real model, with a tiny one in its place."""

import json
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from rewards import CodeReward, ConfigurationError, DatasetError
from trainers.config import RunArguments, parse_arguments
from trainers.grpo import build_reward, build_trainer, open_reward, train_grpo

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning",  # an option that TRL still sets by this name
    "ignore:.*pin_memory.*:UserWarning",
)
ROWS = [
    {
        "prompt": f"Print the sum of two numbers and {i}.",
        "verification_info": {
            "language": "python",
            "test_cases": [{"type": "stdin_stdout", "input": "1 2\n", "output": f"{3 + i}\n"}],
        },
    }
    for i in range(6)
]


def length_reward(completions, **columns):
    return [0.5] * len(completions)


def qwen_run(folder: Path, *more: str, rows: list[dict] = ROWS) -> RunArguments:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    small = (
        *("--dataset", str(path), "--output_dir", str(folder / "out"), "--bf16", "false", "--use_cpu", "true"),
        *("--max_steps", "1", "--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "1"),
        *("--num_generations", "2", "--max_completion_length", "8", "--eval_rows", "2", "--eval_strategy", "no"),
        *("--save_strategy", "no", "--disable_tqdm", "true", "--num_completions_to_print", "0"),
        *("--gradient_checkpointing", "false", "--reward_name", f"code-{folder.name}"[:40].rstrip("-_.")),
    )
    return parse_arguments(["--config", str(CONFIGS / "grpo_qwen_local.yaml"), *small, *more])


def tiny() -> dict:
    from tiny_policy import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    return {"model": tiny_model(tokenizer), "tokenizer": tokenizer}


def test_the_config_for_a_real_model_trains_a_tiny_one_in_its_place(tmp_path):
    run = qwen_run(tmp_path)
    summary = train_grpo(run, **tiny())
    assert summary["steps"] == 1
    assert summary["rows"] == 4
    assert [step for step, _ in summary["reward_curve"]] == [1]
    assert json.loads((tmp_path / "out/summary.json").read_text())["steps"] == 1
    assert (tmp_path / "out/reward_curve.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out/model.safetensors").exists()


def test_a_bad_row_ends_a_run_before_it_begins_and_the_reward_is_closed(tmp_path):
    spoilt = [*ROWS[:3], {**ROWS[3], "verification_info": {"test_cases": [{"type": "guess"}]}}]
    run = qwen_run(tmp_path, "--eval_rows", "0", rows=spoilt)
    with pytest.raises(DatasetError, match="1 of 4 rows"):
        train_grpo(run, **tiny())
    assert not (tmp_path / "out").exists()


def test_the_reward_is_closed_after_an_exception(tmp_path):
    run = qwen_run(tmp_path)
    with pytest.raises(KeyboardInterrupt), open_reward(run) as reward:
        raise KeyboardInterrupt
    with pytest.raises(ConfigurationError, match="closed"):
        reward(completions=["print(1)"], expected_output=["1"])


def built(run: RunArguments):
    from datasets import Dataset

    with open_reward(run) as reward:
        return build_trainer(run, reward, Dataset.from_list(ROWS), **tiny()), reward


def test_another_reward_beside_ours_is_warned_of(tmp_path):
    run = qwen_run(tmp_path, "--other_rewards", f"{__name__}.length_reward")
    with pytest.warns(UserWarning, match="combine_rewards"):
        trainer, reward = built(run)
    assert trainer.reward_funcs == [reward, length_reward]


def test_rewards_can_be_combined_to_one(tmp_path):
    more = (
        "--other_rewards",
        f"{__name__}.length_reward",
        "--combine_rewards",
        "true",
        "--reward_weights",
        "0.9",
        "0.1",
    )
    trainer, reward = built(qwen_run(tmp_path, *more))
    (combined,) = trainer.reward_funcs
    assert combined.rewards == (reward, length_reward)
    assert combined.weights == (0.9, 0.1)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        pytest.param("length_reward", "package.module.name", id="no module"),
        pytest.param("no_such_module.reward", "cannot be imported", id="no such module"),
        pytest.param("json.no_such_reward", "cannot be imported", id="no such name"),
        pytest.param("json.__name__", "not a function", id="no function"),
    ],
)
def test_a_reward_that_cannot_be_had_is_named(path, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint):
        built(qwen_run(tmp_path, "--other_rewards", path))


def test_a_run_without_a_model_says_so(tmp_path):
    run = qwen_run(tmp_path)
    run.model.model_name_or_path = None
    with pytest.raises(ConfigurationError, match="model_name_or_path"):
        train_grpo(run)


def test_grading_a_batch_may_take_half_of_what_other_ranks_wait(tmp_path):
    run = qwen_run(tmp_path, "--ddp_timeout", "600")
    with open_reward(run) as reward:
        assert arguments_of(reward)["batch_deadline_s"] == 300
    with build_reward(qwen_run(tmp_path, "--batch_deadline_s", "20").reward) as reward:
        assert arguments_of(reward)["batch_deadline_s"] == 20


def arguments_of(reward: CodeReward) -> dict:
    """Return what the reward was made with: what a copy of it would be made with."""
    return reward.__getstate__()


def test_options_of_the_local_sandbox_make_one(tmp_path):
    run = qwen_run(tmp_path, "--sandbox_slots", "1", "--sandbox_preload", "json")
    with open_reward(run) as reward:
        assert arguments_of(reward)["sandbox"].capacity == 1
        assert reward.grade(completions=["print(3)"], expected_output=["3"]).scores == [1.0]
