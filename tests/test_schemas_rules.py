"""The rules of the official evaluators, and where we do not follow them."""

import pytest

from rewards.comparison import Comparison
from rewards.judging import compare_output
from rewards.problems.rules import (
    CODE_CONTESTS,
    CODEFORCES,
    LINE_BY_LINE,
    LIVECODEBENCH,
    REWARD_KIT,
    SANDBOX_FUSION,
    VERIFIERS,
)

CASES = [
    pytest.param(LINE_BY_LINE, "1 2\n3\n", " 1 2 \n3", True, id="lines: white space at the ends"),
    pytest.param(LINE_BY_LINE, "1 2\n3\n", "1 2 3\n", False, id="lines: one line for two"),
    pytest.param(LINE_BY_LINE, "1 2\n3\n", "1 2\n", False, id="lines: a prefix (open-r1 accepts it)"),
    pytest.param(LINE_BY_LINE, "1 2\n", "1 2\n3\n", False, id="lines: more (open-r1 accepts it)"),
    pytest.param(LINE_BY_LINE, "1\n", "", False, id="lines: nothing (open-r1 accepts it)"),
    pytest.param(LINE_BY_LINE, "0.5\n", "0.5000001\n", False, id="lines: numbers are text"),
    pytest.param(LINE_BY_LINE, "YES\n", "yes\n", False, id="lines: case counts"),
    pytest.param(LINE_BY_LINE, "a\n\nb\n", "a\nb\n", False, id="lines: an empty line is one"),
    pytest.param(LINE_BY_LINE, "a\nb\n", "\n\na\nb\n\n", True, id="lines: but for those at both ends"),
    pytest.param(LIVECODEBENCH, "1 2\n", "1.0 2\n", True, id="livecodebench: exact values"),
    pytest.param(LIVECODEBENCH, "0.1\n", "0.1000000001\n", False, id="livecodebench: without tolerance"),
    pytest.param(LIVECODEBENCH, "9007199254740993\n", "9007199254740992\n", False, id="livecodebench: long integers"),
    pytest.param(LIVECODEBENCH, "1\n2\n", "1 2\n", False, id="livecodebench: lines count"),
    pytest.param(VERIFIERS, "3\n", "3.0005\n", True, id="verifiers: within a thousandth"),
    pytest.param(VERIFIERS, "1000000\n", "1000000.5\n", False, id="verifiers: not of large numbers"),
    pytest.param(VERIFIERS, "9007199254740993\n", "9007199254740992\n", False, id="verifiers: long integers"),
    pytest.param(VERIFIERS, "3\n", "nan\n", False, id="verifiers: nan is no number"),
    pytest.param(CODEFORCES, "1\n2\n", "1 2", True, id="codeforces: white space is one"),
    pytest.param(CODEFORCES, "1.5\n", "1.5000001", False, id="codeforces: tokens are text"),
    pytest.param(CODE_CONTESTS, "YES 1.5\n", "Yes 1.500009\n", True, id="code_contests: case and a little"),
    pytest.param(CODE_CONTESTS, "1.5\n", "1.50002\n", False, id="code_contests: not more"),
    pytest.param(CODE_CONTESTS, "1000000.5\n", "1000001.5\n", False, id="code_contests: absolute"),
    pytest.param(CODE_CONTESTS, "2 1\n", "1 2\n", False, id="code_contests: order counts"),
    pytest.param(SANDBOX_FUSION, "Yes 1000000.5\n", "YES 1000001.5\n", True, id="sandbox fusion: relative, any case"),
    pytest.param(SANDBOX_FUSION, "1000000\n", "1000001\n", False, id="sandbox fusion: not of integers"),
    pytest.param(REWARD_KIT, "hello  world\n", "hello world", True, id="reward-kit: white space"),
    pytest.param(REWARD_KIT, "hello world\n", "hello", False, id="reward-kit: no credit for a half"),
]


@pytest.mark.parametrize(("rule", "expected", "printed", "accepted"), CASES)
def test_outputs_are_compared_by_the_rule(rule: Comparison, expected: str, printed: str, accepted: bool) -> None:
    assert (compare_output(expected, printed, rule) is None) == accepted


def test_the_reason_names_the_line() -> None:
    assert compare_output("1\n2 3\n", "1\n2 4\n", LINE_BY_LINE) == (
        "line 2: token 2 (line 1 of the expected output): expected '3', found '4'"
    )
