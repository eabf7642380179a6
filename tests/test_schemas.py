"""Rows of public datasets are recognised as what they are, and read by the rule of their own evaluator."""

import json
from collections.abc import Callable
from typing import Any

import datasets
import pytest
from schema_rows import (
    CALLED,
    CALLS,
    CHECK,
    DOUBLE_ASSERTS,
    DOUBLES,
    EXAMPLES,
    LOOP,
    PARALLEL,
    PLUS,
    PLUS_CALLS,
    packed,
)

from rewards.cases import AppendedTest, AssertTest, CallTest, OutputTest, StdinTest, SuiteTest, TestCase
from rewards.comparison import Comparison
from rewards.errors import DatasetError
from rewards.problems import SCHEMAS, read_problem
from rewards.problems.rules import (
    CODE_CONTESTS,
    CODEFORCES,
    LINE_BY_LINE,
    LIVECODEBENCH,
    REWARD_KIT,
    SANDBOX_FUSION,
    VERIFIERS,
)
from rewards.records import File

ROWS = [pytest.param(schema, row, id=name) for name, (schema, row) in EXAMPLES.items()]


def test_every_schema_has_an_example() -> None:
    assert {schema for schema, _ in EXAMPLES.values()} == set(SCHEMAS)


@pytest.mark.parametrize(("schema", "row"), ROWS)
def test_a_row_is_recognised_as_its_own_schema(schema: str, row: dict[str, Any]) -> None:
    problem = read_problem(row)
    assert problem.schema == schema
    assert problem.tests
    assert read_problem(row, schema=schema) == problem


@pytest.mark.parametrize(("schema", "row"), ROWS)
def test_columns_of_other_sets_that_hold_nothing_change_nothing(schema: str, row: dict[str, Any]) -> None:
    """Datasets that are concatenated have each other's columns, filled up with None."""
    padding: dict[str, Any] = dict.fromkeys(column for _, other in EXAMPLES.values() for column in other)
    assert read_problem({**padding, **row}) == read_problem(row)


@pytest.mark.parametrize(("schema", "row"), ROWS)
def test_a_row_is_the_same_after_a_round_trip_through_datasets(schema: str, row: dict[str, Any]) -> None:
    [same] = datasets.Dataset.from_list([row])
    assert read_problem(same) == read_problem(row)


def sources_of(tests: tuple[TestCase, ...]) -> tuple[str, ...]:
    return tuple(test.source for test in tests if isinstance(test, AssertTest | SuiteTest | AppendedTest))


READ_AS: list[Any] = [
    pytest.param("collinear", DOUBLES, None, id="collinear"),
    pytest.param("DeepCoder", DOUBLES, LIVECODEBENCH, id="DeepCoder"),
    pytest.param("DeepCoder (taco)", DOUBLES, LIVECODEBENCH, id="DeepCoder (taco)"),
    pytest.param("open-r1 verifiable", DOUBLES, LINE_BY_LINE, id="open-r1 verifiable"),
    pytest.param("open-r1 codeforces", DOUBLES, CODEFORCES, id="open-r1 codeforces"),
    pytest.param("LiveCodeBench", DOUBLES, LIVECODEBENCH, id="LiveCodeBench"),
    pytest.param("CodeContests", DOUBLES, CODE_CONTESTS, id="CodeContests"),
    pytest.param("APPS", DOUBLES, None, id="APPS"),
    pytest.param("HumanEval+ (hub)", PLUS_CALLS, None, id="HumanEval+"),
    pytest.param("MBPP+ (hub)", PLUS_CALLS, None, id="MBPP+"),
    pytest.param("SandboxFusion", DOUBLES, SANDBOX_FUSION, id="SandboxFusion"),
    pytest.param("reward-kit", DOUBLES, REWARD_KIT, id="reward-kit"),
    pytest.param("reward-kit ground truth", (OutputTest("4"),), REWARD_KIT, id="reward-kit ground truth"),
    pytest.param("reward-kit calls", (CallTest("double", (2,), 4, accepted=("4",)),
                                      CallTest("double", (5,), 10, accepted=("10",))), REWARD_KIT, id="calls"),
    pytest.param("NeMo-Gym", DOUBLES, LIVECODEBENCH, id="NeMo-Gym"),
    pytest.param("rStar-Coder", DOUBLES, None, id="rStar-Coder"),
    pytest.param("Eurus-2", DOUBLES, None, id="Eurus-2"),
    pytest.param("INTELLECT-3", DOUBLES, VERIFIERS, id="INTELLECT-3"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tests", "official"), READ_AS)
def test_rows_are_read_by_the_rule_of_their_own_evaluator(
    name: str, tests: tuple[TestCase, ...], official: Comparison | None
) -> None:
    problem = read_problem(EXAMPLES[name][1])
    assert problem.tests == tests
    assert problem.comparison == (official or Comparison())
    assert read_problem(EXAMPLES[name][1], comparison=Comparison("exact")).comparison == Comparison("exact")
    assert read_problem(EXAMPLES[name][1] | {"comparison": "lines"}).comparison == Comparison("lines")


@pytest.mark.parametrize("name", ["HumanEval", "LBPP", "MBPP", "AceCode", "code-r1", "LeetCodeDataset"])
def test_asserts_never_reach_the_program(name: str) -> None:
    tests = read_problem(EXAMPLES[name][1]).tests
    assert all(isinstance(test, AssertTest) and test.calls for test in tests)


def test_methods_of_solution_get_the_imports_of_the_site() -> None:
    for name in ("code-r1", "LeetCodeDataset"):
        problem = read_problem(EXAMPLES[name][1])
        assert problem.entry_point == "Solution"
        assert "from typing import *" in problem.code_prompt
    assert "from typing import *" in read_problem(EXAMPLES["LiveCodeBench"][1]).code_prompt


def test_a_row_may_limit_the_time_by_the_clock() -> None:
    assert read_problem({"expected_output": "4", "wall_s": 3}).limits.wall_limit_s == 3


@pytest.mark.parametrize("as_text", [json.dumps, repr])
def test_asserts_are_known_in_text(as_text: Callable[[Any], str]) -> None:
    row = {"test_cases": as_text(list(DOUBLE_ASSERTS))}
    assert read_problem(row).schema == "acecode"
    assert sources_of(read_problem(row).tests) == DOUBLE_ASSERTS


def test_limits_of_contests_are_kept() -> None:
    assert read_problem(EXAMPLES["CodeContests"][1]).limits.cpu_s == 1.5
    assert read_problem(EXAMPLES["CodeContests"][1]).limits.memory_mb == 244
    assert read_problem(EXAMPLES["open-r1 codeforces"][1]).limits.cpu_s == 2.0


CODEFORCES_ROW = EXAMPLES["open-r1 codeforces"][1]


def test_codeforces_problems_with_files_read_and_write_them() -> None:
    [test, _] = read_problem(CODEFORCES_ROW | {"input_mode": "file"}).tests
    assert test == StdinTest("2\n", "4\n", files=(File("input.txt", b"2\n"),), output_file="output.txt")


def test_codeforces_checkers_decide() -> None:
    [test, _] = read_problem(CODEFORCES_ROW | {"generated_checker": "print(1)"}).tests
    assert isinstance(test, StdinTest)
    assert test.checker is not None
    assert (test.checker.source, test.checker.style) == ("print(1)", "codeforces")


def test_tests_that_codeforces_shows_in_part_are_left_out() -> None:
    cut = [{"input": "1 2 3...", "output": "6\n"}, {"input": "5\n", "output": "10\n"}]
    assert read_problem(CODEFORCES_ROW | {"official_tests": cut}).tests == DOUBLES


def test_named_files_of_code_contests_are_used() -> None:
    row = EXAMPLES["CodeContests"][1] | {"input_file": "in.txt", "output_file": "out.txt"}
    assert read_problem(row).tests[0] == StdinTest("2\n", "4\n", files=(File("in.txt", b"2\n"),), output_file="out.txt")


def test_functional_tests_of_livecodebench_are_calls() -> None:
    case = {"input": "[1, 2]\n3", "output": "[3]", "testtype": "functional"}
    row = EXAMPLES["LiveCodeBench"][1] | {
        "public_test_cases": json.dumps([case]),
        "private_test_cases": packed([case, case | {"output": "[3, 4]"}]),
        "metadata": json.dumps({"func_name": "f"}),
        "starter_code": "class Solution:\n    def f(self, a, b):\n        ",
    }
    problem = read_problem(row)
    assert problem.tests == (
        CallTest("Solution().f", ([1, 2], 3), [3]),
        CallTest("Solution().f", ([1, 2], 3), [3, 4]),
    )
    assert problem.entry_point == "Solution"


def test_floats_of_evalplus_may_be_off_by_a_little() -> None:
    source = PLUS + LOOP.replace("[4, 10]", "[4.0, (1.0, 2.0)]")
    assert [test.from_json for test in read_problem(EXAMPLES["MBPP+ (hub)"][1] | {"test": source}).tests] == [
        True,
        True,
    ]  # type: ignore[union-attr]


def test_evalplus_finds_the_prompt_where_trl_leaves_it() -> None:
    row = EXAMPLES["HumanEval+ (EvalPlus)"][1]
    problem = read_problem(row)
    for column in ("prompts", "code_prompt"):
        assert read_problem({**row, "prompt": None, column: row["prompt"]}) == problem


def test_an_unusual_rule_of_evalplus_is_left_to_the_tester() -> None:
    """For some tasks any order will do, and the test says so in its own code."""
    source = (PLUS + LOOP).replace("exact_match = out == exp", "exact_match = set(out) == set(exp)")
    [test] = read_problem(EXAMPLES["MBPP+ (hub)"][1] | {"test": source}).tests
    assert isinstance(test, AssertTest)
    assert not test.calls
    assert "import numpy" not in test.source
    assert "class np" in test.source


def test_numpy_stays_where_a_test_needs_it() -> None:
    source = PLUS + LOOP.replace("[4, 10]", "np.array([4, 10])")
    [test] = read_problem(EXAMPLES["MBPP+ (hub)"][1] | {"test": source}).tests
    assert "import numpy as np" in sources_of((test,))[0]


def test_asserts_in_ground_truth_are_read() -> None:
    truth = json.dumps({"assert_case": list(DOUBLE_ASSERTS), "fn_name": "double"})
    problem = read_problem({"reward_model": {"ground_truth": truth}})
    assert sources_of(problem.tests) == DOUBLE_ASSERTS


def test_suites_in_ground_truth_are_read() -> None:
    source = "from solution import double\n\ndef test_it():\n    assert double(2) == 4\n"
    assert read_problem({"reward_model": {"ground_truth": json.dumps({"pytest": source})}}).tests == (
        SuiteTest(source),
    )


def test_a_suite_that_imports_nothing_gets_the_program() -> None:
    [test] = read_problem({"test_code": "def test_it():\n    assert double(2) == 4\n"}).tests
    assert sources_of((test,))[0].startswith("from solution import *\n")


def test_programs_of_other_languages_are_asked_for_in_theirs() -> None:
    for name in ("MultiPL-E", "HumanEval-X"):
        problem = read_problem(EXAMPLES[name][1])
        assert problem.language == "javascript"
        assert isinstance(problem.tests[0], AppendedTest)
        assert problem.code_prompt == ""


def test_calls_may_be_named_in_any_form() -> None:
    for name in (None, "", "double"):
        row = {"info": json.dumps({"tests": json.dumps({**(CALLED if name else PARALLEL), "fn_name": name})})}
        assert read_problem(row).tests == (CALLS if name else DOUBLES)


CASES = [{"input": {"stdin": "1"}, "output": {"stdout": "1", "files": {"a": "b"}}}]
REFUSED: list[Any] = [
    pytest.param(CODEFORCES_ROW | {"interaction_format": "talk"}, "talks to the judge", id="interactive"),
    pytest.param(CODEFORCES_ROW | {"input_mode": "pipe"}, "input_mode", id="an unknown mode"),
    pytest.param(EXAMPLES["CodeContests"][1] | {"output_file": "../x"}, "relative", id="a file elsewhere"),
    pytest.param({"public_tests": {"input": ["1"], "output": []}}, "1 inputs, but 0 outputs", id="uneven lists"),
    pytest.param({"public_tests": {"input": ["1"], "output": [None]}}, "no expected output", id="no output"),
    pytest.param({"test": CASES}, "files", id="SandboxFusion with files"),
    pytest.param({"test_cases": [{"input": "1"}]}, "no 'expected_output'", id="reward-kit without output"),
    pytest.param({"test_cases": [{"inputs": "1", "output": "1"}]}, "no 'input', but 'inputs'", id="another input"),
    pytest.param({"verification_info": {"test_cases": [{"stdin": "1", "output": "1"}]}}, "no 'input', but 'stdin'",
                 id="an input of another set"),
    pytest.param({"test_list": ["f(1) == 2"]}, "asserts nothing", id="a comparison for an assert"),
    pytest.param({"reward_model": {"ground_truth": "42"}}, "expected an object", id="an answer that is no test"),
    pytest.param({"reward_model": {"ground_truth": "{}"}}, "no tests in it", id="an empty ground truth"),
    pytest.param({"info": {"difficulty": 3}}, "no 'tests'", id="info about something else"),
    pytest.param({"test_code": "import solution\n"}, "no test in it", id="a suite without tests"),
    pytest.param(EXAMPLES["CRUXEval"][1] | {"predict": "code"}, "'input' or 'output'", id="an unknown prediction"),
    pytest.param(EXAMPLES["MultiPL-E"][1] | {"language": "klingon"}, "no known", id="an unknown language"),
    pytest.param({"task_id": "Mbpp/2", **{k: v for k, v in EXAMPLES["HumanEval+ (EvalPlus)"][1].items()
                                          if k != "task_id"}}, "mbppplus", id="MBPP+ without types"),
    pytest.param(EXAMPLES["LeetCodeDataset"][1] | {"entry_point": "Solution().if"}, "neither", id="a keyword"),
    pytest.param({**EXAMPLES["HumanEval+ (EvalPlus)"][1], "prompt": None}, "not Python", id="EvalPlus in TRL"),
    pytest.param(EXAMPLES["HumanEval"][1] | {"entry_point": "None"}, "no name", id="a keyword as a function"),
    pytest.param(EXAMPLES["LeetCodeDataset"][1] | {"test": CHECK.replace("(2)", "(2) and is_same_list(f(2), f(3))")},
                 "something else than list_node", id="lists that are made in another way"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "said"), REFUSED)
def test_rows_that_cannot_be_graded_say_why(row: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_problem(row)
    assert said in str(caught.value)
