"""One self-contained page about a run or an evaluation, and its charts as pictures."""

from __future__ import annotations

from .content import Chart, KeyFigure, ReportData, Sample, SampleTest, Series, Table
from .sampling import sample_of, text_of
from .writing import CHARTS_FOLDER, PAGE_FILE, write_report

__all__ = [
    "CHARTS_FOLDER",
    "PAGE_FILE",
    "Chart",
    "KeyFigure",
    "ReportData",
    "Sample",
    "SampleTest",
    "Series",
    "Table",
    "sample_of",
    "text_of",
    "write_report",
]
