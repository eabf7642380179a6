"""The limits that a row asks for: `cpu_s`, `wall_s`, `time_limit`, `memory_mb`, `memory_limit`, `memory_limit_bytes`.

`time_limit` is seconds, text with a unit ("2 seconds", "500 ms"), or `{"seconds", "nanos"}` (CodeContests);
`memory_limit` is MB or text with a unit ("256 megabytes"). A number too large to be megabytes is taken for bytes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError, DatasetError
from ..records import Limits
from .fields import number_of, present, refuse_unknown

MIN_MEMORY_MB = 64
"""An interpreter needs about as much before the first line of a program; a contest's limit was made for C++."""
_MAX_SECONDS = 3600.0
_MAX_MB = float(1 << 20)
_LIMIT_NAMES = tuple(field.name for field in dataclasses.fields(Limits))
_WHOLE = ("memory_mb", "output_kb", "processes", "disk_mb")
_AMOUNT = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{0,15})?)\s*([a-z]*)\.?\s*")
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0}
_SECONDS |= {"ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3}
_MB = {"": 1.0, "mb": 1.0, "mib": 1.0, "m": 1.0, "megabyte": 1.0, "megabytes": 1.0, "gb": 1024.0, "gib": 1024.0}
_MB |= {"gigabyte": 1024.0, "gigabytes": 1024.0, "kb": 1 / 1024, "kib": 1 / 1024, "kilobytes": 1 / 1024}
_MB |= {"b": 2.0**-20, "byte": 2.0**-20, "bytes": 2.0**-20}


def limits_of_columns(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what the row's own columns say, as fields of `Limits`."""
    found: dict[str, float] = {}
    if "time_limit" in row and (seconds := _seconds(row["time_limit"])) is not None:
        found["cpu_s"] = seconds
    if "cpu_s" in row:
        found["cpu_s"] = number_of(row["cpu_s"], "column 'cpu_s'", above=0, up_to=_MAX_SECONDS)
    if "wall_s" in row:
        found["wall_s"] = number_of(row["wall_s"], "column 'wall_s'", above=0, up_to=_MAX_SECONDS)
    if "memory_limit" in row and (megabytes := _megabytes(row["memory_limit"])) is not None:
        found["memory_mb"] = megabytes
    if "memory_limit_bytes" in row and (size := _bytes(row["memory_limit_bytes"])) is not None:
        found["memory_mb"] = size / 2**20
    if "memory_mb" in row:
        found["memory_mb"] = number_of(row["memory_mb"], "column 'memory_mb'", above=0, up_to=_MAX_MB)
    return found


def limits_of_object(value: Mapping[str, Any], what: str) -> dict[str, float]:
    """Return the fields of `Limits` that an object in our own schema sets."""
    refuse_unknown(value, _LIMIT_NAMES, what)
    return {name: number_of(found, f"{what}, {name}", above=0, up_to=_MAX_MB) for name, found in value.items()}


def with_limits(limits: Limits, found: Mapping[str, float]) -> Limits:
    """Return *limits* with what a row found different; the total for a program is never below one test's share."""
    if not found:
        return limits
    changes: dict[str, Any] = {name: max(1, round(value)) if name in _WHOLE else value for name, value in found.items()}
    if "memory_mb" in changes:
        changes["memory_mb"] = max(MIN_MEMORY_MB, changes["memory_mb"])
    changes.setdefault("job_cpu_s", max(limits.job_cpu_s, changes.get("cpu_s", limits.cpu_s)))
    try:
        return dataclasses.replace(limits, **changes)
    except ConfigurationError as error:
        raise DatasetError(f"the row's limits: {error}") from None


def _seconds(value: object) -> float | None:
    what = "column 'time_limit'"
    if isinstance(value, Mapping):
        parts = present(value)
        refuse_unknown(parts, ("seconds", "nanos"), what)
        amounts = {name: number_of(part, f"{what}, {name}", above=-5e-324, up_to=1e9) for name, part in parts.items()}
        value = amounts.get("seconds", 0.0) + amounts.get("nanos", 0.0) * 1e-9
    return _amount(value, _SECONDS, what, up_to=_MAX_SECONDS)


def _megabytes(value: object) -> float | None:
    size = _amount(value, _MB, "column 'memory_limit'", up_to=_MAX_MB * 2**20)
    return size / 2**20 if size is not None and size > _MAX_MB else size


def _bytes(value: object) -> float | None:
    return _amount(value, {"": 1.0}, "column 'memory_limit_bytes'", up_to=_MAX_MB * 2**20)


def _amount(value: object, units: Mapping[str, float], what: str, *, up_to: float) -> float | None:
    """Return the amount; blank text and 0 mean that the source gave no limit."""
    if isinstance(value, str):
        if not value.strip():
            return None
        match = _AMOUNT.fullmatch(value[:100].lower())
        if match is None or match[2] not in units:
            raise DatasetError(
                f"{what}: {value[:40]!r} is not a number with a unit such as {', '.join(filter(None, units))}"
            )
        value = float(match[1]) * units[match[2]]
    return number_of(value, what, above=-5e-324, up_to=up_to) or None
