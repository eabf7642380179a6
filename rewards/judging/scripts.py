"""Judge what a program left behind after it ran on its own: what it printed, and the files that it wrote."""

from __future__ import annotations

from collections.abc import Iterable

from ..cases import AppendedTest, FileTest, OutputTest, StdinTest
from ..comparison import Comparison
from ..grades import Verdict
from ..records import Ended, TestRun
from .comparison import compare_output
from .endings import Finding, early_end
from .excerpts import error_line, quoted

_LONGEST_LINE = 4096


def script_finding(test: StdinTest | OutputTest, run: TestRun, comparison: Comparison) -> Finding:
    """Judge output by comparison; where a checker decides, it is not known what it will say."""
    output = answered_output(test, run)
    if not isinstance(output, str):
        return output
    if isinstance(test, StdinTest) and test.checker is not None:
        return Verdict.UNJUDGED, "the checker has not said anything yet"
    return output_finding(output, (test.expected, *test.accepted), test.comparison or comparison)


def output_finding(output: str, right: Iterable[str], comparison: Comparison) -> Finding:
    """Compare *output* with each of the texts that are *right*; the reason is the first one's."""
    reasons = []
    for text in right:
        reason = compare_output(text, output, comparison)
        if reason is None:
            return Verdict.ACCEPTED, ""
        reasons.append(reason)
    others = f"; nor is it any of the {len(reasons) - 1} others that are right" if len(reasons) > 1 else ""
    return Verdict.WRONG_ANSWER, f"{reasons[0]}{others}"


def answered_output(test: StdinTest | OutputTest, run: TestRun) -> str | Finding:
    """Return the output to judge, from stdout or the file it has to be in; or why there is none."""
    stop = early_end(run, Ended.EXITED)
    if stop is not None:
        return stop
    if isinstance(test, OutputTest) or not test.output_file:
        return run.stdout
    return _text_in_file(test.output_file, run)


def file_finding(test: FileTest, run: TestRun, comparison: Comparison) -> Finding:
    """Judge the file that a program was to write; that it exists is enough where nothing more is expected."""
    stop = early_end(run, Ended.EXITED)
    if stop is not None:
        return stop
    if test.expected is None:
        found = any(file.path == test.path for file in run.files)
        return (Verdict.ACCEPTED, "") if found else _no_file(test.path)
    text = _text_in_file(test.path, run)
    if not isinstance(text, str):
        return text
    verdict, detail = output_finding(text, [test.expected], test.comparison or comparison)
    return verdict, f"in the file {quoted(test.path)}: {detail}" if detail else ""


def appended_finding(test: AppendedTest, run: TestRun) -> Finding:
    """Judge test code that ran behind the program: its token is the last thing printed, and nothing went wrong."""
    stop = early_end(run, Ended.EXITED)
    if stop is not None:
        is_assertion = run.ended is Ended.EXITED and "assert" in error_line(run.stderr).casefold()
        return (Verdict.WRONG_ANSWER, stop[1]) if is_assertion else stop
    if last_printed_line(run.stdout) == test.token:
        return Verdict.ACCEPTED, ""
    line = error_line(run.stderr)
    return Verdict.WRONG_ANSWER, "the program ended before its tests did" + (f": {line}" if line else "")


def last_printed_line(text: str) -> str:
    """Return the last line that is not blank, without white space around it; its end only, where it is long."""
    lines = text[-_LONGEST_LINE:].rstrip().splitlines()
    return lines[-1].strip() if lines else ""


def _text_in_file(path: str, run: TestRun) -> str | Finding:
    content = next((file.content for file in run.files if file.path == path), None)
    if content is None:
        return _no_file(path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        return Verdict.WRONG_ANSWER, f"the file {quoted(path)} is no UTF-8 text: byte {error.start} is not"


def _no_file(path: str) -> Finding:
    return Verdict.WRONG_ANSWER, f"wrote no file {quoted(path)}"
