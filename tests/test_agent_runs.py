"""Agent runs from their YAML keys: built, graded, refused, and closed however they end."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run agents inside TRL")

from datasets import Dataset
from scripted_trainer import chat_tokenizer, says
from tiny_policy import tiny_model, tiny_tokenizer

from rewards import CircuitBreaker, CodeReward, ConfigurationError, DatasetError
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from trainers.config import parse_arguments
from trainers.ingredients import Ingredients
from trainers.training import build_trainer

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning",  # transformers renamed what TRL still sets
    "ignore:.*pin_memory.*:UserWarning",
)
ROWS = [
    {
        "prompt": [{"role": "user", "content": f"task {i}"}],
        "expected_output": str(i),
        "environment_setup": f"x = {i}",
    }
    for i in range(4)
]


def agent_run(folder: Path, *more: str, method: str = "grpo"):
    small = (
        *("--output_dir", str(folder / "out"), "--bf16", "false", "--use_cpu", "true", "--max_steps", "1"),
        *("--per_device_train_batch_size", "4", "--num_generations", "2", "--max_completion_length", "600"),
        *("--save_strategy", "no", "--disable_tqdm", "true", "--gradient_checkpointing", "false"),
        *("--tools", "run_python", "--sandbox", "local", "--reward_name", f"agent-{folder.name}"[:40].rstrip("-_.")),
    )
    return parse_arguments([*small, *more], method=method)


class Agents(FakeSandbox):
    """Answers cells by their source, and takes `print(1)` for what it is."""

    def __init__(self, **sessions) -> None:
        super().__init__({"print(1)": "1"}, sessions=FakeSessions(lambda source: f"out of {source}", **sessions))


def built(run, *, rows=ROWS, sandbox=None, tokenizer=None):
    tokenizer = tokenizer or chat_tokenizer()
    model = tiny_model(tokenizer)
    model.config.max_position_embeddings = 4096
    reward = CodeReward(sandbox=sandbox or Agents(), name=run.reward.reward_name)
    return reward, build_trainer(Ingredients(run, reward, Dataset.from_list(rows), None, model, tokenizer))


@pytest.mark.parametrize("parallel", ["true", "false"])
def test_a_yaml_key_makes_an_agent_run_whose_answers_the_usual_tests_grade(parallel, tmp_path):
    sandbox = Agents()
    reward, trainer = built(agent_run(tmp_path, "--parallel_tools", parallel), sandbox=sandbox)
    turns = []

    def speak(prompt_ids, images, fields, num_generations, has_tool_images=False):
        written = says("I ask", "x") if not turns else says("```python\nprint(1)\n```")
        turns.append(len(prompt_ids))
        return [trainer.processing_class.encode(written) for _ in prompt_ids], None

    trainer._generate_single_turn = speak
    with reward:
        trainer.train()
    assert turns == [4, 4]
    right = [row["expected_output"] == "1" for row in ROWS]
    logged = trainer.state.log_history[0]
    assert logged[f"rewards/{reward.name}/mean"] in (0.0, 0.5)
    assert logged[f"{reward.name}/accepted"] == logged[f"rewards/{reward.name}/mean"]
    assert logged["agent/calls"] == 1.0
    assert any(right)
    assert {cell.source for session in sandbox.opened for cell in session.cells} >= {"x"}
    assert all(session.closed for session in sandbox.opened)
    assert all(session.cells[0].source.startswith("x = ") for session in sandbox.opened)


@pytest.mark.parametrize("parallel", ["true", "false"])
def test_everything_is_closed_after_an_exception_in_mid_run(parallel, tmp_path):
    sandbox = Agents()
    reward, trainer = built(agent_run(tmp_path, "--parallel_tools", parallel), sandbox=sandbox)

    def interrupted(prompt_ids, *rest, **more):
        raise KeyboardInterrupt

    trainer._generate_single_turn = interrupted
    with reward, pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert sandbox.closed
    assert all(session.closed for session in sandbox.opened)


def test_a_forgotten_trainer_leaves_no_interpreters(tmp_path):
    sandbox = Agents()
    reward, trainer = built(agent_run(tmp_path), sandbox=sandbox)
    environment = trainer._environment_pool[None][0]
    environment.reset()
    environment.environment.run_python("x")
    forgotten = weakref.ref(trainer)
    del trainer, environment
    gc.collect()
    assert forgotten() is None
    end = time.monotonic() + 2
    while not sandbox.opened[0].closed:
        assert time.monotonic() < end
        time.sleep(0.01)
    reward.close()


@pytest.mark.parametrize(
    ("more", "options", "error", "complaint"),
    [
        pytest.param(["--tools", "bash"], {}, ConfigurationError, "found 'bash'", id="no such tool"),
        pytest.param(["--tools", "run_shell"], {}, ConfigurationError, "no shell", id="no shell"),
        pytest.param([], {"sandbox": Agents(capacity=3)}, ConfigurationError, "4 rollouts.*holds 3", id="few places"),
        pytest.param(
            [], {"rows": [{"prompt": "go", "expected_output": "1"}] * 4}, DatasetError, "messages", id="plain prompts"
        ),
        pytest.param(
            [],
            {"rows": [{**row, "environment_files": "{"} for row in ROWS]},
            DatasetError,
            "environment_files",
            id="a bad set-up",
        ),
        pytest.param(
            ["--max_tool_calling_iterations", "7"], {}, ConfigurationError, "key for this is tool_turns", id="two keys"
        ),
    ],
)
def test_what_does_not_fit_ends_a_run_before_it_begins(more, options, error, complaint, tmp_path):
    with pytest.raises(error, match=complaint):
        built(agent_run(tmp_path, *more), **options)


def test_a_chat_template_without_tools_ends_a_run_before_it_begins(tmp_path):
    with pytest.raises(ConfigurationError, match="does not support tool calling"):
        built(agent_run(tmp_path), tokenizer=tiny_tokenizer())


def test_tools_are_for_grpo_alone(tmp_path):
    with pytest.raises(ConfigurationError, match="only GRPO has turns with tools"):
        built(agent_run(tmp_path, method="rloo"))


@pytest.mark.parametrize(
    ("given", "breaker"), [(["--breaker_batches", "7"], CircuitBreaker(batches=7)), ([], CircuitBreaker())]
)
def test_a_run_says_how_many_batches_may_lose_their_interpreters(given, breaker, tmp_path):
    reward, trainer = built(agent_run(tmp_path, *given))
    with reward:
        assert trainer.reward_funcs[0].breaker == breaker


def test_batches_without_interpreters_end_no_run_that_does_not_want_it(tmp_path):
    (tmp_path / "run.yaml").write_text("breaker_batches: null\n")
    reward, trainer = built(agent_run(tmp_path, "--config", str(tmp_path / "run.yaml")))
    with reward:
        assert trainer.reward_funcs[0].breaker is None
