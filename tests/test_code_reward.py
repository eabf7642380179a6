"""The reward callable: what it takes, what it gives, and what it refuses before anything runs."""

from __future__ import annotations

import asyncio
import logging
import math
from types import SimpleNamespace

import pytest
from asking import ANSWERS, RIGHT, WRONG, make, stdin_row

from rewards import CodeReward, ConfigurationError, DatasetError
from rewards.options import shown
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox


def test_right_is_one_wrong_is_zero_and_no_program_is_zero():
    with make() as reward:
        scores = reward(completions=[RIGHT, WRONG, "I do not know."], expected_output=["1"] * 3)
    assert scores == [1.0, 0.0, 0.0]
    assert all(type(score) is float for score in scores)


def test_nothing_to_do_is_nothing():
    with make() as reward:
        assert reward(completions=[], prompts=[], expected_output=[]) == []


def test_an_unjudged_program_scores_none_beside_a_judged_one():
    def answers(job):
        return SandboxFailure("start", "no", retryable=False) if "2" in job.program.source else "1\n"

    with make(FakeSandbox(answers)) as reward:
        assert reward(completions=[RIGHT, WRONG], expected_output=["1", "1"]) == [1.0, None]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, [0.0, 0.0, None], id="all or nothing"),
        pytest.param({"scoring": "fraction_passed"}, [2 / 3, 0.0, None], id="a share of the tests"),
        pytest.param({"scoring": "weighted_passed"}, [2 / 3, 0.0, None], id="a share of their weights"),
        pytest.param({"no_program_score": -1.0}, [0.0, -1.0, None], id="a penalty for no program"),
        pytest.param({"program_bonus": 0.25}, [0.25, 0.0, None], id="a bonus for any program"),
        pytest.param({"unjudged_score": 0.5}, [0.0, 0.0, 0.5], id="a number where a trainer knows no None"),
        pytest.param({"scoring": lambda tests: -float(len(tests))}, [-3.0, 0.0, None], id="a scorer of one's own"),
    ],
)
def test_scores_follow_the_options(options, expected):
    rows = [stdin_row("1", "1", "2")["tests"], stdin_row("1")["tests"], []]
    with make(**options) as reward:
        assert reward(completions=[RIGHT, "none", RIGHT], tests=rows) == pytest.approx(expected)


def test_what_the_users_scorer_raises_is_not_hidden():
    def scorer(tests):
        raise KeyError("a mistake in the scorer")

    with make(scoring=scorer) as reward, pytest.raises(KeyError, match="a mistake in the scorer") as caught:
        reward(completions=["none", RIGHT], expected_output=["1", "1"])
    assert caught.value.__notes__ == ["raised by the scorer scorer for completion 1 of 2"]


@pytest.mark.parametrize("found", [math.nan, math.inf, -math.inf, "1.0", 1.5], ids=repr)
def test_a_scorer_out_of_its_bounds_is_refused(found):
    with make(scoring=lambda tests: found, bounds=(0.0, 1.0)) as reward, pytest.raises(ConfigurationError):
        reward(completions=[RIGHT], expected_output=["1"])


def test_a_row_without_tests_scores_none_and_is_warned_about_once(caplog):
    with make() as reward, caplog.at_level(logging.WARNING, "rewards"):
        for _ in range(2):
            assert reward(completions=[RIGHT, "no program"], tests=["[]", "[]"]) == [None, None]
    assert caplog.text.count("have no tests") == 1


CONVERSATIONS = [
    pytest.param(RIGHT, id="text"),
    pytest.param([{"role": "assistant", "content": RIGHT}], id="a message"),
    pytest.param([{"role": "assistant", "reasoning_content": WRONG, "content": RIGHT}], id="reasoning apart"),
    pytest.param([{"role": "assistant", "content": f"<think>{WRONG}</think>{RIGHT}"}], id="reasoning inside"),
    pytest.param([{"role": "assistant", "content": [{"type": "text", "text": RIGHT}]}], id="content in blocks"),
    pytest.param(
        [
            {"role": "assistant", "content": WRONG, "tool_calls": [{"type": "function", "function": {"name": "run"}}]},
            {"role": "tool", "name": "run", "content": [1, 2]},
            {"role": "assistant", "content": RIGHT},
        ],
        id="the last answer after a tool",
    ),
    pytest.param(
        [
            {"role": "assistant", "content": RIGHT},
            {"role": "tool", "content": WRONG},
            {"role": "assistant", "content": ""},
        ],
        id="the last message that says something",
    ),
]


@pytest.mark.parametrize("completion", CONVERSATIONS)
@pytest.mark.parametrize(
    "prompt", ["a question", [{"role": "user", "content": "a question"}]], ids=["text", "messages"]
)
def test_every_form_of_a_completion_is_read(completion, prompt):
    with make() as reward:
        assert reward(prompts=[prompt], completions=[completion], completion_ids=[[1]], expected_output=["1"]) == [1.0]


def test_whatever_a_trainer_passes_besides_is_no_column():
    extras = {"trainer_state": SimpleNamespace(global_step=1), "environments": [object()], "from_a_later_trl": object()}
    with make() as reward:
        assert reward(completions=[RIGHT], expected_output=["1"], **extras) == [1.0]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        pytest.param({"expected_output": ["1"]}, ConfigurationError, "needs `completions`", id="no completions"),
        pytest.param(
            {"completions": RIGHT, "expected_output": ["1"]}, ConfigurationError, "must be a list", id="one completion"
        ),
        pytest.param(
            {"completions": [RIGHT], "expected_output": "1"},
            ConfigurationError,
            "one value a completion",
            id="one value",
        ),
        pytest.param(
            {"completions": [RIGHT] * 2, "expected_output": ["1"]},
            ConfigurationError,
            "'expected_output' has 1 values for 2 completions",
            id="a short column",
        ),
        pytest.param(
            {"completions": [RIGHT], "prompts": ["a", "b"], "expected_output": ["1"]},
            ConfigurationError,
            "'prompts' has 2 values for 1 completions",
            id="a long column of prompts",
        ),
        pytest.param({"completions": [RIGHT]}, DatasetError, "nothing tells what is right", id="no column at all"),
        pytest.param(
            {"completions": [RIGHT], "difficulty": [3]}, DatasetError, "completion 0 .*difficulty", id="no known column"
        ),
        pytest.param({"completions": [42], "expected_output": ["1"]}, ConfigurationError, "42", id="a number"),
    ],
)
def test_a_callers_mistake_is_named_before_anything_runs(arguments, error, says):
    sandbox = FakeSandbox(ANSWERS)
    with make(sandbox) as reward:
        with pytest.raises(error, match=says):
            reward(**arguments)
        with pytest.raises(error, match=says):
            asyncio.run(reward.acall(**arguments))
    assert sandbox.jobs == []


@pytest.mark.parametrize(
    "options",
    [
        {"sandbox": "docker"},
        {"sandbox": None},
        {"scoring": "most_passed"},
        {"schema": "no_such_schema"},
        {"comparison": "fuzzy"},
        {"on_bad_row": "skip"},
        {"on_bad_row": None},
        {"sandbox": FakeSandbox},
        {"scoring": None},
        {"schema": ["tests"]},
        {"language": 5},
        {"language": ""},
        {"extraction": "last"},
        {"extraction": None},
        {"comparison": 5},
        {"limits": None},
        {"limits": {"cpu_s": 2}},
        {"max_tests": 0},
        {"max_tests": True},
        {"max_tests": "3"},
        {"stop_at_first_failure": "no"},
        {"batch_deadline_s": 0},
        {"batch_deadline_s": "5"},
        {"batch_deadline_s": math.nan},
        {"batch_deadline_s": math.inf},
        {"batch_deadline_s": 10**400},
        {"breaker": True},
        {"breaker": 3},
        {"retries": -1},
        {"retries": True},
        {"retries": 1.5},
        {"retries": 10**5000},
        {"bounds": (1.0, 0.0)},
        {"bounds": (0.0,)},
        {"bounds": 5},
        {"bounds": ("a", "b")},
        {"bounds": (math.nan, 1.0)},
        {"bounds": (0.0, 0.5)},
        {"no_program_score": math.nan},
        {"no_program_score": None},
        {"unjudged_score": "x"},
        {"program_bonus": "a"},
        {"unjudged_score": 2.0, "bounds": (0.0, 1.0)},
        {"name": ""},
        {"name": "advantage"},
        {"name": "a b"},
    ],
    ids=shown,
)
def test_an_option_that_does_not_fit_is_refused_at_once_and_named(options):
    with pytest.raises(ConfigurationError) as caught:
        make(**options) if "sandbox" not in options else CodeReward(**options)
    said = str(caught.value)
    assert any(name in said or name == "scoring" for name in options)
    assert len(said) < 600


def test_a_dict_of_limits_is_told_how_to_become_limits():
    with pytest.raises(ConfigurationError, match=r"Limits\(\*\*\.\.\.\), found \{'cpu_s': 2\}"):
        make(limits={"cpu_s": 2})


class WithColumns:
    """Stands for a dataset of `datasets`, as far as a mapping of splits shows it."""

    column_names = ("tests",)


@pytest.mark.parametrize(
    ("dataset", "advice"),
    [
        pytest.param(None, "found NoneType: pass its rows", id="None"),
        pytest.param("openai_humaneval", "found str: load it", id="a name"),
        pytest.param({"tests": "[]"}, "found dict: pass a list of rows", id="one row"),
        pytest.param({"test": WithColumns(), "train": WithColumns()}, r"ds\['train'\]", id="splits"),
        pytest.param({"test": WithColumns()}, r"ds\['test'\]", id="one split"),
        pytest.param(b"", "found bytes", id="bytes"),
    ],
)
def test_what_is_no_dataset_is_told_what_to_pass_instead(dataset, advice):
    with make() as reward, pytest.raises(DatasetError, match=advice):
        reward.check(dataset)


def test_a_table_of_pandas_is_told_how_to_become_rows():
    pandas = pytest.importorskip("pandas", reason="pip install pandas to test its tables")
    with make() as reward, pytest.raises(DatasetError, match="to_dict"):
        reward.check(pandas.DataFrame({"expected_output": ["1"]}))
