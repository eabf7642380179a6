"""What a model reads of a call: text, whatever happened, and no longer than there is room for."""

from __future__ import annotations

from collections.abc import Callable

from rewards import Limits
from rewards.records import Ended, RichResult, SandboxFailure, TestRun

NO_OUTPUT = "(no output)"
RESTARTED = "The interpreter was restarted: variables, imports and files are as they were in the beginning."
NO_INTERPRETER = "[no interpreter can be had; answer without running code]"
NO_TIME = "[not run: the calls have used up their time; answer without running code]"
NO_ROOM = "[not run: no room is left for a result]"
LEFT_OUT = "[...]"
"""A result of which nothing is left."""
_ENDED_OTHERWISE = "[stopped: it ended the process of the interpreter]"


def text_of_run(run: TestRun, limits: Limits, *, restarts: bool = True) -> str:
    """Return what *run* printed and showed, and how it ended where that is not of itself.

    *restarts* says whether an end by a limit takes the state with it.
    """
    shown = [_shown(result) for result in run.results]
    parts = [part.strip("\n") for part in (run.stdout, *shown, run.stderr)]
    ending = _ending(run, limits)
    if ending:
        parts.append(ending)
        if restarts and not keeps_state(run):
            parts.append(RESTARTED)
    return "\n".join(part for part in parts if part) or NO_OUTPUT


def keeps_state(run: TestRun) -> bool:
    """Say whether the next cell finds what this one left."""
    return run.ended in (Ended.RETURNED, Ended.RAISED, Ended.EXITED)


def text_of_failure(failure: SandboxFailure) -> str:
    """Return what to say where nothing is known about a call; the detail is for people, not for a model."""
    return f"[the call was lost: {failure.kind}] {NO_INTERPRETER}"


def cut(text: str, limit_chars: int) -> str:
    """Return *text*, or its beginning and its end with a line between them that says how much was left out."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate would end the run in the tokenizer
    if len(text) <= limit_chars:
        return text
    kept = limit_chars - len(_left_out(len(text)))
    if kept < 2:
        return _left_out(len(text)).strip("\n")[: max(0, limit_chars)]
    head = (kept + 1) // 2
    return text[:head] + _left_out(len(text) - kept) + text[len(text) - (kept - head) :]


def longest_fitting(text: str, fits: Callable[[str], bool]) -> str | None:
    """Return *text*, cut as little as makes it fit; None where not even a note that something was left out does."""
    if fits(text):
        return text
    low, high = len(_left_out(len(text)).strip("\n")), len(text) - 1
    if high <= low or not fits(cut(text, low)):
        return None
    while high - low > max(8, low // 32):  # near enough, for a handful of tokenizations
        middle = (low + high) // 2
        low, high = (middle, high) if fits(cut(text, middle)) else (low, middle)
    return cut(text, low)


def _left_out(count: int) -> str:
    return f"\n[... {count} characters left out ...]\n"


def _shown(result: RichResult) -> str:
    formats = dict(result.data)
    return formats.get("text") or f"[shown: {', '.join(formats)}]"


def _ending(run: TestRun, limits: Limits) -> str:
    if run.ended is Ended.EXITED:
        return f"[exit code {run.exit_code}]" if run.exit_code else ""
    limit = {
        Ended.RETURNED: "",
        Ended.RAISED: "",
        Ended.CPU_LIMIT: f"[stopped: too much CPU time; {limits.cpu_s:g} s a call, {limits.job_cpu_s:g} s in all]",
        Ended.WALL_LIMIT: f"[stopped: it took longer than {limits.wall_limit_s:g} s]",
        Ended.MEMORY_LIMIT: f"[stopped: it needed more than {limits.memory_mb} MB of memory]",
        Ended.OUTPUT_LIMIT: f"[stopped: it printed more than {limits.output_kb} KB]",
        Ended.DISK_LIMIT: f"[stopped: it wrote more than {limits.disk_mb} MB of files]",
    }
    return limit.get(run.ended, _ENDED_OTHERWISE)
