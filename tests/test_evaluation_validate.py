"""Data sets tried before they are used: what is wrong with a row is found, and clean rows are left alone."""

import csv
import json

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to validate data sets")

from rewards import CodeReward, Limits
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions
from trainers.evaluation.validation import validate_dataset

QUIET = EvaluationOptions(report=False, progress=False)


def stdin_row(name: str, solution: str | None, *tests: tuple[str, str], **more: object) -> dict:
    told = [{"type": "stdin", "input": stdin, "output": stdout} for stdin, stdout in tests]
    return {"task_id": name, "tests": json.dumps(told), "solution": solution, **more}


def call_row(name: str, solution: str, *tests: tuple[list, object]) -> dict:
    told = [{"type": "call", "function": "f", "args": args, "expected": expected} for args, expected in tests]
    return {"task_id": name, "tests": json.dumps(told), "solution": solution}


LENIENT = {
    "tests": [
        {"type": "stdin", "input": "1\n", "output": "1\n", "checker": {"source": "print(1.0)", "style": "codeforces"}},
        {"type": "stdin", "input": "2\n", "output": "2\n", "checker": {"source": "print(1.0)", "style": "codeforces"}},
    ]
}
FLAKY = "import os\nn = int(input())\nprint(n + (n == 2 and os.urandom(1)[0] % 2))"
ROWS = [
    stdin_row("clean", "print(int(input()) * 2)", ("1", "2"), ("2", "4")),
    stdin_row("no gold", None, ("1", "2"), ("2", "4")),
    stdin_row("wrong gold", "print(int(input()) * 3)", ("1", "2"), ("2", "4")),
    stdin_row("same answer", "print('YES')", ("1", "YES"), ("2", "YES")),
    stdin_row("echo", "print(input())", ("1", "1"), ("2", "2")),
    stdin_row("flaky", FLAKY, ("1", "1"), ("2", "2")),
    {"task_id": "unreadable", "tests": "[{", "solution": "print(1)"},
    {"task_id": "no tests", "tests": "[]", "solution": "print(1)"},
    {"task_id": "lenient", "tests": json.dumps(LENIENT), "solution": "print(input())"},
    call_row("clean call", "def f(x):\n    return x + 1", ([1], 2), ([2], 3)),
    call_row("always true", "def f(x):\n    return True", ([1], True), ([2], True)),
]


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validated")
    with CodeReward(sandbox="local", limits=Limits(cpu_s=5)) as reward:
        return validate_dataset(reward, ROWS, output_dir=folder, repeats=12, options=QUIET)


def reasons_of(validated, name: str) -> set[str]:
    return {reason.reason for reason in validated.reasons if reason.problem == name}


@pytest.mark.parametrize("name", ["clean", "no gold", "clean call"])
def test_clean_rows_are_left_alone(validated, name):
    assert reasons_of(validated, name) == set()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrong gold", "gold_fails"),
        ("same answer", "accepts_constant"),
        ("echo", "accepts_echo"),
        ("flaky", "flaky"),
        ("unreadable", "unreadable"),
        ("no tests", "no_tests"),
        ("lenient", "accepts_random"),
        ("always true", "accepts_constant"),
    ],
)
def test_what_is_wrong_with_a_row_is_found(validated, name, reason):
    assert reason in reasons_of(validated, name)


def test_the_clean_subset_and_the_reasons_are_written(validated):
    clean = [json.loads(line) for line in (validated.folder / "clean.jsonl").read_text().splitlines()]
    assert [row["task_id"] for row in clean] == ["clean", "no gold", "clean call"]
    assert clean[0] == ROWS[0], "the rows as they came"
    with open(validated.folder / "reasons.csv", newline="") as file:
        assert {row["problem"] for row in csv.DictReader(file)} == {reason.problem for reason in validated.reasons}
    told = json.loads((validated.folder / "validation.json").read_text())
    assert (told["rows"], told["clean"]) == (len(ROWS), 3)


def test_a_solution_may_hold_a_block_of_markdown_and_a_name_half_a_surrogate_pair(tmp_path):
    rows = [
        stdin_row("fence", '"""\n```python\nprint(3)\n```\n"""\nprint(int(input()) * 2)', ("1", "2"), ("2", "4")),
        stdin_row("\ud800", "print(3)", ("1", "2"), ("2", "4")),
    ]
    with CodeReward(sandbox="local") as reward:
        found = validate_dataset(reward, rows, output_dir=tmp_path, repeats=1, options=QUIET)
    assert [(reason.row, reason.reason) for reason in found.reasons] == [(1, "gold_fails")]
    assert "\\ud800,gold_fails" in (tmp_path / "reasons.csv").read_text()


def test_a_row_of_which_nothing_could_be_judged_is_not_clean(tmp_path):
    lost = SandboxFailure("died", "gone", retryable=False)
    with CodeReward(sandbox=FakeSandbox(lambda job: lost), breaker=None) as reward:
        found = validate_dataset(reward, ROWS[:2], output_dir=tmp_path, repeats=1, options=QUIET)
    assert (found.clean, found.counts) == (0, {"unjudged": 2})


@pytest.mark.parametrize("language", ["python", "julia", "elixir", "racket", "ocaml", "lua", "php"])
def test_a_repeated_solution_is_the_same_program_in_any_language(language, tmp_path):
    """A comment behind it would be none in some of them."""
    row = {"task_id": "a", "expected_output": "1", "language": language, "solution": "say 1"}
    sandbox = FakeSandbox(lambda job: "1" if job.program.source.strip() == "say 1" else "error")
    with CodeReward(sandbox=sandbox) as reward:
        found = validate_dataset(reward, [row], output_dir=tmp_path, options=QUIET)
    assert (found.known, found.counts) == (1, {})
    assert len(sandbox.jobs) == 3


def test_a_validation_may_leave_a_report(tmp_path):
    with CodeReward(sandbox="local") as reward:
        options = EvaluationOptions(progress=False)
        assert validate_dataset(reward, ROWS[:1], output_dir=tmp_path, repeats=1, options=options).clean == 1
    assert (tmp_path / "report.html").is_file()


def test_rows_without_a_solution_can_be_refused(tmp_path):
    with CodeReward(sandbox="local") as reward:
        found = validate_dataset(reward, ROWS[:2], output_dir=tmp_path, repeats=1, need_gold=True, options=QUIET)
    assert found.counts == {"no_gold": 1}


def test_humaneval_rows_with_a_broken_answer_or_a_toothless_test_are_found(tmp_path):
    """As HumanEval+ has had them: a reference that is wrong, a test that compares nothing."""
    prompt = 'def add(a, b):\n    """Add."""\n'
    good = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(2, 2) == 4\n"
    rows = [
        {
            "task_id": "good",
            "prompt": prompt,
            "entry_point": "add",
            "canonical_solution": "    return a + b\n",
            "test": good,
        },
        {
            "task_id": "bad",
            "prompt": prompt,
            "entry_point": "add",
            "canonical_solution": "    return a - b\n",
            "test": good,
        },
        {
            **{"task_id": "toothless", "prompt": prompt, "entry_point": "add"},
            **{
                "canonical_solution": "    return a + b\n",
                "test": "def check(candidate):\n    candidate(1, 2)\n    assert True\n",
            },
        },
    ]
    with CodeReward(sandbox="local") as reward:
        found = validate_dataset(reward, rows, output_dir=tmp_path, repeats=2, options=QUIET)
    assert reasons_of(found, "good") == set()
    assert reasons_of(found, "bad") == {"gold_fails"}
    assert any(reason.startswith("accepts_") or reason == "unreadable" for reason in reasons_of(found, "toothless"))
