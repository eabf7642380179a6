"""What counts as an insight found, and as a plot."""

from __future__ import annotations

import base64

import pytest

from rewards.errors import DatasetError
from rewards.message_rewards.insights import MAX_CHARS, Report, read_insights
from rewards.records import Ended, RichResult, TestRun

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


def report(text: str = "", *pictures: tuple[str, str]) -> Report:
    return Report([TestRun(Ended.RETURNED, stdout=text, results=tuple(RichResult((each,)) for each in pictures))])


FOUND = [
    pytest.param("42", "total: 42.0", True, id="an integer as a float"),
    pytest.param("42", "total: 42.4", False, id="an integer is not rounded"),
    pytest.param("5", "15 and 5.5", False, id="no part of a number"),
    pytest.param("3.14", "pi = 3.14159", True, id="to the decimals that it has"),
    pytest.param("3.14", "pi = 3.2", False, id="but not further"),
    pytest.param("1,234.50", "sum $1234.5", True, id="thousands, wanted"),
    pytest.param("1234", "sum 1,234", True, id="thousands, found"),
    pytest.param("200", "(1,200)", True, id="a comma may separate two numbers"),
    pytest.param("12%", "grew by 12 %", True, id="per cent"),
    pytest.param("-3", "changed by -3", True, id="a sign"),
    pytest.param("1e3", "1000", True, id="an exponent"),
    pytest.param("Mean Price", "the mean\n  price is", True, id="case and spacing"),
    pytest.param("mean 5", "mean 50", False, id="a phrase ends with its number"),
    pytest.param("mean 5", "mean 5.", True, id="and not before the sentence does"),
    pytest.param("a.b", "axb", False, id="a phrase is no pattern"),
    pytest.param("nan", "1 2 inf", False, id="no number at all"),
]


@pytest.mark.parametrize(("wanted", "text", "is_found"), FOUND)
def test_an_insight_is_found_where_it_is(wanted, text, is_found):
    (insight,) = read_insights([wanted])
    assert insight.is_in(report(text)) is is_found


def test_a_flood_of_candidates_is_not_read():
    (insight,) = read_insights([99_999])
    assert not insight.is_in(report("\n".join(map(str, range(100_000)))))
    assert insight.is_in(report("\n" * (MAX_CHARS - 10) + "99999"))


@pytest.mark.parametrize(
    ("picture", "is_plot"),
    [
        pytest.param(("png", PNG), True, id="png"),
        pytest.param(("image/png", PNG), True, id="by its full name"),
        pytest.param(("png", "plot"), False, id="a word"),
        pytest.param(("png", base64.b64encode(b"no picture at all").decode()), False, id="other bytes"),
        pytest.param(("svg", "<?xml?><svg xmlns='...'></svg>"), True, id="svg"),
        pytest.param(("svg", "plot"), False, id="no svg"),
        pytest.param(("text", "<svg></svg>"), False, id="text"),
    ],
)
def test_a_plot_is_an_image_by_its_bytes(picture, is_plot):
    assert report("", picture).has_plot is is_plot


@pytest.mark.parametrize("entries", [[None], [[]], [""], [{"a": 1}], [["a", None]], [float("nan")]])
def test_what_is_no_insight_is_refused(entries):
    with pytest.raises(DatasetError, match="insight 1 must be"):
        read_insights(entries)
