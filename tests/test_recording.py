"""The samples that are kept of a run: bounded, even, and still there when it is resumed."""

from __future__ import annotations

import logging
from collections import Counter

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]'")

from rewards import Verdict
from rewards.grades import BatchGrade, Grade
from rewards.records import Program
from rewards.reports.listening import GradedBatch
from trainers.recording import EVALUATION, SAMPLES_FILE, TRAINING, Recording


def batch(verdicts: list[Verdict], text: str = "print(1)") -> GradedBatch:
    grades = tuple(Grade(0.0, verdict, program=Program(text), sandbox="fake") for verdict in verdicts)
    prompts = [f"prompt {i}" for i in range(len(verdicts))]
    return GradedBatch(prompts, [text] * len(verdicts), {}, BatchGrade(grades), 0.0, 1.0)


def record(recording: Recording, steps: range, *, size: int = 32) -> None:
    for step in steps:
        recording.hear(batch([Verdict.WRONG_ANSWER] * size, f"print({step})"))
        recording.settle(step, TRAINING)


@pytest.mark.parametrize("steps", [3, 40, 700])
def test_what_is_kept_is_bounded_and_spread_over_the_whole_run(tmp_path, steps):
    recording = Recording(tmp_path, most=200)
    record(recording, range(1, steps + 1))
    kept = [sample.step for sample in recording.samples]
    assert min(steps * 32, 100) <= len(kept) <= 200
    assert kept == sorted(kept)
    assert min(kept) <= max(2, steps // 20)
    assert max(kept) >= steps - max(2, steps // 20)
    assert max(Counter(kept).values()) <= 2 * min(Counter(kept).values())
    assert len((tmp_path / SAMPLES_FILE).read_text().splitlines()) == len(kept)


def test_a_rare_verdict_of_a_step_is_among_its_samples(tmp_path):
    recording = Recording(tmp_path, most=8)
    verdicts = [Verdict.ACCEPTED] * 40
    verdicts[17], verdicts[23] = Verdict.MEMORY_LIMIT_EXCEEDED, Verdict.UNJUDGED
    recording.hear(batch(verdicts))
    recording.settle(1, TRAINING)
    assert Counter(sample.verdict for sample in recording.samples) == {
        "accepted": 6,
        "memory_limit_exceeded": 1,
        "unjudged": 1,
    }
    assert len({sample.prompt for sample in recording.samples}) == 8


def test_an_evaluation_is_labelled_and_is_one_step_however_many_batches_it_has(tmp_path):
    recording = Recording(tmp_path, most=500)
    for _ in range(50):
        recording.hear(batch([Verdict.ACCEPTED] * 64))
    recording.settle(10, EVALUATION)
    record(recording, range(11, 12))
    found = Counter((sample.step, dict(sample.labels)["phase"]) for sample in recording.samples)
    assert found == {(10, "evaluation"): 64, (11, "training"): 32}


def test_a_resumed_run_keeps_earlier_samples_and_drops_those_of_steps_that_come_again(tmp_path):
    first = Recording(tmp_path, most=1000)
    record(first, range(1, 8), size=4)
    with (tmp_path / SAMPLES_FILE).open("a") as file:
        file.write('{"prompt": "half a li')
    second = Recording(tmp_path, most=1000)
    second.resume(5)
    record(second, range(6, 8), size=4)
    assert second.samples == first.samples
    assert len((tmp_path / SAMPLES_FILE).read_text().splitlines()) == 28


def test_a_run_from_the_start_begins_with_nothing(tmp_path):
    record(Recording(tmp_path, most=100), range(1, 4))
    second = Recording(tmp_path, most=100)
    second.resume(0)
    assert second.samples == ()
    assert (tmp_path / SAMPLES_FILE).read_text() == ""


def test_samples_make_the_way_through_the_file_whatever_is_in_them(tmp_path):
    text = "</script>\ud800\x00\u2028\x1b[0m\u202e"
    recording = Recording(tmp_path, most=10)
    recording.hear(batch([Verdict.RUNTIME_ERROR], text))
    recording.settle(1, TRAINING)
    again = Recording(tmp_path, most=10)
    again.resume(1)
    assert again.samples == recording.samples
    assert again.samples[0].program == text


def test_a_folder_that_cannot_be_written_costs_one_warning_and_no_sample(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    recording = Recording(tmp_path / "file", most=10)
    with caplog.at_level(logging.WARNING):
        record(recording, range(1, 4), size=2)
    assert len(recording.samples) == 6
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the run goes on" in caplog.text


def test_nothing_is_kept_where_none_are_wanted(tmp_path):
    recording = Recording(tmp_path, most=0)
    record(recording, range(1, 3))
    assert recording.samples == ()


def test_lines_that_were_damaged_do_not_end_a_run_that_goes_on(tmp_path):
    record(Recording(tmp_path, most=100), range(1, 4))
    path = tmp_path / SAMPLES_FILE
    path.write_bytes(b"\0\0\xff\xfe\n[1]\n" + path.read_bytes()[:-20].replace(b'"step": 2', b'"step": "2"'))
    recording = Recording(tmp_path, most=100)
    recording.resume(3)
    assert {sample.step for sample in recording.samples} == {1, 3}


@pytest.mark.parametrize("size", [4, 32])
def test_a_run_that_is_resumed_often_keeps_its_samples_as_evenly_as_one_that_is_not(tmp_path, size):
    for begin in range(0, 1000, 100):
        recording = Recording(tmp_path, most=200)
        recording.resume(begin)
        record(recording, range(begin + 1, begin + 101), size=size)
    found = Counter((sample.step - 1) // 100 for sample in recording.samples)
    assert len(found) == 10
    assert max(found.values()) <= 2 * min(found.values())


def test_a_run_that_is_resumed_to_keep_nothing_keeps_nothing(tmp_path):
    record(Recording(tmp_path, most=50), range(1, 20))
    recording = Recording(tmp_path, most=0)
    recording.resume(10)
    assert recording.samples == ()
    assert (tmp_path / SAMPLES_FILE).read_text() == ""
