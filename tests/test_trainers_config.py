"""What a YAML file and a command line say about a run."""

from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from rewards import ConfigurationError
from trainers.arguments import DEMO
from trainers.config import parse_arguments

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"  # an option that TRL still sets by this name
)
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
NO_GPU = ["--bf16", "false"]  # transformers refuses bf16 where there is no GPU


def write(folder: Path, text: str) -> list[str]:
    path = folder / "run.yaml"
    path.write_text(text)
    return ["--config", str(path), *NO_GPU]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("grpo_*.yaml")), ids=lambda path: path.stem)
def test_every_config_can_be_read_and_begins_with_its_command(path):
    run = parse_arguments(["--config", str(path), *NO_GPU])
    command = path.read_text().splitlines()[0]
    assert command.startswith("# ")
    assert command.endswith(f"scripts/train_grpo.py --config configs/{path.name}")
    assert Path(run.training.output_dir).parts[0] == "runs", "what git ignores"


def test_the_demo_needs_no_model_and_the_other_config_names_one():
    demo = parse_arguments(["--config", str(CONFIGS / "grpo_cpu_demo.yaml")])
    real = parse_arguments(["--config", str(CONFIGS / "grpo_qwen_local.yaml"), *NO_GPU])
    assert (demo.data.dataset, demo.model.model_name_or_path) == (DEMO, None)
    assert real.model.model_name_or_path == "Qwen/Qwen2.5-Coder-1.5B-Instruct"
    assert real.training.learning_rate == 1e-6
    assert real.data.prompt_template.startswith("{prompt}")


def test_the_command_line_wins_over_the_file(tmp_path):
    given = write(tmp_path, "max_steps: 7\ncpu_s: 3\ncontrol: true\nright_share: 0.5\n")
    run = parse_arguments([*given, "--max_steps", "9", "--control", "false", "--sandbox_preload", "json", "math"])
    assert (run.training.max_steps, run.reward.cpu_s, run.demo.control) == (9, 3, False)
    assert run.demo.right_share == 0.5
    assert run.reward.sandbox_preload == ["json", "math"]


def test_the_file_may_be_named_with_an_equals_sign(tmp_path):
    _, path, *rest = write(tmp_path, "max_steps: 7\n")
    assert parse_arguments([f"--config={path}", *rest]).training.max_steps == 7


@pytest.mark.parametrize(
    ("text", "more", "complaint"),
    [
        pytest.param("max_step: 7\n", [], "'max_step': did you mean 'max_steps'", id="a misspelt key of TRL's"),
        pytest.param("cpu_seconds: 7\n", [], "'cpu_seconds'", id="a key that is nobody's"),
        pytest.param("promt_column: a\n", [], "did you mean 'prompt_column'", id="a misspelt key of ours"),
        pytest.param("seed: 1\n", ["--max_step", "3"], "did you mean 'max_steps'", id="no abbreviations either"),
        pytest.param("seed: 1\n", ["--scorings=x"], "did you mean 'scoring'", id="a misspelt option with a value"),
    ],
)
def test_unknown_keys_are_refused_and_the_nearest_is_named(text, more, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint):
        parse_arguments([*write(tmp_path, text), *more])
