"""PPO in the environment that has it: its tests, and the demo by `scripts/train_ppo.py`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-trl-ppo/bin/python"
TESTS = [f"tests/{name}.py" for name in ("test_ppo", "test_ppo_prompts", "test_ppo_configs", "test_ppo_runs")]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs trl==1.12.0 in .venv-trl-ppo, which .ci/long makes"),
]


def run(*words, timeout_s):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [PYTHON, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s
    )


@pytest.mark.timeout(1800)
def test_the_reward_model_and_whole_runs_work_in_the_last_trl_with_ppo():
    done = run("-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", "--timeout", "900", *TESTS, timeout_s=1700)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.timeout(3600)
def test_the_demo_learns_to_write_programs_by_ppo(tmp_path):
    config = "configs/ppo_cpu_demo.yaml"
    done = run("scripts/train_ppo.py", "--config", config, "--output_dir", str(tmp_path), timeout_s=3500)
    assert done.returncode == 0, done.stderr[-5000:]
    summary = json.loads((tmp_path / "summary.json").read_text())
    rates = summary["held_out_pass_rate"]
    assert rates["after"] > max(0.65, 1.5 * rates["before"])
    assert summary["reward_curve"][-1][1] > summary["reward_curve"][0][1] + 0.2
