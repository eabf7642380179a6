"""`scripts/evaluate.py`, as a user types it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from trainers.evaluation.command import main

ROWS = [
    {
        "task_id": f"t/{i}",
        "prompt": f"Print {i}.",
        "expected_output": str(i),
        "solution": f"print({i})",
        "level": "ab"[i % 2],
    }
    for i in range(6)
]


def wordless(completions, **columns):
    return [1.0 if not completion.split() else 0.0 for completion in completions]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    for name, right in (("good", 6), ("poor", 2)):
        lines = [{"task_id": f"t/{i}", "solution": f"print({i if i < right else -1})"} for i in range(6)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def run(files: Path, *words: str) -> None:
    main([word.replace("@", f"{files}/") for word in words])


def test_two_runs_and_their_comparison(files, capsys):
    for name in ("poor", "good"):
        run(files, "@rows.jsonl", "--samples", f"@{name}.jsonl", "--output_dir", f"@{name}", "--labels", "level")
    run(files, "compare", "@poor", "@good")
    shown = capsys.readouterr().out
    assert "pass@1  0.333" in shown
    assert "pass@1  1.000" in shown
    assert "level: a (3 judged)" in shown
    assert "6 problems in both: 33.3% -> 100.0%" in shown
    assert "gained 4: t/2, t/3, t/4, t/5" in shown
    assert (files / "good/report.html").is_file()
    assert (files / "good/results.parquet").is_file()


def test_a_data_set_is_validated(files, capsys):
    run(files, "validate", "@rows.jsonl", "--output_dir", "@checked", "--sandbox", "local", "--no_progress")
    assert "6 of 6 rows are clean" in capsys.readouterr().out
    assert len((files / "checked/clean.jsonl").read_text().splitlines()) == 6


def test_another_reward_is_named_by_its_path(files, capsys):
    run(
        files,
        *("@rows.jsonl", "--completions", "solution", "--output_dir", "@other", "--no_report"),
        *("--reward", f"{__name__}.wordless", "--additional_fields", "task_id"),
    )
    assert "100.0%  wrong_answer" in capsys.readouterr().out


def test_a_labels_figure_is_pass_at_1_as_all_others_are(tmp_path, capsys):
    """Of the problems' rates, however many completions each has."""
    rows = [
        {"task_id": "a", "expected_output": "1", "completion": ["print(1)"] * 4, "level": "low"},
        {"task_id": "b", "expected_output": "1", "completion": ["print(2)"], "level": "low"},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(tmp_path, "@rows.jsonl", "--output_dir", "@x", "--labels", "level", "--no_report", "--no_progress")
    assert "50.0%  level: low (5 judged)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["@none.jsonl", "--output_dir", "@x"], "no file", id="no such file"),
        pytest.param(["@rows.jsonl", "--output_dir", "@x"], "no completion", id="no completions"),
        pytest.param(["@rows.jsonl", "--output_dir", "@x", "--base_url", "http://a"], "--model", id="a server alone"),
        pytest.param(
            ["@rows.jsonl", "--output_dir", "@x", "--model", "m", "--samples", "@good.jsonl"],
            "leave out",
            id="two ways",
        ),
        pytest.param(
            ["@rows.jsonl", "--output_dir", "@x", "--reward", "nope"], "package.module.name", id="no such reward"
        ),
        pytest.param(["@rows.jsonl", "--output_dir", "@x", "--n", "3"], "name a --model", id="sampling nobody"),
        pytest.param(
            ["@rows.jsonl", "--output_dir", "@x", "--reward", f"{__name__}.wordless", "--cpu_s", "3"],
            "--cpu_s: an option of the reward",
            id="limits of another reward",
        ),
        pytest.param(
            ["@rows.jsonl", "--output_dir", "@x", "--reward", f"{__name__}.wordless", "--wall_s", "3"],
            "--wall_s: an option of the reward",
            id="time of another reward",
        ),
        pytest.param(
            ["@rows.jsonl", "--output_dir", "@x", "--completions", "solution", "--pass_score", "0.5"],
            "--pass_score: for a --reward",
            id="a score where there are verdicts",
        ),
        pytest.param(["compare", "@a", "@b"], "no evaluation", id="nothing to compare"),
    ],
)
def test_an_error_of_the_users_is_one_line(words, complaint, files):
    with pytest.raises(SystemExit, match=complaint) as ended:
        run(files, *words)
    assert str(ended.value).startswith("error: ")
