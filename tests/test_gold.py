"""The right program that rows of public datasets come with."""

import gzip
import json
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

from schema_rows import EXAMPLES

from rewards import CodeReward
from trainers.gold import known_solution

DATA = Path(__file__).resolve().parents[2] / "shared/data/datasets"
SOURCE = "def double(x):\n    return 2 * x\n"
HUMANEVAL = {"prompt": "def double(x):\n", "canonical_solution": "    return 2 * x\n", "entry_point": "double"}


@pytest.mark.parametrize(
    ("row", "solution"),
    [
        pytest.param(HUMANEVAL, SOURCE, id="HumanEval: behind its prompt"),
        pytest.param({**HUMANEVAL, "prompt": "Twice.", "code_prompt": "def double(x):\n"}, SOURCE, id="code_prompt"),
        pytest.param({**HUMANEVAL, "prompt": [{"role": "user", "content": "Twice."}]}, "    return 2 * x", id="chat"),
        pytest.param({**HUMANEVAL, "canonical_solution": SOURCE}, SOURCE.strip(), id="EvalPlus: whole by itself"),
        pytest.param({"text": "Twice.", "code": SOURCE, "test_list": []}, SOURCE.strip(), id="MBPP"),
        pytest.param({"gold_standard_solution": SOURCE, "verification_info": "{}"}, SOURCE.strip(), id="open-r1"),
        pytest.param({"gold_standard_solution": f"```python\n{SOURCE}```"}, SOURCE.strip(), id="SYNTHETIC: fenced"),
        pytest.param({"solutions": json.dumps([SOURCE, "pass"])}, SOURCE.strip(), id="APPS: a list as JSON"),
        pytest.param({"solutions": ["", SOURCE]}, SOURCE.strip(), id="DeepCoder: the first that is one"),
        pytest.param({"solutions": "[]", "solution": SOURCE}, SOURCE.strip(), id="none in the list"),
        pytest.param({"completion": SOURCE, "test": ""}, SOURCE.strip(), id="LeetCodeDataset"),
        pytest.param({"solutions": {"language": [2, 1, 3], "solution": ["c", "2", "3"]}}, "3", id="CodeContests"),
        pytest.param(
            {"solutions": {"language": [2, 3], "solution": ["c", "3"]}, "language": "CPP"}, "c", id="CodeContests: C++"
        ),
        pytest.param({"solutions": {"language": [2], "solution": ["c"]}}, None, id="none in Python"),
        pytest.param({"solutions": [{"language": "python", "code": SOURCE}]}, SOURCE, id="objects in a list"),
        pytest.param({"code": "def f(x): ...", "input": "1", "output": "2"}, "2", id="CRUXEval: the output"),
        pytest.param(
            {"code": "...", "input": "1", "output": "2", "predict": "input"}, "f(1)", id="CRUXEval: the input"
        ),
        pytest.param({"solution": "[x for x in 1]"}, "[x for x in 1]", id="a program that looks like JSON"),
        pytest.param({"solution": None, "code": "  ", "tests": "[]"}, None, id="nothing"),
        pytest.param({"tests": "[]"}, None, id="no such column"),
    ],
)
def test_a_solution_stands_where_its_dataset_has_it(row, solution):
    found = known_solution(row)
    assert (found and found.strip("\n")) == (solution and solution.strip("\n"))


def test_a_column_may_be_named():
    row = {"answer": SOURCE, "solution": "pass"}
    assert known_solution(row, column="answer") == SOURCE.strip("\n")
    assert known_solution(row, column="missing") is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_schema_makes_it_fail(name):
    solution = known_solution(EXAMPLES[name][1])
    assert solution is None or solution.strip()


@pytest.mark.parametrize(("file", "step"), [("HumanEval.jsonl.gz", 8), ("mbpp.jsonl", 40)])
def test_the_solutions_of_whole_sets_pass(file, step):
    """Of all rows 164 of 164 and 974 of 974 do; here, a sample."""
    if not (DATA / file).exists():
        pytest.skip(f"put {file} into {DATA}")
    open_file = gzip.open if file.endswith("gz") else open
    with open_file(DATA / file, "rt") as lines:
        rows = [json.loads(line) for line in lines][::step]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    prompts = columns.pop("prompt", None)
    with CodeReward(sandbox="local") as reward:
        answers = [f"```\n{known_solution(row)}\n```" for row in rows]
        assert reward.grade(prompts, answers, **columns).scores == [1.0] * len(rows)
