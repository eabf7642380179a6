"""The GRPO factory, up to a training step of the config for a real model, with a tiny one in its place."""

import json
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from rewards import CodeReward, ConfigurationError, DatasetError
from trainers.arguments import RunArguments
from trainers.config import parse_arguments
from trainers.ingredients import Ingredients
from trainers.reward import build_reward, open_reward
from trainers.training import build_trainer, train

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
    summary = train(run, **tiny())
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
        train(run, **tiny())
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
        return build_trainer(Ingredients(run, reward, Dataset.from_list(ROWS), **tiny())), reward


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
        train(run)


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


@pytest.fixture
def e2b_key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("e2b", reason="pip install 'code-rewards[e2b]' to test the E2B sandbox")
    monkeypatch.setenv("E2B_API_KEY", "e2b_0")


@pytest.mark.usefixtures("e2b_key")
def test_options_of_the_e2b_sandbox_make_one(tmp_path):
    run = qwen_run(
        tmp_path, "--sandbox", "e2b", "--e2b_plan", "pro", "--e2b_jobs_per_sandbox", "3", "--fallback", "local"
    )
    with open_reward(run) as reward:
        found = arguments_of(reward)
        assert (found["sandbox"].name, found["fallback"]) == ("e2b", "local")
        assert found["sandbox"].capacity == 300


@pytest.mark.usefixtures("e2b_key")
def test_every_option_of_the_e2b_sandbox_reaches_it(tmp_path):
    path = tmp_path / "e2b.yaml"
    wanted = {
        "plan": "pro",
        "template": "mine",
        "max_sandboxes": 7,
        "creates_per_s": 0.5,
        "jobs_per_sandbox": 3,
        "trip_jobs": 5,
        "ttl_s": 60,
        "keep_warm": 0,
        "idle_s": 0.0,
        "max_sandbox_seconds": 3600.0,
        "run": "a-run",
        "domain": "sandboxes.example",
        "api_url": "http://a.example",
        "sandbox_url": "http://b.example",
    }
    lines = [f"e2b_{name}: {value}" for name, value in wanted.items()]
    path.write_text("\n".join(["sandbox: e2b", "sandbox_preload: [json]", "sandbox_site_packages: true", *lines]))
    run = parse_arguments(["--config", str(path), "--bf16", "false"])
    options = vars(sandbox_of(run).__getstate__()["options"])
    assert {name: options[name] for name in wanted} == wanted
    assert (options["preload"], options["site_packages"]) == (("json",), True)
    in_yaml = {name for name in vars(run.reward) if name.startswith("e2b_")}
    assert in_yaml == {f"e2b_{name}" for name in wanted}, "an option that this test forgets"


@pytest.mark.usefixtures("e2b_key")
@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param(["local", "--e2b_plan", "pro"], "e2b_plan: an option of the E2B sandbox", id="a plan, locally"),
        pytest.param(["local", "--e2b_keep_warm", "0"], "e2b_keep_warm", id="a zero is said, too"),
        pytest.param(
            ["e2b", "--sandbox_slots", "2"], "sandbox_slots: an option of the local sandbox", id="slots on E2B"
        ),
        pytest.param(
            ["e2b", "--sandbox_level", "A"], "sandbox_level: an option of the local sandbox", id="a level on E2B"
        ),
        pytest.param(["e2b", "--e2b_plan", "team"], "plan must be one of", id="no such plan"),
        pytest.param(["far"], "'far' is unknown", id="no such sandbox"),
    ],
)
def test_options_of_another_sandbox_are_refused(given, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint):
        build_reward(qwen_run(tmp_path, "--sandbox", *given).reward)


@pytest.mark.parametrize(("key", "name"), [("", "local"), ("e2b_0", "e2b")])
def test_beside_auto_the_options_of_both_sandboxes_may_stand(key, name, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("E2B_API_KEY", key)
    given = ["--sandbox", "auto", "--sandbox_slots", "1", "--e2b_max_sandboxes", "3", "--e2b_jobs_per_sandbox", "4"]
    sandbox = sandbox_of(qwen_run(tmp_path, *given))
    assert (sandbox.name, sandbox.capacity) == (name, 1 if name == "local" else 12)
    assert f"means the sandbox '{name}', because E2B_API_KEY is" in caplog.text


def test_e2b_without_a_key_ends_a_run_before_it_begins(tmp_path):
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        build_reward(qwen_run(tmp_path, "--sandbox", "e2b", "--e2b_plan", "pro").reward)


def sandbox_of(run: RunArguments):
    with open_reward(run) as reward:
        return arguments_of(reward)["sandbox"]
