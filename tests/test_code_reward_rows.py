"""Rows: bad ones, HumanEval's, and equal ones."""

from __future__ import annotations

import json

import pytest
from asking import ANSWERS, RIGHT, WRONG, fenced, make, stdin_row

from rewards import CodeReward, ConfigurationError, DatasetError
from rewards.records import Ended, TestRun
from rewards.sandboxes.fake import FakeSandbox


def test_a_bad_row_in_mid_run_raises_and_names_the_completion():
    with make() as reward, pytest.raises(DatasetError, match="row of completion 1 cannot be graded"):
        reward(completions=[RIGHT, RIGHT], tests=["[]", "no JSON"])


def test_a_bad_row_scores_none_where_that_was_asked_for():
    with make(on_bad_row="none") as reward:
        batch = reward.grade(completions=[RIGHT, RIGHT], tests=["no JSON", stdin_row("1")["tests"]])
    assert batch.scores == [None, 1.0]
    assert batch.grades[0].detail.startswith("bad row:")


def test_a_wrong_column_name_is_no_bad_row():
    with make(on_bad_row="none") as reward:
        with pytest.raises(DatasetError, match=r"wrong column name.*the columns 'expected'"):
            reward(completions=[RIGHT, RIGHT], expected=["1", "1"])
        assert reward(completions=[RIGHT], tests=["no JSON"]) == [None]
        assert reward(completions=[RIGHT, RIGHT], tests=[None, stdin_row("1")["tests"]]) == [None, 1.0]
    with make(on_bad_row="none", schema="tests") as reward, pytest.raises(DatasetError, match="needs 'tests'"):
        reward(completions=[RIGHT], expected_output=["1"])


def test_check_lists_the_first_bad_rows_with_their_numbers():
    rows = [{"expected_output": "1"}, {"tests": "no JSON"}, {"difficulty": 3}, {"expected_output": "2"}]
    with make() as reward, pytest.raises(DatasetError) as caught:
        reward.check(rows)
    assert "2 of 4 rows" in str(caught.value)
    assert "row 1:" in str(caught.value)
    assert "row 2:" in str(caught.value)


def test_check_counts_what_it_read_and_runs_nothing():
    sandbox = FakeSandbox({})
    rows = [{"expected_output": "1"}, stdin_row("1", "2"), {"tests": "[]"}]
    with make(sandbox) as reward:
        found = reward.check(row for row in rows)
    assert (found.rows, found.tests, found.rows_without_tests) == (3, 3, 1)
    assert dict(found.schemas) == {"expected_output": 1, "tests": 2}
    assert "1 rows without tests" in str(found)
    assert sandbox.starts == 0


def test_check_refuses_an_empty_dataset():
    with make() as reward, pytest.raises(DatasetError, match="no rows"):
        reward.check([])


PROMPT = 'def one():\n    """Return 1."""\n'
CHECK = "def check(candidate):\n    assert candidate() == 1\n"


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"prompts": [PROMPT]}, id="from a prompt that is text"),
        pytest.param(
            {"prompts": [[{"role": "user", "content": "Go on"}]], "code_prompt": [PROMPT]}, id="from a column"
        ),
        pytest.param({"prompts": ["Go on, please"], "code_prompt": [PROMPT]}, id="the column before the prompt"),
    ],
)
def test_a_continuation_runs_after_the_source_that_it_continues(columns):
    sandbox = FakeSandbox(lambda job: [TestRun(Ended.RETURNED, value=1)])
    with make(sandbox) as reward:
        scores = reward(completions=["    return 1\n"], test=[CHECK], entry_point=["one"], **columns)
    assert scores == [1.0]
    (job,) = sandbox.jobs
    assert job.program.source.startswith(PROMPT)
    compile(job.program.source, "joined", "exec")


def test_a_continuation_of_unknown_source_is_the_datasets_fault():
    arguments = {"completions": ["    return 1\n"], "test": [CHECK], "entry_point": ["one"]}
    with make() as reward, pytest.raises(DatasetError, match="code_prompt"):
        reward(prompts=["Return one, please."], **arguments)
    with make(on_bad_row="none") as reward:
        assert reward(prompts=["Return one, please."], **arguments) == [None]


def test_a_complete_function_needs_no_source_before_it():
    sandbox = FakeSandbox(lambda job: [TestRun(Ended.RETURNED, value=1)])
    with make(sandbox) as reward:
        completion = fenced("def one():\n    return 1")
        assert reward(completions=[completion], test=[CHECK], entry_point=["one"]) == [1.0]


def test_equal_programs_for_equal_rows_run_once_and_share_the_result():
    sandbox = FakeSandbox(ANSWERS)
    completions = [RIGHT, RIGHT, WRONG, "print(1)\n", RIGHT]
    rows = [json.dumps(stdin_row("1")["tests"]) for _ in completions]
    rows[-1] = json.dumps(stdin_row("2")["tests"])
    with make(sandbox) as reward:
        batch = reward.grade(completions=completions, tests=rows)
    assert batch.scores == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert [grade.duplicate for grade in batch.grades] == [False, True, False, True, False]
    assert len(sandbox.jobs) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(1, True, id="1 and True"),
        pytest.param(1, 1.0, id="1 and 1.0"),
        pytest.param([1], (1,), id="a list and a tuple"),
    ],
)
def test_rows_that_are_equal_without_being_the_same_are_not_mixed_up(one, other):
    tests = [[{"type": "call", "function": "f", "args": [], "expected": value}] for value in (one, other)]
    sandbox = FakeSandbox(lambda job: [TestRun(Ended.RETURNED, value=1)])
    with make(sandbox) as reward:
        reward(completions=[fenced("def f(): ...")] * 2, tests=tests)
    assert len(sandbox.jobs) == 2


def test_a_language_that_the_sandbox_does_not_run_is_an_error_before_anything_runs() -> None:
    """SQL is a language, but no line of the table says how to run it."""
    with pytest.raises(ConfigurationError, match=r"the sandbox runs .*python.* only"):
        CodeReward(sandbox="local", language="sql")
    with CodeReward(sandbox="local") as reward, pytest.raises(DatasetError, match="sql, and the sandbox runs"):
        reward(completions=["```sql\nselect 1\n```"], expected_output=["1"], language=["sql"])


# Columns


def test_a_column_is_read_by_position_whatever_labels_it_has():
    """As a pandas Series that was sorted or filtered has: `values[0]` is another sample's there."""
    pandas = pytest.importorskip("pandas", reason="pip install pandas to test its columns")
    frame = pandas.DataFrame({"completion": [WRONG, RIGHT], "answer": ["2", "1"]}).iloc[::-1]
    with make() as reward:
        assert reward(completions=frame["completion"], expected_output=frame["answer"]) == [1.0, 1.0]
        assert reward(completions=[RIGHT, WRONG], expected_output=frame["answer"]) == [1.0, 1.0]
        with pytest.raises(ConfigurationError, match="found DataFrame"):
            reward(completions=[RIGHT], expected_output=frame)


class Labelled:
    """Stands for a table's column: its labels run against its positions."""

    def __init__(self, *values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, label):
        return self.values[-1 - label]

    def __iter__(self):
        return iter(self.values)


def test_labels_do_not_pair_samples():
    with make() as reward:
        assert reward(completions=Labelled(RIGHT, WRONG), expected_output=Labelled("1", "2")) == [1.0, 1.0]
        assert reward(completions=[RIGHT, WRONG], expected_output=Labelled("1", "2")) == [1.0, 1.0]


class ZeroDimensional:
    """As numpy's and torch's arrays of one value are: they have the methods, which raise."""

    ndim = 0

    def __iter__(self):
        raise TypeError("iteration over a 0-d array")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param({"1"}, "found set", id="a set"),
        pytest.param({"a": "1"}, "found dict", id="a mapping"),
        pytest.param({"a": "1"}.keys(), "found dict_keys", id="keys"),
        pytest.param((text for text in ["1"]), "found generator, which can be read only once", id="a generator"),
        pytest.param(map(str, [1]), "found map", id="a map"),
        pytest.param(iter(["1"]), "found list_iterator", id="an iterator"),
        pytest.param("1", "found str, which is one value", id="text"),
        pytest.param(ZeroDimensional(), "found ZeroDimensional, which is one value", id="a 0-d array"),
    ],
)
@pytest.mark.parametrize("name", ["expected_output", "completions", "prompts"])
def test_what_is_no_list_is_refused_by_name(name, values, found):
    arguments = {"completions": [RIGHT], "expected_output": ["1"], name: values}
    with make() as reward, pytest.raises(ConfigurationError, match=f"'{name}' must be a list.*{found}"):
        reward(**arguments)


def test_objects_that_are_no_columns_are_let_through():
    with make() as reward:
        assert reward(completions=[RIGHT], expected_output=["1"], step=3, trainer_state=object(), tool=print) == [1.0]


def test_completions_in_the_place_of_prompts_are_noticed():
    with make() as reward, pytest.raises(ConfigurationError, match="first positional argument is `prompts`"):
        reward([RIGHT], expected_output=["1"])
