"""What is asked for each row: where an answer ends, what a problem is called, and what a prompt keeps to itself."""

from __future__ import annotations

import logging
import re

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from evaluated import answer

from rewards import CodeReward, ConfigurationError
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions, evaluate_dataset
from trainers.evaluation.prompts import plain_prompt, questions
from trainers.evaluation.rows import Rows
from trainers.evaluation.sampling import Sampling
from trainers.evaluation.stops import HUMANEVAL, stops_of

QUIET = EvaluationOptions(report=False, progress=False)
SOURCE = 'def add(a, b):\n    """Add."""\n'
HUMANEVAL_ROW = {"task_id": "HumanEval/0", "prompt": SOURCE, "entry_point": "add", "test": "def check(c): ..."}
MULTIPL_E_ROW = {"name": "a", "prompt": "#include <x>\nlong add(long a) {\n", "tests": "}", "stop_tokens": ["\n}"]}

STOPS = [
    pytest.param(HUMANEVAL_ROW, SOURCE, HUMANEVAL, id="a function's body"),
    pytest.param(HUMANEVAL_ROW, f"# Python\n{SOURCE.strip()}", HUMANEVAL, id="behind words of one's own"),
    pytest.param(HUMANEVAL_ROW, f"{SOURCE}\n```python\n", (), id="something stands behind the source"),
    pytest.param(HUMANEVAL_ROW, [{"role": "user", "content": SOURCE}], (), id="messages are answered"),
    pytest.param({**HUMANEVAL_ROW, "prompt": "Add.", "code_prompt": SOURCE}, SOURCE, HUMANEVAL, id="a code_prompt"),
    pytest.param(MULTIPL_E_ROW, MULTIPL_E_ROW["prompt"], ("\n}",), id="MultiPL-E says"),
    pytest.param({"prompt": "Write a poem.", "entry_point": "add"}, "Write a poem.", (), id="no source"),
    pytest.param({"prompt": "x", "entry_point": "Solution().add"}, "x", (), id="a method"),
]


@pytest.mark.parametrize(("row", "prompt", "stops"), STOPS)
def test_a_continuation_ends_where_its_data_set_says(row, prompt, stops):
    assert stops_of(row, prompt) == stops
    (asked,) = questions(Rows([row]), lambda row: prompt, Sampling())
    assert asked.stop == stops
    (asked,) = questions(Rows([row]), lambda row: prompt, Sampling(stop=("x",)))
    assert asked.stop == ("x",)


SILENT = [
    pytest.param(
        {
            "text": "Write a function to find the shared elements.",
            "test_list": ["assert set(similar_elements((1,))) == set()"],
        },
        "'similar_elements'.*{test_list}",
        id="MBPP",
    ),
    pytest.param(
        {"question": "Add.", "input_output": '{"fn_name": "add", "inputs": []}', "starter_code": "def add(a, b):"},
        "'add'.*{starter_code}",
        id="APPS",
    ),
    pytest.param({"prompt": "Add.", "metadata": '{"func_name": "add"}'}, "'add'", id="LiveCodeBench"),
    pytest.param({"prompt": "Add.", "entry_point": "Solution().add"}, "'add'", id="LeetCodeDataset"),
]


@pytest.mark.parametrize(("row", "told"), SILENT)
def test_a_prompt_that_does_not_name_what_is_called_is_told_about(row, told, caplog):
    with caplog.at_level(logging.WARNING):
        list(questions(Rows([row, row]), plain_prompt, Sampling()))
    (record,) = caplog.records
    assert re.search(f"row 0.* that its tests call {told}", record.getMessage())


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(HUMANEVAL_ROW, id="HumanEval"),
        pytest.param({"prompt": "Write add(a, b).", "test_list": ["assert add(1, 2) == 3"]}, id="named in words"),
        pytest.param({"prompt": "Add.", "input_output": '{"fn_name": null, "inputs": []}'}, id="stdin"),
        pytest.param({"prompt": "Add.", "starter_code": ""}, id="nothing to begin with"),
    ],
)
def test_a_prompt_that_says_what_is_wanted_is_not_told_about(row, caplog):
    with caplog.at_level(logging.WARNING):
        list(questions(Rows([row]), plain_prompt, Sampling()))
    assert not caplog.records


TWINS = [
    {"name": "Sum", "prompt": "Add two.", "expected_output": "1"},
    {"name": "Sum", "prompt": "Add three.", "expected_output": "2"},
    {"name": "Sum", "prompt": "Add two.", "expected_output": "1"},
]


def test_two_problems_of_one_name_are_asked_as_two(caplog):
    """TACO's problems have no ids, and names that they share."""
    with caplog.at_level(logging.WARNING):
        asked = list(questions(Rows(TWINS), plain_prompt, Sampling(n=2, temperature=1.0)))
    assert [question.problem for question in asked] == ["Sum"] * 2 + ["Sum (row 1)"] * 2 + ["Sum"] * 2
    assert "row 1 is another problem of the name 'Sum'" in caplog.text
    named = questions(Rows(TWINS, id_column="name"), plain_prompt, Sampling())
    assert [question.problem for question in named] == ["Sum"] * 3, "the user's word"


def test_two_problems_of_one_name_beside_their_completions_are_told_about(tmp_path, caplog):
    rows = [{**row, "completion": f"print({i + 1})"} for i, row in enumerate(TWINS)]
    with CodeReward(sandbox=FakeSandbox(answer)) as reward, caplog.at_level(logging.WARNING):
        found = evaluate_dataset(reward, rows, output_dir=tmp_path, options=QUIET)
    assert found.summary["problems"] == 1
    assert "figures take the two for one" in caplog.text


def test_the_stops_of_a_command_line_have_lines():
    from trainers.evaluation.asking import source_for
    from trainers.evaluation.command import make_parser

    words = ["run", "x.jsonl", "--output_dir", "x", "--model", "m", "--base_url", "http://127.0.0.1:9/v1"]
    more = ["--stop", "\\ndef", "END", "--timeout_s", "7"]
    source = source_for(make_parser().parse_args([*words, *more]), Rows([]))
    assert (source.sampling.stop, source.timeout_s) == (("\ndef", "END"), 7.0)
    assert source_for(make_parser().parse_args(words), Rows([])).sampling.stop is None
    with pytest.raises(ConfigurationError, match="timeout_s"):
        source_for(make_parser().parse_args([*words, "--timeout_s", "0"]), Rows([]))
