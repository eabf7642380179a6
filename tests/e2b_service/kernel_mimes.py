"""What the template adds to a kernel's IPython: a table's data beside its picture, and lists and dicts as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from IPython.core.formatters import BaseFormatter, DisplayFormatter
from traitlets import ObjectName, Unicode


class TableFormatter(BaseFormatter):
    """A DataFrame as a dict of columns."""

    format_type = Unicode("e2b/data")
    print_method = ObjectName("_repr_e2b_data_")
    _return_type = (dict, str)

    def __call__(self, shown: Any) -> Any:
        """Return the columns of *shown*, or nothing when it is no table; pandas is not imported to find out."""
        pandas = sys.modules.get("pandas")
        if pandas is None or not isinstance(shown, pandas.DataFrame):
            return super().__call__(shown)
        columns = json.loads(shown.to_json(orient="split", date_format="iso"))
        values = zip(*columns["data"], strict=True) if columns["data"] else [()] * len(columns["columns"])
        return {str(name): list(column) for name, column in zip(columns["columns"], values, strict=True)}


class JsonFormatter(BaseFormatter):
    """A list or dict as itself, where JSON can hold it."""

    format_type = Unicode("application/json")
    print_method = ObjectName("_repr_json_")
    _return_type = (list, dict)

    def __call__(self, shown: Any) -> Any:
        """Return *shown* as JSON has it."""
        if isinstance(shown, list | dict):
            try:
                return json.loads(json.dumps(shown, allow_nan=False))
            except (TypeError, ValueError, RecursionError):
                return None
        return super().__call__(shown)


def install(display: DisplayFormatter) -> None:
    """Let *display* make these as well."""
    for formatter in (TableFormatter(parent=display), JsonFormatter(parent=display)):
        display.formatters[formatter.format_type] = formatter
