"""Data sets graded offline by the reward of training: where completions come from, what is written, what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from evaluated import answer, graded

from rewards import CodeReward, ConfigurationError, DatasetError, Limits
from rewards.message_rewards import reward_function
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import (
    ColumnSource,
    EvaluationOptions,
    FileSource,
    evaluate_dataset,
    read_results,
    read_summary,
)
from trainers.evaluation.rows import Rows
from trainers.evaluation.store import ResultStore

QUIET = EvaluationOptions(report=False, progress=False, batch_size=4)


def row(i: int, *completions: str, **more: object) -> dict:
    fenced = [f"```python\n{completion}\n```" for completion in completions]
    return {"task_id": f"t/{i}", "expected_output": str(i), "completion": fenced, **more}


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def evaluated(dataset, folder: Path, **options):
    with CodeReward(sandbox=FakeSandbox(options.pop("answers", answer))) as reward:
        return evaluate_dataset(reward, dataset, output_dir=folder, options=QUIET, **options)


ROWS = [row(i, f"print({i})", "print(99)", difficulty="easy" if i % 2 else "hard") for i in range(10)]


def test_every_completion_of_a_column_gets_a_line_and_the_summary_counts_them(tmp_path):
    found = evaluated(write(tmp_path / "rows.jsonl", ROWS), tmp_path / "out", labels=["difficulty"])
    assert found.summary["samples"] == 20
    assert found.summary["verdicts"] == {"accepted": 10, "wrong_answer": 10}
    assert found.summary["pass_at_k"]["pass@1"]["value"] == pytest.approx(0.5)
    assert found.summary["pass_at_k"]["pass@2"]["value"] == 1.0
    assert {(group["value"], group["problems"]) for group in found.summary["groups"]} == {("easy", 5), ("hard", 5)}
    results = list(read_results(tmp_path / "out"))
    assert [(r.problem, r.number, r.passed) for r in results[:3]] == [
        ("t/0", 0, True),
        ("t/0", 1, False),
        ("t/1", 0, True),
    ]
    assert results[0].program.strip() == "print(0)"
    assert read_summary(tmp_path / "out") == found.summary
    table = found.to_dataset()
    assert len(table) == 20
    assert table[1]["verdict"] == "wrong_answer"


@pytest.mark.parametrize("form", ["dataset", "iterable", "list", "parquet", "json", "saved folder", "split"])
def test_a_data_set_may_come_in_any_form(form, tmp_path):
    import datasets

    given: object
    table = datasets.Dataset.from_list(ROWS)
    match form:
        case "dataset":
            given = table
        case "iterable":
            given = table.to_iterable_dataset()
        case "list":
            given = ROWS
        case "parquet":
            given = tmp_path / "rows.parquet"
            table.to_parquet(str(given))
        case "json":
            given = tmp_path / "rows.json"
            given.write_text(json.dumps(ROWS))
        case "saved folder":
            given = str(tmp_path / "saved")
            table.save_to_disk(given)
        case _:
            given = datasets.DatasetDict({"test": table})
    found = evaluated(given, tmp_path / "out", split="test" if form == "split" else None)
    assert found.summary["verdicts"] == {"accepted": 10, "wrong_answer": 10}


SAMPLES = {
    "human-eval": [{"task_id": f"t/{i}", "completion": f"print({i})"} for i in range(10)],
    "EvalPlus": [{"task_id": f"t/{i}", "solution": f"print({i})"} for i in range(10)],
    "LiveCodeBench": [{"question_id": f"t/{i}", "code_list": [f"print({i})", "print(99)"]} for i in range(10)],
    "LiveCodeBench, raw": [
        {"question_id": f"t/{i}", "output_list": [f"```python\nprint({i})\n```"]} for i in range(10)
    ],
}


@pytest.mark.parametrize("form", SAMPLES)
@pytest.mark.parametrize("as_list", [False, True])
def test_samples_may_lie_beside_the_data_set(form, as_list, tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(SAMPLES[form])) if as_list else write(path, SAMPLES[form])
    problems = [{name: value for name, value in each.items() if name != "completion"} for each in ROWS]
    found = evaluated(problems, tmp_path / "out", samples=path)
    wrong = {"wrong_answer": 10} if form == "LiveCodeBench" else {}
    assert found.summary["verdicts"] == {"accepted": 10, **wrong}


def test_a_folder_of_one_folder_a_problem_is_read(tmp_path):
    for i in range(3):
        (tmp_path / f"samples/t_{i}").mkdir(parents=True)
        (tmp_path / f"samples/t_{i}/0.py").write_text(f"print({i})")
    found = evaluated(ROWS, tmp_path / "out", samples=tmp_path / "samples")
    assert found.summary["verdicts"] == {"accepted": 3}


def test_the_guides_form_grades_conversations_with_the_fields_that_are_named(tmp_path):
    @reward_function
    def says_it(messages, wanted, **row):
        return float(messages[-1].content == wanted)

    rows = [
        {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": str(i)}], "wanted": "1"}
        for i in range(4)
    ]
    path = write(tmp_path / "chat.jsonl", rows)
    found = evaluate_dataset(
        reward_function=says_it, dataset_path=str(path), additional_fields=["wanted"], options=QUIET
    )
    assert [result.score for result in found.results] == [0.0, 1.0, 0.0, 0.0]
    assert found.pass_at_1 == 0.25


def test_a_plain_function_of_trls_form_is_a_reward_too(tmp_path):
    def length(completions, **columns):
        return [len(completion) / 100 for completion in completions]

    found = evaluate_dataset(length, ROWS, output_dir=tmp_path / "out", options=QUIET)
    assert found.summary["mean_score"] > 0
    assert found.summary["verdicts"] == {"wrong_answer": 20}


def test_unjudged_completions_are_counted_apart_and_never_dropped(tmp_path):
    def sometimes(job):
        lost = SandboxFailure("died", "gone", retryable=False)
        return lost if job.program.source.strip() == "print(99)" else answer(job)

    with CodeReward(sandbox=FakeSandbox(sometimes), breaker=None) as reward:
        found = evaluate_dataset(reward, ROWS, output_dir=tmp_path / "out", options=QUIET)
    assert found.summary["unjudged"] == 10
    assert found.summary["pass_at_k"]["pass@1"]["value"] == 1.0
    assert found.summary["pass_rate_bounds"] == [0.5, 1.0]


def test_a_conversation_need_not_be_json(tmp_path):
    """Arguments of calls are read from a model's own words, in which there may be NaN."""
    call = {"function": {"name": "f", "arguments": {"x": float("nan")}}}
    said = [{"role": "assistant", "content": "```python\nprint(1)\n```", "tool_calls": [call]}]
    found = evaluated([row(1) | {"completion": said}], tmp_path / "out")
    assert [(result.passed, result.completion[0]["role"]) for result in found.results] == [(True, "assistant")]


def test_what_could_not_be_judged_may_be_tried_again(tmp_path):
    lost = SandboxFailure("died", "gone", retryable=False)
    with CodeReward(
        sandbox=FakeSandbox(lambda job: lost if "9" in job.program.source else answer(job)), breaker=None
    ) as reward:
        first = evaluate_dataset(reward, ROWS, output_dir=tmp_path / "out", options=QUIET)
    assert first.summary["unjudged"] == 11
    before = [result.digest for result in first.results]
    again = dataclasses.replace(QUIET, retry_unjudged=True)
    sandbox = FakeSandbox(answer)
    with CodeReward(sandbox=sandbox) as reward:
        found = evaluate_dataset(reward, ROWS, output_dir=tmp_path / "out", options=again)
    assert found.summary["judged_now"] == 11
    assert len(sandbox.jobs) <= 11
    assert found.summary["verdicts"] == {"accepted": 10, "wrong_answer": 10}
    assert [result.digest for result in found.results] == before


def test_nothing_is_graded_twice_and_the_second_run_says_the_same(tmp_path):
    path = write(tmp_path / "rows.jsonl", ROWS)
    first, jobs = graded(str(path), str(tmp_path / "out"))
    again, more_jobs = graded(str(path), str(tmp_path / "out"))
    assert (jobs > 0, more_jobs) == (True, 0)
    assert {**first.summary, "judged_now": 0, "wall_s": 0} == {**again.summary, "judged_now": 0, "wall_s": 0}


@pytest.mark.parametrize("torn", ["half a line", "two lines less", "nothing judged yet"])
def test_an_evaluation_goes_on_behind_its_last_whole_line(torn, tmp_path):
    path = write(tmp_path / "rows.jsonl", ROWS)
    whole, _ = graded(str(path), str(tmp_path / "whole"))
    graded(str(path), str(tmp_path / "out"))
    results = tmp_path / "out/results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    cut = {"half a line": b"".join(lines[:7]) + lines[7][:40], "two lines less": b"".join(lines[:-2])}
    results.write_bytes(cut.get(torn, b""))
    again, _ = graded(str(path), str(tmp_path / "out"))
    assert again.summary["verdicts"] == whole.summary["verdicts"]
    assert results.read_bytes() != b""
    assert [r.digest for r in again.results] == [r.digest for r in whole.results]


@pytest.mark.parametrize("changed", ["limits", "scoring", "a row", "fewer rows", "the order"])
def test_other_settings_or_another_data_set_are_refused(changed, tmp_path):
    rows = [dict(each) for each in ROWS]
    options: dict = {"sandbox": FakeSandbox(answer)}
    with CodeReward(**options) as reward:
        evaluate_dataset(reward, rows, output_dir=tmp_path / "out", options=QUIET)
    match changed:
        case "limits":
            options["limits"] = Limits(cpu_s=1)
        case "scoring":
            options["scoring"] = "fraction_passed"
        case "a row":
            rows[3]["expected_output"] = "4"
        case "fewer rows":
            rows.pop()
        case _:
            rows.reverse()
    options["sandbox"] = FakeSandbox(answer)
    with CodeReward(**options) as reward, pytest.raises(ConfigurationError, match="folder"):
        evaluate_dataset(reward, rows, output_dir=tmp_path / "out", options=QUIET)


def test_another_sandbox_is_no_other_setting(tmp_path):
    evaluated(ROWS, tmp_path / "out")
    with CodeReward(sandbox="local") as reward:
        assert evaluate_dataset(reward, ROWS, output_dir=tmp_path / "out", options=QUIET).summary["judged_now"] == 0


def test_a_folder_belongs_to_one_evaluation_at_a_time(tmp_path):
    with ResultStore(tmp_path, {}), pytest.raises(ConfigurationError, match="in use"):
        ResultStore(tmp_path, {})
    ResultStore(tmp_path, {}).close()


@pytest.mark.parametrize(
    ("rows", "options", "complaint"),
    [
        pytest.param([{"task_id": "a", "expected_output": "1"}], {}, "no completion", id="no completion anywhere"),
        pytest.param(ROWS, {"completions": "reply"}, "'reply'", id="no such column"),
        pytest.param(ROWS, {"id_column": "uid"}, "'uid'", id="no such id"),
        pytest.param([3], {}, "no JSON object", id="a row that is a number"),
        pytest.param(iter(ROWS), {}, "read once only", id="an iterator"),
        pytest.param("no_such_file.jsonl", {}, "no file", id="no such file"),
        pytest.param(ROWS, {"samples": "no_such_samples.jsonl"}, "no file of samples", id="no such samples"),
        pytest.param(ROWS, {"samples": "x", "completions": "y"}, "one of the two", id="two sources"),
    ],
)
def test_what_cannot_be_evaluated_says_why(rows, options, complaint, tmp_path):
    with pytest.raises((ConfigurationError, DatasetError), match=complaint):
        evaluated(rows, tmp_path / "out", **options)


def test_a_sample_of_an_unknown_problem_is_named(tmp_path):
    path = write(tmp_path / "samples.jsonl", [{"task_id": "other/1", "completion": "x"}])
    with pytest.raises(DatasetError, match="'other/1'"):
        evaluated(ROWS, tmp_path / "out", samples=path)


def test_a_line_that_is_not_json_is_named(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"task_id": 1, "expected_output": "1", "completion": "x"}\n{oops\n')
    with pytest.raises(DatasetError, match="line 2"):
        evaluated(tmp_path / "rows.jsonl", tmp_path / "out")


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet", ".csv"])
def test_the_bar_knows_beforehand_about_how_many_there_are(ending, tmp_path):
    import datasets

    path, table = tmp_path / f"rows{ending}", datasets.Dataset.from_list(ROWS)
    if ending == ".parquet":
        table.to_parquet(str(path))
    elif ending == ".csv":
        table.remove_columns("completion").add_column("completion", ["print(1)"] * 10).to_csv(str(path), index=False)
    else:
        table.to_json(str(path), compression="gzip" if ending.endswith("gz") else None)
    assert Rows(path).count() == 10
    assert Rows(path, most=3).count() == 3
    assert ColumnSource(Rows(path)).count() == (10 if ending == ".csv" else 20)


def test_samples_in_a_file_are_counted_by_its_lines(tmp_path):
    path = write(tmp_path / "samples.jsonl", SAMPLES["LiveCodeBench"])
    assert FileSource(Rows(ROWS), path).count() == 20
    assert Rows("a/name/on/the/hub").count() is None


async def _from_a_notebook(folder: Path):
    return evaluated(ROWS, folder)


def test_it_runs_where_an_event_loop_runs_already(tmp_path):
    import asyncio

    assert asyncio.run(_from_a_notebook(tmp_path / "out")).summary["samples"] == 20
