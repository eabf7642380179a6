"""The message rewards on one conversation and on a trainer's batch, with answers of the sandbox written down."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from rewards.errors import CircuitBreakerOpen, ConfigurationError, DatasetError
from rewards.message_rewards import (
    EvaluateResult,
    MessageReward,
    MetricResult,
    MetricRewardOutput,
    RewardOutput,
    e2b_code_execution_reward,
    fractional_code_reward,
    local_code_execution_reward,
)
from rewards.records import Ended, Job, JobResult, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.base import KeepGoing
from rewards.sandboxes.fake import FakeSandbox

FAILURE = SandboxFailure("transport", "the line is dead", retryable=False)
ALL = [e2b_code_execution_reward, local_code_execution_reward, fractional_code_reward]
by_name = pytest.mark.parametrize("reward", ALL, ids=lambda reward: reward.__name__)


def fenced(source: str, language: str = "python") -> str:
    return f"Here it is:\n```{language}\n{source}\n```\nThat was it."


def chat(question: str, source: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": fenced(source)}]


def printing(text: str) -> FakeSandbox:
    return FakeSandbox(lambda job: text)


def ending(ended: Ended, **seen: Any) -> FakeSandbox:
    return FakeSandbox(lambda job: JobResult((TestRun(ended, **seen),)))


@by_name
def test_the_result_has_the_metrics_that_the_guides_read(reward: MessageReward) -> None:
    result = reward(messages=chat("Compute.", "p"), expected_output="120", language="python", sandbox=printing("120\n"))
    assert result.score == 1.0
    assert list(result.metrics) == ["extracted_code", "expected_output", "execution_result", "output_match"]
    assert all(metric.is_score_valid and metric.score == 1.0 and metric.reason for metric in result.metrics.values())
    assert "p" in result.metrics["extracted_code"].reason
    assert "given" in result.metrics["expected_output"].reason
    assert "120" in result.metrics["execution_result"].reason


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(fenced("p"), id="the response as text"),
        pytest.param([{"role": "assistant", "content": fenced("p")}], id="dicts"),
        pytest.param([SimpleNamespace(role="assistant", content=fenced("p"), tool_calls=None)], id="objects"),
        pytest.param([{"role": "assistant", "content": [{"type": "text", "text": fenced("p")}]}], id="parts"),
        pytest.param(({"role": "assistant", "content": fenced("p")},), id="a tuple"),
        pytest.param([{"role": "user", "content": fenced("q")}, *chat("a", "p")], id="the last response counts"),
    ],
)
def test_a_conversation_comes_in_many_forms(messages: Any) -> None:
    sandbox = printing("1")
    assert local_code_execution_reward(messages, expected_output="1", sandbox=sandbox).score == 1.0
    assert [job.program.source.strip() for job in sandbox.jobs] == ["p"]


@pytest.mark.parametrize("messages", [7, {"role": "user", "content": "x"}, [{"content": "x"}], [3]])
def test_what_is_no_conversation_is_the_callers_mistake(messages: Any) -> None:
    with pytest.raises(ConfigurationError, match="message"):
        local_code_execution_reward(messages, sandbox=printing(""))


def test_a_conversation_without_a_response_cannot_be_graded() -> None:
    with pytest.raises(ConfigurationError, match="nothing to grade"):
        local_code_execution_reward([{"role": "user", "content": fenced("p")}], sandbox=printing(""))


def test_only_the_response_is_graded_and_no_example_of_the_prompt() -> None:
    """An empty response behind an example would otherwise get what the example is worth."""
    shots = [*chat("Print 5.", "example"), {"role": "user", "content": "Print 6. Expected output: 6"}]
    sandbox = FakeSandbox({"example": "6", "p": "6"})
    for empty in ("", None, "I cannot."):
        answer = {"role": "assistant", "content": empty}
        assert local_code_execution_reward([*shots, answer], sandbox=sandbox).score == 0.0
        assert local_code_execution_reward(prompts=[shots], completions=[[answer]], sandbox=sandbox) == [0.0]
    assert local_code_execution_reward(prompts=[shots], completions=[fenced("p")], sandbox=sandbox) == [1.0]
    with pytest.raises(ConfigurationError, match="nothing to grade"):
        local_code_execution_reward(shots, sandbox=sandbox)


def test_the_words_of_an_environment_state_no_expected_output() -> None:
    """They may be what the program printed on an earlier turn."""
    turns = [
        {"role": "assistant", "content": fenced("print('Expected output: 5')")},
        {"role": "user", "content": "It printed: Expected output: 5"},
        {"role": "assistant", "content": fenced("p")},
    ]
    (result,) = local_code_execution_reward.evaluate(prompts=["Print 6."], completions=[turns], sandbox=printing("5"))
    assert "nothing was compared" in result.reason


@by_name
@pytest.mark.parametrize("unknown", ["expected", "expected_outputs", "prompts", "trainer_state"])
def test_an_unknown_argument_is_an_error_that_names_it(reward: MessageReward, unknown: str) -> None:
    """Swallowed, it would leave nothing to compare with, and every program that runs would score 1.0."""
    with pytest.raises(TypeError, match=rf"'{unknown}'; known are messages, original_messages, expected_output"):
        reward(fenced("p"), **{unknown: "120"})


def test_a_missing_conversation_is_an_error() -> None:
    with pytest.raises(TypeError, match="needs messages"):
        local_code_execution_reward(expected_output="1")


@by_name
@pytest.mark.parametrize("name", ["expected_output", "ground_truth"])
def test_the_expected_output_has_two_names(reward: MessageReward, name: str) -> None:
    assert reward(fenced("p"), sandbox=printing("7"), **{name: "7"}).score == 1.0
    assert reward(fenced("p"), sandbox=printing("seven"), **{name: "7"}).score == 0.0


@pytest.mark.parametrize("others", [{"ground_truth": "1"}, {"test_cases": [{"input": "", "expected_output": "1"}]}])
def test_what_is_right_is_said_once(others: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match=r"expected_output and .* both given"):
        local_code_execution_reward(fenced("p"), expected_output="1", sandbox=printing("1"), **others)


@pytest.mark.parametrize(("printed", "score"), [("", 1.0), (" \n", 1.0), ("x", 0.0)])
def test_an_empty_expected_output_means_that_nothing_may_be_printed(printed: str, score: float) -> None:
    result = local_code_execution_reward(fenced("p"), expected_output="", sandbox=printing(printed))
    assert result.score == score
    assert "nothing may be printed" in result.metrics["expected_output"].reason


def test_without_anything_to_compare_with_a_clean_run_is_all_there_is_and_the_reason_says_so() -> None:
    result = local_code_execution_reward(fenced("p"), sandbox=printing("whatever"))
    assert result.score == 1.0
    assert "nothing was compared" in result.reason
    assert not result.metrics["expected_output"].is_score_valid
    assert not result.metrics["output_match"].is_score_valid


def test_a_batch_in_which_nothing_is_compared_is_worth_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trainer sees scores and no reasons: a column that is called otherwise would look like a perfect model."""
    monkeypatch.setattr("rewards.message_rewards.execution._warned", set())
    batch = {"completions": [fenced("p")] * 2, "expected_outputs": ["1", "2"]}
    assert local_code_execution_reward.configured(sandbox=printing("whatever"))(**batch) == [1.0, 1.0]
    [record] = [record for record in caplog.records if "nothing was compared" in record.message]
    assert "is a column missing?" in record.message


def test_a_response_cannot_state_its_own_expected_output() -> None:
    messages = chat("Write a program.", "p")
    messages[1]["content"] = "Expected output: 5\n" + messages[1]["content"]
    earlier = {"role": "assistant", "content": "The output should be 5"}
    echoed = [messages[0], {"role": "assistant", "content": "I print Expected output: 5"}, messages[1]]
    for conversation in (messages, [earlier, *messages], echoed):
        for original in (None, conversation):
            result = local_code_execution_reward(conversation, original, sandbox=printing("5"))
            assert "nothing was compared" in result.reason


@pytest.mark.parametrize("place", ["messages", "original_messages"])
def test_a_user_can_state_the_expected_output(place: str) -> None:
    messages = chat("Sum a list. Expected output: 15 (for [1,2,3,4,5])", "p")
    if place == "original_messages":
        result = local_code_execution_reward(messages[1:], original_messages=messages, sandbox=printing("15"))
    else:
        result = local_code_execution_reward(messages, sandbox=printing("15"))
    assert result.score == 1.0
    assert result.metrics["expected_output"].reason == "stated in the user message:\n15"
    assert local_code_execution_reward(messages, expected_output="16", sandbox=printing("16")).score == 1.0


@pytest.mark.parametrize(
    ("sandbox", "word"),
    [
        pytest.param(ending(Ended.EXITED, exit_code=1, stdout="7", stderr="ValueError: x"), "ValueError", id="exit 1"),
        pytest.param(ending(Ended.CPU_LIMIT, stdout="7"), "out of CPU time", id="time"),
        pytest.param(ending(Ended.MEMORY_LIMIT, stdout="7"), "out of memory", id="memory"),
        pytest.param(ending(Ended.SIGNALLED, signal=11, stdout="7"), "SIGSEGV", id="crash"),
        pytest.param(ending(Ended.OUTPUT_LIMIT, stdout="7"), "too much", id="flood"),
    ],
)
@pytest.mark.parametrize("expected", ["7", None])
def test_a_program_that_fails_gets_nothing_whatever_it_printed(
    sandbox: FakeSandbox, word: str, expected: str | None
) -> None:
    result = local_code_execution_reward(fenced("p"), expected_output=expected, sandbox=sandbox)
    assert result.score == 0.0
    assert result.is_score_valid
    assert word in result.reason
    assert word in result.metrics["execution_result"].reason


def test_what_a_program_printed_can_be_shown_anywhere() -> None:
    reason = (
        local_code_execution_reward(fenced("p"), sandbox=printing("\x1b[2J\ud800" + "x" * 10**6))
        .metrics["execution_result"]
        .reason
    )
    reason.encode()
    assert "\x1b" not in reason
    assert len(reason) < 3000
    local_code_execution_reward(fenced("'\ud800'"), sandbox=printing("")).metrics["extracted_code"].reason.encode()


def test_a_key_is_never_shown() -> None:
    with pytest.raises(ConfigurationError, match="found a bytes") as caught:
        e2b_code_execution_reward(fenced("p"), api_key=b"e2b_0123456789")
    assert "0123456789" not in str(caught.value)
    assert "0123456789" not in repr(e2b_code_execution_reward.configured(api_key="e2b_0123456789"))


@by_name
def test_a_dead_sandbox_is_not_a_wrong_program(reward: MessageReward) -> None:
    dead = FakeSandbox({}, otherwise=FAILURE)
    result = reward(fenced("p"), expected_output="7", sandbox=dead)
    assert result.score is None
    assert not result.is_score_valid
    assert "the line is dead" in result.error
    assert result.metrics["execution_result"].score is None
    assert reward(completions=[fenced("p")], expected_output=["7"], sandbox=dead) == [None]


def test_a_machine_too_busy_to_tell_is_no_time_out() -> None:
    result = local_code_execution_reward(fenced("p"), sandbox=ending(Ended.WALL_LIMIT, starved=True))
    assert result.score is None
    assert "kept the CPU from the program" in result.reason


@by_name
def test_a_response_without_a_program_gets_nothing(reward: MessageReward) -> None:
    result = reward("I would rather not.", expected_output="7", sandbox=printing("7"))
    assert result.score == 0.0
    assert "no python program" in result.reason
    assert not result.metrics["extracted_code"].is_score_valid


def test_an_output_that_differs_gets_part_of_the_score_unless_told_otherwise() -> None:
    reward = local_code_execution_reward
    assert 0.5 < reward(fenced("p"), expected_output="a b c", sandbox=printing("a b d")).score < 1.0
    assert reward(fenced("p"), expected_output="a b c", sandbox=printing("a b d"), similarity=False).score == 0.0
    same_words = {"expected_output": "a b\n", "sandbox": printing("a  b\n")}
    assert reward(fenced("p"), **same_words).score == 1.0
    assert reward(fenced("p"), comparison="exact", **same_words).score < 1.0
    assert reward(fenced("p"), comparison="exact", similarity=False, **same_words).score == 0.0


@by_name
def test_test_cases_score_the_share_that_passes(reward: MessageReward) -> None:
    def double(job: Job) -> list[TestRun]:
        inputs = [step.stdin for step in job.steps if isinstance(step, ScriptStep)]
        return [TestRun(Ended.EXITED, exit_code=0, stdout=str(2 * int(text))) for text in inputs]

    cases = [{"input": "1", "expected_output": "2"}, {"input": "2", "expected_output": "5"}]
    result = reward(fenced("p"), test_cases=cases, sandbox=FakeSandbox(double))
    assert result.score == 0.5
    assert "test 2: wrong answer" in result.metrics["output_match"].reason
    assert "2 test cases" in result.metrics["expected_output"].reason
    as_json = '[{"input": "1", "expected_output": "2"}]'
    assert reward(fenced("p"), test_cases=as_json, sandbox=FakeSandbox(double)).score == 1.0
    assert reward(fenced("p"), ground_truth=cases[:1], sandbox=FakeSandbox(double)).score == 1.0


@pytest.mark.parametrize(
    "cases",
    [
        [],
        "no json",
        {},
        [3],
        [{"input": "1"}],
        [{"stdin": "1", "output": "1"}],
        [{"expected_output": ["x"]}],
        [{"input": [1], "output": "1"}],
    ],
)
def test_test_cases_that_cannot_be_read_are_an_error(cases: Any) -> None:
    with pytest.raises(DatasetError, match="test_cases"):
        local_code_execution_reward(fenced("p"), test_cases=cases, sandbox=printing(""))


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": 0}, {"timeout": "5"}, {"similarity": 1}, {"comparison": "fuzzy"}, {"comparison": 3}, {"language": 7}],
)
def test_an_option_that_does_not_fit_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        local_code_execution_reward(fenced("p"), sandbox=printing(""), **wrong)


def test_the_timeout_is_cpu_time_and_the_clock_a_backstop() -> None:
    sandbox = printing("")
    local_code_execution_reward(fenced("p"), timeout=200, max_memory_mb=300, sandbox=sandbox)
    limits = sandbox.jobs[0].limits
    assert (limits.cpu_s, limits.wall_limit_s, limits.job_cpu_s, limits.memory_mb) == (200, 602, 200, 300)


def test_a_language_that_nobody_knows_is_an_error_and_no_response_without_a_program() -> None:
    with pytest.raises(ConfigurationError, match="pyton"):
        local_code_execution_reward(fenced("p"), language="pyton", sandbox="local")


def test_a_language_that_the_sandbox_lacks_is_an_error() -> None:
    sandbox = printing("true")
    sandbox.languages = frozenset({"python"})  # type: ignore[assignment]
    with pytest.raises(ConfigurationError, match="javascript"):
        local_code_execution_reward(fenced("p", "js"), language="js", sandbox=sandbox)
    sandbox.languages = frozenset({"javascript"})  # type: ignore[assignment]
    result = local_code_execution_reward(fenced("p", "js"), language="js", expected_output="true", sandbox=sandbox)
    assert result.score == 1.0
    assert sandbox.jobs[0].program.language == "javascript"


@by_name
def test_a_batch_gets_one_score_a_completion(reward: MessageReward) -> None:
    sandbox = FakeSandbox({"a": "1", "b": "2", "c": FAILURE})
    scores = reward(
        prompts=["x"] * 4,
        completions=[fenced("a"), fenced("b"), "none", fenced("c")],
        completion_ids=[[1]] * 4,
        expected_output=["1", "3", "1", "1"],
        sandbox=sandbox,
        similarity=False,
        difficulty=["easy"] * 4,
        environment=["x"] * 4,
        api_key=["secret"] * 4,
        trainer_state=object(),
        log_metric=lambda name, value: pytest.fail("it logs nothing"),
        log_extra=lambda column, values: pytest.fail("it logs nothing"),
    )
    assert scores == [1.0, 0.0, 0.0, None]


def test_a_batch_of_conversations_states_its_expected_outputs() -> None:
    question, answer = chat("The output should be 5.", "p")
    scores = local_code_execution_reward(
        prompts=[[question], "Expected output: 6"], completions=[[answer], fenced("p")], sandbox=printing("5")
    )
    assert scores[0] == 1.0
    assert 0.0 < scores[1] < 1.0


def test_a_column_with_gaps_falls_back_to_the_defaults() -> None:
    scores = local_code_execution_reward(
        completions=[fenced("p")] * 2,
        expected_output=["5", None],
        ground_truth=[None, "6"],
        test_cases=[None, None],
        language=[None, "python"],
        timeout=[None, 3],
        sandbox=printing("5"),
        similarity=False,
    )
    assert scores == [1.0, 0.0]


def test_a_value_that_is_no_list_goes_for_every_completion() -> None:
    sandbox = printing("5")
    completions = [fenced("p")] * 2
    assert local_code_execution_reward(completions=completions, expected_output="5", sandbox=sandbox) == [1.0, 1.0]


def test_a_column_of_another_length_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"'expected_output' has 1 values for 2 completions"):
        local_code_execution_reward(completions=[fenced("p")] * 2, expected_output=["5"], sandbox=printing(""))


def test_a_batch_comes_by_keyword() -> None:
    with pytest.raises(TypeError, match="by keyword"):
        local_code_execution_reward(["x"], completions=[fenced("p")])


def test_an_empty_batch_gets_no_scores() -> None:
    assert local_code_execution_reward(prompts=[], completions=[], expected_output=[]) == []


def test_a_bad_row_is_named() -> None:
    with pytest.raises(DatasetError, match="test_cases") as caught:
        local_code_execution_reward(
            completions=[fenced("p")] * 2,
            test_cases=[[{"input": "", "expected_output": "1"}], []],
            sandbox=printing("1"),
        )
    assert any("completion 1 of 2" in note for note in caught.value.__notes__)


def test_a_batch_runs_concurrently() -> None:
    sandbox = FakeSandbox(lambda job: "1", latency_s=0.2, capacity=32)
    assert (
        local_code_execution_reward(completions=[fenced("p")] * 32, expected_output="1", sandbox=sandbox) == [1.0] * 32
    )
    assert sandbox.most_at_once > 16


def test_a_batch_ends_at_its_deadline() -> None:
    reward = _timed(0.5)
    hanging = FakeSandbox({"a": "1", "b": "1"}, latency_s=lambda job: float("inf") if "b" in job.program.source else 0)
    assert reward(completions=[fenced("a"), fenced("b")], sandbox=hanging) == [1.0, None]
    assert reward(fenced("b"), sandbox=hanging).score is None


def _timed(batch_deadline_s: float) -> MessageReward:
    implementation = local_code_execution_reward._implementation
    return MessageReward(implementation, name="timed", options=["sandbox"], batch_deadline_s=batch_deadline_s)


def test_batches_that_cannot_be_judged_stop_the_run() -> None:
    reward = local_code_execution_reward.configured(sandbox=FakeSandbox({}, otherwise=FAILURE))
    batch = {"completions": [fenced("p"), fenced("q"), "none"], "expected_output": "1"}
    assert reward(**batch) == [None, None, 0.0]
    assert reward(**batch) == [None, None, 0.0]
    with pytest.raises(CircuitBreakerOpen, match="the line is dead"):
        reward(**batch)


def test_evaluation_gets_whole_results() -> None:
    results = local_code_execution_reward.evaluate(
        completions=[fenced("p"), "none"], expected_output=["5", "5"], sandbox=printing("5")
    )
    assert [result.score for result in results] == [1.0, 0.0]
    assert results[1].reason == "no python program in the response"


@by_name
def test_it_pickles_as_a_function_does(reward: MessageReward) -> None:
    assert pickle.loads(pickle.dumps(reward)) is reward
    assert reward.__name__ == reward.__qualname__
    assert reward.__doc__
    assert next(iter(inspect.signature(reward).parameters)) == "messages"


def test_a_configured_reward_is_another_one_and_pickles() -> None:
    reward = local_code_execution_reward.configured("strict", similarity=False, timeout=3)
    copy = pickle.loads(pickle.dumps(reward))
    assert copy.__name__ == reward.__name__ == "strict"
    for one in (reward, copy):
        sandbox = printing("a b d")
        assert one(completions=[fenced("p")], expected_output=["a b c"], timeout=[9], sandbox=sandbox) == [0.0]
        assert sandbox.jobs[0].limits.cpu_s == 3
        assert one(fenced("p"), expected_output="a b c", sandbox=sandbox, similarity=True).score > 0
    with pytest.raises(TypeError, match="'similar'"):
        local_code_execution_reward.configured(similar=False)


def test_it_can_be_awaited() -> None:
    async def both() -> tuple[RewardOutput, list[float | None], list[RewardOutput]]:
        one = await local_code_execution_reward.acall(fenced("p"), expected_output="5", sandbox=printing("5"))
        rows = {"completions": [fenced("p")], "expected_output": ["5"], "sandbox": printing("5")}
        return one, await local_code_execution_reward.acall(**rows), await local_code_execution_reward.aevaluate(**rows)

    one, batch, results = asyncio.run(both())
    assert (one.score, batch, results[0].score) == (1.0, [1.0], 1.0)


def test_a_cancelled_call_stops_its_programs() -> None:
    sandbox = FakeSandbox(lambda job: "", latency_s=float("inf"))

    async def cancelled() -> None:
        task = asyncio.ensure_future(local_code_execution_reward.acall(fenced("p"), sandbox=sandbox))
        while not sandbox.jobs:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled())
    assert sandbox._at_once == 0


def test_it_can_be_called_inside_a_running_loop_and_from_many_threads() -> None:
    sandbox = printing("5")
    scores: list[float] = []

    def call() -> None:
        scores.append(local_code_execution_reward(fenced("p"), expected_output="5", sandbox=sandbox).score)

    async def in_a_notebook() -> None:
        call()

    asyncio.run(in_a_notebook())
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scores == [1.0] * 9


def test_after_closing_it_starts_anew() -> None:
    reward = local_code_execution_reward.configured("again")
    sandbox = printing("5")
    assert reward(fenced("p"), expected_output="5", sandbox=sandbox).score == 1.0
    reward.close()
    assert sandbox.closed
    assert reward(fenced("p"), expected_output="5", sandbox=printing("5")).score == 1.0


def test_importing_rewards_does_not_import_them() -> None:
    code = "import sys, rewards; assert not [name for name in sys.modules if 'message_rewards' in name]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_results_can_be_read_by_name() -> None:
    result = EvaluateResult(score=0.5, reason="half", metrics={"x": MetricResult(score=0.8, success=True, reason="y")})
    assert (result["score"], result["metrics"]["x"]["score"], result.metrics["x"].success) == (0.5, 0.8, True)
    assert dict(result)["reason"] == "half"
    assert result.get("nothing", 3) == 3
    assert "score" in result
    assert "nothing" not in result
    assert ("score", 0.5) in result.items()
    with pytest.raises(KeyError):
        result["nothing"]
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("make", [RewardOutput, MetricRewardOutput])
@pytest.mark.parametrize("score", [float("nan"), float("inf"), "1", [1.0], 10**400])
def test_a_score_is_finite(make: Callable[[Any], Any], score: Any) -> None:
    with pytest.raises(ConfigurationError, match="finite"):
        make(score)


def test_a_score_that_is_not_valid_is_no_reward() -> None:
    assert RewardOutput(0.0, is_score_valid=False).reward is None
    assert RewardOutput(None).is_score_valid is False
    assert RewardOutput(1).reward == 1.0


class LostAfterwards(FakeSandbox):
    """Reports every run, and is lost before it can say that this was all."""

    async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
        await super().run(job, keep_going=keep_going)
        return FAILURE


@pytest.mark.parametrize(("printed", "least", "most"), [("120\n", 1.0, 1.0), ("119\n", 0.1, 0.99)])
def test_a_sandbox_lost_after_the_last_run_was_judged_changes_no_score(printed: str, least: float, most: float) -> None:
    sandbox = LostAfterwards({}, otherwise=printed)
    score = local_code_execution_reward(fenced("p"), expected_output="120", sandbox=sandbox).score
    assert least <= score <= most


def test_nothing_is_known_of_a_program_whose_sandbox_was_lost_between_its_runs() -> None:
    cases = [{"input": "1", "output": "120"}, {"input": "2", "output": "120"}]

    class LostBetween(FakeSandbox):
        async def run(self, job: Job, *, keep_going: KeepGoing | None = None) -> JobResult | SandboxFailure:
            assert keep_going is not None
            keep_going(0, TestRun(Ended.EXITED, exit_code=0, stdout="120\n"))
            return FAILURE

    result = local_code_execution_reward(fenced("p"), test_cases=cases, sandbox=LostBetween({}))
    assert result.reward is None
