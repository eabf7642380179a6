"""A reward over time: its breaker, its name, its copies, and what it tells people."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from asking import RIGHT, WRONG, Log, fenced, make, prints, stdin_row

from rewards import CircuitBreaker, CircuitBreakerOpen, ConfigurationError, Limits, Verdict
from rewards.grades import TestGrade
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox

NO_SANDBOX = SandboxFailure("start", "the disk is full", retryable=False)


def test_batches_that_came_to_nothing_stop_the_run_and_say_why():
    with make(FakeSandbox({}, otherwise=NO_SANDBOX), breaker=CircuitBreaker(batches=2, share=0.5)) as reward:
        assert reward(completions=[RIGHT], expected_output=["1"]) == [None]
        with pytest.raises(CircuitBreakerOpen, match="the disk is full"):
            reward(completions=[RIGHT], expected_output=["1"])


def test_without_a_breaker_the_run_goes_on():
    with make(FakeSandbox({}, otherwise=NO_SANDBOX), breaker=None) as reward:
        assert [reward(completions=[RIGHT], expected_output=["1"]) for _ in range(5)] == [[None]] * 5


def test_a_good_batch_closes_the_breaker_again():
    def answers(job):
        return NO_SANDBOX if "2" in job.program.source else "1\n"

    with make(FakeSandbox(answers), breaker=CircuitBreaker(batches=2)) as reward:
        for _ in range(3):
            reward(completions=[WRONG], expected_output=["1"])
            reward(completions=[RIGHT], expected_output=["1"])


def test_bad_rows_rows_without_tests_and_missing_programs_say_nothing_of_the_sandbox():
    with make(breaker=CircuitBreaker(batches=1), on_bad_row="none") as reward:
        batch = reward.grade(completions=[RIGHT, RIGHT, "none"], tests=["no JSON", "[]", stdin_row("1")["tests"]])
    assert [grade.verdict for grade in batch.grades] == [Verdict.UNJUDGED, Verdict.UNJUDGED, Verdict.NO_PROGRAM]


def test_a_share_that_nobody_knows_counts_although_one_test_failed():
    class Fading(FakeSandbox):
        async def run(self, job, *, keep_going=None):
            keep_going(0, prints("wrong"))
            return NO_SANDBOX

    with (
        make(Fading({}), scoring="fraction_passed", breaker=CircuitBreaker(batches=1)) as reward,
        pytest.raises(CircuitBreakerOpen),
    ):
        reward(completions=[RIGHT], tests=[stdin_row("1", "1")["tests"]])


def test_explaining_an_unjudged_program_does_not_count():
    with make(FakeSandbox({}, otherwise=NO_SANDBOX), breaker=CircuitBreaker(batches=1)) as reward:
        assert "the disk is full" in reward.explain(RIGHT, expected_output="1")


def test_an_explanation_shows_the_program_and_every_test():
    with make() as reward:
        text = reward.explain(RIGHT, prompt="a question", **stdin_row("1", "2"))
    assert "score: 0, verdict: wrong_answer" in text
    assert "print(1)" in text
    assert [line.split()[1] for line in text.splitlines() if line[:1].isdigit()] == ["accepted", "wrong_answer"]


def test_an_explanation_is_safe_to_print():
    sandbox = FakeSandbox({}, otherwise=[prints("\x1b[2J\udc80\0")])
    with make(sandbox) as reward:
        text = reward.explain(fenced("print('\x1b[2J\udc80')"), expected_output="1")
    text.encode()
    assert "\x1b" not in text


def test_describe_says_what_protects():
    with make() as reward:
        assert "fake sandbox" in reward.describe()


def test_the_grades_come_as_a_float32_tensor_with_nan_for_none():
    torch = pytest.importorskip("torch", reason="pip install 'code-rewards[train]' to test the tensor")
    with make() as reward:
        tensor = reward.grade(completions=[RIGHT, WRONG, RIGHT], tests=[*[stdin_row("1")["tests"]] * 2, "[]"]).tensor()
    assert tensor.dtype == torch.float32
    assert tensor[:2].tolist() == [1.0, 0.0]
    assert tensor[2].isnan()


def first_verdict(tests: list[TestGrade]) -> float:
    return float(tests[0].verdict is Verdict.ACCEPTED)


def test_a_pickled_copy_does_what_the_original_does():
    with make(scoring=first_verdict, limits=Limits(cpu_s=2), comparison="exact", name="copied") as reward:
        reward(completions=[RIGHT], expected_output=["1\n"])
        with pickle.loads(pickle.dumps(reward)) as copy:
            assert copy.__name__ == "copied"
            assert copy(completions=[RIGHT, WRONG], expected_output=["1\n", "1\n"]) == [1.0, 0.0]


def test_the_name_is_what_trl_shows():
    assert make().__name__ == "code"
    assert make(name="unit_tests").__name__ == "unit_tests"


def test_a_closed_reward_says_so():
    reward = make()
    reward.close()
    with pytest.raises(ConfigurationError, match="is closed"):
        reward(completions=[RIGHT], expected_output=["1"])


def test_a_name_is_free_again_when_its_reward_is_closed_or_gone():
    arguments = {"completions": [RIGHT], "expected_output": ["1"], "log_metric": Log().log_metric}
    first, second = make(name="one"), make(name="one")
    first(**arguments)
    with pytest.raises(ConfigurationError, match="another live reward logs under the name 'one'"):
        second(**arguments)
    second(completions=[RIGHT], expected_output=["1"])
    first.close()
    second(**arguments)
    cycle = [second]
    cycle.append(cycle)
    del second, cycle
    third = make(name="one")
    third(**arguments)
    third.close()


def test_every_call_logs_the_same_names_and_full_columns():
    names = []
    with make() as reward:
        for completions in ([RIGHT, WRONG], ["nothing"], [RIGHT, "\udc80", WRONG, fenced("'\udc80'")]):
            log = Log()
            reward(
                completions=completions,
                expected_output=["1"] * len(completions),
                log_metric=log.log_metric,
                log_extra=log.log_extra,
            )
            names.append((sorted(log.metrics), sorted(log.columns)))
            assert {len(column) for column in log.columns.values()} == {len(completions)}
    assert names[0] == names[1] == names[2]
    assert names[0][1] == ["code/detail", "code/program", "code/verdict"]
    assert all(name.startswith("code/") for name in names[0][0])


def test_the_reward_brings_no_heavy_package_along():
    source = "import sys, rewards\nwith rewards.CodeReward() as r: pass\nassert 'e2b' not in sys.modules"
    subprocess.run([sys.executable, "-c", source], check=True)
