"""The agent demo: a model that has its interpreter work out what it cannot know, and hands in what it was told."""

import contextlib
import io
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the demo")

from trl.chat_template_utils import is_chat_template_prefix_preserving, parse_response, supports_tool_calling

from rewards import CodeReward, Interpreters
from trainers.demos.agent import rows
from trainers.demos.agent_model import train_chat_tokenizer
from trainers.demos.agent_task import SUMMARIES, TREATMENTS, Question, example_for, make_questions
from trainers.environments import CodeInterpreterEnvironment

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
SHORT = {
    "exercises": 40,
    "held_out_exercises": 4,
    "sft_steps": 4,
    "sft_batch_size": 8,
    "hidden_size": 32,
    "layers": 1,
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "per_device_eval_batch_size": 4,
    "num_generations": 4,
    "logging_steps": 1,
}
QUESTIONS = make_questions(120, seed=0)


def printed(question: Question, *, setup: str) -> str:
    """Return what the question's cell prints; both are written here, and safe to run."""
    out, names = io.StringIO(), {}
    with contextlib.redirect_stdout(out):
        exec(setup, names)
        exec(question.code, names)
    return out.getvalue()


def test_a_right_cell_prints_the_answer():
    assert {q.treatment for q in QUESTIONS} == set(TREATMENTS)
    assert {q.summary for q in QUESTIONS} == set(SUMMARIES)
    for question in QUESTIONS:
        assert printed(question, setup=question.setup) == f"{question.answer}\n"
        assert json.loads(question.tests)[0]["output"] == f"{question.answer}\n"


def test_the_data_decide_the_answer_and_are_not_in_the_prompt():
    """The same cell among other data prints something else, so that the prompt alone is no use."""
    found = 0
    for question, other in itertools.pairwise(QUESTIONS):
        assert not {str(number) for number in question.data if number != question.k} & set(question.prompt.split())
        if " if " not in question.code:  # of other data, nothing may be left above or below the number
            found += printed(question, setup=other.setup) == f"{question.answer}\n"
    assert found <= 1


def test_prompts_are_different_and_the_same_for_a_seed():
    assert len({question.prompt for question in QUESTIONS}) == len(QUESTIONS)
    assert [q.prompt for q in make_questions(120, seed=0)] == [q.prompt for q in QUESTIONS]
    assert [q.prompt for q in make_questions(120, seed=1)] != [q.prompt for q in QUESTIONS]


def test_more_questions_than_there_are_is_an_error_and_not_a_hang():
    with pytest.raises(ValueError, match="more than the 7500 that there are"):
        make_questions(7_501, seed=0)


@pytest.mark.parametrize("right_share", [0.0, 0.3, 1.0])
def test_as_many_examples_are_right_as_were_asked_for(right_share):
    rng = random.Random(0)
    right = 0
    for question in QUESTIONS * 5:
        messages = example_for(question, rng, right_share=right_share)["messages"]
        right += len(messages) == 4 and messages[-1]["content"] == f"print({question.answer})"
    assert right / (5 * len(QUESTIONS)) == pytest.approx(right_share, abs=0.05)


def test_a_row_lets_its_interpreter_find_what_its_reward_wants():
    question = QUESTIONS[0]
    row = rows([question])[0]
    with Interpreters("local") as interpreters, CodeReward(sandbox="local") as reward:
        environment = CodeInterpreterEnvironment(interpreters=interpreters)
        environment.reset(**row)
        found = environment.run_python(question.code).strip()
        assert found == str(question.answer)
        scores = reward(completions=[f"print({found})", question.code], tests=[row["tests"]] * 2)
    assert scores == [1.0, 0.0], "a program that has to ask the data itself is no answer"


def right_example() -> list[dict[str, object]]:
    return example_for(QUESTIONS[0], random.Random(0), right_share=1.0)["messages"]


@pytest.fixture(scope="module")
def tokenizer():
    call = '{"code": "print(sum(x for x in data if x > 4))"}'
    return train_chat_tokenizer([f"run_python {call}", "print(4)", QUESTIONS[0].prompt])


def test_the_chat_template_fits_rollouts_with_tools(tokenizer):
    assert supports_tool_calling(tokenizer)
    assert is_chat_template_prefix_preserving(tokenizer)


def test_a_call_that_the_template_writes_is_read_back(tokenizer):
    messages = right_example()
    before = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=False)
    both = tokenizer.apply_chat_template(messages[:2], return_dict=False)
    assert both[: len(before)] == before
    read = parse_response(tokenizer, both[len(before) :], prefix=before)
    assert read["tool_calls"] == messages[1]["tool_calls"]


def test_a_broken_call_is_text(tokenizer):
    ids = tokenizer('<|call|>run_python {"code": "print(<|end|>')["input_ids"]
    read = parse_response(tokenizer, ids, prefix=tokenizer("<|assistant|>")["input_ids"])
    assert not read.get("tool_calls")


def test_only_what_the_assistant_says_is_learned(tokenizer):
    made = tokenizer.apply_chat_template(right_example(), return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, mask in zip(made["input_ids"], made["assistant_masks"], strict=True) if mask]
    call, answer = QUESTIONS[0].code, f"print({QUESTIONS[0].answer})"
    assert tokenizer.decode(learned) == f'<|call|>run_python {{"code": "{call}"}}<|end|>{answer}<|end|>'


def test_a_short_run_says_what_it_reached_and_leaves_a_summary(tmp_path):
    options = [word for name, value in SHORT.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "scripts/train_grpo.py", "--config", "configs/grpo_agent_cpu_demo.yaml", *options]
    done = subprocess.run(
        [*command, "--output_dir", str(tmp_path)], cwd=ROOT, env=OFFLINE, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for line in ("before GRPO", "after GRPO", "other data"):
        assert line in done.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert set(summary["held_out_pass_rate"]) == {"before", "after", "other data"}
    assert all(0.0 <= rate <= 1.0 for rate in summary["held_out_pass_rate"].values())


@pytest.mark.long
def test_three_seeds_learn_to_use_the_interpreter():
    """The criteria are those of the script: above 75 % in the end, and next to nothing with other data."""
    done = subprocess.run(
        [sys.executable, "scripts/demo_figures.py", "--demos", "agent"],
        cwd=ROOT,
        env=OFFLINE,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
