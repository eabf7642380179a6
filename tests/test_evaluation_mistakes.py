"""What a hurried user hands to an evaluation by mistake: one line says so, and no figure is quietly another."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from evaluated import answer

from rewards import CodeReward, ConfigurationError, DatasetError
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions, compare_evaluations, evaluate_dataset
from trainers.evaluation.command import main
from trainers.evaluation.engine import batches
from trainers.evaluation.sample import Sample
from trainers.evaluation.store import ResultStore
from trainers.evaluation.validation import validate_dataset

QUIET = EvaluationOptions(report=False, progress=False)
ROWS = [{"task_id": f"t{i}", "expected_output": str(i), "completion": f"```python\nprint({i})\n```"} for i in range(4)]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def evaluated(dataset, folder: Path, **options):
    with CodeReward(sandbox=FakeSandbox(answer)) as reward:
        return evaluate_dataset(reward, dataset, output_dir=folder, options=QUIET, **options)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("rows.jsonl", b"\xff\xfe{\0", "no text in UTF-8", id="another encoding"),
        pytest.param("rows.jsonl.gz", b"{}\n", "no gzipped text in UTF-8", id="gzip by its name only"),
        pytest.param("rows.parquet", b"{}\n", "no Parquet file", id="parquet by its name only"),
        pytest.param("rows.csv", b"a\n\xff\n", "no CSV file in UTF-8", id="a table in another encoding"),
        pytest.param("rows.txt", b"{}\n", "a file of rows ends in", id="another ending"),
        pytest.param("rows.jsonl", b"\n", "has no rows", id="no rows"),
        pytest.param(
            "rows.jsonl", b'{"completion": ["x", null]}', "row 0: 'completion' holds None", id="no completion"
        ),
    ],
)
def test_a_file_that_is_none_is_named(name, content, complaint, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((DatasetError, ConfigurationError), match=complaint):
        evaluated(tmp_path / name, tmp_path / "out")


def test_a_folder_that_was_not_saved_as_a_data_set_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="no folder of `save_to_disk`"):
        evaluated(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("rows", "samples", "complaint"),
    [
        pytest.param(ROWS, [], "no samples in", id="no samples"),
        pytest.param(
            [*ROWS, {**ROWS[0], "expected_output": "9"}], ROWS, "another problem of the name 't0'", id="names"
        ),
        pytest.param(ROWS, [{"task_id": "t0", "completion": None}], "sample 0 has nothing in", id="no completion"),
    ],
)
def test_samples_that_cannot_be_told_to_problems_are_refused(rows, samples, complaint, tmp_path):
    write(tmp_path / "samples.jsonl", samples)
    with pytest.raises(DatasetError, match=complaint):
        evaluated(rows, tmp_path / "out", samples=tmp_path / "samples.jsonl")


def test_problems_without_a_sample_are_told_about(tmp_path, caplog):
    write(tmp_path / "samples.jsonl", ROWS[:3])
    with caplog.at_level(logging.WARNING):
        found = evaluated(ROWS, tmp_path / "out", samples=tmp_path / "samples.jsonl")
    assert found.summary["problems"] == 3
    assert "1 of 4 problems have no sample" in caplog.text


def test_rows_without_completions_and_labels_that_do_not_exist_are_told_about(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        evaluated([*ROWS, {**ROWS[0], "completion": []}], tmp_path / "out", labels=["nope"])
    assert "1 of 5 rows have no completion" in caplog.text
    assert "no sample has a label 'nope'" in caplog.text


def test_half_a_surrogate_pair_in_a_name_or_label_loses_no_result(tmp_path):
    rows = [{**ROWS[0], "task_id": "t\ud800", "level": "\udfff"}]
    found = evaluated(rows, tmp_path / "out", labels=["level"])
    assert found.pass_at_1 == 1.0
    assert found.to_dataset()[0]["score"] == 1.0


RESERVED = ("prompts", "completions", "completion_ids", "trainer_state", "log_metric", "log_extra", "environments")


@pytest.mark.parametrize("name", RESERVED)
def test_a_column_by_the_name_of_what_a_reward_is_handed_takes_no_place_of_it(name, tmp_path):
    def says_it(completions, **columns):
        assert completions == ["```python\nprint(0)\n```"]
        assert name not in columns or name == "prompts"
        return [1.0]

    rows = [{**ROWS[0], name: "print(7)"}]
    assert evaluated(rows, tmp_path / "a", completions="completion").pass_at_1 == 1.0
    found = evaluate_dataset(says_it, rows, completions="completion", output_dir=tmp_path / "b", options=QUIET)
    assert found.pass_at_1 == 1.0


def test_a_function_of_trls_form_is_handed_messages_where_the_prompt_is_messages(tmp_path):
    def length(prompts, completions, **columns):
        return [float(len(completion[0]["content"])) for completion in completions]

    rows = [{"prompt": [{"role": "user", "content": "?"}], "completion": "four"}]
    assert evaluate_dataset(length, rows, output_dir=tmp_path, options=QUIET).summary["mean_score"] == 4.0


def test_a_function_is_called_once_at_a_time_as_trainers_do(tmp_path):
    calling = threading.Lock()

    def alone(completions, **columns):
        assert calling.acquire(blocking=False)
        time.sleep(0.02)
        calling.release()
        return [1.0] * len(completions)

    options = EvaluationOptions(report=False, progress=False, batch_size=1)
    assert evaluate_dataset(alone, ROWS, output_dir=tmp_path, options=options).pass_at_1 == 1.0


def test_a_comparison_by_other_rules_is_told_about(tmp_path, caplog):
    evaluated(ROWS, tmp_path / "a")
    with CodeReward(sandbox=FakeSandbox(answer), comparison="exact") as reward:
        evaluate_dataset(reward, ROWS, output_dir=tmp_path / "b", options=QUIET)
    with caplog.at_level(logging.WARNING):
        compare_evaluations(tmp_path / "a", tmp_path / "a")
        assert not caplog.records
        compare_evaluations(tmp_path / "a", tmp_path / "b")
    assert "graded by other rules: comparison is None" in caplog.text


@pytest.mark.parametrize("tests", [{"input": ["x" * 3_000_000] * 2}, ["x" * 6_000_000], "x" * 6_000_000])
def test_rows_of_megabytes_get_small_batches_however_they_keep_their_tests(tests):
    samples = (Sample(str(i), 0, "", {"tests": tests, "i": i}) for i in range(12))
    assert [len(batch) for batch in batches(samples, 256)] == [3, 3, 3, 3]


def test_a_table_may_have_cells_of_any_length(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"task_id,expected_output,completion,notes\nt0,0,print(0),{'x' * 300_000}\n")
    assert evaluated(path, tmp_path / "out").pass_at_1 == 1.0


def test_samples_of_evalplus_belong_to_the_hubs_mbpp_plus_which_numbers_its_problems(tmp_path):
    write(tmp_path / "samples.jsonl", [{"task_id": "Mbpp/2", "solution": "print(2)"}])
    rows = [{"task_id": 2, "expected_output": "2"}]
    assert evaluated(rows, tmp_path / "out", samples=tmp_path / "samples.jsonl").pass_at_1 == 1.0


def test_a_source_of_ones_own_may_say_of_itself_what_it_likes(tmp_path):
    class Own:
        def samples(self, folder):
            yield Sample("a", 0, "print(0)", {"expected_output": "0"})

        def count(self):
            return None

        def settings(self):
            return {"where": "somewhere"}

    with CodeReward(sandbox=FakeSandbox(answer)) as reward:
        options = EvaluationOptions(progress=False)
        found = evaluate_dataset(reward, ROWS, completions=Own(), output_dir=tmp_path, options=options)
    assert found.pass_at_1 == 1.0
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize(
    ("reward", "complaint"),
    [
        pytest.param(CodeReward, "found the class CodeReward", id="a class"),
        pytest.param(lambda completions, **columns: 1.0, "a list of scores, found float", id="one score"),
        pytest.param(lambda completions, **columns: None, "a list of scores, found NoneType", id="nothing"),
        pytest.param(lambda completions, **columns: ["good"] * 4, "'good', which is neither", id="words"),
    ],
)
def test_a_reward_that_is_none_is_named(reward, complaint, tmp_path):
    with pytest.raises(ConfigurationError, match=complaint):
        evaluate_dataset(reward, ROWS, output_dir=tmp_path, options=QUIET)


def test_one_label_and_one_field_may_be_given_without_a_list(tmp_path):
    def as_expected(completions, expected_output, prompts):
        return [1.0] * len(completions)

    rows = [{**row, "level": "easy"} for row in ROWS]
    options = {"labels": "level", "additional_fields": "expected_output", "options": QUIET}
    found = evaluate_dataset(as_expected, rows, output_dir=tmp_path, **options)
    assert [group["value"] for group in found.summary["groups"]] == ["easy"]


def test_an_output_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be an output folder"):
        evaluated(ROWS, tmp_path / "out")


@pytest.mark.parametrize(
    "words", [("--max_rows", "0"), ("--max_rows", "-1"), ("--batch_size", "0"), ("--model", "@nothing")]
)
def test_a_number_or_a_model_that_cannot_be_is_one_line(words, tmp_path):
    (tmp_path / "nothing").mkdir()
    rows = write(tmp_path / "rows.jsonl", [{"prompt": "x", "expected_output": "1"}])
    words = [word.replace("@", f"{tmp_path}/") for word in words]
    with pytest.raises(SystemExit, match="error: "):
        main([str(rows), "--output_dir", str(tmp_path / "out"), "--sandbox", "local", "--no_progress", *words])


@pytest.mark.parametrize("private", [False, True])
def test_results_are_pushed_as_privately_as_is_said(private, monkeypatch, tmp_path):
    pushed = []
    push = lambda rows, name, **options: pushed.append((len(rows), name, options))  # noqa: E731 - a method's stand-in
    monkeypatch.setattr("datasets.Dataset.push_to_hub", push)
    words = ["--push_to_hub", "me/results", *(["--hub_private_repo"] if private else [])]
    rows = write(tmp_path / "rows.jsonl", ROWS)
    main(
        [str(rows), "--output_dir", str(tmp_path / "out"), "--sandbox", "local", "--no_progress", "--no_report", *words]
    )
    assert pushed == [(4, "me/results", {"private": private})]


@pytest.mark.parametrize("words", ["enable_thinking=false", "[1]", "{1: 2}"])
def test_options_of_a_template_that_are_no_json_are_one_line(words, capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["rows.jsonl", "--output_dir", str(tmp_path), "--model", "m", "--chat_template_kwargs", words])
    assert f"argument --chat_template_kwargs: {words!r} is no object in JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "told"), [(errno.ENOSPC, "make room"), (errno.EROFS, "can be written to"), (errno.EBADF, None)]
)
def test_a_disk_that_takes_no_results_is_one_line_and_a_defect_of_ours_is_not(number, told, monkeypatch, tmp_path):
    def fail(self, results):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(ResultStore, "append", fail)
    rows = write(tmp_path / "rows.jsonl", ROWS)
    with pytest.raises(SystemExit if told else OSError, match=told):
        main([str(rows), "--output_dir", str(tmp_path / "out"), "--sandbox", "local", "--no_progress", "--no_report"])


@pytest.mark.parametrize(
    ("options", "error"), [({"repeats": 0}, ConfigurationError), ({"solution_column": "nope"}, DatasetError)]
)
def test_a_validation_that_would_try_no_known_solution_is_refused(options, error, tmp_path):
    with CodeReward(sandbox=FakeSandbox(answer)) as reward, pytest.raises(error):
        validate_dataset(reward, ROWS, output_dir=tmp_path, **options)


def test_a_statement_in_a_column_of_another_name_is_asked_by_the_same_template(tmp_path):
    from trainers.evaluation.asking import prompt_maker
    from trainers.evaluation.command import make_parser

    words = ["run", "x.jsonl", "--output_dir", "x", "--system_prompt", "Be brief."]
    asked = prompt_maker(make_parser().parse_args([*words, "--prompt_template", "Do: {prompt}"]))
    wanted = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Do: add"}]
    assert asked({"prompt": "add"}) == asked({"text": "add"}) == wanted
    with pytest.raises(DatasetError, match="nothing in 'task'"):
        prompt_maker(make_parser().parse_args([*words, "--prompt_column", "task"]))({"prompt": "add"})
