"""Several rewards as one: the sum, and nothing where a part knows nothing."""

from __future__ import annotations

import asyncio
import functools
import math
import pickle
import threading

import pytest
from asking import Log, fenced

from rewards import CodeReward, ConfigurationError, combine
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox

COMPLETIONS = ["a", "bb", "ccc"]


def length(completions, **kwargs):
    return [len(completion) for completion in completions]


def starts_with_b(completions, **kwargs):
    return [float(completion.startswith("b")) for completion in completions]


def knows_no_b(completions, **kwargs):
    return [None if completion.startswith("b") else 1.0 for completion in completions]


async def slowly(completions, **kwargs):
    await asyncio.sleep(0.01)
    return [10.0 for _ in completions]


def code(**options) -> CodeReward:
    return CodeReward(sandbox=FakeSandbox({"print(1)": "1\n"}, otherwise="?"), **options)


def test_the_sum_is_weighted():
    assert combine([length, starts_with_b], weights=[1, 0.5])(completions=COMPLETIONS) == [1.0, 2.5, 3.0]


def test_without_weights_every_part_counts_once():
    assert combine([length, starts_with_b])(completions=COMPLETIONS) == [1.0, 3.0, 3.0]


@pytest.mark.parametrize("missing", [None, math.nan], ids=["None", "NaN"])
def test_one_part_that_knows_nothing_makes_the_whole_unknown(missing):
    """TRL would count it as zero: a program that could not be judged would be punished for it."""

    def part(completions, **kwargs):
        return [missing if completion == "bb" else 1.0 for completion in completions]

    assert combine([length, part])(completions=COMPLETIONS) == [2.0, None, 4.0]


def test_an_execution_reward_beside_another():
    no = SandboxFailure("start", "no", retryable=False)
    part = CodeReward(sandbox=FakeSandbox({"print(1)": "1\n", "print(2)": no}, otherwise="?"))
    completions = [fenced(f"print({i})") for i in (1, 2, 3)]
    both = combine([part, starts_with_b], weights=[1.0, 0.1])
    assert both(prompts=["?"] * 3, completions=completions, expected_output=["1"] * 3) == [1.0, None, 0.0]
    both.close()


def test_async_parts_run_at_once_beside_the_others():
    meeting = threading.Barrier(2)

    async def waits(completions, **kwargs):
        await asyncio.to_thread(meeting.wait, 5)
        return [1.0] * len(completions)

    def meets(completions, **kwargs):
        meeting.wait(5)
        return [2.0] * len(completions)

    assert combine([waits, meets, slowly])(completions=COMPLETIONS) == [13.0] * 3


def test_the_async_twin_awaits_every_kind_of_part():
    part = code()
    both = combine([part, slowly, length, functools.partial(starts_with_b)])
    scores = asyncio.run(both.acall(completions=[fenced("print(1)")], expected_output=["1"]))
    assert scores == [1.0 + 10.0 + len(fenced("print(1)"))]
    both.close()


def test_parts_get_all_that_the_whole_was_called_with():
    seen = {}

    def part(**kwargs):
        seen.update(kwargs)
        return [0.0]

    combine([part])(prompts=["p"], completions=["c"], completion_ids=[[1]], tests=["t"], trainer_state="s")
    assert seen == {
        "prompts": ["p"], "completions": ["c"], "completion_ids": [[1]], "tests": ["t"], "trainer_state": "s"
    }  # fmt: skip


def test_the_name_tells_the_parts_and_can_be_given():
    assert combine([length, slowly]).__name__ == "length+slowly"
    assert combine([length], name="total").__name__ == "total"
    assert repr(combine([length, code()], weights=[1, 0.5])) == "combine(1 * length, 0.5 * code)"


def test_the_means_of_the_parts_are_logged_because_the_trainer_sees_the_sum_only():
    log = Log()
    combine([length, knows_no_b], name="both")(completions=COMPLETIONS, log_metric=log.log_metric)
    assert log.metrics == {"both/length": 2.0, "both/knows_no_b": 1.0}


def test_a_pickled_copy_adds_up_the_same():
    both = pickle.loads(pickle.dumps(combine([length, starts_with_b, code(name="copied")], weights=[1, 2, 3])))
    assert both(completions=["bb"], expected_output=["1"]) == [4.0]
    both.close()


def test_numbers_of_tensors_count():
    torch = pytest.importorskip("torch", reason="pip install 'code-rewards[train]' to test tensors")
    scores = combine([lambda **kwargs: torch.tensor([1.0, float("nan")]), length])(completions=["a", "b"])
    assert scores == [2.0, None]


@pytest.mark.parametrize(
    ("rewards", "weights"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([length], [1, 2], id="too many weights"),
        pytest.param([length], [math.nan], id="a weight that is none"),
        pytest.param([length], ["1"], id="a weight in words"),
        pytest.param([length], 1, id="one number as weights"),
        pytest.param([length], "1", id="text as weights"),
        pytest.param(["length"], None, id="a name"),
        pytest.param(length, None, id="a reward outside of a list"),
        pytest.param("length", None, id="text"),
        pytest.param(None, None, id="None"),
    ],
)
def test_what_cannot_be_combined_is_refused_at_once(rewards, weights):
    with pytest.raises(ConfigurationError):
        combine(rewards, weights=weights)


@pytest.mark.parametrize("returned", [[1.0], [1.0] * 4, [math.inf] * 3, ["1"] * 2 + ["?"]], ids=str)
def test_a_part_that_returns_the_wrong_thing_is_named(returned):
    def part(**kwargs):
        return returned

    with pytest.raises(ConfigurationError, match="'part'"):
        combine([length, part])(completions=COMPLETIONS)


@pytest.mark.parametrize("name", [5, "", "a b", "a\n"], ids=repr)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ConfigurationError, match="name must be"):
        combine([length], name=name)


@pytest.mark.parametrize("found", [None, 1.0, math], ids=str)
def test_a_part_that_returns_no_list_is_named(found):
    def broken(**kwargs):
        return found

    both = combine([length, broken])
    with pytest.raises(ConfigurationError, match=r"reward 'broken' returned .* must return a list"):
        both(completions=COMPLETIONS)
    with pytest.raises(ConfigurationError, match=r"reward 'broken' returned .* must return a list"):
        asyncio.run(both.acall(completions=COMPLETIONS))


@pytest.mark.parametrize("completions", [None, iter("ab")], ids=["None", "an iterator"])
def test_completions_that_cannot_be_counted_are_named_before_any_part_runs(completions):
    def part(**kwargs):
        raise AssertionError("it ran")

    with pytest.raises(ConfigurationError, match="completions must be a list"):
        combine([part])(completions=completions)
    with pytest.raises(ConfigurationError, match="completions must be a list"):
        asyncio.run(combine([part]).acall(completions=completions))


@pytest.mark.parametrize("broken", ["sync", "async"])
def test_what_a_part_raises_is_raised(broken):
    def sync_part(**kwargs):
        raise KeyError("a mistake in the part")

    async def async_part(**kwargs):
        raise KeyError("a mistake in the part")

    with pytest.raises(KeyError, match="a mistake in the part"):
        combine([slowly, sync_part if broken == "sync" else async_part])(completions=COMPLETIONS)
