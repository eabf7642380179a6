"""Comparison of outputs."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.comparison import Comparison
from rewards.judging import compare_output

KATTIS = Path(__file__).resolve().parents[2] / "shared" / "data" / "kattis_compare.jsonl"


def accepts(expected: str, actual: str, rule: str = "tokens") -> bool:
    return compare_output(expected, actual, Comparison.parse(rule)) is None


TOKENS = [
    pytest.param("1 2\n3", "1 2 3", True, id="white space is white space"),
    pytest.param("1 2 3", "\n1\t2\r\n3 \n\n", True, id="of any kind and amount"),
    pytest.param("1", "1\n2\n3", False, id="a prefix of the output is not the answer"),
    pytest.param("1 2 3", "1 2", False, id="a prefix of the answer is not the answer"),
    pytest.param("5", "", False, id="silence is not the answer"),
    pytest.param("", "", True, id="silence where silence is expected"),
    pytest.param("", " \n\n", True, id="white space is silence"),
    pytest.param("", "5", False, id="an empty answer does not mean that anything passes"),
    pytest.param("YES", "yes", False, id="case counts"),
    pytest.param("7", "7.0", False, id="an integer is written as one"),
    pytest.param("7", "+7", False, id="without a sign"),
    pytest.param("7", "07", False, id="without a zero before it"),
    pytest.param("7", "7.0000001", False, id="an integer has no tolerance"),
    pytest.param("1.5", "1.5000001", True, id="a number with a point has one"),
    pytest.param("1.5", "1.500002", False, id="which is small"),
    pytest.param("2.0", "2", True, id="an integer may stand for a float"),
    pytest.param("1e-3", "0.001", True, id="an exponent makes a float"),
    pytest.param("1e10", "10000000001", True, id="relative for large numbers"),
    pytest.param("0.0", "0.0000009", True, id="absolute for small ones"),
    pytest.param("0.0", "-0.0", True, id="zero has no sign"),
    pytest.param("1.5", "nan", False, id="nan is close to nothing"),
    pytest.param("1.5", "inf", False, id="infinity is close to nothing"),
    pytest.param("1e308", "1e999", False, id="nor is what overflows to it"),
    pytest.param("1e999", "2e999", False, id="nor are two such"),
    pytest.param("1.5", "1_5e-1", False, id="Python's underscores are no number"),
    pytest.param("1.5", "0x1.8p0", False, id="hexadecimal is no number"),
    pytest.param("1.5", "\u0661.5", False, id="digits are ASCII"),
    pytest.param("1.5", "1,5", False, id="a comma is no point"),
    pytest.param("nan", "NaN", True, id="nan is met by nan"),
    pytest.param("nan", "0", False, id="and by nothing else"),
    pytest.param("inf", "Infinity", True, id="infinity is met by infinity"),
    pytest.param("inf", "-inf", False, id="of the same sign"),
    pytest.param("inf", "1e999", False, id="not by a large number"),
    pytest.param("abc.", "abc.", True, id="a point alone makes no number"),
    pytest.param(".", "0", False, id="nor does it alone"),
    pytest.param("e", "0", False, id="nor an e"),
    pytest.param("1.2.3", "1.2.30", False, id="a version is text"),
    pytest.param("a\x00b", "a", False, id="a zero byte ends nothing"),
    pytest.param("0." + "3" * 9000, "0.333", False, id="endless digits are text"),
]


@pytest.mark.parametrize(("expected", "actual", "accepted"), TOKENS)
def test_tokens(expected: str, actual: str, accepted: bool) -> None:
    assert accepts(expected, actual) is accepted


RULES = [
    pytest.param("tokens-nocase", "Yes", "YES", True, id="case can be ignored"),
    pytest.param("tokens-nocase", "Yes 1.5", "yes 1.5000001", True, id="beside a tolerance"),
    pytest.param("float:0.5", "7", "7.4", True, id="float treats integers as numbers"),
    pytest.param("float:0.5", "7", "11", False, id="and has a limit"),
    pytest.param("float:0.5", "nan", "NaN", True, id="float keeps nan"),
    pytest.param("float:0.5", "Case 7", "case 7", False, id="float keeps words"),
    pytest.param("float:0.5", "7", "7 7", False, id="float counts tokens"),
    pytest.param("float:0", "7", "7.0", True, id="float without tolerance compares numbers"),
    pytest.param("lines", "a b\nc\n", "a b  \nc\n\n\n", True, id="ends of lines and of the text do not count"),
    pytest.param("lines", "a b\r\nc", "a b\nc", True, id="nor does a carriage return"),
    pytest.param("lines", "a b", "a  b", False, id="space inside a line does"),
    pytest.param("lines", "a", " a", False, id="space before a line does"),
    pytest.param("lines", "a\nb", "a\n\nb", False, id="an empty line in the middle does"),
    pytest.param("lines", "1.5", "1.50", False, id="lines are text"),
    pytest.param("lines", "a\nb", "a", False, id="a missing line"),
    pytest.param("lines", "a", "a\nb", False, id="a line too many"),
    pytest.param("lines", "", "\n\n", True, id="empty lines are silence"),
    pytest.param("lines", "", "x", False, id="which a word breaks"),
    pytest.param("lines-nocase", "Aa", "aA", True, id="lines without case"),
    pytest.param("exact", "a\n", "a", False, id="exact means every character"),
    pytest.param("exact", "a\n", "a\n", True, id="and accepts the same text"),
    pytest.param("exact-nocase", "A\n", "a\n", True, id="but for case, when asked"),
    pytest.param("exact-nocase", "A\n", "a", False, id="and only case"),
]


@pytest.mark.parametrize(("rule", "expected", "actual", "accepted"), RULES)
def test_other_rules(rule: str, expected: str, actual: str, accepted: bool) -> None:
    assert accepts(expected, actual, rule) is accepted


@pytest.mark.parametrize(
    ("rule", "expected", "actual", "said"),
    [
        ("tokens", "1 2\n3 4", "1 2\n9 4", "token 3 (line 2 of the expected output): expected '3', found '9'"),
        ("tokens", "1", "1 2", "1 tokens expected, but more were printed: '2'"),
        ("tokens", "1 2", "1", "only 1 tokens were printed, expected '2' next"),
        ("lines", "a\nb", "a\nc", "line 2: expected 'b', found 'c'"),
        ("exact", "ab\ncd", "ab\nce", "line 2, column 2: expected 'd', found 'e'"),
        ("exact", "ab\n", "ab", "line 1, column 3: expected '\\n', found the end"),
    ],
)
def test_a_refusal_tells_the_first_difference(rule: str, expected: str, actual: str, said: str) -> None:
    assert compare_output(expected, actual, Comparison.parse(rule)) == said


@given(st.text(), st.text(), st.sampled_from(["tokens", "lines", "exact", "exact-nocase", "float:1e-3"]))
def test_a_reason_is_short_and_can_be_stored(expected: str, actual: str, rule: str) -> None:
    reason = compare_output(expected, actual + "\ud800\x07", Comparison.parse(rule))
    assert reason is not None
    assert len(reason) < 1_000
    assert reason.encode()
    assert reason.isprintable()


@given(st.text(alphabet="ab1.e-+ \n\t\u00a0\u2028", max_size=60), st.sampled_from(Comparison.KINDS), st.booleans())
def test_every_text_equals_itself(text: str, kind: str, ignore_case: bool) -> None:
    rule = Comparison(kind, ignore_case=ignore_case)
    assert compare_output(text, text, rule) is None
    if kind != "exact":
        assert compare_output(text, text + "\n", rule) is None
        assert compare_output(text, text + "\nx", rule) is not None


@given(st.lists(st.sampled_from(["1", "22", "a", "0.5", "\u00e9"]), max_size=30), st.integers(0, 3))
def test_tokens_are_what_split_makes_of_a_text(tokens: list[str], spaces: int) -> None:
    assert accepts(" ".join(tokens), ("\n" * spaces + " ").join(tokens))
    assert not accepts(" ".join(tokens), " ".join([*tokens, "1"]))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_accepted_however_it_is_written(value: float) -> None:
    assert accepts(repr(value), f"{value:.17e}")


@pytest.mark.parametrize("rule", ["tokens", "lines", "exact", "float:1e-6", "tokens-nocase"])
@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        pytest.param("12 " * 1_000_000, "12 " * 999_999 + "13", id="many tokens"),
        pytest.param("x" * 4_000_000, "x" * 3_999_999 + "y", id="one token"),
        pytest.param("1" * 4_000_000 + ".", "1" * 3_999_999 + "2.", id="one number"),
        pytest.param("\n" * 4_000_000 + "a", " " * 4_000_000 + "b", id="white space"),
        pytest.param("ab\n" * 1_000_000, "ab\n" * 999_999 + "b", id="many lines"),
    ],
)
def test_megabytes_are_compared_in_linear_time(rule: str, expected: str, actual: str) -> None:
    """Quadratic time over four megabytes would be hours; the bound leaves room for a busy machine."""
    start = time.process_time()
    assert not accepts(expected, actual, rule)
    assert time.process_time() - start < 10


def kattis_rule(flags: list[str]) -> str:
    """Kattis ignores case unless told otherwise, and counts tokens unless space matters."""
    for name, value in pairwise(flags):
        if name.startswith("float_"):
            return f"float:{value}"
    kind = "exact" if "space_change_sensitive" in flags else "tokens"
    return kind if "case_sensitive" in flags else kind + "-nocase"


def test_kattis_default_validator_agrees() -> None:
    if not KATTIS.exists():
        pytest.skip(f"needs {KATTIS.name} of the shared evaluation data, beside the repository in shared/data")
    rows = [json.loads(line) for line in KATTIS.read_text().splitlines()]
    assert len(rows) == 24
    # Its bytes became the same 300 replacement characters on both sides when the file was made.
    rows = [row for row in rows if row["id"] != "kattis-compare/test_long_binary_wa"]
    verdicts = {
        row["id"]: accepts(row["expected_output"], row["actual_output"], kattis_rule(row["flags"])) for row in rows
    }
    assert verdicts == {row["id"]: row["expected"] == "accept" for row in rows}
