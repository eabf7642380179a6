"""The CPU demo with its programs run in E2B sandboxes, on a stand-in service: the same figures as at home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2b_service.handle import ServiceHandle, start_service

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the demo")

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "scripts/train_grpo.py", "--config", "configs/grpo_cpu_demo.yaml", "--disable_tqdm", "true"]
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
    "e2b_plan": "pro",
    "e2b_max_sandboxes": 2,
    "e2b_jobs_per_sandbox": 2,
}


@pytest.fixture
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


def summary_of(folder: Path, service: ServiceHandle, *options: str) -> dict[str, Any]:
    environment = {**os.environ, **service.environment, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [*COMMAND, "--output_dir", str(folder), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def test_a_short_run_grades_in_the_cloud_and_leaves_nothing_there(tmp_path: Path, service: ServiceHandle) -> None:
    """The loader's processes are forked after the first use of the SDK, which is the one that measures at the start."""
    options = [word for name, value in SHORT.items() for word in (f"--{name}", str(value))]
    options += ["--sandbox", "e2b", "--dataloader_num_workers", "2"]
    assert summary_of(tmp_path, service, *options)["steps"] == 2
    stats = service.stats()
    assert 1 <= stats.creates <= 2
    assert stats.alive == ()


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_learns_in_the_cloud_as_it_does_at_home(tmp_path: Path, service: ServiceHandle) -> None:
    cloud = summary_of(tmp_path / "cloud", service, "--sandbox", "e2b")
    assert service.alive() == ()
    home = summary_of(tmp_path / "home", service, "--sandbox", "local")
    there, here = cloud["held_out_pass_rate"], home["held_out_pass_rate"]
    print(f"before {there['before']:.1%} and {here['before']:.1%}, after {there['after']:.1%} and {here['after']:.1%}")
    assert there["before"] == here["before"], "the same completions were graded"
    assert there["after"] >= max(0.75, 2 * there["before"])
    assert abs(there["after"] - here["after"]) < 0.1


@pytest.mark.long
@pytest.mark.timeout(900)
def test_rollouts_have_their_interpreters_in_the_cloud(tmp_path: Path, service: ServiceHandle) -> None:
    """A model that was warmed up long enough to call its tool now and then, for two steps of four rollouts."""
    small = {"exercises": 200, "held_out_exercises": 8, "sft_steps": 250, "max_steps": 2, "num_generations": 4}
    small |= {"per_device_train_batch_size": 4, "per_device_eval_batch_size": 4, "logging_steps": 1}
    options = [word for name, value in small.items() for word in (f"--{name}", str(value))]
    options += ["--sandbox", "e2b", "--e2b_plan", "pro", "--e2b_max_sandboxes", "6"]
    config = ["--config", "configs/grpo_agent_cpu_demo.yaml"]
    summary = summary_of(tmp_path, service, *config, *options)
    assert summary["steps"] == 2
    assert set(summary["held_out_pass_rate"]) == {"before", "after", "other data"}
    report = (tmp_path / "report.html").read_text()
    assert "run_python" in report, "the model called its tool"
    stats = service.stats()
    assert stats.creates >= 4
    assert stats.alive == ()
