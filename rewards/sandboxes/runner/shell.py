"""An IPython shell without a terminal or a kernel: what it shows is kept, to be sent when the cell has ended.

IPython is no part of the standard library: it is imported when a shell is made, and by no other zygote.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

FORMATS = {
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
}
"""The names that E2B's code interpreter has for what is shown; anything else is left out there, too."""
RICH_CHARACTERS = 15 << 20
"""Of everything that the cells of a job show: plots are some 100 KiB each."""
TRACEBACK_CHARACTERS = 16 << 10

Shown = tuple[bool, list[list[str]]]
"""Whether it is the value of the last expression, and its formats, each with its content."""


class TooMuchShownError(Exception):
    """The cells have shown more than is kept."""


class Shell:
    """The one shell of a process, and what the cell under way has shown and raised there."""

    def __init__(self) -> None:
        """Make it; raises ImportError. It keeps no history on disk, for which IPython would start a thread."""
        interactive = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
        config = importlib.import_module("traitlets.config").Config
        quiet = {"InteractiveShell": {"colors": "nocolor"}, "HistoryManager": {"enabled": False}}
        self.ipython = interactive.instance(config=config(quiet))
        self.run_cell: Callable[..., Any] = self.ipython.run_cell
        self.begin()
        self.refill()
        self._connect()
        _add_formats(self.ipython.display_formatter)

    def begin(self) -> None:
        """Forget the last cell."""
        self.shown: list[Shown] = []
        self.error_name, self.traceback = "", ""

    def refill(self) -> None:
        """Let as much be shown again as the cells of one job may show."""
        self._left = RICH_CHARACTERS
        self.is_flooded = False

    def _connect(self) -> None:
        """Have IPython tell this object what it would print, and refuse what needs a screen or somebody's keyboard."""
        ipython, hook = self.ipython, self.ipython.displayhook
        ipython.display_pub.publish = self._publish
        ipython.display_pub.clear_output = lambda wait=False: None
        hook.write_output_prompt = lambda: None
        hook.write_format_data = lambda data, metadata=None: self._show(data, is_main=True)
        hook.finish_displayhook = lambda: setattr(hook, "_is_active", False)
        ipython._showtraceback = lambda kind, error, lines: self.fail(kind.__name__, "\n".join(lines))
        ipython.set_hook("show_in_pager", lambda *_, **__: None)
        ipython.ask_exit = _exit
        ipython.enable_gui = _without_screen

    def _publish(self, data: Mapping[str, Any], *_: Any, update: bool = False, **__: Any) -> None:
        if not update:  # there is no frontend in which something could be replaced
            self._show(data, is_main=False)

    def _show(self, data: Mapping[str, Any], *, is_main: bool) -> None:
        contents = [[name, _text(data[kind])] for kind, name in FORMATS.items() if data.get(kind) is not None]
        for pair in contents:
            if pair[0] == "text":
                pair[1] = unquoted(pair[1])
        self._left -= sum(len(content) for _, content in contents)
        if self._left < 0:
            self.is_flooded = True
            raise TooMuchShownError("the cells have shown more than can be kept")
        self.shown.append((is_main, contents))

    def fail(self, name: str, traceback: str) -> None:
        """Keep an error, if it is the first: those that follow come of it."""
        if not self.traceback:
            self.error_name, self.traceback = name, traceback.strip()[-TRACEBACK_CHARACTERS:] or name


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, bytes):
        return base64.b64encode(content).decode("ascii")
    return json.dumps(content, default=str)


def unquoted(text: str) -> str:
    """Return *text* without one pair of quotes around it, as the server of E2B's code interpreter sends it."""
    return text[1:-1] if text[:1] in ("'", '"') and text[-1:] == text[:1] else text


def _exit() -> None:
    """End a cell as `sys.exit()` does: there is nothing here that could be left."""
    raise SystemExit


def _without_screen(gui: str | None = None) -> None:
    if gui is not None:
        raise ValueError(f"there is no screen here for {gui}")


def _add_formats(display: Any) -> None:
    """Have tables shown as their columns, too, and lists and dicts as JSON, as E2B's template does."""
    for kind in (list, dict):
        display.formatters["application/json"].for_type(kind, _plain_json)
    table = importlib.import_module("IPython.core.formatters").BaseFormatter(parent=display, format_type="e2b/data")
    table._return_type = (dict, str)
    table.print_method = "_repr_e2b_data_"
    table.for_type_by_name("pandas", "DataFrame", _columns)
    table.for_type_by_name("pandas.core.frame", "DataFrame", _columns)
    display.formatters["e2b/data"] = table
    display.active_types = list(FORMATS)


def _plain_json(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _columns(table: Any) -> dict[str, list[Any]]:
    told = json.loads(table.to_json(orient="split", date_format="iso"))
    return {str(name): [row[i] for row in told["data"]] for i, name in enumerate(told["columns"])}
