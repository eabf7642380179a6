"""What of a completion is the answer: messages, content blocks, reasoning."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rewards.errors import ConfigurationError
from rewards.extraction import completion_text, extract_program

BLOCK = "```python\nx = 1\n```"


def said(content: object, role: str = "assistant", **rest: object) -> dict[str, object]:
    return {"role": role, "content": content, **rest}


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        pytest.param("a", "a", id="text"),
        pytest.param([said("a")], "a", id="one message"),
        pytest.param((said("a"),), "a", id="a tuple of messages"),
        pytest.param([SimpleNamespace(role="assistant", content="a")], "a", id="an object"),
        pytest.param([said("a", reasoning_content="r")], "a", id="reasoning beside the content"),
        pytest.param([said("", reasoning_content="r")], "", id="reasoning alone"),
        pytest.param([said("", tool_calls=[{}]), said("1", "tool"), said("a")], "a", id="after a tool"),
        pytest.param([said("a", tool_calls=[{}]), said("1", "tool")], "a", id="a tool's answer is not the assistant's"),
        pytest.param([said("a"), said(None, tool_calls=[{}])], "a", id="the last message has no content"),
        pytest.param([said("a"), said(" \n")], "a", id="the last message is blank"),
        pytest.param([said("a"), said([1, 2], "tool")], "a", id="a tool that returned a list"),
        pytest.param([said([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])], "ab", id="text blocks"),
        pytest.param([said([{"type": "image"}, {"text": "a"}, "b"])], "ab", id="blocks of several kinds"),
        pytest.param([said([SimpleNamespace(type="text", text="a")])], "a", id="a block that is an object"),
        pytest.param([said([{"type": "reasoning", "text": "r"}])], "", id="a reasoning block"),
        pytest.param([said("u", "user")], "", id="nobody but the user"),
        pytest.param([], "", id="no message"),
    ],
)
def test_the_last_assistant_message_with_text_is_what_a_completion_says(completion: object, text: str) -> None:
    assert completion_text(completion) == text


@pytest.mark.parametrize(
    ("completion", "found"),
    [
        pytest.param(None, "NoneType", id="None"),
        pytest.param(b"x = 1", "bytes", id="bytes"),
        pytest.param({"role": "assistant", "content": "a"}, "dict", id="a message outside a list"),
        pytest.param(["a"], "str: 'a'", id="texts in a list"),
        pytest.param([{"content": "a"}], "dict", id="a message without a role"),
        pytest.param([said("a", role="model")], "'assistant', found ..model", id="a role of another library"),
        pytest.param([said(3)], "int: 3", id="a content that is a number"),
        pytest.param([said([{"type": "text"}])], "dict", id="a text block without text"),
    ],
)
def test_what_is_no_completion_is_the_callers_mistake(completion: object, found: str) -> None:
    with pytest.raises(ConfigurationError, match=found):
        extract_program(completion)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"<think>no</think>{BLOCK}", id="right behind the marker"),
        pytest.param(f"no, or\n```python\ny\n```\n</think>\n\n{BLOCK}", id="the opening marker is in the prompt"),
        pytest.param(f"<think>a</think>\n<think>b</think>\n{BLOCK}", id="twice"),
        pytest.param(f"<thinking>a</thinking>\n{BLOCK}", id="thinking"),
        pytest.param(f"[THINK]a[/THINK]\n{BLOCK}", id="Magistral"),
        pytest.param(f"◁think▷a◁/think▷\n{BLOCK}", id="Kimi"),
        pytest.param(f"<seed:think>a</seed:think>\n{BLOCK}", id="Seed-OSS"),
        pytest.param(f"<|begin_of_thought|>a<|end_of_thought|>\n{BLOCK}", id="Open-Thoughts"),
        pytest.param(f"<|channel|>analysis<|message|>a<|channel|>final<|message|>{BLOCK}", id="gpt-oss"),
        pytest.param(f"The `<think>` tag is not needed.\n{BLOCK}", id="a marker that is talked about"),
        pytest.param(f"{BLOCK}\n```text\n<think>\n```", id="a marker in a later block"),
    ],
)
def test_the_answer_comes_after_the_reasoning(text: str) -> None:
    program = extract_program(text)
    assert program is not None
    assert program.source == "x = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"<think>\n{BLOCK}\n", id="never closed"),
        pytest.param(f"<think>a</think>\n<think>\n{BLOCK}", id="opened once more"),
        pytest.param(f"Well.\n  <think>\n{BLOCK}", id="opened after a word"),
        pytest.param("<think>", id="the marker alone"),
        pytest.param("<think>a</think>", id="no answer"),
    ],
)
def test_reasoning_that_has_not_ended_is_no_answer(text: str) -> None:
    assert extract_program(text) is None


def test_reasoning_in_a_message_is_left_out_too() -> None:
    assert extract_program([said(f"<think>\n```python\ny\n```\n</think>{BLOCK}")]) == extract_program(BLOCK)
