"""The YAML files for PPO where TRL has none any more: what is said, and that RLOO takes the same files."""

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from test_dry_run import ROWS, in_place_of, save
from tiny_policy import saved_policy
from trl import ModelConfig, RLOOConfig

from trainers.arguments import AgentArguments, DataArguments, DemoArguments, ReportArguments, RewardArguments
from trainers.command import run_from
from trainers.config import parse_arguments
from trainers.launch import main
from trainers.yaml_file import read_yaml

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # an option that TRL still sets by this name
)
ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted((ROOT / "configs").glob("ppo_*.yaml"))
OURS = (RewardArguments, DataArguments, DemoArguments, AgentArguments, ReportArguments)
MARK = "\n# For PPO alone.\n"


def has_ppo():
    try:
        import trl.experimental.ppo  # noqa: F401
    except ImportError:
        return False
    return True


def for_rloo(config, folder):
    """Return the path of *config* without its part for PPO alone."""
    path = folder / f"{config.stem}_as_rloo.yaml"
    path.write_text(config.read_text().split(MARK)[0])
    return path


@pytest.mark.skipif(has_ppo(), reason="this TRL has PPO: tests/test_ppo_runs.py runs it")
def test_without_ppo_in_trl_the_script_says_what_to_install_or_to_run_instead():
    with pytest.raises(SystemExit, match=r"pip install 'trl==1.12.0' requests.*scripts/train_rloo.py"):
        main("ppo", ["--config", str(CONFIGS[0])])


def test_there_is_one_for_the_cpu_and_one_for_a_gpu():
    assert [path.stem for path in CONFIGS] == ["ppo_cpu_demo", "ppo_qwen_local"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_file_for_ppo_begins_with_its_command_and_ends_with_what_is_for_ppo_alone(config, tmp_path):
    assert config.read_text().splitlines()[0].endswith(f"scripts/train_ppo.py --config configs/{config.name}")
    shared = read_yaml(str(for_rloo(config, tmp_path)))
    known = {field.name for kind in (*OURS, RLOOConfig, ModelConfig) for field in dataclasses.fields(kind)}
    assert set(shared) <= known
    assert not known & (set(read_yaml(str(config))) - set(shared))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_rloo_takes_the_rest_of_a_file_for_ppo(config, capsys, tmp_path):
    policy = saved_policy(tmp_path / "policy")
    given = in_place_of(config, policy, save(tmp_path / "rows.jsonl", ROWS))
    run_from(parse_arguments(["--config", str(for_rloo(config, tmp_path)), *given], method="rloo"))
    said = capsys.readouterr().out
    assert "\nRLOO: " in said
    assert said.splitlines()[-1].startswith("dry run: all of this is in order")
