"""Several datasets in one run: shares, columns of other names, and schemas that stand beside each other."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

os.environ["HF_HUB_OFFLINE"] = "1"

from datasets import Dataset

from rewards import CodeReward, ConfigurationError, DatasetError
from trainers.arguments import DataArguments
from trainers.datasets import load_rows
from trainers.sources import load_source

STDIN = {"task_id": 7, "prompt": "Add.", "verification_info": {"test_cases": [{"input": "1", "output": "1"}]}}
MBPP = {"task_id": "mbpp/1", "text": "Add.", "test_list": ["assert add(1, 2) == 3"], "test_setup_code": ""}
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
OURS = {"prompt": "Add.", "tests": [{"type": "call", "function": "add", "args": [1, 2], "expected": 3}]}
DEEP = {"prompt": "Add.", "tests": {"inputs": ["1 2\n"], "outputs": ["3\n"]}, "metadata": {"a": 1}}


def save(path: Path, row: dict, count: int) -> str:
    if path.suffix == ".parquet":
        Dataset.from_list([row] * count).to_parquet(str(path))
    else:
        path.write_text("\n".join([json.dumps(row)] * count))
    return str(path)


def part(path: Path, row: dict, count: int, **options) -> dict:
    return {"path": save(path, row, count), **options}


def mixture(*parts: dict, **options) -> DataArguments:
    return DataArguments(datasets=list(parts), **options)


def test_rows_of_different_schemas_stand_beside_each_other_and_can_all_be_graded(tmp_path):
    rows, _ = load_rows(
        mixture(
            part(tmp_path / "a.jsonl", STDIN, 3),
            part(tmp_path / "b.jsonl", MBPP, 2, columns={"text": "prompt"}),
            part(tmp_path / "c.jsonl", HUMANEVAL, 1, prompt_template="Complete:\n{prompt}"),
            part(tmp_path / "d.jsonl", OURS, 2),
            part(tmp_path / "e.parquet", DEEP, 2),
        )
    )
    with CodeReward() as reward:
        found = reward.check(rows)
        assert dict(found.schemas) == {"verification_info": 3, "mbpp": 2, "humaneval": 1, "tests": 4}
        assert (found.rows_without_tests, found.rows_without_code_prompt) == (0, 0)
        answer = "```python\ndef add(a, b):\n    return a + b\nprint(sum(map(int, input().split())))\n```"
        columns = {name: rows[name] for name in rows.column_names if name != "prompt"}
        scores = reward.grade(list(rows["prompt"]), [answer] * len(rows), **columns).scores
    expected = [0.0 if row["test_list"] or row["entry_point"] else 1.0 for row in rows]
    assert [score for row, score in zip(rows, scores, strict=True) if row["verification_info"]] == [1.0] * 3
    assert len(expected) == len(scores)
    assert {message["content"] for row in rows for message in row["prompt"]} == {"Add.", "Complete:\ndef add(a, b):\n"}


def test_columns_of_different_types_become_text_without_keys_that_other_rows_have(tmp_path):
    other = {
        "prompt": "Add.",
        "tests": [{"type": "stdin", "input": "1", "output": "1"}],
        "metadata": {"b": None, "c": 2},
    }
    rows, _ = load_rows(mixture(part(tmp_path / "a.parquet", DEEP, 1), part(tmp_path / "b.parquet", other, 1)))
    assert sorted(rows["metadata"]) == ['{"a": 1}', '{"c": 2}']
    assert json.loads(min(rows["tests"])) == other["tests"]


def test_whole_numbers_and_others_stay_numbers(tmp_path):
    slow, fast = {**OURS, "cpu_s": 2}, {**OURS, "cpu_s": 0.5}
    rows, _ = load_rows(mixture(part(tmp_path / "a.jsonl", slow, 1), part(tmp_path / "b.jsonl", fast, 1)))
    assert sorted(rows["cpu_s"]) == [0.5, 2.0]
    with CodeReward() as reward:
        assert reward.check(rows).rows == 2


def test_a_mixture_has_the_shares_that_were_asked_for_and_no_row_twice(tmp_path):
    parts = []
    for name, count, fraction in (("a", 30, 3), ("b", 100, 1)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps({"prompt": f"{name}{i}", "expected_output": "1"}) for i in range(count)))
        parts.append({"path": str(path), "fraction": fraction})
    rows, _ = load_rows(mixture(*parts, conversational=False), seed=1)
    assert len(rows) == 40
    assert sum(prompt.startswith("a") for prompt in rows["prompt"]) == 30
    assert len(set(rows["prompt"])) == 40
    again, _ = load_rows(mixture(*parts, conversational=False), seed=1)
    other, _ = load_rows(mixture(*parts, conversational=False), seed=2)
    assert list(again["prompt"]) == list(rows["prompt"])
    assert list(other["prompt"]) != list(rows["prompt"])


def test_rows_may_be_counted_instead_and_some_held_out(tmp_path):
    parts = [part(tmp_path / "a.jsonl", STDIN, 9, rows=4), part(tmp_path / "b.jsonl", STDIN, 3)]
    train, held_out = load_rows(mixture(*parts, eval_rows=2))
    assert (len(train), held_out and len(held_out)) == (5, 2)
    assert len(load_rows(mixture(*parts, max_rows=3))[0]) == 3


def test_each_dataset_may_have_its_language_and_columns(tmp_path):
    rows, _ = load_rows(
        mixture(
            part(tmp_path / "a.jsonl", STDIN, 1, language="cpp", reward_columns=["verification_info"]),
            part(tmp_path / "b.jsonl", {**STDIN, "language": "java"}, 1, language="cpp", system_prompt="In Java."),
        )
    )
    by_language = {row["language"]: row for row in rows}
    assert set(by_language) == {"cpp", "java"}
    assert by_language["cpp"]["task_id"] is None
    assert by_language["java"]["prompt"][0] == {"role": "system", "content": "In Java."}


def test_columns_are_renamed_before_all_else_and_the_old_one_gives_way(tmp_path):
    row = {"question": "Add.", "prompt": "old", "answer": "3"}
    arguments = DataArguments(
        dataset=save(tmp_path / "a.jsonl", row, 1),
        columns={"question": "prompt", "answer": "expected_output"},
        conversational=False,
        prompt_template="{prompt}!",
    )
    assert load_rows(arguments)[0][0] == {"prompt": "Add.!", "expected_output": "3"}


def test_a_template_writes_a_list_of_texts_as_lines(tmp_path):
    row = {**MBPP, "prompt": "Add:", "test_list": ["assert a", "assert b"]}
    arguments = DataArguments(
        dataset=save(tmp_path / "a.jsonl", row, 1), conversational=False, prompt_template="{prompt}\n{test_list}"
    )
    assert load_rows(arguments)[0][0]["prompt"] == "Add:\nassert a\nassert b"


def test_messages_and_texts_do_not_mix(tmp_path):
    chat = {**STDIN, "prompt": [{"role": "user", "content": "Add."}]}
    parts = [part(tmp_path / "a.jsonl", STDIN, 1), part(tmp_path / "b.jsonl", chat, 1)]
    assert len(load_rows(mixture(*parts))[0]) == 2
    with pytest.raises(ConfigurationError, match="prompts of different kinds"):
        load_rows(mixture(*parts, conversational=False))


def test_files_may_be_given_as_for_load_dataset(tmp_path):
    files = [save(tmp_path / "a.jsonl", STDIN, 1), save(tmp_path / "b.jsonl", STDIN, 2)]
    assert len(load_source("json", data_files=files)) == 3
    assert len(load_source("json", data_files=files[0])) == 1


def test_a_name_that_the_hub_has_not_is_one_error():
    """Offline, as the tests are: what is not in the cache is not to be had."""
    with pytest.raises(ConfigurationError, match="the dataset 'nobody/no-such-dataset' cannot be loaded"):
        load_source("nobody/no-such-dataset")


def test_a_folder_of_files_is_read_by_datasets(tmp_path):
    save(tmp_path / "train.parquet", MBPP, 2)
    assert len(load_source(str(tmp_path))) == 2
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        load_source(str(tmp_path), split="no_such_split")


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        pytest.param({"columns": {"x": "prompt"}}, DatasetError, "has no column 'x'", id="no such column"),
        pytest.param({"prompt_column": "x"}, DatasetError, "no column 'x' to make prompts", id="no such prompt"),
        pytest.param({"path": "none.jsonl"}, ConfigurationError, "no file 'none.jsonl'", id="no such file"),
        pytest.param({"fraction": 1e-9}, ConfigurationError, "a share too small", id="a share of nothing"),
    ],
)
def test_what_does_not_fit_one_of_them_is_said(options, error, complaint, tmp_path):
    fractions = {"fraction": 1.0} if "fraction" in options else {}
    good = part(tmp_path / "a.jsonl", STDIN, 2, **fractions)
    with pytest.raises(error, match=complaint):
        load_rows(mixture(good, {**part(tmp_path / "b.jsonl", STDIN, 2), **options}))


def test_a_column_in_which_one_dataset_has_nothing_keeps_its_type(tmp_path):
    slow, unsaid = {**OURS, "cpu_s": 2}, {**OURS, "cpu_s": None}
    rows, _ = load_rows(mixture(part(tmp_path / "a.jsonl", slow, 1), part(tmp_path / "b.jsonl", unsaid, 1)))
    assert {row["cpu_s"] for row in rows} == {2, None}
    with CodeReward() as reward:
        assert reward.check(rows).rows == 2
