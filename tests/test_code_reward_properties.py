"""Whatever a policy writes and a sandbox reports, a call returns one score a completion, None or within bounds."""

from __future__ import annotations

import math

from asking import Log, fenced
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards import CodeReward
from rewards.records import Ended, SandboxFailure, TestRun
from rewards.sandboxes.fake import FakeSandbox

any_text = st.text(st.characters(codec=None, categories=None, exclude_categories=()), max_size=200)
pieces = st.sampled_from(
    [
        "```python\n",
        "```\n",
        "```",
        "~~~\n",
        "<think>",
        "</think>",
        "print(1)\n",
        "def f(): ...\n",
        "    return 1\n",
        "\0",
    ]
)
texts = st.one_of(any_text, st.lists(st.one_of(pieces, any_text), max_size=8).map("".join), any_text.map(fenced))
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["assistant", "tool", "user"]), "content": st.one_of(texts, st.none())},
        optional={"reasoning_content": texts, "tool_calls": st.just([{"type": "function"}])},
    ),
    max_size=3,
)
completions = st.lists(st.one_of(texts, messages), max_size=6)

finite = st.floats(min_value=0, max_value=1e6)
runs = st.builds(
    TestRun,
    ended=st.sampled_from(Ended),
    exit_code=st.one_of(st.none(), st.integers(0, 255)),
    signal=st.one_of(st.none(), st.integers(1, 64)),
    value=st.one_of(st.none(), st.integers(), any_text, st.lists(st.floats(), max_size=2)),
    stdout=st.one_of(st.just("1\n"), any_text),
    stderr=any_text,
    cpu_s=finite,
    wall_s=finite,
    starved=st.booleans(),
)
failures = st.builds(SandboxFailure, st.sampled_from(["died", "start", "closed"]), any_text, st.just(False))
answers = st.one_of(failures, st.lists(runs, min_size=2, max_size=2))

TESTS = [{"type": "stdin", "input": "1", "output": "1"}, {"type": "output", "output": "1"}]


@settings(max_examples=150, deadline=None)
@given(completions, answers, st.sampled_from(["all_passed", "fraction_passed", "weighted_passed"]))
def test_every_call_returns_one_score_a_completion_none_or_finite_within_bounds(completions, answer, scoring):
    log = Log()
    sandbox = FakeSandbox({}, otherwise=answer)
    with CodeReward(sandbox=sandbox, scoring=scoring, breaker=None, bounds=(-0.5, 1.25), program_bonus=0.25) as reward:
        scores = reward(
            prompts=["?"] * len(completions),
            completions=completions,
            tests=[TESTS] * len(completions),
            log_metric=log.log_metric,
            log_extra=log.log_extra,
        )
    assert len(scores) == len(completions)
    assert all(score is None or (type(score) is float and -0.5 <= score <= 1.25) for score in scores)
    assert all(math.isfinite(value) for value in log.metrics.values())
    assert {len(column) for column in log.columns.values()} == {len(completions)}


@settings(max_examples=60, deadline=None)
@given(texts)
def test_an_explanation_can_be_printed_whatever_the_completion_says(completion):
    with CodeReward(
        sandbox=FakeSandbox({}, otherwise=[TestRun(Ended.EXITED, exit_code=1, stderr=completion)])
    ) as reward:
        reward.explain(completion, expected_output="1").encode()
