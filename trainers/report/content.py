"""What a report shows, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyFigure:
    """One number that a reader looks for first, as text."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A named line of a chart, or a layer where the chart is stacked."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(x, y), in ascending order of x. The layers of a stacked chart have the same xs."""
    color: str
    """As `#rrggbb`, which has to be seen on white and on near black."""
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """One picture."""

    name: str
    """Of its file, without the ending."""
    title: str
    series: tuple[Series, ...]
    x_label: str = "step"
    y_label: str = ""
    stacked: bool = False
    is_share: bool = False
    """The ys are from 0 to 1 and shown as per cent."""
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A small table, every cell as text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class SampleTest:
    """What one test said about a completion."""

    verdict: str
    name: str = ""
    detail: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True)
class Sample:
    """One completion, what it was asked for, and what it got."""

    prompt: str
    completion: str
    verdict: str
    program: str | None = None
    score: float | None = None
    step: int | None = None
    """None outside of training."""
    detail: str = ""
    tests: tuple[SampleTest, ...] = ()
    n_tests: int = 0
    """How many tests there were, where `tests` leaves some out."""
    n_passed: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    """(name, value), such as the phase, the model, the difficulty: the page filters by each."""


@dataclass(frozen=True)
class ReportData:
    """Everything that is on the page, from top to bottom."""

    title: str
    subtitle: str = ""
    alert: str = ""
    """Shown on top, where the reader has to know it before all else."""
    figures: tuple[KeyFigure, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    samples: tuple[Sample, ...] = ()
    samples_note: str = ""
    """How the samples were chosen."""
