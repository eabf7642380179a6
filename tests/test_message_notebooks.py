"""The message rewards that run cells, look at files, and read analyses."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator

import pytest

from rewards.errors import ConfigurationError, DatasetError
from rewards.message_rewards.data_analysis import data_analysis_reward, data_files
from rewards.message_rewards.file_based import file_based_code_reward
from rewards.message_rewards.multi_test import advanced_code_evaluation, multi_test_code_reward
from rewards.records import CellStep, Ended, Job, RichResult, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.fake import FakeSandbox

ADD = "```python\ndef add_numbers(a, b):\n    return a + b\n```"
TWO_TESTS = [
    {"code": "result = add_numbers(2, 3)", "expected": "5"},
    {"code": "print(add_numbers(-1, 1))", "expected": 0, "weight": 3},
]
FAILURE = SandboxFailure("start", "no sandbox today", retryable=False)


@pytest.fixture(autouse=True, scope="module")
def _closed_at_the_end() -> Iterator[None]:
    yield
    for reward in (multi_test_code_reward, file_based_code_reward, data_analysis_reward):
        reward.close()


def shows(*values: str | None, **fields: object) -> Callable[[Job], list[TestRun]]:
    """A notebook whose cells show these values."""
    runs = [
        TestRun(Ended.RETURNED, results=(RichResult((("text", value),), is_main=True),) if value else ())
        for value in values
    ]
    return lambda job: runs


class TestCells:
    def test_the_tests_are_cells_behind_the_code_and_nothing_expected_goes_in(self):
        sandbox = FakeSandbox(shows("5", "0"))
        result = multi_test_code_reward(ADD, TWO_TESTS, sandbox=sandbox)
        assert (result.score, result.reason) == (1.0, "2 of 2 tests passed")
        (job,) = sandbox.jobs
        assert job.program.source == "def add_numbers(a, b):\n    return a + b\n"
        assert job.steps == (CellStep("result = add_numbers(2, 3)\nresult"), CellStep("print(add_numbers(-1, 1))"))

    def test_weights_count_and_each_test_is_a_metric(self):
        result = multi_test_code_reward(ADD, TWO_TESTS, sandbox=FakeSandbox(shows("5", "2")))
        assert result.score == 0.25
        assert [result.metrics[f"test_{i}"].score for i in (1, 2)] == [1.0, 0.0]
        assert "add_numbers(-1, 1)" in result.metrics["test_2"].reason

    def test_a_sandbox_that_fails_is_not_a_wrong_program(self):
        result = multi_test_code_reward(ADD, TWO_TESTS, sandbox=FakeSandbox(lambda job: FAILURE))
        assert result.score is None
        assert not result.is_score_valid
        assert "no sandbox today" in result.reason
        scores = multi_test_code_reward(
            completions=[ADD], test_cases=[TWO_TESTS], sandbox=FakeSandbox(lambda job: FAILURE)
        )
        assert scores == [None]

    def test_a_response_without_code_scores_nothing(self):
        result = multi_test_code_reward("I would rather not.", TWO_TESTS, sandbox=FakeSandbox({}))
        assert (result.score, result.metrics["extracted_code"].is_score_valid) == (0.0, False)

    def test_it_is_a_trainers_reward_too(self):
        reward = multi_test_code_reward.configured("cells", sandbox=FakeSandbox(shows("5", "1")))
        assert reward.__name__ == "cells"
        columns = {"test_cases": [TWO_TESTS, json.dumps(TWO_TESTS)], "difficulty": ["easy", "hard"]}
        assert reward(prompts=["add"] * 2, completions=[ADD, ADD], **columns) == [0.25, 0.25]

    @pytest.mark.parametrize(
        ("cases", "complaint"),
        [
            pytest.param([], "one entry at least", id="no tests"),
            pytest.param("[", "no JSON", id="half a list"),
            pytest.param([{"code": "1"}], "no 'expected'", id="nothing expected"),
            pytest.param([{"code": "1", "expected": None}], "no 'expected'", id="None expected"),
            pytest.param([{"expected": "1"}], "no 'code'", id="no code"),
            pytest.param([{"code": " ", "expected": "1"}], "text of a cell", id="an empty cell"),
            pytest.param([5], "`code` and `expected`", id="a number"),
            pytest.param([{"code": "1", "expected": "1", "weight": -1}], "weight", id="a negative weight"),
        ],
    )
    def test_tests_that_nobody_can_grade_are_refused(self, cases, complaint):
        with pytest.raises(DatasetError, match=complaint):
            multi_test_code_reward(ADD, cases, sandbox=FakeSandbox({}))

    def test_a_conversation_without_a_response_and_unknown_arguments_are_mistakes(self):
        with pytest.raises(ConfigurationError, match="no message of the assistant"):
            multi_test_code_reward(messages=[{"role": "user", "content": "hi"}], test_cases=TWO_TESTS)
        with pytest.raises(TypeError, match="test_case"):
            multi_test_code_reward(ADD, test_case=TWO_TESTS)
        with pytest.raises(ConfigurationError, match="environment must be one of"):
            multi_test_code_reward(ADD, TWO_TESTS, environment="docker")
        with pytest.raises(ConfigurationError, match="comparison must be a text"):
            multi_test_code_reward(ADD, TWO_TESTS, comparison=1e-6)

    @pytest.mark.parametrize("reward", [multi_test_code_reward, file_based_code_reward, data_analysis_reward])
    def test_it_is_pickled_by_its_name(self, reward):
        assert pickle.loads(pickle.dumps(reward)) is reward


LIES = [
    pytest.param("class Right:\n    def __eq__(self, other): return True\n    def __repr__(self): return '5 0'\n"
                 "def add_numbers(a, b): return Right()", id="an object equal to anything"),
    pytest.param("import builtins\nbuiltins.print = lambda *a, **k: None\ndef add_numbers(a, b): print('5')",
                 id="no print"),
    pytest.param("import sys\ndef add_numbers(a, b): sys.exit(0)", id="an exit"),
    pytest.param("import os\ndef add_numbers(a, b): os._exit(0)", id="a harder exit"),
    pytest.param("get_ipython().run_cell = lambda *a, **k: None\ndef add_numbers(a, b): return 6", id="a dumb shell"),
    pytest.param("get_ipython().display_formatter.format = lambda o, **k: ({'text/plain': 'passed'}, {})\n"
                 "def add_numbers(a, b): return 6", id="a formatter that says passed"),
    pytest.param("print(5); print(0)\ndef add_numbers(a, b): print('5 0 1 2 3')", id="all candidates"),
    pytest.param("def add_numbers(a, b): raise AssertionError", id="an assertion"),
    pytest.param("import threading, os\nthreading.Timer(0.0, os.abort).start()\ndef add_numbers(a, b): return 6",
                 id="a crash"),
]  # fmt: skip


class TestCellsOnThisMachine:
    def test_the_guides_own_example_scores_one(self):
        result = advanced_code_evaluation(
            "def add_numbers(a, b):\n    return a + b\n", [{"code": "result = add_numbers(2, 3)", "expected": "5"}]
        )
        assert result.score == 1.0

    def test_state_is_carried_from_cell_to_cell_and_errors_cost_their_own_test(self):
        code = "counter = 0\ndef step():\n    global counter\n    counter += 1\n    return counter"
        cells = [
            {"code": "step()", "expected": 1},
            {"code": "step() / 0", "expected": 2},
            {"code": "print(step())", "expected": "3"},
            {"code": "'x' * counter", "expected": "xxx"},
            {"code": "step();", "expected": ""},
        ]
        result = multi_test_code_reward(f"```python\n{code}\n```", cells, environment="local")
        assert [result.metrics[f"test_{i}"].score for i in range(1, 6)] == [1.0, 0.0, 1.0, 1.0, 1.0]
        assert "ZeroDivisionError" in result.metrics["test_2"].reason

    @pytest.mark.parametrize("code", LIES)
    def test_no_lie_passes_for_a_sum(self, code):
        result = multi_test_code_reward(f"```python\n{code}\n```", TWO_TESTS, environment="local", timeout=5)
        assert result.score == 0.0


class TestFiles:
    OPERATIONS = (
        {"type": "create", "path": "report.txt", "content": "total: 6\n"},
        {"type": "exists", "path": "./data/log.txt"},
    )
    PROGRAM = (
        "import os\nos.mkdir('data')\nopen('data/log.txt', 'w').write('x')\n"
        "total = sum(map(int, open('numbers.txt')))\nopen('report.txt', 'w').write(f'total: {total}  ')"
    )

    def test_files_are_looked_at_and_their_contents_compared_outside(self):
        files = {"numbers.txt": "1\n2\n3\n"}
        result = file_based_code_reward(
            f"```python\n{self.PROGRAM}\n```", list(self.OPERATIONS), environment="local", files=files
        )
        assert (result.score, result.reason) == (1.0, "2 of 2 tests passed")

    def test_a_wrong_content_a_missing_file_and_a_failure_earn_nothing(self):
        wrong = "open('report.txt', 'w').write('total: 5')"
        result = file_based_code_reward(wrong, list(self.OPERATIONS), environment="local")
        assert result.score == 0.0
        failing = "open('report.txt', 'w').write('total: 6'); raise SystemExit(1)"
        assert file_based_code_reward(failing, list(self.OPERATIONS)[:1], environment="local").score == 0.0

    def test_a_link_to_somebody_elses_file_is_no_file(self):
        link = "import os\nos.symlink('/etc/passwd', 'report.txt')"
        operation = [{"type": "exists", "path": "report.txt"}]
        assert file_based_code_reward(link, operation, environment="local").score == 0.0

    def test_what_is_expected_does_not_go_in(self):
        sandbox = FakeSandbox("")  # type: ignore[arg-type]
        sandbox.answers = lambda job: [TestRun(Ended.EXITED, exit_code=0)] * len(job.steps)
        assert file_based_code_reward("print(1)", list(self.OPERATIONS), sandbox=sandbox).score == 0.0
        (job,) = sandbox.jobs
        assert job.steps == (ScriptStep(fetch=("report.txt",)), ScriptStep(fetch=("data/log.txt",)))

    @pytest.mark.parametrize(
        ("operation", "complaint"),
        [
            pytest.param({"type": "create", "path": "a"}, "needs the text `content`", id="no content"),
            pytest.param({"type": "delete", "path": "a"}, "type must be", id="another type"),
            pytest.param(
                {"type": "exists", "path": "a", "content": "b"}, "looks at no content", id="a content for nothing"
            ),
            pytest.param({"type": "exists"}, "`type` and `path`", id="no path"),
            pytest.param({"type": "exists", "path": "/etc/passwd"}, "relative", id="an absolute path"),
            pytest.param({"type": "exists", "path": "a/../../b"}, "relative", id="a path that climbs out"),
        ],
    )
    def test_operations_that_nobody_can_grade_are_refused(self, operation, complaint):
        with pytest.raises(DatasetError, match=complaint):
            file_based_code_reward("print(1)", [operation], sandbox=FakeSandbox({}))


SALES = "city,price\nRome,1.5\nParis,4.5\n"
ANALYSIS = """Read the data:
```python
import csv
rows = list(csv.DictReader(open("dataset.csv")))
prices = [float(row["price"]) for row in rows]
```
Then look at them:
```python
print("Mean   price", sum(prices) / len(prices))
max(rows, key=lambda row: float(row["price"]))["city"]
```
"""


class TestAnalyses:
    def test_what_cells_print_and_show_is_searched(self):
        result = data_analysis_reward(
            ANALYSIS,
            dataset=SALES,
            expected_insights=["mean price", 3, "paris", ["Oslo", "Bergen"]],
            environment="local",
        )
        assert result.score == 0.75
        assert [result.metrics[f"insight_{i}"].score for i in range(1, 5)] == [1.0, 1.0, 1.0, 0.0]
        assert result.metrics["plot"].score == 0.0

    def test_a_figure_is_seen_and_worth_half_an_insight(self):
        pytest.importorskip("matplotlib", reason="pip install matplotlib")
        code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('rising')"
        one, two = (
            data_analysis_reward(code, dataset=SALES, expected_insights=wanted, environment="local")
            for wanted in (["rising", "falling", "flat", "noisy"], ["rising"])
        )
        assert (one.score, two.score) == ((1 + 0.5) / 4, 1.0)

    def test_a_file_is_there_under_both_names(self, tmp_path):
        (tmp_path / "sales.csv").write_text(SALES)
        code = "print(open('dataset.csv').read() == open('sales.csv').read(), len(open('sales.csv').readlines()))"
        result = data_analysis_reward(code, str(tmp_path / "sales.csv"), ["true 3"], environment="local")
        assert result.score == 1.0

    def test_code_that_fails_earns_nothing_whatever_it_printed(self):
        for code in ("print('mean price')\n1 / 0", "print('mean price')\nimport os\nos._exit(0)"):
            result = data_analysis_reward(code, dataset=SALES, expected_insights=["mean price"], environment="local")
            assert (result.score, "failed" in result.reason) == (0.0, True)

    def test_a_sandbox_that_fails_is_no_bad_analysis(self):
        sandbox = FakeSandbox(lambda job: FAILURE)
        assert data_analysis_reward("print(1)", dataset=SALES, expected_insights=[1], sandbox=sandbox).score is None

    def test_insights_do_not_go_in(self):
        sandbox = FakeSandbox(shows("secret insight"))
        result = data_analysis_reward("x = 1", dataset=SALES, expected_insights=["secret insight"], sandbox=sandbox)
        assert result.score == 1.0
        assert "secret" not in repr(sandbox.jobs)

    def test_a_data_frame_comes_as_csv(self):
        pandas = pytest.importorskip("pandas", reason="pip install pandas")
        (file,) = data_files(None, pandas.DataFrame({"city": ["Rome", "Paris"], "price": [1.5, 4.5]}))
        assert (file.path, file.content.decode()) == ("dataset.csv", SALES)

    def test_a_batch_may_have_one_data_set_for_all(self):
        pandas = pytest.importorskip("pandas", reason="pip install pandas")
        frame = pandas.DataFrame({"city": ["Rome", "Paris"], "price": [1.5, 4.5]})
        reward = data_analysis_reward.configured("sales", dataset=frame, environment="local")
        code = "print(open('dataset.csv').read())"
        scores = reward(completions=[code, "x = 1", "no code"], expected_insights=[["Rome", 4.5]] * 3)
        assert scores == [1.0, 0.0, 0.0]

    @pytest.mark.parametrize(
        ("path", "data", "complaint"),
        [
            pytest.param(None, None, "one of the two", id="no data"),
            pytest.param("a.csv", "a,b", "one of the two", id="two data sets"),
            pytest.param("/no/such/file.csv", None, "is no file", id="no such file"),
            pytest.param("/dev/zero", None, "is no file", id="an endless file"),
            pytest.param(None, 5, "found 5", id="a number"),
        ],
    )
    def test_what_is_no_data_set_is_refused(self, path, data, complaint):
        with pytest.raises(DatasetError, match=complaint):
            data_files(path, data)
