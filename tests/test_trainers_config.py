"""What a YAML file and a command line say about a run."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from rewards import ConfigurationError
from trainers import launch, methods
from trainers.arguments import DEMO
from trainers.command import run_from
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


METHODS = ("grpo", "rloo")
"""Those that the installed TRL has; the configs for PPO are read where there is one that has it."""


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_can_be_read_and_begins_with_its_command(path):
    method = path.stem.split("_")[0]
    command = path.read_text().splitlines()[0]
    assert command.startswith("# ")
    assert command.endswith(f"scripts/train_{method}.py --config configs/{path.name}")
    if method in METHODS:
        run = parse_arguments(["--config", str(path), *NO_GPU], method=method)
        assert run.training.output_dir == f"runs/{path.stem}", "what git ignores"


@pytest.mark.parametrize("path", sorted((CONFIGS / "accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_can_read_its_configs(path):
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    assert path.read_text().startswith(f"# accelerate launch --config_file configs/accelerate/{path.name} ")
    assert (config.num_machines, config.num_processes, config.mixed_precision) == (1, 8, "bf16")
    assert config.distributed_type.value in ("MULTI_GPU", "DEEPSPEED", "FSDP")


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


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("max_steps: [1, 2]", r"max_steps: expected a whole number, found a list \[1, 2\]", id="a list"),
        pytest.param("max_steps: many", "max_steps: expected a whole number, found 'many'", id="a word"),
        pytest.param("max_steps: 1.5", "max_steps: expected a whole number, found 1.5", id="half a step"),
        pytest.param("max_steps: true", "max_steps: expected a whole number, found true", id="a flag for a number"),
        pytest.param("max_steps:", "max_steps: expected a whole number, found nothing", id="nothing"),
        pytest.param("learning_rate: fast", "learning_rate: expected a number, found 'fast'", id="no number"),
        pytest.param("cpu_s: {a: 1}", "cpu_s: expected a number, found a mapping", id="a mapping"),
        pytest.param("sandbox: null", "sandbox: expected text, found nothing", id="null for a name"),
        pytest.param("e2b_run: 12", "e2b_run: expected text, found 12", id="a number for a name"),
        pytest.param("save_strategy: no", "found false, which is no text without quotes", id="YAML's no"),
        pytest.param("control: maybe", "control: expected true or false, found 'maybe'", id="no flag"),
        pytest.param("tools: run_python", "tools: expected a list of text, found 'run_python'", id="no list"),
        pytest.param("sandbox_preload: [1]", "sandbox_preload: expected a list of text", id="a list of numbers"),
        pytest.param("dtype: float8", "dtype: expected one of auto, bfloat16", id="not among the choices"),
        pytest.param("env: [A]", "env: expected a mapping", id="no mapping of variables"),
        pytest.param("columns: [a, b]", "columns: expected a mapping or text, found a list", id="no renaming"),
        pytest.param("columns: {a: x, b: x}", "gives two of their columns one name", id="two of one name"),
        pytest.param("datasets: rows.jsonl", "datasets: expected a list of mappings", id="no list of datasets"),
        pytest.param("datasets: [{fraction: 1}]", "entry 0: path is missing", id="a dataset without a path"),
        pytest.param(
            "datasets: [a.jsonl, {path: b, fractoin: 1}]",
            "entry 1: unknown option 'fractoin': .* 'fraction'",
            id="a misspelt key of an entry",
        ),
        pytest.param("datasets: [{path: b, rows: x}]", "entry 0, rows: expected a whole number", id="a bad entry"),
        pytest.param("datasets: [{path: b, rows: 0}]", "rows must be at least 1", id="no rows"),
        pytest.param("datasets: [{path: a, fraction: 1}, {path: b}]", "fraction stands in some", id="half of them"),
        pytest.param("dataset: x\ndatasets: [y]", "dataset and datasets are both given", id="both"),
        pytest.param("eval_split: test\ndatasets: [y]", "eval_split stands beside datasets", id="a split of many"),
        pytest.param("seed: 1\nseed: 2", "line 2, column 1: 'seed' stands twice", id="a key twice"),
        pytest.param("a: 1\n\tb: 2", "line 2, column 1: .*a tab: indent by spaces", id="a tab"),
        pytest.param("- a\n- b", "must be a mapping of keys to values, found list", id="a list of keys"),
        pytest.param("", "found empty", id="an empty file"),
        pytest.param("a: [1", "is no YAML: line", id="no YAML"),
        pytest.param("7: x", "unknown option '7'", id="a number for a key"),
        pytest.param("num_generations: 3\nper_device_train_batch_size: 8", "divisible", id="what TRL refuses"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(text, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        parse_arguments(write(tmp_path, text + "\n"))
    assert "Traceback" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere.yaml' cannot be read: No such file"):
        parse_arguments(["--config", str(tmp_path / "nowhere.yaml")])
    with pytest.raises(ConfigurationError, match="names no file"):
        parse_arguments(["--config"])


def test_a_bad_value_on_the_command_line_is_one_line():
    with pytest.raises(ConfigurationError, match="invalid int value: 'many'"):
        parse_arguments(["--max_steps", "many"])


def test_numbers_may_be_written_as_people_write_them(tmp_path):
    run = parse_arguments(write(tmp_path, "learning_rate: 1e-6\nmax_steps: 1e3\nmemory_mb: '256'\ncpu_s: 2\n"))
    assert (run.training.learning_rate, run.training.max_steps) == (1e-6, 1000)
    assert (run.reward.memory_mb, run.reward.cpu_s) == (256, 2)


def test_variables_of_the_environment_may_stand_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("A_VARIABLE_OF_OURS", "before")
    parse_arguments(write(tmp_path, "env:\n  A_VARIABLE_OF_OURS: 7\n"))
    import os

    assert os.environ["A_VARIABLE_OF_OURS"] == "7"


def test_every_option_of_a_code_reward_has_a_key():
    """But for those that only Python can say: bounds are for scorers, and several make one option."""
    import inspect

    from rewards import CircuitBreaker, CodeReward, Extraction, Limits
    from trainers.arguments import RewardArguments

    keys = set(RewardArguments.__dataclass_fields__)
    options = set(inspect.signature(CodeReward).parameters) - {"bounds", "breaker", "extraction", "limits", "name"}
    options |= set(Limits.__dataclass_fields__)
    options |= {f"breaker_{name}" for name in CircuitBreaker.__dataclass_fields__}
    options |= {"block_choice" if name == "choice" else name for name in Extraction.__dataclass_fields__}
    assert options - keys == set()


@pytest.mark.parametrize(
    "given", [("tool_turns", 0), ("tool_output_chars", 0), ("report_every", -1), ("report_samples", -1)]
)
def test_amounts_that_make_no_sense_are_refused(given, tmp_path):
    name, value = given
    with pytest.raises(ConfigurationError, match=f"{name} must be at least"):
        parse_arguments(write(tmp_path, f"{name}: {value}\n"))


def test_variables_in_the_file_are_set_before_the_packages_that_read_them(tmp_path):
    given = write(tmp_path, f"env: {{HF_HOME: {tmp_path / 'cache'}}}\nno_such_key: 1\n")
    code = (
        "import sys, trainers.launch\n"
        "try: trainers.launch.main('grpo', sys.argv[1:])\n"
        "except SystemExit as error: print(error)\n"
        "from huggingface_hub import constants; print(constants.HF_HOME)"
    )
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, timeout=120)
    complaint, home = done.stdout.splitlines()
    assert complaint.startswith("error: unknown option 'no_such_key'"), done.stderr[-2000:]
    assert home == str(tmp_path / "cache")


def test_the_command_line_knows_every_method():
    assert set(launch.METHODS) == set(methods.METHODS)


@pytest.mark.parametrize(
    "given", [("model_name_or_path", "some/model"), ("prompt_column", "question"), ("eval_rows", 2)]
)
def test_a_model_without_a_dataset_is_no_demo(given):
    """`dataset` is the demo's where a file forgets it, and the demo would leave all of these aside."""
    name, value = given
    run = parse_arguments(["--bf16", "false", f"--{name}", str(value)])
    with pytest.raises(ConfigurationError, match=f"{name}: the run 'demo' makes its own rows and model"):
        run_from(run)


def test_options_of_a_demo_are_for_demos(tmp_path):
    run = parse_arguments([*NO_GPU, "--dataset", "rows.jsonl", "--control", "true", "--cpu_threads", "4"])
    with pytest.raises(
        ConfigurationError, match=r"cpu_threads, control: for demos alone, and `dataset` is 'rows.jsonl'"
    ):
        run_from(run)


def test_options_of_tools_are_for_runs_with_tools(tmp_path):
    with pytest.raises(
        ConfigurationError, match="tool_turns, parallel_tools: how tools are used, but `tools` names none"
    ):
        parse_arguments(write(tmp_path, "tool_turns: 6\nparallel_tools: false\n"))
