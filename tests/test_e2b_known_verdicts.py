"""Programs whose verdict is known get it in E2B sandboxes, too, and the same one as locally, test by test."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2b_service.handle import ServiceHandle, start_service

from rewards import CodeReward, DatasetError
from rewards.grades import Grade
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.local import LocalSandbox

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
ROWS = 200
COLUMNS = {"code_prompt": "prompt", "test": "test", "entry_point": "entry_point"}

pytestmark = pytest.mark.skipif(
    not (DATA / "datasets").is_dir(),
    reason=f"needs HumanEval and model replies in {DATA}; see scripts/agreement.py for the files",
)


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


def test_all_canonical_solutions_of_humaneval_pass(service: ServiceHandle) -> None:
    command = [sys.executable, "scripts/agreement.py", "--data", str(DATA), "--sandbox", "e2b", "--sandboxes", "2"]
    environment = {**os.environ, **service.environment}
    done = subprocess.run([*command, "humaneval"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "humaneval: 164 accepted of 164, 0 rows refused, 164 agree" in done.stdout
    assert service.alive() == ()


def gradable_rows() -> Iterator[dict[str, str]]:
    """The rows in an order drawn by lot, without the few whose official test is not Python."""
    rows = [json.loads(line) for line in (DATA / "llm_check.jsonl").read_text().splitlines()]
    random.Random(0).shuffle(rows)
    with CodeReward(name="known-rows") as reward:
        for row in rows:
            with contextlib.suppress(DatasetError):
                reward.check([{name: row[source] for name, source in COLUMNS.items()}])
                yield row


def grades_in(sandbox: Sandbox, rows: list[dict[str, str]]) -> tuple[Grade, ...]:
    columns = {name: [row[source] for row in rows] for name, source in COLUMNS.items()}
    with CodeReward(sandbox=sandbox, batch_deadline_s=None, name=f"known-{sandbox.name}") as reward:
        return reward.grade(completions=[row["completion"] for row in rows], **columns).grades


def test_replies_of_models_get_the_same_verdict_as_locally_test_by_test(service: ServiceHandle) -> None:
    rows = list(itertools.islice(gradable_rows(), ROWS))
    address = {"api_key": service.api_key, "api_url": service.url, "sandbox_url": service.url}
    here = grades_in(LocalSandbox(), rows)
    there = grades_in(E2BSandbox(max_sandboxes=2, creates_per_s=20, **address), rows)
    differences = [
        (row["id"], mine.detail, theirs.detail)
        for row, mine, theirs in zip(rows, here, there, strict=True)
        if (mine.score, verdicts(mine)) != (theirs.score, verdicts(theirs))
    ]
    assert differences == []
    assert sum(len(verdicts(grade)) for grade in here) > ROWS
    assert {grade.sandbox for grade in there if grade.tests} == {"e2b"}
    assert {grade.score for grade in there} == {0.0, 1.0}


def verdicts(grade: Grade) -> list[str]:
    return [test.verdict.value for test in grade.tests]
