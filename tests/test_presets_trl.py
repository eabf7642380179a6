"""The command that the README shows for TRL's own command line, run on a model of a few hundred weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason='the trainer\'s own tests need it: pip install "code-rewards[train]"')

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ["print(1)", "print(2)"]
"""The model's whole vocabulary, but for padding and end: a completion of one token is a program, or nothing."""
STEPS = 6
REWARDS = ("presets.code", "presets.code_fraction", "message_rewards.local_code_execution_reward")
CONFIG = """
model_name_or_path: {folder}/model
datasets:
  - path: json
    data_files: {folder}/rows.jsonl
output_dir: {folder}/out
reward_funcs: [{rewards}]
env:
  CODE_REWARDS_SANDBOX: local
  CODE_REWARDS_SANDBOX_SLOTS: 1
  CODE_REWARDS_CPU_S: 2
  CODE_REWARDS_BATCH_DEADLINE_S: 60
{env}
max_steps: {steps}
per_device_train_batch_size: 8
num_generations: 8
max_completion_length: 1
learning_rate: 0.03
beta: 0.0
use_cpu: true
bf16: false
gradient_checkpointing: false
dataloader_pin_memory: false
logging_steps: 1
save_steps: {steps}
save_total_limit: 1
report_to: none
seed: 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and a data set, on disk."""
    from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

    folder = tmp_path_factory.mktemp("trl")
    tokenizer = Qwen2Tokenizer(
        vocab={"<pad>": 0, "<end>": 1}, merges=[], pad_token="<pad>", eos_token="<end>", unk_token=None
    )
    tokenizer.add_tokens(PROGRAMS)
    tokenizer.save_pretrained(folder / "model")
    shape = dict.fromkeys(("hidden_size", "intermediate_size"), 8) | dict.fromkeys(
        ("num_hidden_layers", "num_attention_heads", "num_key_value_heads"), 1
    )
    config = Qwen2Config(vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=1, pad_token_id=0, **shape)
    Qwen2ForCausalLM(config).save_pretrained(folder / "model")
    tests = json.dumps([{"type": "output", "output": "2"}])
    row = json.dumps({"prompt": PROGRAMS[0], "tests": tests, "expected_output": "2"})
    (folder / "rows.jsonl").write_text(f"{row}\n" * 2)
    return folder


def run_trl(folder: Path, *, env: str = "", steps: int = STEPS) -> subprocess.CompletedProcess[str]:
    (folder / "run.yaml").write_text(
        CONFIG.format(folder=folder, env=env, steps=steps, rewards=", ".join(f"rewards.{reward}" for reward in REWARDS))
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("E2B_", "CODE_REWARDS_"))}
    environment |= {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    trl = Path(sys.executable).with_name("trl")
    command = [str(trl), "grpo", "--config", str(folder / "run.yaml")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)


def test_trl_grpo_trains_with_rewards_by_name(folder: Path) -> None:
    done = run_trl(folder)
    assert done.returncode == 0, done.stderr[-6000:]
    state = json.loads((folder / f"out/checkpoint-{STEPS}/trainer_state.json").read_text())
    history = [entry for entry in state["log_history"] if "reward" in entry]
    assert len(history) == STEPS
    for entry in history:
        assert entry["code/accepted"] == pytest.approx(entry["rewards/code/mean"])
        assert entry["rewards/code/mean"] == pytest.approx(entry["rewards/code_fraction/mean"])
        assert entry["rewards/code/mean"] <= entry["rewards/local_code_execution_reward/mean"] <= 1.0
        assert entry["code/backend/local"] == 1.0
        assert entry["code/unjudged"] == 0.0
    assert max(entry["rewards/code/mean"] for entry in history) > 0, "one of the four tokens is the right program"


@pytest.mark.long
def test_trl_grpo_ends_at_a_variable_that_nobody_knows(folder: Path) -> None:
    done = run_trl(folder, env="  CODE_REWARDS_MEMORY: 512", steps=1)
    assert done.returncode != 0
    assert "CODE_REWARDS_MEMORY is unknown: did you mean CODE_REWARDS_MEMORY_MB?" in done.stderr
