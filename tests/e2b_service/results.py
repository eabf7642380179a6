"""What the server makes of the data that a cell shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELD_OF_MIME = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
    "e2b/data": "data",
    "e2b/chart": "chart",
}


def result_line(data: Mapping[str, Any], *, is_main: bool) -> dict[str, Any]:
    """Return the result line for a bundle of representations; those without a field of their own are extra."""
    line: dict[str, Any] = {"type": "result"}
    line |= {field: data[mime] for mime, field in FIELD_OF_MIME.items() if data.get(mime) is not None}
    if "text" in line:
        line["text"] = unquoted(line["text"])
    extra = {mime: shown for mime, shown in data.items() if mime not in FIELD_OF_MIME}
    return line | {"extra": extra, "is_main_result": is_main}


def unquoted(text: str) -> str:
    """Return *text* without one pair of quotes around it, as the server does, be it the repr of a string or not."""
    is_quoted = text[:1] in ("'", '"') and text[-1:] == text[:1]
    return text[1:-1] if is_quoted else text
