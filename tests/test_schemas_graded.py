"""Right and wrong programs for a row of every schema, in the local sandbox."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from schema_rows import CHECK, EXAMPLES, LOOP, PLUS

from rewards import CodeReward, Extraction
from rewards.sandboxes.local import LocalSandbox

READS = "print(2 * int(input()))"
FUNCTION = "def double(x):\n    return 2 * x\n"
METHOD = "class Solution:\n    def double(self, x: Optional[int]) -> int:\n        return 2 * x\n"
ANSWERS = {
    "MultiPL-E": "```js\nfunction double(x) { return 2 * x; }\n```",
    "HumanEval-X": "```js\nconst double = (x) => 2 * x;\n```",
    "LeetCodeDataset": METHOD,
    "code-r1": METHOD,
    "reward-kit ground truth": "print(2 * 2)",
    "expected output": "print(2 * 2)",
    "CRUXEval": "2 * 2",
    **dict.fromkeys(
        ("HumanEval+ (EvalPlus)", "HumanEval+ (hub)", "HumanEval", "MBPP+ (hub)", "LBPP", "MBPP", "KodCode"), FUNCTION
    ),
    **dict.fromkeys(("KodCode (test_code)", "AceCode", "reward-kit calls"), FUNCTION),
}
UNUSUAL = EXAMPLES["MBPP+ (hub)"][1] | {
    "test": (PLUS + LOOP.replace("[4, 10]", "[(4, 4), (10,)]")).replace("out == exp", "set(out) == set(exp)")
}
PREDICTS = EXAMPLES["CRUXEval"][1] | {"predict": "input"}
WITH_FILES = EXAMPLES["open-r1 codeforces"][1] | {"input_mode": "file"}
CHECKED = EXAMPLES["open-r1 codeforces"][1] | {
    "generated_checker": """
import sys
print(int(open(sys.argv[3]).read().split()[0] == open(sys.argv[2]).read().strip()))
"""
}
LISTS = EXAMPLES["LeetCodeDataset"][1] | {
    "test": """
def check(candidate):
    assert is_same_list(candidate(head = list_node([1, 2])), list_node([2, 1]))
    assert is_same_list(candidate(head = list_node([])), None)
"""
}
TREES = EXAMPLES["LeetCodeDataset"][1] | {
    "test": """
def check(candidate):
    assert is_same_tree(candidate(root = tree_node([1, 2, 3, None, 4])), tree_node([1, 3, 2, None, None, 4]))
    assert is_same_tree(candidate(root = None), tree_node([]))
"""
}
REVERSES = """
class Solution:
    def double(self, head: Optional[ListNode]) -> Optional[ListNode]:
        last = None
        while head:
            head.next, last, head = last, head, head.next
        return last
"""
MIRRORS = """
class Solution:
    def double(self, root: Optional[TreeNode]) -> Optional[TreeNode]:
        if root:
            root.left, root.right = self.double(root.right), self.double(root.left)
        return root
"""
ZERO = EXAMPLES["HumanEval+ (EvalPlus)"][1] | {
    "entry_point": "find_zero",
    "prompt": "def find_zero(xs):\n",
    "canonical_solution": "    return -xs[0] / xs[1]\n",
    "base_input": [[[1, 2]]],
    "plus_input": [[[-6, 3]]],
    "atol": 1e-4,
}
FLOATS = EXAMPLES["MBPP+ (hub)"][1] | {"test": PLUS + LOOP.replace("[4, 10]", "[4.0000001, 10.0]")}


@pytest.fixture(scope="module")
def reward() -> Iterator[CodeReward]:
    extraction = Extraction(allow_unparsed=True)
    with CodeReward(sandbox=LocalSandbox(), trust="shared", extraction=extraction) as reward:
        yield reward


def scores(reward: CodeReward, row: dict[str, Any], *answers: str) -> list[float | None]:
    batch = reward.grade(completions=list(answers), **{name: [cell] * len(answers) for name, cell in row.items()})
    for grade in batch.grades:
        print(grade.verdict, grade.detail)
    return batch.scores


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_right_program_is_accepted_and_a_wrong_one_is_not(reward: CodeReward, name: str) -> None:
    if name in ("MultiPL-E", "HumanEval-X") and shutil.which("node") is None:
        pytest.skip("needs node: apt install nodejs")
    right = ANSWERS.get(name, READS)
    assert scores(reward, EXAMPLES[name][1], right, right.replace("2 * ", "3 * "), "") == [1.0, 0.0, 0.0]


CASES: list[Any] = [
    pytest.param(UNUSUAL, "def double(x): return [2 * x]", "def double(x): return [x]", id="sets, in EvalPlus"),
    pytest.param(FLOATS, FUNCTION, "def double(x):\n    return 2.001 * x\n", id="floats, in EvalPlus"),
    pytest.param(PREDICTS, "f(2)", "f(3)", id="CRUXEval: an input"),
    pytest.param(PREDICTS, "f(x=2)", "4", id="CRUXEval: the output is no input"),
    pytest.param(EXAMPLES["CRUXEval"][1], "```python\n4\n```", "f(2)", id="CRUXEval: the program is not at hand"),
    pytest.param(
        WITH_FILES,
        "print(2 * int(open('input.txt').read()), file=open('output.txt', 'w'))",
        READS,
        id="codeforces: files",
    ),
    pytest.param(
        ZERO,
        "def find_zero(xs):\n    return -xs[0] / xs[1] + 1e-6\n",
        "def find_zero(xs):\n    return float('nan')\n",
        id="EvalPlus: any zero",
    ),
    pytest.param(LISTS, REVERSES, REVERSES.replace("return last", "return None"), id="LeetCode: lists"),
    pytest.param(LISTS, REVERSES, REVERSES.replace("return last", "return last and last.next"), id="LeetCode: shorter"),
    pytest.param(TREES, MIRRORS, MIRRORS.replace("self.double(root.right)", "root.left"), id="LeetCode: trees"),
    pytest.param(CHECKED, "print(2 * int(input()), 'or so')", "print('or so')", id="codeforces: a checker"),
    pytest.param(
        {"verification_info": {"test_cases": [{"input": "", "output": "1\n2\n"}]}},
        "print(1)\nprint(2)",
        "print(1)",
        id="open-r1: a prefix",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("row", "right", "wrong"), CASES)
def test_peculiar_rows(reward: CodeReward, row: dict[str, Any], right: str, wrong: str) -> None:
    assert scores(reward, row, right, wrong) == [1.0, 0.0]


def test_a_failed_console_assert_is_a_failure_though_node_goes_on(reward: CodeReward) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs node: apt install nodejs")
    row = EXAMPLES["HumanEval-X"][1]
    quiet = "const double = (x) => 2;\nconsole.assert = () => {};\n"
    leaves = "const double = (x) => process.exit(0);\n"
    answers = [f"```js\n{source}```" for source in (quiet, leaves)]
    assert scores(reward, row, *answers) == [0.0, 0.0]


def test_an_unknown_helper_of_check_does_not_reach_the_program(reward: CodeReward) -> None:
    """What cannot be lowered runs in the tester, where the program's functions are proxies."""
    test = "def twice(x):\n    return 2 * x\n\n" + CHECK.replace("== 4", "== twice(2)")
    row = EXAMPLES["HumanEval"][1] | {"test": test}
    assert scores(reward, row, FUNCTION, "def twice(x):\n    return x\n\ndef double(x):\n    return x\n") == [1.0, 0.0]
