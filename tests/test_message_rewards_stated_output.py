"""The expected output that a conversation states, and what states none."""

from __future__ import annotations

import time

import pytest

from rewards.message_rewards import Message
from rewards.message_rewards.stated_output import stated_output


def said(text: str, role: str = "user") -> Message:
    return Message(role=role, content=text)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        pytest.param("Sum the list.\n\nExpected output: 15 (for the list [1, 2, 3])", "15", id="an aside behind it"),
        pytest.param("Expected output: 15", "15", id="a value"),
        pytest.param("expected output: hello world", "hello world", id="words behind a colon"),
        pytest.param("The expected result is: 3.5", "3.5", id="result"),
        pytest.param("The output should be 15.", "15", id="the end of a sentence"),
        pytest.param("The output should be 15 for [1, 2, 3].", "15", id="the input behind it"),
        pytest.param("The output must be [1, [2, 3]].", "[1, [2, 3]]", id="a list"),
        pytest.param("Your program should print `a b`.", "a b", id="inline code"),
        pytest.param('It should output "hi there".', "hi there", id="quotes"),
        pytest.param("**Expected output:** `7`", "7", id="bold"),
        pytest.param("Expected output:\n```\n1\n2\n```\nGo.", "1\n2", id="a block below it"),
        pytest.param("### Expected Output\n\n```text\n7\n```", "7", id="a heading"),
        pytest.param("Expected output:\n1\n2\n\nUse Python.", "1\n2", id="lines below it"),
        pytest.param("Print both.\n```output\ntrue\nfalse\n```", "true\nfalse", id="a block of output"),
        pytest.param("Expected output: 5\n\n```output\n5\n```", "5", id="said twice, the same"),
        pytest.param("expected output:\r\n1\r\n2\r\n\r\nx", "1\n2", id="Windows line ends"),
    ],
)
@pytest.mark.parametrize("role", ["user", "system"])
def test_a_stated_output_is_found(text: str, output: str, role: str) -> None:
    stated = stated_output([said("hello"), said(text, role), said("Expected output: 666", "assistant")])
    assert stated is not None
    assert (stated.text, stated.source) == (output, f"the {role} message")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Write a program.", id="nothing is said"),
        pytest.param("The output should be sorted.", id="a rule"),
        pytest.param("It should print 1 if n is even.", id="a case"),
        pytest.param("It should output 3 numbers.", id="a count"),
        pytest.param("Expected output: 3\nExpected output: 4", id="a contradiction"),
        pytest.param("The expected output\n\nis in the file.", id="a paragraph below"),
        pytest.param("Expected output:\n```\n3", id="a block without an end"),
        pytest.param("```python\nprint(3)\n```", id="a block of code"),
        pytest.param("", id="silence"),
    ],
)
def test_what_states_no_output_is_not_compared_with(text: str) -> None:
    assert stated_output([said(text)]) is None


@pytest.mark.parametrize("role", ["assistant", "tool", "function", "policy"])
def test_only_users_and_systems_are_believed(role: str) -> None:
    assert stated_output([said("Expected output: 5", role)]) is None


def test_the_last_statement_counts() -> None:
    stated = stated_output([said("Expected output: 5"), said("ok", "assistant"), said("Rather: expected output: 6")])
    assert stated is not None
    assert stated.text == "6"


@pytest.mark.parametrize(
    "text",
    [
        "expected output " * 20_000,
        "expected output: [" + "[" * 200_000,
        "expected " + " " * 200_000 + "output: 3",
        "expected output: " + " (for" * 50_000,
        "should print '" + "a" * 200_000,
        "expected output:\n```\n" * 10_000,
    ],
)
def test_a_long_prompt_takes_little_time(text: str) -> None:
    began = time.process_time()
    stated_output([said(text)])
    assert time.process_time() - began < 3.0
