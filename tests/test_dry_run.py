"""Each config up to its first step, and what a dry run says where something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from tiny_policy import saved_policy

from rewards import ConfigurationError, DatasetError
from trainers.command import run_from
from trainers.config import parse_arguments
from trainers.launch import main

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # an option that TRL still sets by this name
)
ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.yaml") if path.stem.split("_")[0] in ("grpo", "rloo"))
ROWS = [
    {
        "prompt": f"Read two numbers and print their sum and {i}.",
        "gold_standard_solution": f"print(sum(map(int, input().split())) + {i})",
        "verification_info": {
            "language": "python",
            "test_cases": [
                {"type": "stdin_stdout", "input": f"{k} 2\n", "output": f"{2 + k + i}\n"} for k in range(1 + i % 3)
            ],
        },
    }
    for i in range(6)
]
MBPP = [{"text": "Twice.", "code": "def f(x): return 2 * x", "test_list": ["assert f(2) == 4"], "test_setup_code": ""}]


def save(path: Path, rows: list[dict]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved_policy(tmp_path_factory.mktemp("policy"))


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return save(tmp_path / "rows.jsonl", ROWS)


def with_tools(policy: str, folder: Path) -> str:
    """Return a copy of the model whose chat template has tool calls."""
    from trl.chat_template_utils import qwen3_chat_template

    copy = Path(shutil.copytree(policy, folder / "with_tools"))
    (copy / "chat_template.jinja").write_text(qwen3_chat_template)
    return str(copy)


def in_place_of(config: Path, policy: str, rows: str) -> list[str]:
    """Return what stands in for the Hub and the GPU in this config."""
    text = config.read_text()
    given = ["--bf16", "false", "--dry_run", "true"]
    if "\ndataset: " in text and "demo" not in config.stem:
        given += ["--dataset", rows]
    if "\ndatasets:" in text:
        mbpp = save(Path(rows).with_name("mbpp.jsonl"), MBPP)
        parts = [
            {"path": rows, "fraction": 0.75, "reward_columns": ["verification_info"]},
            {"path": mbpp, "fraction": 0.25, "columns": {"text": "prompt"}, "reward_columns": ["test_list"]},
        ]
        given += ["--datasets", *map(json.dumps, parts)]
    if "\neval_rows:" in text:
        given += ["--eval_rows", "1"]
    if "model_name_or_path" in text:
        given += ["--model_name_or_path", policy if "\ntools:" not in text else with_tools(policy, Path(rows).parent)]
    return given + (["--use_vllm", "false"] if "use_vllm: true" in text else [])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_can_be_run_up_to_its_first_step(config, policy, rows, capsys, monkeypatch, tmp_path):
    given = in_place_of(config, policy, rows)
    if "sandbox: e2b" in config.read_text():
        pytest.importorskip("e2b", reason="pip install 'code-rewards[e2b]' to test the config for E2B")
        with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
            run_from(parse_arguments(["--config", str(config), *given]))
        pytest.importorskip("aiohttp", reason="pip install 'code-rewards[dev]' for the stand-in of E2B")
        from e2b_service.handle import start_service

        with start_service() as service:
            for name, value in service.environment.items():
                monkeypatch.setenv(name, value)
            run_from(parse_arguments(["--config", str(config), *given]))
    else:
        run_from(parse_arguments(["--config", str(config), *given], method=config.stem.split("_")[0]))
    said = capsys.readouterr().out
    assert "passes, score 1" in said
    assert said.splitlines()[-1].startswith("dry run: all of this is in order")
    assert not Path("runs", config.stem).exists() or (ROOT / "runs" / config.stem).exists()


def tried(rows: str, policy: str, *more: str, method: str = "grpo") -> None:
    given = ["--dataset", rows, "--model_name_or_path", policy, "--bf16", "false", "--dry_run", "true"]
    run_from(parse_arguments([*given, "--sandbox", "local", *more], method=method))


def test_it_says_what_would_run(rows, policy, capsys):
    more = ["--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "3", "--num_generations", "2"]
    tried(rows, policy, *more, "--num_train_epochs", "2", "--cpu_s", "2", "--sandbox_slots", "2", "--max_tests", "2")
    said = capsys.readouterr().out
    for line in (
        "6 rows, 10 tests; schemas: verification_info (6); 0 held out",
        "tests a row: 1 at least, 2 at the median, 2 at most",
        "qwen2, ",
        "  | <|turn|>user\n  | Read two numbers and print their sum and 0.<|end|>\n  | <|turn|>assistant",
        "a test may use 2 s of CPU and 1024 MB, a program 120 s",
        "it runs 2 programs at once",
        "known solution: row 0 passes, score 1",
        "GRPO: 2 steps, 2.00 epochs, 1 rank; a step learns from 12 completions of 6 prompts; a rank grades 12 at once",
        "deadline of a batch: 900 s; ranks wait 1800 s for each other (ddp_timeout)",
        "if every program used all its CPU seconds: 24 s",
    ):
        assert line in said


def test_a_known_solution_that_fails_is_an_error_with_the_tests_that_it_fails(policy, tmp_path):
    bad = [{**ROWS[0], "gold_standard_solution": "print(input())"}]
    with pytest.raises(DatasetError, match=r"(?s)row 0 does not pass its own tests.*wrong_answer"):
        tried(save(tmp_path / "bad.jsonl", bad), policy)


def test_rows_without_a_known_solution_say_so_and_the_sandbox_starts_nevertheless(policy, tmp_path, capsys):
    bare = [{name: value for name, value in ROWS[0].items() if name != "gold_standard_solution"}]
    tried(save(tmp_path / "bare.jsonl", bare), policy)
    assert "known solution: none in these rows" in capsys.readouterr().out


def test_the_column_of_solutions_may_be_named(policy, tmp_path, capsys):
    named = [{**ROWS[0], "gold_standard_solution": "pass", "mine": ROWS[0]["gold_standard_solution"]}]
    path = save(tmp_path / "named.jsonl", named)
    tried(path, policy, "--solution_column", "mine", "--reward_columns", "verification_info")
    assert "known solution: row 0 passes" in capsys.readouterr().out
    with pytest.raises(DatasetError, match="no column 'yours'"):
        tried(path, policy, "--solution_column", "yours")


def test_a_batch_that_may_outlast_the_deadline_is_warned_of(rows, policy, capsys):
    tried(rows, policy, "--batch_deadline_s", "5", "--sandbox_slots", "1")
    assert "WARNING: that is beyond the deadline" in capsys.readouterr().out


def test_prompts_longer_than_the_model_are_warned_of(rows, policy, capsys):
    tried(rows, policy, "--max_completion_length", "600")
    assert "tokens, the model holds 512" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param(["--model_name_or_path", "/no/such/model"], "cannot be loaded", id="no such model"),
        pytest.param(["--resume_from_checkpoint", "/no/where"], "no folder '/no/where'", id="no checkpoint"),
        pytest.param(["--use_vllm", "true"], "use_vllm: true needs the package vllm: pip install vllm", id="no vLLM"),
        pytest.param(["--tools", "run_python"], "only GRPO has turns with tools", id="tools without turns"),
        pytest.param(["--other_rewards", "json.nothing"], "cannot be imported", id="another reward that is not there"),
    ],
)
def test_what_would_end_the_run_ends_the_dry_run(rows, policy, more, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        tried(rows, policy, *more, method="rloo")


REWARDS = """
def good(completions, prompts, **columns):
    return [float(len(completion)) for completion in completions]

async def later(completions, **columns):
    return [None for completion in completions]

def failing(completions, **columns):
    return [completion["text"] for completion in completions]

def many(completions, **columns):
    return [0.5, 0.5]

def words(completions, **columns):
    return ["good" for completion in completions]
"""


@pytest.fixture
def own_rewards(tmp_path, monkeypatch):
    (tmp_path / "own_rewards.py").write_text(REWARDS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("own_rewards")
@pytest.mark.parametrize("combined", ["true", "false"])
@pytest.mark.filterwarnings("ignore:TRL adds rewards up")
def test_other_rewards_are_tried(combined, rows, policy, capsys):
    tried(rows, policy, "--other_rewards", "own_rewards.good", "own_rewards.later", "--combine_rewards", combined)
    said = capsys.readouterr().out
    if combined == "false":
        assert "reward good: scores 1.0 for the first row's known solution" in said
        assert "reward later: scores None for the first row's known solution" in said
    assert said.splitlines()[-1].startswith("dry run: all of this is in order")


@pytest.mark.usefixtures("own_rewards")
@pytest.mark.parametrize("combined", ["true", "false"])
@pytest.mark.parametrize("name", ["failing", "many", "words"])
@pytest.mark.filterwarnings("ignore:TRL adds rewards up")
def test_another_reward_that_would_end_the_run_ends_the_dry_run(name, combined, rows, policy):
    with pytest.raises(ConfigurationError, match=name):
        tried(rows, policy, "--other_rewards", f"own_rewards.{name}", "--combine_rewards", combined)


def test_a_run_of_a_model_that_is_not_there_ends_with_the_same_words(rows, tmp_path):
    words = ["--model_name_or_path", str(tmp_path), "--dataset", rows, "--output_dir", str(tmp_path / "out")]
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        run_from(parse_arguments([*words, "--bf16", "false"], method="grpo"))


def test_a_chat_template_without_tool_calls_ends_the_dry_run_of_an_agent(rows, policy):
    with pytest.raises(ConfigurationError, match="has no tool calls"):
        tried(rows, policy, "--tools", "run_python")


def test_what_trl_refuses_at_its_start_is_one_line(rows, policy, tmp_path):
    words = ["--model_name_or_path", policy, "--dataset", rows, "--output_dir", str(tmp_path / "out")]
    with pytest.raises(ConfigurationError, match="TRL cannot begin this run: nosuch is not supported"):
        run_from(parse_arguments([*words, "--bf16", "false", "--report_to", "nosuch"], method="grpo"))


def test_lora_and_its_numbers_are_said(rows, policy, capsys):
    pytest.importorskip("peft", reason="pip install peft to test LoRA")
    tried(rows, policy, "--use_peft", "true", "--lora_r", "4", "--lora_target_modules", "q_proj", "v_proj")
    assert "PEFT: LoRA of rank 4, alpha 32, dropout 0.05, on {" in capsys.readouterr().out


def test_an_error_is_one_line_and_ends_with_1(rows, capsys):
    with pytest.raises(SystemExit) as caught:
        main("grpo", ["--dataset", rows, "--bf16", "false", "--dry_run", "true"])
    assert caught.value.code == "error: model_name_or_path is missing: which model is to be trained?"


def test_the_module_offers_what_the_scripts_do(rows, policy):
    options = ["--dataset", rows, "--model_name_or_path", policy, "--bf16", "false", "--dry_run", "true"]
    command = [sys.executable, "-m", "trainers", "rloo", "--config", "configs/rloo_qwen_local.yaml", *options]
    command += ["--eval_rows", "1"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "RLOO: 500 steps" in done.stdout
