"""pass@k and its error, and the comparison of two runs, against what can be worked out otherwise."""

import contextlib
import itertools
import json
import math
import random
import resource
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="pip install 'code-rewards[train]' to evaluate data sets")

from rewards import ConfigurationError
from trainers.evaluation.comparison import compare_evaluations
from trainers.evaluation.passing import estimate, pass_at_k, wilson
from trainers.evaluation.sample import Result
from trainers.evaluation.store import ResultStore
from trainers.evaluation.summary import summarize
from trainers.evaluation.tally import Tally


@pytest.mark.parametrize(("n", "c"), [(n, c) for n in range(1, 7) for c in range(n + 1)])
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one(n, c):
    right = [True] * c + [False] * (n - c)
    for k in range(1, n + 1):
        draws = list(itertools.combinations(right, k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 0), (3, 1, 4), (3, 4, 1), (3, -1, 1)])
def test_pass_at_k_refuses_what_has_no_meaning(n, c, k):
    with pytest.raises(ValueError, match="pass@"):
        pass_at_k(n, c, k)


def test_wilsons_interval_is_the_known_one():
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng, hits, rounds = random.Random(0), 0, 60
    for seed in range(rounds):
        tally = Tally()
        for problem in range(60):
            chance = rng.choice([0.1, 0.4, 0.9])
            for _ in range(5):
                tally.add(str(problem), {}, passed=rng.random() < chance)
        found = estimate(tally.counts(), 1, seed=seed)
        tally.close()
        hits += found.low <= (0.1 + 0.4 + 0.9) / 3 <= found.high
    assert hits / rounds >= 0.85


def test_the_same_seed_gives_the_same_interval():
    counts = {(5, 2): 10, (5, 5): 7}
    assert estimate(counts, 3, seed=4) == estimate(counts, 3, seed=4)


def result(problem: str, passed: bool | None, **labels: str) -> Result:
    verdict = {True: "accepted", False: "wrong_answer", None: "unjudged"}[passed]
    score = None if passed is None else float(passed)
    return Result(problem, 0, f"{problem}{passed}", score, verdict, passed, labels=labels)


def test_problems_with_fewer_completions_leave_the_larger_k_to_the_others():
    found = summarize([result("a", True), result("a", False), result("b", True), result("c", None)])
    assert found["problems"] == 3
    assert found["pass_at_k"]["pass@1"]["problems"] == 2
    assert found["pass_at_k"]["pass@2"]["problems"] == 1
    assert found["unjudged"] == 1


def test_completions_of_a_problem_need_not_stand_together():
    mixed = [result(str(i % 5), i < 5) for i in range(15)]
    assert summarize(mixed)["pass_at_k"]["pass@3"]["value"] == 1.0


def test_nothing_judged_has_no_rate():
    found = summarize([result("a", None)])
    assert (found["pass_rate"], found["mean_score"], found["pass_at_k"]) == (None, None, {})


def evaluation(folder: Path, passed: dict[str, list[bool | None]]) -> Path:
    with ResultStore(folder, {}) as store:
        store.append([result(name, each) for name, runs in passed.items() for each in runs])
    return folder


def test_two_runs_are_compared_problem_by_problem(tmp_path):
    first = evaluation(tmp_path / "a", {str(i): [i < 10] for i in range(40)} | {"x": [True], "z": [None]})
    second = evaluation(tmp_path / "b", {str(i): [5 <= i < 25] for i in range(40)} | {"y": [True], "z": [True]})
    found = compare_evaluations(first, second)
    assert (found.problems, len(found.gained), len(found.lost)) == (40, 15, 5)
    assert (found.only_first, found.only_second) == (("x",), ("y", "z"))
    assert found.p_value == pytest.approx(2 * sum(math.comb(20, i) for i in range(6)) / 2**20)
    assert found.difference == pytest.approx(0.25)
    assert found.low <= 0.25 <= found.high


def test_runs_with_several_completions_are_compared_by_random_signs(tmp_path):
    first = evaluation(tmp_path / "a", {str(i): [True, False, False] for i in range(12)})
    second = evaluation(tmp_path / "b", {str(i): [True, True, False] for i in range(12)})
    found = compare_evaluations(first, second)
    assert found.test == "random signs"
    assert found.p_value < 0.01
    assert compare_evaluations(first, first).p_value == 1.0


def test_runs_of_different_problems_are_refused(tmp_path):
    first, second = evaluation(tmp_path / "a", {"1": [True]}), evaluation(tmp_path / "b", {"2": [True]})
    with pytest.raises(ConfigurationError, match="in common"):
        compare_evaluations(first, second)
    with pytest.raises(ConfigurationError, match="no evaluation"):
        compare_evaluations(first, tmp_path / "c")


def test_a_line_holds_whatever_a_completion_may_say(tmp_path):
    told = "\x00\ud800</script>\u2028\r\n"
    with ResultStore(tmp_path, {}) as store:
        store.append([Result("a", 0, "d", 0.0, "wrong_answer", False, completion=told, program=told)])
        (back,) = store.results()
    assert back.completion == told
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 1
    assert json.loads((tmp_path / "results.jsonl").read_text())["program"] == told


DAMAGE = [
    pytest.param("results.jsonl", lambda lines: [lines[0], b"\0" * 40 + b"\n"], "results.jsonl, line 2", id="zeros"),
    pytest.param("results.jsonl", lambda lines: [b"[1]\n", *lines], "results.jsonl, line 1", id="no object"),
    pytest.param("results.jsonl", lambda lines: [lines[0], b"\xff\xfe\n"], "results.jsonl, line 2", id="no text"),
    pytest.param("evaluation.json", lambda lines: [], "evaluation.json", id="settings that are empty"),
    pytest.param("evaluation.json", lambda lines: [b"[1]"], "evaluation.json", id="settings that are none"),
    pytest.param("evaluation.json", None, "evaluation.json", id="settings that are gone"),
]


@pytest.mark.parametrize(("name", "change", "told"), DAMAGE)
def test_a_damaged_folder_is_told_of_and_left_as_it_is(name, change, told, tmp_path):
    path = evaluation(tmp_path, {"a": [True], "b": [False]}) / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ConfigurationError, match=told), ResultStore(tmp_path, {}) as store:
        list(store.digests())
    with pytest.raises(ConfigurationError, match=told), ResultStore(tmp_path, {}) as store:  # and its lock is free
        list(store.results())


def test_a_full_disk_leaves_the_folder_free_and_whole_lines(tmp_path):
    store = ResultStore(tmp_path, {})
    store.append([Result("a", 0, "d", 0.0, "wrong_answer", False)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # Python ignores the signal
    try:
        with pytest.raises(OSError, match="too large"):
            store.append([Result("b", 0, "d", 0.0, "wrong_answer", False, detail="x" * 5000)])
        with contextlib.suppress(OSError):
            store.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with ResultStore(tmp_path, {}) as again:
        assert [result.problem for result in again.results()] == ["a"]
