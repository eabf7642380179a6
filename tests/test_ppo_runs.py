"""PPOTrainer itself, which TRL 1.12.0 was the last to have, trained by our reward model and by our runs.

`.ci/long` runs this in an environment of its own (`tests/test_ppo_environment.py`).
"""

import gc
import json
import math
from pathlib import Path

import pytest

pytest.importorskip(
    "trl.experimental.ppo", reason="needs trl==1.12.0 and requests, as in .venv-trl-ppo, which .ci/long makes"
)

import torch
from datasets import Dataset
from ppo_asking import Recorder, ids_of
from test_dry_run import ROWS, in_place_of, save
from tiny_policy import saved_policy, tiny_model, tiny_tokenizer
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForSequenceClassification
from trl.experimental.ppo import PPOConfig, PPOTrainer

from rewards import ConfigurationError, DatasetError
from trainers.command import run_from
from trainers.config import parse_arguments
from trainers.ppo import RewardModel
from trainers.ppo.trainer import RewardPPOTrainer
from trainers.training import train

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        "ignore:`(is_)?gradient_checkpointing:FutureWarning"  # options and methods that TRL still calls by these names
    ),
]
CONFIGS = sorted((Path(__file__).resolve().parents[1] / "configs").glob("*.yaml"))
PROMPTS = [f"say {i}:\n" for i in range(32)]
TESTS = json.dumps([{"type": "stdin", "input": "", "output": "7"}])


@pytest.fixture(autouse=True)
def little_garbage():
    """PPOTrainer collects garbage twice a step, for which all that pytest holds would be looked through."""
    gc.freeze()
    yield
    gc.unfreeze()


def share_of_a(completions, **columns):
    return [text.count("a") / max(1, len(text)) for text in completions]


def trainer_with(reward, folder, *, kind=RewardPPOTrainer, steps=3, dtype=torch.float32, **options):
    torch.set_num_threads(1)
    tokenizer = tiny_tokenizer()
    tokenizer.padding_side = "left"
    rows = Dataset.from_list([{"prompt": prompt, "input_ids": ids_of(prompt)} for prompt in PROMPTS])
    policy = tiny_model(tokenizer).to(dtype)
    value = Qwen2ForSequenceClassification(Qwen2Config(**{**policy.config.to_dict(), "num_labels": 1})).to(dtype)
    arguments = {
        "output_dir": str(folder),
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "learning_rate": 3e-3,
        "lr_scheduler_type": "constant",
        "per_device_train_batch_size": 16,
        "num_ppo_epochs": 2,
        "total_episodes": 16 * steps,
        "response_length": 12,
        "temperature": 1.0,
        "kl_coef": 0.0,
        "stop_token": "eos",
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": 0,
    }
    return kind(
        args=PPOConfig(**{**arguments, **options}),
        processing_class=tokenizer,
        model=policy,
        ref_model=None,
        reward_model=RewardModel(reward, rows, tokenizer=tokenizer),
        value_model=value,
        train_dataset=rows.select_columns(["input_ids"]),
        eval_dataset=rows.select_columns(["input_ids"]).select(range(4)),
    )


def logged(trainer, name):
    return [entry[name] for entry in trainer.state.log_history if name in entry]


@pytest.mark.parametrize("kind", [PPOTrainer, RewardPPOTrainer], ids=["TRL's own", "ours"])
def test_scores_go_up(kind, tmp_path):
    trainer = trainer_with(share_of_a, tmp_path, kind=kind, steps=40, num_sample_generations=0)
    trainer.train()
    scores = logged(trainer, "objective/scores")
    assert len(scores) == 40
    assert sum(scores[-5:]) / 5 > 0.5 > 0.1 > sum(scores[:5]) / 5


def test_what_the_reward_logs_arrives_as_from_the_other_trainers(tmp_path):
    heard = []

    def reward(completions, trainer_state, log_metric, **columns):
        heard.append((trainer_state.global_step, len(completions)))
        log_metric("mine/length", float(len(heard)))
        return [None if i % 2 else 1.0 for i in range(len(completions))]

    trainer = trainer_with(
        reward, tmp_path, steps=4, logging_steps=2, num_sample_generations=1, per_device_eval_batch_size=4
    )
    trainer.train()
    assert [step for step, n in heard if n == 16] == [0, 1, 2, 3]
    assert 4 in [n for _, n in heard], "sampled completions of evaluation rows"
    assert logged(trainer, "reward") == [1.0, 1.0]
    assert logged(trainer, "rewards/reward/unjudged") == [0.5, 0.5]
    assert logged(trainer, "eval_reward") == [1.0]
    assert logged(trainer, "eval_mine/length") == [2.0], "of its own, and in no mean of the training's"
    assert logged(trainer, "mine/length") == [2.0, 4.5]
    assert all(seconds > 0 for seconds in logged(trainer, "step_time"))
    assert logged(trainer, "objective/scores") == [1.0, 1.0], "the unjudged ones got the mean of the others"


@pytest.mark.parametrize("score", [None, math.nan], ids=repr)
def test_a_run_in_which_nothing_can_be_judged_leaves_the_weights_whole(score, tmp_path):
    trainer = trainer_with(lambda completions, **_: [score] * len(completions), tmp_path, num_sample_generations=0)
    trainer.train()
    assert all(parameter.isfinite().all() for parameter in trainer.model.parameters())
    assert logged(trainer, "reward") == []


def test_a_policy_in_bfloat16_takes_the_scores(tmp_path):
    trainer = trainer_with(share_of_a, tmp_path, dtype=torch.bfloat16, num_sample_generations=0)
    trainer.train()
    assert all(parameter.isfinite().all() for parameter in trainer.model.parameters())
    assert len(logged(trainer, "reward")) == 3


def test_the_batch_is_one_call_and_in_parts_as_many_as_trl_makes(tmp_path):
    whole, parts = Recorder(), Recorder()
    trainer_with(whole, tmp_path, steps=2, num_sample_generations=0).train()
    trainer_with(parts, tmp_path, steps=2, num_sample_generations=0, local_rollout_forward_batch_size=8).train()
    assert [len(call["completions"]) for call in whole.calls] == [16, 16]
    assert [len(call["completions"]) for call in parts.calls] == [8] * 4


def arguments_for(folder, *more, rows=None):
    rows = rows or [{"prompt": prompt, "tests": TESTS} for prompt in PROMPTS]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {
        "dataset": path,
        "output_dir": folder / "out",
        "sandbox": "local",
        "cpu_s": 1,
        "max_steps": 2,
        "per_device_train_batch_size": 4,
        "max_completion_length": 8,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "bf16": False,
        "use_cpu": True,
        "dataloader_pin_memory": False,
        "report_to": "none",
        "disable_tqdm": True,
    }
    return [word for name, value in options.items() for word in (f"--{name}", str(value))] + [
        str(word) for word in more
    ]


def run_for(folder, *more, **options):
    torch.set_num_threads(1)
    return parse_arguments(arguments_for(folder, *more, **options), method="ppo")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return saved_policy(tmp_path_factory.mktemp("checkpoint"))


def test_a_run_trains_from_a_checkpoint_with_messages_and_leaves_its_own(checkpoint, tmp_path):
    more = ["--eval_rows", 4, "--per_device_eval_batch_size", 4, "--save_strategy", "steps", "--save_steps", 1]
    run = run_for(tmp_path, "--model_name_or_path", checkpoint, *more, "--beta", 0.02)
    summary = train(run)
    assert summary["steps"] == 2
    assert run.training.kl_coef == 0.02
    out = Path(run.training.output_dir)
    assert (out / "checkpoint-1").is_dir()
    assert (out / "summary.json").exists()
    left = AutoModelForCausalLM.from_pretrained(out)
    assert type(left).__name__ == "Qwen2ForCausalLM"
    before = AutoModelForCausalLM.from_pretrained(checkpoint)
    assert not torch.equal(left.lm_head.weight, before.lm_head.weight), "it has been trained"


def test_a_run_trains_an_adapter(checkpoint, tmp_path):
    run = run_for(tmp_path, "--model_name_or_path", checkpoint, "--use_peft", "true", "--lora_r", 2)
    train(run)
    assert (Path(run.training.output_dir) / "adapter_model.safetensors").exists()


def test_a_run_trains_with_gradient_checkpointing(checkpoint, tmp_path):
    run = run_for(tmp_path, "--model_name_or_path", checkpoint, "--gradient_checkpointing", "true")
    assert train(run)["steps"] == 2


def test_a_value_model_may_be_another_checkpoint(checkpoint, tmp_path):
    run = run_for(tmp_path, "--value_model", checkpoint, "--conversational", "false")
    tokenizer = tiny_tokenizer()
    assert train(run, model=tiny_model(tokenizer), tokenizer=tokenizer)["steps"] == 2


@pytest.mark.filterwarnings("ignore:TRL adds rewards up")
@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param(["--per_device_train_batch_size", 64], "32 rows do not fill a step of 64", id="too few rows"),
        pytest.param(["--other_rewards", "math.sqrt"], "combine_rewards: true", id="several rewards"),
        pytest.param(["--tools", "run_python"], "tools", id="tools"),
    ],
)
def test_what_ppo_cannot_do_is_refused_before_it_begins(more, complaint, checkpoint, tmp_path):
    for dry_run in ("true", "false"):
        with pytest.raises(ConfigurationError, match=complaint):
            run_from(run_for(tmp_path, "--model_name_or_path", checkpoint, "--dry_run", dry_run, *more))


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_prompts_that_begin_another_one_are_refused_before_it_begins(dry_run, checkpoint, tmp_path):
    rows = [{"prompt": "say 7" + " and 8" * (i % 2), "tests": TESTS} for i in range(8)]
    given = ["--dataset", save(tmp_path / "alike.jsonl", rows), "--conversational", "false"]
    given += ["--per_device_train_batch_size", 2, "--dry_run", dry_run]
    with pytest.raises(DatasetError, match="1 prompts are the beginning of another one"):
        run_from(run_for(tmp_path, "--model_name_or_path", checkpoint, *given))


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param(["--resume_from_checkpoint", "x"], "cannot resume", id="resuming"),
        pytest.param(["--unjudged_value", "nan"], "would break the policy", id="no number for no score"),
    ],
)
def test_arguments_that_ppo_cannot_follow_are_refused_at_once(more, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint):
        run_for(tmp_path, *more)


def test_steps_and_episodes_say_the_same(tmp_path):
    run = run_for(tmp_path, "--gradient_accumulation_steps", 4)
    assert (run.training.total_episodes, run.training.response_length) == (2 * 16, 8)
    run = run_for(tmp_path, "--max_steps", -1, "--total_episodes", 40)
    assert run.training.max_steps == 10


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_can_be_read_beside_this_trl(config):
    method = config.stem.split("_")[0]
    no_gpu = ["--bf16", "false", *([] if method == "ppo" else ["--use_vllm", "false"])]
    assert parse_arguments(["--config", str(config), *no_gpu], method=method).training.max_steps > 0


@pytest.mark.parametrize(
    "config", [path for path in CONFIGS if path.stem.startswith("ppo_")], ids=lambda path: path.stem
)
def test_a_ppo_config_can_be_run_up_to_its_first_step(config, checkpoint, capsys, tmp_path):
    given = in_place_of(config, checkpoint, save(tmp_path / "rows.jsonl", ROWS))
    given += ["--per_device_train_batch_size", "2", "--gradient_accumulation_steps", "1"]  # there are few rows here
    run_from(parse_arguments(["--config", str(config), *given], method="ppo"))
    said = capsys.readouterr().out
    assert "passes, score 1" in said
    assert said.splitlines()[-1].startswith("dry run: all of this is in order")


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_the_other_methods_train_beside_this_trl_too(method, checkpoint, tmp_path):
    given = arguments_for(tmp_path, "--model_name_or_path", checkpoint, "--num_generations", 2)
    assert train(parse_arguments(given, method=method))["steps"] == 2
