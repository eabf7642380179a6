"""From datasets of several kinds to rows that a trainer and a reward can use."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from datasets import Dataset

from rewards import CodeReward, ConfigurationError, DatasetError
from trainers.arguments import DataArguments
from trainers.datasets import adapt, load_rows, make_prompt

VERIFICATION = {
    "language": "python",
    "test_cases": [
        {"type": "stdin_stdout", "input": "1 2\n", "output": "3\n", "fn_name": None},
        {"type": "stdin_stdout", "input": "2 2\n", "output": "4\n", "fn_name": None},
    ],
}
OPEN_R1 = {
    "source": "codeforces",
    "task_type": "verifiable_code",
    "prompt": "Add {two} numbers.",
    "gold_standard_solution": "print(sum(map(int, input().split())))",
    "verification_info": VERIFICATION,
    "metadata": {"difficulty": "1"},
}
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
MBPP = {"prompt": "Add.", "test_list": ["assert add(1, 2) == 3"], "test_setup_code": ""}
MIXED = {"prompt": "Add.", "tests": [{"type": "call", "function": "add", "args": [1, [2]], "expected": None}]}
SPOILT = {"prompt": "Add.", "tests": [{"type": "call", "function": "add", "args": ["x"], "expected": 1.5}]}
DATA = DataArguments(dataset="rows.jsonl")


def save(path: Path, rows: list[dict]) -> str:
    text = "\n".join(json.dumps(row) for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".parquet":
        Dataset.from_list(rows).to_parquet(str(path))
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix:
        path.write_text(text + "\n")
    else:
        Dataset.from_list(rows).save_to_disk(str(path))
    return str(path)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.json", "rows.parquet", "folder"])
def test_the_same_rows_are_read_from_every_kind_of_file(name, tmp_path):
    rows, held_out = load_rows(DataArguments(dataset=save(tmp_path / name, [OPEN_R1] * 3), max_rows=2))
    assert len(rows) == 2
    assert held_out is None
    assert rows[0]["prompt"] == [{"role": "user", "content": "Add {two} numbers."}]
    with CodeReward() as reward:
        assert reward.check(rows).tests == 4


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([OPEN_R1], id="verification_info"),
        pytest.param([HUMANEVAL], id="HumanEval"),
        pytest.param([MBPP], id="MBPP"),
        pytest.param([MIXED, SPOILT], id="arguments and answers of different types in one column"),
    ],
)
def test_a_reward_reads_what_json_lines_held(rows, tmp_path):
    adapted, _ = load_rows(DataArguments(dataset=save(tmp_path / "rows.jsonl", rows)))
    with CodeReward() as reward:
        found = reward.check(adapted)
    assert (found.rows, found.rows_without_tests, found.rows_without_code_prompt) == (len(rows), 0, 0)


def test_humaneval_rows_keep_the_source_that_a_program_continues():
    row = adapt(Dataset.from_list([HUMANEVAL]), replace(DATA, prompt_template="Complete:\n{prompt}"))[0]
    assert row["code_prompt"] == HUMANEVAL["prompt"]
    assert row["prompt"][0]["content"] == "Complete:\n" + HUMANEVAL["prompt"]


def test_only_the_columns_that_were_named_reach_the_reward():
    assert set(adapt(Dataset.from_list([OPEN_R1]), replace(DATA, reward_columns=["verification_info"]))[0]) == {
        "prompt",
        "verification_info",
    }


def test_columns_that_collide_with_trls_own_are_left_out():
    rows = Dataset.from_list([{"problem": "Add.", "expected_output": "3", "completions": "x", "image": "y"}])
    assert set(adapt(rows, replace(DATA, prompt_column="problem"))[0]) == {"prompt", "expected_output"}


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        pytest.param({"conversational": False}, "Add.", id="plain text"),
        pytest.param({"conversational": False, "system_prompt": "Be brief."}, "Be brief.\n\nAdd.", id="plain, system"),
        pytest.param({}, [{"role": "user", "content": "Add."}], id="messages"),
        pytest.param(
            {"system_prompt": "Be brief.", "prompt_template": "{prompt} In {language}."},
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Add. In C."}],
            id="messages, system, another column",
        ),
        pytest.param(
            {"conversational": False, "prompt_template": "{prompt}{starter_code}"}, "Add.", id="a cell without anything"
        ),
    ],
)
def test_prompts_are_made_as_the_arguments_say(options, prompt):
    assert make_prompt({"prompt": "Add.", "language": "C", "starter_code": None}, replace(DATA, **options)) == prompt


def test_a_statement_that_is_messages_already_stays_as_it_is():
    said = [{"role": "user", "content": "Add."}]
    assert make_prompt({"prompt": said}, DATA) == said
    assert make_prompt({"prompt": said}, replace(DATA, system_prompt="S"))[0] == {"role": "system", "content": "S"}


def test_a_second_system_message_is_refused():
    said = [{"role": "system", "content": "T"}, {"role": "user", "content": "Add."}]
    assert make_prompt({"prompt": said}, DATA) == said
    with pytest.raises(DatasetError, match="system_prompt would be a second"):
        make_prompt({"prompt": said}, replace(DATA, system_prompt="S"))


def test_held_out_rows_are_taken_from_the_training_split(tmp_path):
    rows = [{"prompt": str(i), "expected_output": str(i)} for i in range(10)]
    arguments = DataArguments(dataset=save(tmp_path / "rows.jsonl", rows), eval_rows=3, conversational=False)
    train, held_out = load_rows(arguments)
    assert len(train) == 7
    assert held_out is not None
    assert len(held_out) == 3
    assert not set(train["prompt"]) & set(held_out["prompt"])


@pytest.mark.parametrize(
    ("options", "text", "error", "complaint"),
    [
        pytest.param({"prompt_column": "question"}, "{}", DatasetError, "no column 'question'", id="no such prompt"),
        pytest.param({"reward_columns": ["tests"]}, "{}", DatasetError, "no column 'tests'", id="no such column"),
        pytest.param({"prompt_template": "{task}"}, "{}", ConfigurationError, "does not fit", id="no such field"),
        pytest.param({"prompt_template": "{"}, "{}", ConfigurationError, "double literal braces", id="a single brace"),
        pytest.param({"eval_rows": 1}, "{}", ConfigurationError, "leaves nothing", id="everything held out"),
        pytest.param({}, "{]", DatasetError, "neither JSON Lines", id="no JSON"),
        pytest.param({}, "[1]", DatasetError, "row 0 is no JSON object", id="no objects"),
        pytest.param({}, "", DatasetError, "has no rows", id="no rows"),
    ],
)
def test_what_does_not_fit_is_said_before_a_run(options, text, error, complaint, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(text.replace("{}", '{"prompt": "Add.", "expected_output": "3"}'))
    with pytest.raises(error, match=complaint):
        load_rows(replace(DATA, dataset=str(path), **options))


def test_a_file_that_is_not_there_is_no_name_on_the_hub():
    with pytest.raises(ConfigurationError, match="no file"):
        load_rows(DATA)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param([None, "3"], [None, "3"], id="the first row has nothing"),
        pytest.param([3, "x"], ["3", "x"], id="a number and a text"),
        pytest.param([3, [1, 2]], ["3", "[1, 2]"], id="a number and a list"),
        pytest.param([True, 1], ["true", "1"], id="a flag and a number"),
        pytest.param([["a"], [1]], ['["a"]', "[1]"], id="lists of different things"),
        pytest.param([[{"input": "1"}], []], ['[{"input": "1"}]', "[]"], id="tests and an empty list"),
        pytest.param([["a"], []], [["a"], []], id="texts and an empty list"),
        pytest.param([10**30, 1], [f"1{'0' * 30}", "1"], id="more than Arrow counts to"),
        pytest.param([2, 0.5], [2.0, 0.5], id="numbers stay numbers"),
    ],
)
def test_no_cell_of_a_file_is_lost_whatever_the_other_rows_hold(cells, expected, tmp_path):
    rows = [{"prompt": "Add.", **({} if cell is None else {"expected_output": cell})} for cell in cells]
    found, _ = load_rows(DataArguments(dataset=save(tmp_path / "rows.jsonl", rows)))
    assert found["expected_output"][:] == expected


def test_messages_with_more_keys_are_messages(tmp_path):
    said = [{"role": "user", "content": "Add.", "weight": 1}]
    found, _ = load_rows(DataArguments(dataset=save(tmp_path / "rows.jsonl", [{"prompt": said}])))
    assert found[0]["prompt"] == said


def test_a_column_of_messages_and_texts_is_refused(tmp_path):
    rows = [{"prompt": "Add."}, {"prompt": [{"role": "user", "content": "Add."}]}]
    with pytest.raises(DatasetError, match="do not make a table"):
        load_rows(DataArguments(dataset=save(tmp_path / "rows.jsonl", rows)))


@pytest.mark.parametrize("name", ["rows.jsonl", "folder"])
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param({"eval_split": "test"}, "has no splits, so there is no 'test'", id="a split to evaluate on"),
        pytest.param({"train_split": "train[:1]"}, r"there is no 'train\[:1\]'", id="a part of a split"),
        pytest.param({"dataset_config": "main"}, "dataset_config stands beside", id="a configuration"),
        pytest.param({"data_files": "other.jsonl"}, "data_files stands beside", id="other files"),
    ],
)
def test_what_a_file_lacks_is_refused(name, options, complaint, tmp_path):
    """The very rows that are trained on would be evaluated on."""
    path = save(tmp_path / name, [{"prompt": "Add.", "expected_output": "3"}] * 3)
    with pytest.raises(ConfigurationError, match=complaint):
        load_rows(DataArguments(dataset=path, **options))


def test_rows_held_out_and_a_split_to_evaluate_on_are_one_too_many(tmp_path):
    path = save(tmp_path / "rows.jsonl", [{"prompt": "Add.", "expected_output": "3"}] * 3)
    with pytest.raises(ConfigurationError, match="eval_rows stands beside eval_split"):
        load_rows(DataArguments(dataset=path, eval_split="train", eval_rows=1))


def test_what_a_rollouts_interpreter_reads_needs_no_mention_among_the_rewards_columns():
    row = {**OPEN_R1, "environment_setup": "data = [1]", "environment_files": "{}"}
    kept = adapt(Dataset.from_list([row]), replace(DATA, reward_columns=["verification_info"]))[0]
    assert set(kept) == {"prompt", "verification_info", "environment_setup", "environment_files"}


@pytest.mark.parametrize(("different", "is_said"), [(2, True), (6, False)])
def test_prompts_that_are_evaluated_and_trained_on_are_told_of(different, is_said, tmp_path, caplog):
    """Sets overlap, and have problems twice: what is held out of such rows is not."""
    rows = [{"prompt": f"Print {i % different}.", "expected_output": str(i)} for i in range(6)]
    load_rows(DataArguments(dataset=save(tmp_path / "rows.jsonl", rows), eval_rows=2))
    assert ("2 of the 2 prompts to evaluate on are also trained on" in caplog.text) is is_said


@pytest.mark.parametrize(
    ("options", "is_said"),
    [
        pytest.param({}, True, id="the statement alone"),
        pytest.param({"prompt_template": "{prompt}\n{test_list}"}, False, id="with the tests"),
    ],
)
def test_a_prompt_that_keeps_the_name_that_its_tests_call_is_told_of(options, is_said, caplog):
    rows = [{"prompt": "Write a function to add two numbers.", "test_list": ["assert plus_two(1, 1) == 2"]}]
    adapt(Dataset.from_list(rows), DataArguments("x", **options))
    assert ("does not say that its tests call 'plus_two'" in caplog.text) is is_said
    assert (r'prompt_template "{prompt}\n\n{test_list}" does' in caplog.text) is is_said
