"""What the console says of a sandbox that gives trouble, and that it says nothing else."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from rewards import CodeReward
from rewards.judging.excerpts import one_line
from rewards.records import SandboxFailure
from rewards.reports.trouble import QUIET_BATCHES, Trouble, TroubleLog
from rewards.sandboxes.fake import FakeSandbox

TESTS = json.dumps([{"type": "stdin", "input": "", "output": "1\n"}])
LOST = SandboxFailure("transport", "connection reset")
BAD = Trouble(64, 2, "fake: connection reset", (("transport", 6),), retries=4)
CLEAN = Trouble(64, 0)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING, "rewards")
    return lambda: [record.getMessage() for record in caplog.records]


def graded(sandbox: FakeSandbox, batches: int = 1, **options) -> list[float | None]:
    completions = [f"```python\nprint({i})\n```" for i in range(4)]
    scores: list[float | None] = []
    with CodeReward(sandbox=sandbox, breaker=None, retries=3, name="troubled", **options) as reward:
        for _ in range(batches):
            scores = reward(prompts=[""] * 4, completions=completions, tests=[TESTS] * 4)
    return scores


def test_nothing_is_said_of_a_clean_batch(lines):
    assert graded(FakeSandbox({}, otherwise="2"), batches=3) == [0.0] * 4
    assert lines() == []


def test_a_batch_with_trouble_is_one_line_that_says_what_how_many_and_what_was_done(lines):
    graded(FakeSandbox({}, otherwise="1", failures=[LOST] * 3))
    [line] = lines()
    assert "batch of 4 completions of 'troubled'" in line
    assert "failures: 3 transport (the first: fake: connection reset)" in line
    assert "jobs tried again: 3" in line
    assert "score None: 0" in line


def test_completions_that_stay_unjudged_are_counted_with_the_score_they_get(lines):
    gone = SandboxFailure("start", "no machine", retryable=False)
    assert graded(FakeSandbox({}, otherwise=gone), unjudged_score=0.5) == [0.5] * 4
    assert "failures: 4 start (the first: fake: no machine)" in lines()[0]
    assert "could not be judged and score 0.5: 4" in lines()[0]


def test_a_deadline_is_trouble_without_a_failure(lines):
    graded(FakeSandbox({}, otherwise="1", latency_s=float("inf")), batch_deadline_s=0.2)
    assert "waiting or still running, within its own limits, at the batch's deadline" in lines()[-1]


def test_a_program_that_prints_escape_codes_does_not_reach_the_terminal(lines):
    detail = "\x1b[2J\x1b]0;owned\x07line\nline\r\u202e" + "x" * 10_000
    graded(FakeSandbox({}, otherwise=SandboxFailure("died", detail, retryable=False)))
    [line] = lines()
    assert line.isprintable()
    assert len(line) < 500


def test_what_is_cut_says_so():
    assert one_line("a" * 1000).endswith("…")
    assert one_line(" a\t\x00b ") == "a b"


def test_trouble_that_goes_on_is_told_with_growing_distance(lines):
    log = TroubleLog("code")
    for _ in range(100):
        log.see(BAD)
    assert len(lines()) == 7
    assert "batches with trouble so far: 64, with 128 such completions" in lines()[-1]


def test_another_kind_of_trouble_and_trouble_that_doubles_are_told_at_once(lines):
    log = TroubleLog("code")
    for trouble in (BAD, BAD, BAD, Trouble(64, 2, "x", (("died", 1),)), BAD, Trouble(64, 40, "x", (("transport", 6),))):
        log.see(trouble)
    other, worse = lines()[2:]
    assert "1 died" in other
    assert "score None: 40" in worse


def test_the_end_of_trouble_is_told_once_and_then_it_is_news_again(lines):
    log = TroubleLog("code")
    for trouble in (BAD, CLEAN, BAD, *[CLEAN] * (QUIET_BATCHES + 5), BAD):
        log.see(trouble)
    first, second, end, again = lines()
    assert end == (
        "no more sandbox trouble in the last 3 batches of 'code'; there were 2 with it, in which 4 completions "
        "could not be judged"
    )
    assert again == first != second


def test_one_bad_batch_has_no_end_to_tell_of(lines):
    log = TroubleLog("code")
    for trouble in (BAD, *[CLEAN] * 5):
        log.see(trouble)
    assert len(lines()) == 1


@pytest.mark.parametrize(
    ("columns", "unjudged_score", "said"),
    [
        pytest.param({"trainer_state": SimpleNamespace()}, None, 1, id="OnlineDPO and SDPO"),
        pytest.param({"trainer_state": SimpleNamespace()}, 0.0, 0, id="with a number, it is what was asked for"),
        pytest.param({"trainer_state": SimpleNamespace(), "log_metric": print}, None, 0, id="GRPO, RLOO and GMPO"),
        pytest.param({}, None, 0, id="a call by hand, AsyncGRPO and A2PO"),
    ],
)
def test_a_trainer_that_takes_none_for_zero_is_warned_of_before_there_is_one(lines, columns, unjudged_score, said):
    log = TroubleLog("code", unjudged_score=unjudged_score)
    for _ in range(3):
        log.see_caller(columns)
    assert sum("counts a None as 0" in line for line in lines()) == said
