"""From one graded completion to the sample that is kept of it: bounded text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rewards import Verdict
from rewards.grades import Grade

from .content import Sample, SampleTest

LONGEST_TEXT = 20_000
"""Of a prompt, a completion or a program: more is of no use to a reader."""
MOST_TESTS = 25
_LONGEST_DETAIL = 2_000


def sample_of(
    prompt: Any, completion: Any, *, grade: Grade, step: int | None = None, labels: Sequence[tuple[str, str]] = ()
) -> Sample:
    """Return what a report keeps of one completion; prompt and completion are text or lists of messages.

    Of more than `MOST_TESTS` tests those are kept that were not accepted, as far as they fit, and then the first ones.
    """
    telling = sorted(range(len(grade.tests)), key=lambda i: grade.tests[i].verdict is Verdict.ACCEPTED)[:MOST_TESTS]
    return Sample(
        prompt=text_of(prompt)[:LONGEST_TEXT],
        completion=text_of(completion)[:LONGEST_TEXT],
        verdict=grade.verdict.value,
        program=grade.program.source[:LONGEST_TEXT] if grade.program else None,
        score=grade.score,
        step=step,
        detail=grade.detail[:_LONGEST_DETAIL],
        tests=tuple(_test_of(grade, i) for i in sorted(telling)),
        n_tests=len(grade.tests),
        n_passed=sum(test.verdict is Verdict.ACCEPTED for test in grade.tests),
        labels=tuple(labels),
    )


def _test_of(grade: Grade, i: int) -> SampleTest:
    test = grade.tests[i]
    name = f"{i + 1} {test.name}".strip() + (f" [{test.group}]" if test.group else "")
    return SampleTest(
        test.verdict.value,
        name,
        test.detail[:_LONGEST_DETAIL],
        test.stderr,
        round(test.cpu_s, 4),
        round(test.wall_s, 4),
    )


def text_of(value: Any) -> str:
    """Return a prompt or completion as text; of several messages each stands under its role."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence) or not all(isinstance(message, dict) for message in value):
        return str(value)
    if len(value) == 1 and set(value[0]) == {"role", "content"}:
        return _content(value[0]["content"])
    return "\n\n".join(_with_role(message) for message in value)


def _with_role(message: dict[str, Any]) -> str:
    parts = [_content(message[key]) for key in ("reasoning_content", "content") if message.get(key)]
    parts += [json.dumps(call, default=str) for call in message.get("tool_calls") or ()]
    return "\n".join([f"— {message.get('role', '?')} —", *parts])


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(block.get("text", block)) if isinstance(block, dict) else str(block) for block in content)
    return str(content)
