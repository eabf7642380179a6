"""An evaluation that is killed, at any moment and without a word, goes on and comes to the same figures."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from evaluated import graded

SCRIPT = Path(__file__).with_name("evaluated.py")


def rows(n: int) -> list[dict]:
    return [
        {
            "task_id": i,
            "expected_output": str(i),
            "completion": f"print({i if i % 3 else i + 1})",
            "difficulty": str(i % 2),
        }
        for i in range(n)
    ]


def killed_until_done(dataset: Path, folder: Path, *, seed: int, most: int) -> int:
    """Start it again and again, kill it after a random time, and return how often it was killed."""
    rng, kills = random.Random(seed), 0
    while True:
        process = subprocess.Popen([sys.executable, str(SCRIPT), str(dataset), str(folder)])
        give_up_s = time.monotonic() + 120
        # Importing takes seconds: from the moment that results can appear, it is killed within a fraction of one.
        while process.poll() is None and not (folder / "results.jsonl").exists() and time.monotonic() < give_up_s:
            time.sleep(0.01)
        before = lines_of(folder)
        while process.poll() is None and lines_of(folder) == before and time.monotonic() < give_up_s:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.25))
        if kills >= most:
            process.wait(120)
        if process.poll() is not None:
            assert process.returncode == 0
            return kills
        process.kill()
        process.wait()
        kills += 1


def lines_of(folder: Path) -> int:
    path = folder / "results.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("n", [pytest.param(300, id="short"), pytest.param(4000, id="long", marks=pytest.mark.long)])
def test_a_killed_evaluation_ends_with_the_same_numbers_and_repeats_nothing(n, tmp_path):
    dataset = tmp_path / "rows.jsonl"
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows(n)))
    whole, _ = graded(str(dataset), str(tmp_path / "whole"))
    kills = killed_until_done(dataset, tmp_path / "out", seed=n, most=2 if n < 1000 else 40)
    assert kills >= 1
    again, jobs = graded(str(dataset), str(tmp_path / "out"))
    assert jobs == 0, "everything was judged"
    for summary in (whole.summary, again.summary):
        summary.update(judged_now=0, wall_s=0.0)
    assert again.summary == whole.summary
    assert [r.digest for r in again.results] == [r.digest for r in whole.results]
