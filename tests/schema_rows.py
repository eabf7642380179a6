"""One row of each public dataset, as its documentation describes it, made up for these tests."""

import base64
import json
import pickle
import zlib
from typing import Any

from rewards.cases import CallTest, StdinTest

DOUBLE_CASES = [{"input": "2\n", "output": "4\n", "testtype": "stdin"}]
MORE_CASES = [{"input": "5\n", "output": "10\n", "testtype": "stdin"}]
DOUBLES = (StdinTest("2\n", "4\n"), StdinTest("5\n", "10\n"))
PARALLEL = {"inputs": ["2\n", "5\n"], "outputs": ["4\n", "10\n"]}
CALLED = {"fn_name": "double", "inputs": [[2], [5]], "outputs": [[4], [10]]}
CALLS = (CallTest("double", (2,), 4, wrapped=True), CallTest("double", (5,), 10, wrapped=True))
CHECK = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(5) == 10\n"
PLUS = """
import numpy as np

def is_floats(x) -> bool:
    return isinstance(x, float)

def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact_match and atol != 0:
        np.testing.assert_allclose(out, exp, atol=atol)
    else:
        assert exact_match
"""
LOOP = """
inputs = [[2], [5]]
results = [4, 10]
for i, (inp, exp) in enumerate(zip(inputs, results)):
    assertion(double(*inp), exp, 0)
"""
PLUS_CALLS = (CallTest("double", (2,), 4, from_json=False), CallTest("double", (5,), 10, from_json=False))


def packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(value)))).decode()


DOUBLE_ASSERTS = ("assert double(2) == 4", "assert double(5) == 10")

EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "MultiPL-E": (
        "multipl_e",
        {"name": "HumanEval_0", "language": "js", "prompt": "function double(x){\n", "stop_tokens": ["\nfunction "],
         "tests": "const assert = require('node:assert');\nassert.deepEqual(double(2), 4);"},
    ),
    "HumanEval-X": (
        "humaneval_x",
        {"task_id": "JavaScript/0", "prompt": "/* Twice. */\nconst double = (x) => {\n", "canonical_solution": "",
         "declaration": "const double = (x) => {\n", "test": "console.assert(double(2) === 4)", "example_test": ""},
    ),
    "collinear": ("collinear", {"prompt": "Double.", "language": "python", "verifier": "stdin",
                                "tests": [{"input": "2\n", "output": "4\n"}, {"input": "5\n", "output": "10\n"}]}),
    "ours": ("tests", {"tests": json.dumps([{"type": "stdin", "input": "2\n", "output": "4\n"}])}),
    "DeepCoder": ("tests", {"problem": "Double.", "starter_code": "", "solutions": [""],
                            "tests": json.dumps(DOUBLE_CASES + MORE_CASES), "metadata": {"func_name": None}}),
    "DeepCoder (taco)": ("tests", {"problem": "Double.", "tests": json.dumps(PARALLEL)}),
    "open-r1 verifiable": (
        "verification_info",
        {"problem": "Double.", "gold_standard_solution": "", "verification_info": json.dumps(
            {"language": "python", "test_cases": [
                {"fn_name": None, "input": "2\n", "output": "4\n", "type": "stdin_stdout"},
                {"fn_name": None, "input": "5\n", "output": "10\n", "type": "stdin_stdout"}]})},
    ),
    "open-r1 codeforces": (
        "codeforces",
        {"id": "1/A", "time_limit": 2.0, "memory_limit": 256.0, "input_mode": "stdio", "interaction_format": None,
         "examples": [{"input": "2\n", "output": "4\n"}], "official_tests_complete": True, "generated_tests": 7,
         "official_tests": [{"input": "2\n", "output": "4\n"}, {"input": "5\n", "output": "10\n"}],
         "generated_checker": None, "executable": True, "language": "python"},
    ),
    "LiveCodeBench": (
        "livecodebench",
        {"question_title": "Double", "starter_code": "", "metadata": "{}", "platform": "atcoder",
         "public_test_cases": json.dumps(DOUBLE_CASES), "private_test_cases": packed(DOUBLE_CASES + MORE_CASES)},
    ),
    "CodeContests": (
        "code_contests",
        {"name": "double", "public_tests": {"input": ["2\n"], "output": ["4\n"]},
         "private_tests": {"input": ["2\n"], "output": ["4\n"]}, "source": 2,
         "generated_tests": {"input": ["5\n"], "output": ["10\n"]}, "time_limit": {"seconds": 1, "nanos": 500_000_000},
         "memory_limit_bytes": 256_000_000, "input_file": "", "output_file": ""},
    ),
    "LeetCodeDataset": (
        "leetcode",
        {"task_id": "double", "entry_point": "Solution().double", "starter_code": "class Solution:\n",
         "test": "def check(candidate):\n    assert candidate(x = 2) == 4\n", "difficulty": "Easy",
         "input_output": [{"input": "x = 2", "output": "4"}]},
    ),
    "APPS": ("input_output", {"problem_id": 1, "question": "Double.", "solutions": "[]", "starter_code": "",
                              "input_output": json.dumps(PARALLEL)}),
    "HumanEval+ (EvalPlus)": (
        "evalplus",
        {"task_id": "HumanEval/0", "prompt": "def double(x):\n", "canonical_solution": "    return 2 * x\n",
         "entry_point": "double", "base_input": [[2]], "plus_input": [[5]], "atol": 0, "contract": ""},
    ),
    "HumanEval+ (hub)": (
        "humaneval",
        {"task_id": "HumanEval/0", "prompt": "def double(x):\n", "canonical_solution": "    return 2 * x\n",
         "entry_point": "double",
         "test": PLUS + "\ndef check(candidate):" + LOOP.replace("\n", "\n    ").replace("double", "candidate")
                 + "\n\ncheck(double)\n"},
    ),
    "HumanEval": ("humaneval", {"task_id": "HumanEval/0", "prompt": "def double(x):\n", "test": CHECK,
                                "canonical_solution": "    return 2 * x\n", "entry_point": "double"}),
    "MBPP+ (hub)": ("mbpp_plus", {"task_id": 2, "code": "", "prompt": "Double.", "test_imports": [],
                                  "test_list": ["assert double(2) == 4"], "test": PLUS + LOOP}),
    "LBPP": ("lbpp", {"task_id": "lbpp/0", "language": "python", "instruction": "Double.", "test_file": "",
                      "test_setup": "from code import double\n", "test_list": list(DOUBLE_ASSERTS)}),
    "MBPP": ("mbpp", {"task_id": 2, "text": "Double.", "code": "", "test_setup_code": "",
                      "test_list": list(DOUBLE_ASSERTS), "challenge_test_list": []}),
    "SandboxFusion": (
        "sandbox_fusion",
        {"id": 1, "content": "Double.", "labels": "{}",
         "test": json.dumps([{"input": {"stdin": "2\n"}, "output": {"stdout": "4\n"}},
                             {"input": {"stdin": "5\n"}, "output": {"stdout": "10\n"}}])},
    ),
    "KodCode": (
        "kodcode",
        {"style": "instruct", "question": "Double.", "solution": "",
         "test": "from solution import double\n\ndef test_double():\n    assert double(2) == 4\n",
         "test_info": [{"function_name": "double", "parameter_list": "(x)"}]},
    ),
    "KodCode (test_code)": ("kodcode", {
        "test_code": "from solution import *\n\ndef test_it():\n    assert double(2) == 4\n"}),
    "AceCode": ("acecode", {"id": "a", "question": "Double.", "test_cases": list(DOUBLE_ASSERTS), "source": "x"}),
    "reward-kit": ("reward_kit", {"function_to_call": None, "test_cases": [
        {"input": "2\n", "expected_output": "4\n"}, {"input": "5\n", "expected_output": "10\n"}]}),
    "reward-kit calls": ("reward_kit", {"target_function": "double", "test_cases": json.dumps(
        [{"input": "[2]", "expected_output": "4"}, {"input": "5", "expected_output": "10"}])}),
    "reward-kit ground truth": ("ground_truth", {"ground_truth": "4"}),
    "NeMo-Gym": ("nemo_gym", {"verifier_metadata": {"unit_tests": {**PARALLEL, "fn_name": None}}, "difficulty": "x"}),
    "CRUXEval": ("cruxeval", {"id": "sample_0", "code": "def f(x):\n    return 2 * x", "input": "2", "output": "4"}),
    "rStar-Coder": ("inputs_outputs", {"question_id": "1", "inputs": json.dumps(PARALLEL["inputs"]), "func_name": None,
                                       "outputs": json.dumps(PARALLEL["outputs"])}),
    "expected output": ("expected_output", {"expected_output": "4"}),
    "Eurus-2": ("reward_model", {"data_source": "taco", "ability": "code",
                                 "reward_model": {"style": "rule", "ground_truth": json.dumps(PARALLEL)}}),
    "code-r1": ("reward_model", {"data_source": "code", "reward_model": {
        "style": "rule", "ground_truth": json.dumps({"functional": CHECK + "\n\ncheck(Solution().double)"})}}),
    "INTELLECT-3": ("info", {"question": "Double.",
                             "info": json.dumps({"tests": json.dumps({**PARALLEL, "fn_name": None}), "source": "a"})}),
    "SYNTHETIC-2": ("info", {"info": json.dumps({"verification_info": {"language": "python", "test_cases": [
        {"type": "stdin_stdout", "input": "2\n", "output": "4\n"}]}})}),
}  # fmt: skip
