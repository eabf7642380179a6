"""Evaluations of replies by real models, whose pass@1 is known from the official verdicts."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from rewards import CodeReward, Limits
from trainers.evaluation import EvaluationOptions, evaluate_dataset

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
QUIET = EvaluationOptions(progress=False)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (DATA / "datasets").is_dir(), reason=f"needs HumanEval, MBPP and model replies in {DATA}"),
]


@pytest.mark.parametrize(
    ("name", "column", "problems"), [("HumanEval.jsonl.gz", "canonical_solution", 164), ("mbpp.jsonl", "code", 974)]
)
def test_canonical_solutions_have_a_pass_at_1_of_one(name, column, problems, tmp_path):
    with CodeReward(sandbox="local") as reward:
        found = evaluate_dataset(
            reward, DATA / "datasets" / name, completions=column, output_dir=tmp_path, options=QUIET
        )
    assert found.summary["problems"] == problems
    assert found.pass_at_1 == 1.0
    assert found.summary["unjudged"] == 0


def with_its_call(row: dict) -> str:
    call = f"check({row['entry_point']})"
    return row["test"] if call in row["test"] else f"{row['test']}\n{call}\n"


def known_rows(name: str) -> list[dict]:
    rows = [json.loads(line) for line in (DATA / name).read_text().splitlines()]
    if name == "llm_check.jsonl":
        return [
            {
                "task_id": row["id"],
                "prompt": row["prompt"],
                "entry_point": row["entry_point"],
                "test": with_its_call(row),
                "completion": row["completion"],
                "model": "/".join(row["id"].split("/")[:3]) if row["id"].startswith("ldb") else row["id"].split("/")[0],
                "known": row["expected"] == "pass",
            }
            for row in rows
        ]
    import gzip

    with gzip.open(DATA / "datasets/HumanEval.jsonl.gz", "rt") as file:
        problems = {row["task_id"]: row for row in map(json.loads, file)}
    return [
        {**problems[row["task_id"]], "task_id": row["id"], "completion": row["completion"], "model": "gpt-3.5"}
        | {"known": row["expected"] == "pass"}
        for row in rows
    ]


@pytest.mark.parametrize(("name", "explained"), [("llm_humaneval.jsonl", 0), ("llm_check.jsonl", 9)])
def test_pass_at_1_of_each_model_is_that_of_the_official_verdicts(name, explained, tmp_path):
    rows = known_rows(name)
    with CodeReward(sandbox="local", limits=Limits(cpu_s=10), on_bad_row="none") as reward:
        found = evaluate_dataset(
            reward, rows, completions="completion", output_dir=tmp_path, labels=["model"], options=QUIET
        )
    official = defaultdict(list)
    differing = []
    for row, result in zip(rows, found.results, strict=True):
        if result.passed is None:
            assert "unjudged" in result.verdict
        elif result.passed != row["known"]:
            differing.append((result.problem, result.verdict, result.detail[:80]))
        official[row["model"]].append(row["known"])
    assert len(differing) + found.summary["unjudged"] <= explained, differing
    for group in found.summary["groups"]:
        known = official[group["value"]]
        judged = group["pass_at_k"]["pass@1"]["value"]
        print(f"{group['value']:32} pass@1 {judged:.3f}  official {sum(known) / len(known):.3f}")
        assert abs(judged - sum(known) / len(known)) <= explained / len(known) + 1e-9
