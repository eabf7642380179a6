"""The escape cases of the study that this sandbox grew out of, where they are present, as rows."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from .row import DISK, ERROR, GOOD, MEMORY, OUTPUT, SIGNAL, TIME, HostileRow

STUDY = Path(__file__).parents[3] / "shared" / "examples" / "escape_cases.py"

ENDS = {
    "ok": {GOOD},
    "error": {ERROR, MEMORY},
    "timeout": {TIME},
    "signal": {SIGNAL, MEMORY},
    "output_limit": {OUTPUT},
    "disk_limit": {DISK},
}
WATCHES = {
    "canary_file": "files_unchanged",
    "canary_proc": "canary_lives",
    "no_contact": "no_contact",
    "no_orphans": "no_orphans",
    "no_litter": "no_litter",
    "no_secret": "no_secret",
    "verdict_fail": "not_the_answer",
}
STOPPED_EARLIER = {"thread-raw"}
"""Cases that may also end with an error: they begin with memory that is shared without a file, which is refused."""
NAMES = {
    "FILE": "SECRET_FILE",
    "DIR": "OPEN_FOLDER",
    "PID": "CANARY_PID",
    "PORT": "TCP_PORT",
    "UDP": "UDP_PORT",
    "USOCK": "SOCKET_PATH",
    "ABS": "ABSTRACT_NAME",
    "NEEDLE": "NEEDLE_BACKWARDS",
}


def study_rows(path: Path = STUDY) -> tuple[HostileRow, ...]:
    """Return the cases in *path* as rows."""
    spec = importlib.util.spec_from_file_location("escape_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(_row(case) for case in module.CASES)


def _row(case: dict[str, Any]) -> HostileRow:
    want = case["want"]
    bounds = {word: float(rest) for word, _, rest in (check.partition("<") for check in want["host"]) if rest}
    words = {*(want["status"] or ()), *({"error"} if case["id"] in STOPPED_EARLIER else ())}
    ends = frozenset().union(*(ENDS[word] for word in words)) if want["status"] else None
    return HostileRow(
        "study-" + case["id"],
        case["tries"],
        case["code"],
        ends,
        tuple(WATCHES[check] for check in want["host"] if "<" not in check),
        memory_below_mb=bounds.get("rss"),
        output_below=int(bounds["out"]) if "out" in bounds else None,
        prints=want.get("must_print", ""),
        placeholders=NAMES,
    )
