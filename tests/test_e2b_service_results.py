"""What the stand-in service makes of the data that a cell shows."""

from __future__ import annotations

import pytest
from e2b_service.results import result_line, unquoted


def test_representations_without_a_field_of_their_own_are_extra() -> None:
    line = result_line({"text/plain": "1", "application/vnd.x": {"a": 1}}, is_main=False)
    assert line == {"type": "result", "text": "1", "extra": {"application/vnd.x": {"a": 1}}, "is_main_result": False}


@pytest.mark.parametrize(
    ("text", "bare"), [("'a'", "a"), ('"a"', "a"), ("'a", "'a"), ("'a' + 'b'", "a' + 'b"), ("", "")]
)
def test_text_loses_one_pair_of_quotes_whatever_it_is(text: str, bare: str) -> None:
    assert unquoted(text) == bare
