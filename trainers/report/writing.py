"""The files of a report: one page that needs nothing else, and its charts as pictures beside it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .colors import VERDICT_COLORS
from .content import Chart, ReportData
from .drawing import Picture, draw_png, draw_svg
from .packing import PackedSamples, pack_samples, script_safe, visible

PAGE_FILE = "report.html"
CHARTS_FOLDER = "charts"
_SOURCES = Path(__file__).parent


def write_report(data: ReportData, folder: str | Path, *, pictures: bool = True) -> Path:
    """Write `report.html` and, with *pictures*, `charts/<name>.png` into *folder*, and return the page's path.

    Each file appears whole or not at all. Raises `OSError` where it cannot be written, and `ImportError` where jinja2
    or matplotlib is missing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PAGE_FILE, page_of(data).encode())
    if pictures and data.charts:
        (folder / CHARTS_FOLDER).mkdir(exist_ok=True)
        for chart in data.charts:
            write_whole(folder / CHARTS_FOLDER / f"{chart.name}.png", draw_png(chart))
    return folder / PAGE_FILE


def page_of(data: ReportData) -> str:
    """Return the page: text is escaped, samples are data that its script shows as text and as nothing else."""
    import jinja2

    script = (_SOURCES / "page.js").read_text(encoding="utf-8")
    packed = pack_samples(data.samples)
    drawn = [(chart, draw_svg(chart)) for chart in data.charts]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_SOURCES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        data=data,
        colors=VERDICT_COLORS,
        drawn=drawn,
        hovers=script_safe([_hover(chart, picture) for chart, picture in drawn]),
        samples=packed.json,
        samples_note=_note(data, packed),
        style=(_SOURCES / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def write_whole(path: Path, content: bytes) -> None:
    """Put *content* at *path*, which holds what it held before until everything is on the disk."""
    whole = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        whole.write_bytes(content)
        os.replace(whole, path)
    finally:
        whole.unlink(missing_ok=True)


def _hover(chart: Chart, picture: Picture) -> dict[str, Any]:
    return {
        "box": picture.box,
        "range": picture.x_range,
        "x": visible(chart.x_label),
        "share": chart.is_share,
        "series": [{"name": visible(one.name), "color": one.color, "points": one.points} for one in picture.series],
    }


def _note(data: ReportData, packed: PackedSamples) -> str:
    sentences: Sequence[str] = [
        data.samples_note,
        f"{packed.n_left_out:,} samples are left out evenly to keep the page small." if packed.n_left_out else "",
        f"Texts of {packed.n_cut:,} samples are cut to {packed.longest_text:,} characters." if packed.n_cut else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
