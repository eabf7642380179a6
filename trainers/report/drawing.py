"""A chart as a picture: a PNG in a folder, or an SVG inside a page, whose colours follow the page's."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .content import Chart, Series

MOST_POINTS = 240
"""Of one series; longer ones are averaged in stretches."""
_INCHES = (6.4, 3.0)
_MARGINS = {"left": 0.11, "right": 0.98, "top": 0.96, "bottom": 0.16}
_INK, _MUTED, _GRID = "#1c2430", "#69707d", "#dfe3e8"
_PAGE_COLORS = {"#010203": "var(--ink)", "#010204": "var(--muted)", "#010205": "var(--line)"}
"""Colours that nobody would choose, and what the page puts in their place."""


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, and where in it the area of the curves is, so that a page can say what is under the pointer."""

    svg: str
    box: tuple[float, float, float, float]
    """Left, top, width and height as shares of the picture."""
    x_range: tuple[float, float]
    series: tuple[Series, ...]


def draw_svg(chart: Chart) -> Picture:
    """Return *chart* for a page; the legend and the title are the page's."""
    import matplotlib as mpl

    series = thinned(chart.series)
    ink, muted, grid = _PAGE_COLORS
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"chart {chart.name}"}):
        figure = _drawn(chart, series, ink=ink, muted=muted, grid=grid)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'width="100%"', svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for placeholder, color in _PAGE_COLORS.items():
        svg = svg.replace(placeholder, color)
    axes = figure.axes[0]
    box = axes.get_position()
    return Picture(svg, (box.x0, 1 - box.y1, box.width, box.height), axes.get_xlim(), series)


def draw_png(chart: Chart) -> bytes:
    """Return *chart* with its title and legend, on white."""
    figure = _drawn(chart, thinned(chart.series), ink=_INK, muted=_MUTED, grid=_GRID)
    axes = figure.axes[0]
    title = axes.set_title(chart.title, loc="left", fontsize=11, color=_INK, fontweight="bold")
    title.set_parse_math(False)
    if chart.series:
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)  # a name may have a dollar sign
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=150, facecolor="white", bbox_inches="tight")
    return written.getvalue()


def thinned(series: Sequence[Series]) -> tuple[Series, ...]:
    """Return *series* with at most `MOST_POINTS` points each, every one the mean of its stretch."""
    return tuple(Series(one.name, _thinned(one.points), one.color, one.dashed) for one in series)


def _thinned(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    n = len(points)
    if n <= MOST_POINTS:
        return points
    bounds = [i * n // MOST_POINTS for i in range(MOST_POINTS + 1)]
    stretches = [points[start:end] for start, end in pairwise(bounds)]
    return tuple((stretch[-1][0], sum(y for _, y in stretch) / len(stretch)) for stretch in stretches)


def _drawn(chart: Chart, series: Sequence[Series], *, ink: str, muted: str, grid: str) -> Any:
    """Return a figure of matplotlib's; not by pyplot, whose state belongs to whoever else draws in this process."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=_INCHES)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(**_MARGINS)  # a layout that is worked out costs as much as all the rest
    axes = figure.subplots()
    if chart.stacked:
        _stack(axes, series)
    else:
        for one in series:
            _line(axes, one)
    axes.set_xlabel(chart.x_label, color=muted, fontsize=10, parse_math=False)
    axes.set_ylabel(chart.y_label, color=muted, fontsize=10, parse_math=False)
    axes.tick_params(colors=muted, labelsize=9.5, length=0, labelcolor=muted)
    axes.grid(axis="y", color=grid, linewidth=0.8)
    axes.set_axisbelow(not chart.stacked)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(grid)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if chart.is_share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _set_bounds(axes, chart, series)
    return figure


def _line(axes: Any, one: Series) -> None:
    xs, ys = [x for x, _ in one.points], [y for _, y in one.points]
    marker = "o" if len(xs) <= 30 else None
    style = "--" if one.dashed else "-"
    axes.plot(xs, ys, style, color=one.color, linewidth=1.8, marker=marker, markersize=3.2, label=one.name)


def _stack(axes: Any, series: Sequence[Series]) -> None:
    if not series:
        return
    xs = [x for x, _ in series[0].points]
    layers = [[y for _, y in one.points] for one in series]
    if len(xs) == 1:  # an area over one point cannot be seen
        xs, layers = [xs[0] - 0.5, xs[0] + 0.5], [ys * 2 for ys in layers]
    axes.stackplot(
        xs, *layers, colors=[one.color for one in series], labels=[one.name for one in series], linewidth=0, alpha=0.9
    )


def _set_bounds(axes: Any, chart: Chart, series: Sequence[Series]) -> None:
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    if not xs:
        axes.text(0.5, 0.5, "nothing logged yet", transform=axes.transAxes, ha="center", color="#8a93a0")
    if chart.stacked:
        axes.margins(x=0)
    lowest = min(0.0, *ys) if ys else 0.0
    if chart.is_share:
        highest = 1.0 if chart.stacked or not ys or max(ys) > 0.5 else max(1.25 * max(ys), 0.05)
        axes.set_ylim(lowest, highest if chart.stacked else 1.03 * highest)
    else:
        axes.set_ylim(lowest * 1.05, 1.15 * max(ys) if ys and max(ys) > 0 else 1.0)
