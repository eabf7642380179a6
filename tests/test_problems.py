"""Dataset rows become problems, or errors that say what was found."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rewards.cases import AssertTest, CallTest, OutputTest, StdinTest
from rewards.comparison import Comparison
from rewards.errors import ConfigurationError, DatasetError
from rewards.problems import SCHEMAS, read_problem
from rewards.records import Limits

ROOT = Path(__file__).resolve().parents[1]
ADD = {"fn_name": "add", "inputs": [[1, 2], [3, 4]], "outputs": [[3], [7]]}
STDIO_CASE = {"type": "stdin_stdout", "input": "1 2\n", "output": "3\n", "fn_name": None}
CALL_CASE = {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": [3]}
CALLED = {"type": "call", "function": "f", "expected": 1}
SOLUTION = "class Solution:\n    def add(self, a: int, b: int) -> int:\n        "
ADDED = CallTest("add", (1, 2), 3, wrapped=True)
SUMMED = StdinTest("1 2\n", "3\n")


def info(*cases: Any, **more: Any) -> dict[str, Any]:
    return {"language": "python", "test_cases": list(cases), **more}


def ours(*tests: dict[str, Any], **more: Any) -> dict[str, str]:
    return {"tests": json.dumps({"tests": list(tests), **more} if more else list(tests))}


READ = [
    pytest.param({"expected_output": "3\n"}, (OutputTest("3\n"),), id="expected output"),
    pytest.param({"expected_output": ""}, (OutputTest(""),), id="an empty expected output"),
    pytest.param({"expected_output": 42}, (OutputTest("42"),), id="a number as expected output"),
    pytest.param({"expected_output": b"3\n"}, (OutputTest("3\n"),), id="UTF-8 bytes"),
    pytest.param({"expected_output": "3", "tests": float("nan"), "cpu_s": float("nan")}, (OutputTest("3"),), id="NaN"),
    pytest.param({"verification_info": info(STDIO_CASE)}, (SUMMED,), id="verification_info"),
    pytest.param({"verification_info": json.dumps(info(STDIO_CASE))}, (SUMMED,), id="as JSON text"),
    pytest.param({"verification_info": repr(info(STDIO_CASE))}, (SUMMED,), id="as Python text"),
    pytest.param({"verification_info": json.dumps(json.dumps(info(STDIO_CASE)))}, (SUMMED,), id="twice JSON text"),
    pytest.param({"verification_info": info() | {"test_cases": json.dumps([STDIO_CASE])}}, (SUMMED,), id="JSON inside"),
    pytest.param({"verification_info": info(json.dumps(STDIO_CASE))}, (SUMMED,), id="JSON inside of a list"),
    pytest.param({"verification_info": info(CALL_CASE)}, (ADDED,), id="a call"),
    pytest.param(
        {"verification_info": info(CALL_CASE | {"input": "[1, 2]", "output": "[3]"})}, (ADDED,), id="a call in text"
    ),
    pytest.param(
        {"verification_info": info(CALL_CASE | {"output": 3})}, (CallTest("add", (1, 2), 3),), id="an output as it is"
    ),
    pytest.param(
        {"verification_info": info(CALL_CASE, CALL_CASE | {"output": [3, 4]})},
        (CallTest("add", (1, 2), [3]), CallTest("add", (1, 2), [3, 4])),
        id="one output of two shows that none is wrapped",
    ),
    pytest.param(
        {"verification_info": info(STDIO_CASE, CALL_CASE, STDIO_CASE)}, (SUMMED, ADDED, SUMMED), id="both, in order"
    ),
    pytest.param(
        {"verification_info": info({"fn_name": "f", "input": {"a": 1}, "output": [None]})},
        (CallTest("f", (), None, (("a", 1),), wrapped=True),),
        id="named arguments, and None when wrapped",
    ),
    pytest.param(
        {"verification_info": info({"input": None, "output": "hi", "type": None, "fn_name": None})},
        (StdinTest("", "hi"),),
        id="None where a set was filled up",
    ),
    pytest.param({"verification_info": info(STDIO_CASE | {"output": ""})}, (StdinTest("1 2\n", ""),), id="silence"),
    pytest.param({"verification_info": info()}, (), id="no tests"),
    pytest.param({"verification_info": ""}, (), id="blank text"),
    pytest.param(
        {"verification_info": {"test_cases": json.dumps(ADD)}},
        (ADDED, CallTest("add", (3, 4), 7, wrapped=True)),
        id="parallel lists inside of verification_info",
    ),
    pytest.param({"input_output": json.dumps(ADD)}, (ADDED, CallTest("add", (3, 4), 7, wrapped=True)), id="APPS calls"),
    pytest.param(
        {"input_output": {"inputs": [["3", "1 2"], "4"], "outputs": [["3"], "4\n"], "fn_name": None}},
        (StdinTest("3\n1 2", "3"), StdinTest("4", "4\n")),
        id="APPS inputs as lists of lines",
    ),
    pytest.param({"input_output": ""}, (), id="APPS without tests"),
    pytest.param({"input_output": '{"inputs": [], "outputs": []}'}, (), id="APPS with none"),
    pytest.param(
        {"input_output": {"fn_name": "f", "inputs": [[{"1": 2}]], "outputs": [[{"1": 2}]]}},
        (CallTest("f", ({1: 2},), {"1": 2}, wrapped=True),),
        id="a mapping from integers goes in as one",
    ),
    pytest.param(
        {"input_output": json.dumps(ADD), "starter_code": SOLUTION},
        (
            CallTest("Solution().add", (1, 2), 3, wrapped=True),
            CallTest("Solution().add", (3, 4), 7, wrapped=True),
        ),
        id="a method of Solution",
    ),
    pytest.param(
        {"tests": json.dumps([{"testtype": "functional", "input": "[1, 2]\n3", "output": "[3]"}]),
         "metadata": {"func_name": "f"}},
        (CallTest("f", ([1, 2], 3), 3, wrapped=True),),
        id="DeepCoder's functional tests",
    ),
    pytest.param(ours({"type": "stdin", "input": "1 2\n", "output": "3\n"}), (SUMMED,), id="ours: stdin"),
    pytest.param(ours({"type": "output", "output": "3"}), (OutputTest("3"),), id="ours: output"),
    pytest.param(
        ours({"type": "call", "function": "A().f", "args": [[1]], "kwargs": {"k": 2}, "expected": None, "weight": 2.5}),
        (CallTest("A().f", ([1],), None, (("k", 2),), weight=2.5),),
        id="ours: call",
    ),
    pytest.param(
        ours({"type": "output", "output": "3", "comparison": "float:0.1", "name": "sample"}),
        (OutputTest("3", Comparison.parse("float:0.1"), name="sample"),),
        id="ours: comparison and name",
    ),
    pytest.param(
        {"tests": [{"type": "stdin", "input": "1 2\n", "output": "3\n", "function": None, "weight": None}]},
        (SUMMED,),
        id="ours: objects filled up with None",
    ),
    pytest.param({"tests": "[]"}, (), id="ours: no tests"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "tests"), READ)
def test_rows_that_are_understood(row: dict[str, Any], tests: tuple[Any, ...]) -> None:
    assert read_problem(row).tests == tests


REFUSED = [
    pytest.param({}, "no columns", id="nothing"),
    pytest.param({"prompt": "x", "answer": None}, "'prompt' (text of 1 characters)", id="no schema"),
    pytest.param({"expected_output": None}, "no schema", id="an expected output of None"),
    pytest.param({"expected_output": ["3"]}, "expected text, found list of 1", id="a list as expected output"),
    pytest.param({"expected_output": b"\xff"}, "expected text, found bytes", id="bytes that are no text"),
    pytest.param({"expected_output": object()}, "found object: pass Python values", id="an object"),
    pytest.param({"expected_output": float("nan")}, "no schema fits", id="what pandas writes for nothing"),
    pytest.param({"tests": [{"type": "output", "output": float("nan")}]}, "found NaN", id="NaN as an output"),
    pytest.param({"tests": [CALLED | {"expected": float("nan")}]}, "found NaN", id="NaN as a result"),
    pytest.param({"tests": "{}"}, "put it into a list", id="ours: an empty object"),
    pytest.param({"tests": {"type": "output", "output": "1"}}, "put it into a list", id="ours: a test alone"),
    pytest.param({"tests": {"tests": {"type": "output"}}}, "put it into a list", id="ours: a test alone, inside"),
    pytest.param({"expected_output": "1", "memory_limit": 1e30}, "up to 1099511627776", id="memory without end"),
    pytest.param({"expected_output": "\ud800"}, "surrogate", id="text that cannot be written"),
    pytest.param({"verification_info": "{'a"}, "is not JSON", id="broken JSON"),
    pytest.param({"verification_info": {"ground_truth": "5"}}, "'ground_truth'", id="verification of something else"),
    pytest.param({"verification_info": [1]}, "expected an object", id="a list for an object"),
    pytest.param({"verification_info": info(STDIO_CASE | {"output": None})}, "no expected output", id="no output"),
    pytest.param({"verification_info": info(CALL_CASE | {"output": None})}, "no expected output", id="no result"),
    pytest.param({"verification_info": info(CALL_CASE | {"fn_name": None})}, "fn_name", id="a call of nothing"),
    pytest.param({"verification_info": info(CALL_CASE | {"fn_name": "os.system"})}, "neither", id="a dotted name"),
    pytest.param({"verification_info": info(CALL_CASE | {"input": 5})}, "list of arguments", id="an argument alone"),
    pytest.param({"verification_info": info({"type": "pytest"})}, "'pytest'; known: stdin", id="another type"),
    pytest.param({"verification_info": info(CALL_CASE, language="rust")}, "Python", id="calls in Rust"),
    pytest.param({"verification_info": info(language="klingon")}, "'klingon'", id="an unknown language"),
    pytest.param({"expected_output": "1", "language": "en"}, "'en'", id="the language of the prompt"),
    pytest.param({"input_output": {"inputs": ["1"], "outputs": []}}, "1 inputs, but 0", id="an output is missing"),
    pytest.param({"input_output": {"inputs": ["1"]}}, "expected a list, found nothing", id="all outputs are"),
    pytest.param({"input_output": {"inputs": [{}], "outputs": ["1"]}}, "expected text", id="an object as stdin"),
    pytest.param({"input_output": [1]}, "expected an object", id="a list for parallel lists"),
    pytest.param({"test": "def check(f): ...", "entry_point": "f g"}, "no name", id="an entry point of two words"),
    pytest.param({"test": 5, "entry_point": "f"}, "column 'test'", id="a test that is no text"),
    pytest.param({"test_list": [5]}, "test_list, entry 1", id="an assert that is no text"),
    pytest.param(ours({"type": "stdin", "input": "1"}), "no 'output'", id="ours: no output"),
    pytest.param(ours({"type": "stdin", "output": None}), "no 'output'", id="ours: output null"),
    pytest.param(ours({"type": "stdin", "output": "1", "inptu": "1"}), "'inptu'; known:", id="ours: misspelt"),
    pytest.param(ours({"type": "call", "function": "f"}), "no 'expected'", id="ours: nothing expected"),
    pytest.param({"tests": [CALLED | {"expected": None}]}, "'expected'", id="ours: None in objects"),
    pytest.param(ours(CALLED | {"args": 3}), "a list", id="ours: args"),
    pytest.param(ours(CALLED | {"kwargs": {"a b": 1}}), "names", id="ours: kwargs"),
    pytest.param(ours({"type": "output", "output": "1", "weight": 0}), "weight", id="ours: weight 0"),
    pytest.param(ours({"type": "output", "output": "1", "weight": True}), "weight", id="ours: weight true"),
    pytest.param(ours({"type": "output", "output": "1", "comparison": "fuzzy"}), "fuzzy", id="ours: comparison"),
    pytest.param(ours({"type": "assert", "source": " \n"}), "empty", id="ours: an empty assert"),
    pytest.param(ours({"type": "quiz"}), "'quiz'; known: stdin", id="ours: type"),
    pytest.param(ours({"output": "1"}), "type", id="ours: no type"),
    pytest.param(ours(limits={"cpu": 1}), "'cpu'; known: cpu_s", id="ours: a limit that is none"),
    pytest.param(ours(limits={"cpu_s": -1}), "cpu_s", id="ours: a limit below 0"),
    pytest.param(ours(extra=1), "'extra'", id="ours: unknown at the top"),
    pytest.param({"tests": "[" * 5000}, "is not JSON", id="endless nesting"),
    pytest.param(ours(CALLED | {"args": [json.loads("[" * 150 + "]" * 150)]}), "nested", id="deep nesting"),
    pytest.param({"tests": "1" * 5000}, "is not JSON", id="an integer without end"),
    pytest.param({"tests": "NaN"}, "a list", id="not a number"),
    pytest.param({"expected_output": "1", "comparison": "vaguely"}, "vaguely", id="an unknown comparison"),
    pytest.param({"expected_output": "1", "time_limit": "soon"}, "'soon'", id="an unknown unit"),
    pytest.param({"expected_output": "1", "time_limit": float("inf")}, "time_limit", id="time without end"),
    pytest.param({"expected_output": "1", "cpu_s": 0}, "cpu_s", id="no time"),
    pytest.param({"expected_output": "1", "memory_limit": [1]}, "memory_limit", id="memory as a list"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "said"), REFUSED)
def test_rows_that_nobody_can_read(row: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_problem(row)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_error_names_columns_and_schemas_but_not_megabytes() -> None:
    with pytest.raises(DatasetError) as caught:
        read_problem({"prompt": "x" * 10**6} | {f"column {i}": [i] for i in range(100)})
    text = str(caught.value)
    assert "'prompt' (text of 1000000 characters)" in text
    assert all(schema in text for schema in SCHEMAS)
    assert len(text) < 2000


def test_a_row_is_read_by_the_first_schema_that_fits_unless_one_is_named() -> None:
    row: dict[str, Any] = {
        "expected_output": "1",
        "test_list": ["assert f() == 1"],
        "verification_info": info(STDIO_CASE),
    }
    assert read_problem(row).schema == "verification_info"
    assert read_problem(row | {"verification_info": None}).schema == "mbpp"
    assert read_problem(row, schema="expected_output").tests == (OutputTest("1"),)
    order = [SCHEMAS.index(name) for name in ("tests", "verification_info", "input_output", "mbpp", "humaneval")]
    assert order == sorted(order)


def test_a_named_schema_must_exist_and_fit() -> None:
    with pytest.raises(ConfigurationError, match="humaneval"):
        read_problem({"expected_output": "1"}, schema="human_eval")
    with pytest.raises(DatasetError, match="needs 'test_list'; the row has the columns 'expected_output'"):
        read_problem({"expected_output": "1"}, schema="mbpp")
    with pytest.raises(DatasetError, match="mapping"):
        read_problem([1])  # type: ignore[arg-type]


def test_a_row_says_more_than_its_tests() -> None:
    row = {
        "expected_output": "1",
        "language": "Py3",
        "comparison": "lines",
        "entry_point": "f",
        "code_prompt": "import os",
    }
    problem = read_problem(row, comparison=Comparison.parse("exact"))
    assert problem.language == "python"
    assert problem.comparison == Comparison.parse("lines")
    assert problem.entry_point == "f"
    assert problem.code_prompt == "import os"
    assert read_problem({"expected_output": "1"}, comparison=Comparison.parse("exact")).comparison.kind == "exact"
    assert read_problem(row, language="JS").language == "javascript"
    assert read_problem({"verification_info": info(STDIO_CASE, language="C++")}).language == "cpp"


def test_our_own_column_says_it_all() -> None:
    row = ours(
        {"type": "call", "function": "f", "expected": 1},
        limits={"cpu_s": 2, "memory_mb": 256, "processes": 2},
        comparison="lines",
        entry_point="g",
        code_prompt="import math",
        language="python",
    )
    problem = read_problem(row | {"comparison": "exact", "cpu_s": 7})
    assert problem.limits == Limits(cpu_s=2.0, memory_mb=256, processes=2)
    assert problem.comparison.kind == "lines"
    assert problem.entry_point == "g"
    assert problem.code_prompt == "import math"


@pytest.mark.parametrize(
    ("columns", "cpu_s", "memory_mb"),
    [
        ({}, 10.0, 1024),
        ({"time_limit": 2.5}, 2.5, 1024),
        ({"time_limit": "2 seconds", "memory_limit": "256.0 megabytes"}, 2.0, 256),
        ({"time_limit": "500 ms", "memory_limit": "1 GB"}, 0.5, 1024),
        ({"time_limit": {"seconds": 1, "nanos": 500_000_000}, "memory_limit_bytes": 512 << 20}, 1.5, 512),
        ({"time_limit": {"seconds": 0, "nanos": None}, "memory_limit_bytes": 0}, 10.0, 1024),
        ({"time_limit": "", "memory_limit": None}, 10.0, 1024),
        ({"memory_limit": 256 << 20}, 10.0, 256),
        ({"memory_limit": 16}, 10.0, 64),
        ({"cpu_s": 3, "time_limit": 1, "memory_mb": 100, "memory_limit": 200}, 3.0, 100),
    ],
)
def test_limits_of_a_row(columns: dict[str, Any], cpu_s: float, memory_mb: int) -> None:
    limits = read_problem({"expected_output": "1", **columns}).limits
    assert (limits.cpu_s, limits.memory_mb) == (pytest.approx(cpu_s), memory_mb)
    assert limits.wall_limit_s == pytest.approx(3 * cpu_s + 2)


def test_a_row_limit_beyond_the_programs_total_raises_the_total() -> None:
    assert read_problem({"expected_output": "1", "cpu_s": 300}).limits.job_cpu_s == 300


def test_leetcode_answers_find_the_names_that_the_site_imports() -> None:
    problem = read_problem({"input_output": json.dumps(ADD), "starter_code": SOLUTION})
    assert problem.entry_point == "Solution"
    names: dict[str, Any] = {}
    exec(problem.code_prompt, names)
    assert names["List"]
    assert names["pow"](2, 3, 5) == 3
    assert names["open"] is open
    assert names["copy"].deepcopy([1]) == [1]
    assert names["Counter"]("aa")["a"] == 2
    assert read_problem({"input_output": json.dumps(ADD)}).code_prompt == ""
    own = read_problem({"input_output": json.dumps(ADD), "starter_code": SOLUTION, "code_prompt": "import re"})
    assert own.code_prompt == "import re"


HEADER = 'def add(a, b):\n    """Return the sum."""\n'
CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3\n"


@pytest.mark.parametrize(
    ("columns", "code_prompt"),
    [
        pytest.param({"code_prompt": "x", "prompts": HEADER}, "x", id="the column goes first"),
        pytest.param({"prompts": HEADER, "prompt": "def add(a, b): pass"}, HEADER, id="then the batch's prompt"),
        pytest.param({"prompt": HEADER}, HEADER, id="then the row's"),
        pytest.param(
            {"prompt": "import os\n\ndef add(a,\n        b):"}, "import os\n\ndef add(a,\n        b):", id="open"
        ),
        pytest.param({"prompt": "Write add(a, b)."}, "", id="an instruction is no source"),
        pytest.param({"prompt": "add"}, "", id="nor is Python that defines something else"),
        pytest.param({"prompts": [{"role": "user", "content": HEADER}]}, "", id="nor is a conversation"),
        pytest.param({"prompt": "def add():\x00"}, "", id="nor is what no parser takes"),
        pytest.param({"prompt": 'def add():\n    "\\d"\n'}, 'def add():\n    "\\d"\n', id="an odd escape is no matter"),
        pytest.param({}, "", id="and there may be none"),
    ],
)
def test_the_source_before_a_humaneval_program(columns: dict[str, Any], code_prompt: str) -> None:
    problem = read_problem({"test": CHECK, "entry_point": "add", **columns})
    assert problem.schema == "humaneval"
    assert problem.code_prompt == code_prompt
    assert problem.entry_point == "add"
    assert len(problem.tests) == 1
    assert all(isinstance(test, AssertTest) for test in problem.tests)


def test_a_blank_humaneval_test_is_no_test() -> None:
    assert read_problem({"test": " \n", "entry_point": "add"}).tests == ()


@pytest.mark.parametrize(
    "row",
    [
        {"test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "test_setup_code": ""},
        {"test_list": json.dumps(["assert add(1, 2) == 3", "assert add(0, 0) == 0"]), "test_imports": []},
    ],
)
def test_mbpp_rows(row: dict[str, Any]) -> None:
    problem = read_problem(row)
    assert [test.source for test in problem.tests if isinstance(test, AssertTest)] == [
        "assert add(1, 2) == 3",
        "assert add(0, 0) == 0",
    ]
    assert problem.entry_point == "add"


def test_mbpp_set_up_goes_with_the_tests_not_with_the_program() -> None:
    row = {
        "test_list": ["assert add(N).x"],
        "test_setup_code": "N = add(1)",
        "test_imports": ["import math", "import re"],
    }
    problem = read_problem(row)
    assert problem.code_prompt == ""
    assert [test.setup for test in problem.tests if isinstance(test, AssertTest)] == [
        "import math\nimport re\nN = add(1)"
    ]


def many(count: int) -> dict[str, str]:
    return ours(*({"type": "stdin", "input": f"{i}", "output": f"{i}"} for i in range(count)))


def test_a_sample_of_the_tests_is_ordered_and_depends_on_the_problem() -> None:
    tests = read_problem(many(50)).tests
    sample = read_problem(many(50), max_tests=10).tests
    assert len(set(sample)) == 10
    assert [test for test in tests if test in sample] == list(sample)
    assert sample == read_problem(many(50), max_tests=10).tests
    assert sample != read_problem(many(51), max_tests=10).tests
    assert set(sample) < set(read_problem(many(50), max_tests=20).tests)
    assert read_problem(many(5), max_tests=5).tests == read_problem(many(5)).tests


def test_a_sample_is_the_same_in_every_process() -> None:
    row = {
        "verification_info": info(*(CALL_CASE | {"input": f"[{{'a', 'b', '{i}'}}]", "output": "3"} for i in range(9)))
    }
    code = (
        f"from rewards.problems import read_problem\nprint([t.args for t in read_problem({row!r}, max_tests=3).tests])"
    )
    code = code.replace("[t.args", "[sorted(t.args[0])")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("max_tests", [0, -1])
def test_max_tests_must_leave_one(max_tests: int) -> None:
    with pytest.raises(ConfigurationError):
        read_problem({"expected_output": "1"}, max_tests=max_tests)
