"""The command of the README: a model that learns to write programs, on the CPU, without the network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the demo")

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
COMMAND = [sys.executable, "scripts/train_grpo.py", "--config", "configs/grpo_cpu_demo.yaml"]
SHORT = {
    "exercises": 60,
    "held_out_exercises": 12,
    "held_out_samples": 1,
    "sft_steps": 4,
    "sft_batch_size": 8,
    "hidden_size": 32,
    "max_steps": 2,
    "per_device_train_batch_size": 8,
    "logging_steps": 1,
}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], cwd=ROOT, env=OFFLINE, capture_output=True, text=True, timeout=250)


def test_a_short_run_shows_its_progress_and_leaves_a_curve_and_a_summary(tmp_path):
    options = [word for name, value in SHORT.items() for word in (f"--{name}", str(value))]
    done = run(*options, "--control", "true", "--output_dir", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "step        reward      accepted" in done.stdout + done.stderr
    assert "100%" in done.stderr, "a progress bar"
    for line in ("before GRPO", "after GRPO", "more warm-up instead"):
        assert line in done.stdout
    assert (tmp_path / "reward_curve.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "model.safetensors").exists()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["steps"] == 2
    assert set(summary["held_out_pass_rate"]) == {"before", "after", "control"}
    assert all(0.0 <= rate <= 1.0 for rate in summary["held_out_pass_rate"].values())
    loads_as_any_model_does(tmp_path)


def loads_as_any_model_does(folder: Path) -> None:
    """See that transformers does not take the tokenizer for another one: for some kinds of model it knows better."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    text = "Read n and print: add 3, then double it.\nn = int(input())"
    saved = PreTrainedTokenizerFast.from_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder)(text)["input_ids"] == saved(text)["input_ids"]


@pytest.mark.long
def test_an_evaluation_of_the_trained_model_agrees_with_the_run(tmp_path):
    from trainers.demos.programs_task import make_exercises, written_tests

    done = run("--output_dir", str(tmp_path / "run"), "--disable_tqdm", "true")
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    held_out = [{"prompt": e.prompt, "tests": written_tests(e)} for e in make_exercises(256 + 4200, seed=0)[:256]]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held_out))
    sampled = ["--n", "4", "--temperature", "1.0", "--max_new_tokens", "32", "--plain_text", "--cpu_s", "1"]
    command = [sys.executable, "scripts/evaluate.py", str(tmp_path / "rows.jsonl"), "--model", str(tmp_path / "run")]
    command += ["--output_dir", str(tmp_path / "evaluated"), "--no_progress", *sampled]
    done = subprocess.run(command, cwd=ROOT, env=OFFLINE, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "evaluated/summary.json").read_text())
    print(done.stdout)
    assert found["samples"] == 1024
    assert found["pass_at_k"]["pass@1"]["value"] == pytest.approx(summary["held_out_pass_rate"]["after"], abs=0.06)
    assert found["pass_at_k"]["pass@4"]["value"] > found["pass_at_k"]["pass@1"]["value"]


def test_an_unknown_key_ends_with_one_line_and_not_a_traceback():
    done = run("--max_step", "3")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "error: unknown option 'max_step': did you mean 'max_steps'?"
    assert "Traceback" not in done.stderr


@pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")  # set so by TRL
def test_the_control_does_not_train_the_model_that_it_is_compared_with(tmp_path):
    import torch

    from trainers.config import parse_arguments
    from trainers.demos.programs import copy_of, fine_tune, mixed_examples
    from trainers.demos.programs_model import build_model, train_tokenizer
    from trainers.demos.programs_task import make_exercises

    run = parse_arguments(["--output_dir", str(tmp_path), "--bf16", "false", "--disable_tqdm", "true"])
    examples = mixed_examples(make_exercises(60, seed=0), 64, right_share=0.5, seed=0)
    tokenizer = train_tokenizer(example["prompt"] for example in examples)
    model = build_model(tokenizer, hidden_size=32, layers=1, seed=0)
    fine_tune(model, tokenizer, examples, run)
    copied = copy_of(model)
    ids = torch.tensor([[5, 6, 7]])
    before = model(ids).logits.detach().clone()
    assert torch.equal(copied(ids).logits, before)
    fine_tune(copied, tokenizer, examples, run)
    assert torch.equal(model(ids).logits, before)
    assert not torch.equal(copied(ids).logits, before)


@pytest.mark.long
def test_four_seeds_learn_as_promised():
    done = subprocess.run(
        [sys.executable, "scripts/demo_figures.py", "--demos", "grpo", "--seeds", "0", "1", "2", "3"],
        cwd=ROOT,
        env=OFFLINE,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
