"""What the way in which a run ended says about the program, before anything it answered is looked at."""

from __future__ import annotations

import signal
from collections.abc import Callable

from ..grades import Verdict
from ..records import Ended, TestRun
from .excerpts import error_line, first_error_line

Finding = tuple[Verdict, str]

_STOPPED = {
    Ended.CPU_LIMIT: Verdict.TIME_LIMIT_EXCEEDED,
    Ended.WALL_LIMIT: Verdict.TIME_LIMIT_EXCEEDED,
    Ended.MEMORY_LIMIT: Verdict.MEMORY_LIMIT_EXCEEDED,
    Ended.OUTPUT_LIMIT: Verdict.OUTPUT_LIMIT_EXCEEDED,
    Ended.DISK_LIMIT: Verdict.OUTPUT_LIMIT_EXCEEDED,
    Ended.NOT_RUN: Verdict.SKIPPED,
}
_WORDS = {
    Ended.CPU_LIMIT: "out of CPU time",
    Ended.WALL_LIMIT: "out of time by the clock",
    Ended.MEMORY_LIMIT: "out of memory",
    Ended.OUTPUT_LIMIT: "printed or returned too much",
    Ended.DISK_LIMIT: "wrote too much to disk",
    Ended.NOT_RUN: "not run",
}


def early_end(run: TestRun, wanted: Ended) -> Finding | None:
    """Return the verdict on a run that did not end as a right one does, None for one that did."""
    if run.ended is Ended.WALL_LIMIT and run.starved:
        return Verdict.UNJUDGED, "out of time, because other work kept the CPU from the program"
    if run.ended in _STOPPED:
        return _STOPPED[run.ended], _WORDS[run.ended]
    if run.ended is wanted and run.ended is not Ended.EXITED:
        return None
    explain = _EXPLAINED.get(run.ended)
    if explain is None or (run.ended is Ended.FAILED and wanted is Ended.EXITED):
        return Verdict.UNJUDGED, f"the sandbox reported {run.ended.value!r}, which this step cannot end as"
    return explain(run, wanted)


def _exited(run: TestRun, wanted: Ended) -> Finding | None:
    if run.exit_code is None:
        return Verdict.UNJUDGED, "the sandbox reported an exit without an exit code"
    if wanted is Ended.EXITED and run.exit_code == 0:
        return None
    before = "" if wanted is Ended.EXITED else " before it answered"
    return Verdict.RUNTIME_ERROR, _joined(f"exited with code {run.exit_code}{before}", run)


def _raised(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.RUNTIME_ERROR, _joined("raised", run)


def _failed(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.WRONG_ANSWER, _joined("the assertion failed", run)


def _signalled(run: TestRun, wanted: Ended) -> Finding:
    return Verdict.RUNTIME_ERROR, _joined(f"killed by {_signal_name(run.signal)}", run)


def _not_compiled(run: TestRun, wanted: Ended) -> Finding:
    line = first_error_line(run.stderr)
    return Verdict.RUNTIME_ERROR, f"does not compile: {line}" if line else "does not compile"


_EXPLAINED: dict[Ended, Callable[[TestRun, Ended], Finding | None]] = {
    Ended.EXITED: _exited,
    Ended.RAISED: _raised,
    Ended.FAILED: _failed,
    Ended.SIGNALLED: _signalled,
    Ended.NOT_COMPILED: _not_compiled,
}


def _signal_name(number: int | None) -> str:
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def _joined(what: str, run: TestRun) -> str:
    line = error_line(run.stderr)
    return f"{what}: {line}" if line else what
