"""Two processes under torchrun: groups span them, limits are shared, and one that fails does not leave the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rewards.sandboxes.local.capacity import usable_cores

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run the reward inside TRL")

TESTS = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
STORIES = str(TESTS / "train_on_two_ranks.py")
DDP_TIMEOUT_S = 24


@dataclass(frozen=True)
class Ended:
    """How two ranks ended, what they said and saw, and what was left of them."""

    status: int
    said: str
    ranks: tuple[dict[str, Any], ...]
    left: dict[str, Any]
    folders: list[Path]


def play(story: str, folder: Path) -> Ended:
    """Return how the ranks ended after a story that ends badly."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}:{TESTS}",
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "hostile.orphanage", "wait", *TORCHRUN, STORIES, story, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    if "SandboxUnavailable" in done.stderr:
        pytest.skip(f"run the tests where the local sandbox can run: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-8000:]
    report = json.loads(done.stdout.splitlines()[-1])
    ranks = tuple(json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1))
    return Ended(report["status"], done.stderr, ranks, report["left"], list(folder.glob("box-*")))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The second rank loses its sandbox, has it hang, gets it back, and loses it for good."""
    return play("sandbox", tmp_path_factory.mktemp("ranks"))


def test_a_group_that_spans_ranks_is_scored_where_it_is_generated_and_its_figures_are_gathered(seen):
    here, there = (rank["scores"] for rank in seen.ranks)
    assert [len(scores) for scores in here + there] == [2] * 12, "four completions of a prompt are two on each rank"
    assert len(seen.ranks[0]["history"]) == 6
    for entry, ours, theirs in zip(seen.ranks[0]["history"], here, there, strict=True):
        judged = [score for score in ours + theirs if score is not None]
        assert entry["reward"] == entry["rewards/code/mean"] == pytest.approx(sum(judged) / len(judged))
        assert entry["code/unjudged"] == pytest.approx(1 - len(judged) / 4)


def test_ranks_share_the_cores_and_the_account(seen):
    assert [rank["slots"] for rank in seen.ranks] == [usable_cores() // 2 + 1] * 2
    assert [rank["e2b"] for rank in seen.ranks] == [5, 4]


def test_a_rank_that_loses_its_sandbox_scores_none_and_training_goes_on(seen):
    here, there = (rank["scores"] for rank in seen.ranks)
    assert None not in [score for scores in here for score in scores]
    assert [scores == [None, None] for scores in there] == [False, True, True, False, True, True]


def test_a_sandbox_that_hangs_is_given_up_while_the_other_rank_still_waits(seen):
    assert DDP_TIMEOUT_S / 2 <= seen.ranks[1]["seconds"][2] < DDP_TIMEOUT_S


def test_a_breaker_that_opens_on_one_rank_ends_both_with_its_message_first_and_last(seen):
    assert seen.status == 1
    lines = seen.said.splitlines()
    message = "error: 3 batches in a row came back with more than 50% of their programs unjudged"
    first = next(i for i, line in enumerate(lines) if line.startswith(message))
    assert "Traceback" not in "\n".join(lines[:first])
    assert message in lines[-2], "torch's own summary ends with it"
    assert "Connection closed" not in seen.said


def test_no_process_and_no_folder_of_a_sandbox_outlives_the_ranks(seen):
    assert seen.left == {}
    assert seen.folders == []


@pytest.mark.long
def test_a_bug_in_a_scorer_on_one_rank_ends_both_with_its_traceback(tmp_path):
    found = play("scorer", tmp_path)
    assert found.status == 1
    assert found.said.count("Traceback") == 2, "the bug's and the launcher's"
    assert "raised by the scorer score for completion 0 of 2" in found.said
    assert "ZeroDivisionError: division by zero (its traceback is above)" in found.said.splitlines()[-2]
    assert found.left == {}
