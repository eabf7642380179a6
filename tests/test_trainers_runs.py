"""Whole runs of a tiny model from its arguments on: resumed, with LoRA, by RLOO, and ended in the middle."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

import torch
from tiny_policy import saved_policy

from rewards import ConfigurationError, DatasetError
from trainers.arguments import RunArguments
from trainers.config import parse_arguments
from trainers.ingredients import REFERENCE_FOLDER, Ingredients
from trainers.launch import main
from trainers.reward import build_reward
from trainers.training import checkpoint_of, leave_model, train

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning",  # an option that TRL still sets by this name
    "ignore:.*pin_memory.*:UserWarning",
)
ROWS = [{"prompt": f"Print {i}.", "expected_output": str(i)} for i in range(8)]
SMALL = {
    "sandbox": "local",
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "num_generations": 2,
    "max_completion_length": 8,
    "learning_rate": 1e-3,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
    "no_program_score": 0.25,
}
"""A random policy writes bytes: its score is one for answers without a program."""


class StopHereError(Exception):
    """What a user's Ctrl-C, or a machine that is taken away, is to a run."""


def stopping_at_four(completions, trainer_state=None, **columns):
    """A further reward, which ends the run that asks it a third time."""
    if trainer_state.global_step == 2 and not Path("resumed").exists():
        raise StopHereError
    return [0.0] * len(completions)


def without_verdict(completions, **columns):
    raise DatasetError("the third row is not to be had")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved_policy(tmp_path_factory.mktemp("policy"))


def written(folder: Path, policy: str, **more: Any) -> list[str]:
    """Return the command line of a run whose YAML file is made of these values."""
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    values = {"dataset": str(folder / "rows.jsonl"), "model_name_or_path": policy, "output_dir": str(folder / "out")}
    values |= {**SMALL, "reward_name": f"code-{folder.name}"[:40].rstrip("-_."), **more}
    (folder / "run.yaml").write_text(json.dumps(values))  # JSON is YAML
    return ["--config", str(folder / "run.yaml")]


def run_of(folder: Path, policy: str, *, method: str = "grpo", **more: Any) -> RunArguments:
    return parse_arguments(written(folder, policy, **more), method=method)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


@pytest.mark.filterwarnings("ignore:TRL adds rewards up:UserWarning")
def test_a_run_that_was_stopped_goes_on_where_its_last_checkpoint_is(policy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "resume_from_checkpoint": True}
    options |= {"other_rewards": [f"{__name__}.stopping_at_four"]}
    said: list[str] = []
    with pytest.raises(StopHereError):
        train(run_of(tmp_path, policy, **options), say=said.append)
    assert said == ["no checkpoint to resume from: from the start"]
    assert (tmp_path / "out/checkpoint-2").is_dir()
    Path("resumed").touch()
    summary = train(run_of(tmp_path, policy, **options), say=said.append)
    assert said[1:] == [f"resumed from {tmp_path / 'out/checkpoint-2'}"]
    assert summary["steps"] == 4
    assert [step for step, _ in summary["reward_curve"]] == [1, 2, 3, 4]
    assert json.loads((tmp_path / "out/summary.json").read_text())["steps"] == 4


def test_a_checkpoint_that_is_not_there_is_named(policy, tmp_path):
    with pytest.raises(ConfigurationError, match=r"no folder 'gone'; true takes the last checkpoint"):
        train(run_of(tmp_path, policy, resume_from_checkpoint="gone"))


@pytest.mark.parametrize("torn", [None, b"", b'{"epoch": 1.0, "glo'], ids=["missing", "empty", "half"])
def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(torn, tmp_path):
    """Without its state the trainer would begin at step 0, with the weights of a later one."""
    for step in (9, 10, 11):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}/trainer_state.json").write_text('{"global_step": 9}')
    last = tmp_path / "checkpoint-11/trainer_state.json"
    last.unlink() if torn is None else last.write_bytes(torn)
    found = checkpoint_of(SimpleNamespace(resume_from_checkpoint="true", output_dir=str(tmp_path)))
    assert found == str(tmp_path / "checkpoint-10")
    with pytest.raises(ConfigurationError, match=r"no whole trainer_state\.json"):
        checkpoint_of(SimpleNamespace(resume_from_checkpoint=str(last.parent), output_dir=str(tmp_path)))


def test_lora_trains_and_leaves_an_adapter(policy, tmp_path):
    pytest.importorskip("peft", reason="pip install peft to test LoRA")
    lora = {"use_peft": True, "lora_r": 2, "lora_target_modules": ["q_proj", "v_proj"]}
    summary = train(run_of(tmp_path, policy, max_steps=2, beta=0.1, **lora))
    assert summary["steps"] == 2
    adapter = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert (adapter["r"], set(adapter["target_modules"])) == (2, {"q_proj", "v_proj"})
    assert all("lora" in name for name in weights_of(tmp_path / "out"))


def test_rloo_trains_by_the_same_file(policy, tmp_path):
    summary = train(run_of(tmp_path, policy, method="rloo", max_steps=2, beta=0.05))
    assert summary["steps"] == 2
    assert (tmp_path / "out/model.safetensors").exists()
    card = (tmp_path / "out/README.md").read_text()
    assert "code-rewards" in card
    assert "rloo" in card


def test_a_model_in_memory_is_its_own_reference(policy, tmp_path):
    from tiny_policy import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    run = run_of(tmp_path, policy, method="rloo", max_steps=1, beta=0.05, no_program_score=0.0)
    assert train(run, model=model, tokenizer=tokenizer)["steps"] == 1
    reference = weights_of(tmp_path / "out" / REFERENCE_FOLDER)
    assert reference
    assert all(torch.equal(before[name], weight) for name, weight in reference.items())


def test_without_a_penalty_no_reference_is_kept(policy, tmp_path):
    from tiny_policy import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    run = run_of(tmp_path, policy, beta=0.0)
    with build_reward(run.reward) as reward:
        Ingredients(run, reward, [], None, tiny_model(tokenizer), tokenizer).policy()
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:TRL adds rewards up:UserWarning")
def test_a_users_error_in_the_middle_ends_the_run_with_its_message(policy, tmp_path):
    given = written(tmp_path, policy, max_steps=2, other_rewards=[f"{__name__}.without_verdict"])
    with pytest.raises(SystemExit) as caught:
        main("grpo", given)
    assert caught.value.code == "error: the third row is not to be had"
    with build_reward(parse_arguments(given).reward) as reward:  # the name would be taken if the run's were still open
        reward(completions=[""], expected_output=[""], log_metric=lambda name, value: None)


def test_a_deadline_beyond_the_time_that_ranks_wait_is_refused_with_the_numbers(policy, tmp_path, caplog):
    run = run_of(tmp_path, policy, batch_deadline_s=590, ddp_timeout=600)
    complaint = r"batch_deadline_s is 590, and a batch may take 30 s more, but ranks wait .* for 600 s \(ddp_timeout\)"
    with pytest.raises(ConfigurationError, match=complaint):
        build_reward(run.reward, ddp_timeout_s=600, ranks=2)
    build_reward(run.reward, ddp_timeout_s=600).close()
    assert "a run of several ranks would be refused" in caplog.text


def test_a_scorer_of_ones_own_may_be_named(policy, tmp_path):
    run = run_of(tmp_path, policy, scoring=f"{__name__}.half")
    with build_reward(run.reward) as reward:
        assert reward.grade(completions=["print(1)"], expected_output=["1"]).scores == [0.5]
    with pytest.raises(ConfigurationError, match=r"scoring: 'no_such_module.f' cannot be imported"):
        build_reward(run_of(tmp_path, policy, scoring="no_such_module.f").reward)


def half(grades):
    return 0.5


def test_a_finished_run_that_is_queued_again_trains_no_further(policy, tmp_path):
    """The trainer of transformers itself takes one more step, each time."""
    options = {"max_steps": 2, "save_strategy": "steps", "save_steps": 2, "resume_from_checkpoint": True}
    first = train(run_of(tmp_path, policy, **options))
    said: list[str] = []
    again = train(run_of(tmp_path, policy, **options), say=said.append)
    assert said[1:] == ["nothing is left to train: max_steps is 2"]
    assert again == first
    assert [path.name for path in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-2"]


@pytest.mark.parametrize(("strategy", "is_said"), [("no", True), ("steps", False)])
def test_rows_that_are_held_out_for_nothing_are_told_of(strategy, is_said, policy, tmp_path, caplog):
    run = run_of(tmp_path, policy, max_steps=1, eval_rows=4, eval_strategy=strategy, eval_steps=10)
    run.training.per_device_eval_batch_size = 4
    train(run)
    assert ("4 rows are kept from training and nothing is evaluated on them" in caplog.text) is is_said


@pytest.mark.parametrize(
    ("dataset", "named"),
    [
        pytest.param({"datasets": ["a/b", "c/d"]}, None, id="a mixture"),
        pytest.param({"dataset": "json", "data_files": ["rows.jsonl"]}, None, id="files"),
        pytest.param({"dataset": "a/b"}, "a/b", id="a name on the Hub"),
    ],
)
def test_a_model_card_links_no_dataset_that_the_hub_has_not(dataset, named, policy, tmp_path):
    made: list[str | None] = []
    trainer = SimpleNamespace(
        save_model=lambda folder: None, create_model_card=lambda dataset_name, tags: made.append(dataset_name)
    )
    given = written(tmp_path, policy)
    values = json.loads((tmp_path / "run.yaml").read_text())
    (tmp_path / "run.yaml").write_text(json.dumps({**values, "dataset": "demo", **dataset}))
    leave_model(trainer, parse_arguments(given))
    assert made == [named]
