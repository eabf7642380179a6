"""Programs that are only run, one a row, with the outcome that another runner saw: exit code 0, an error, or the clock.

A row's `language` may name a way to run programs that is no language of ours (`jest`, `go_test`); such rows are counted
and not run, as are those in a language whose tool is not on this machine.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewards.languages import canonical_language
from rewards.records import AssertStep, Ended, File, Job, Limits, Program, SandboxFailure, ScriptStep
from rewards.records import TestRun as Run
from rewards.sandboxes.base import Sandbox

Row = dict[str, Any]
DEFAULT_S = 10
_TIMEOUTS = (Ended.CPU_LIMIT, Ended.WALL_LIMIT)


@dataclass(frozen=True)
class Report:
    """What became of one row."""

    id: str
    language: str
    left_out: str = ""
    """Why the row was not run."""
    disagreement: str = ""
    output: str = ""
    """What the program should have printed as well, and did not."""


def job_of(row: Row) -> Job:
    """Return the job of a row; a file of pytest's is run by pytest, beside a program that does nothing."""
    seconds = row["timeout_s"] or DEFAULT_S
    limits = Limits(cpu_s=seconds, wall_s=seconds)
    if row["language"] == "pytest":
        return Job(Program("pass"), (AssertStep(row["completion"], framework="pytest"),), limits)
    files = tuple(File(path, content.encode()) for path, content in row["files"].items())
    step = ScriptStep(row["stdin"] or "", files=files)
    return Job(Program(row["completion"], canonical_language(row["language"])), (step,), limits)


def outcome(run: Run) -> str:
    """Return the outcome in the words of the rows."""
    if run.ended in _TIMEOUTS:
        return "timeout"
    return "pass" if run.ended is Ended.RETURNED or run.exit_code == 0 else "error"


def missing_output(detail: Mapping[str, Any], run: Run) -> str:
    """Return what *run* should have printed as well, by the assertions that the row tells of."""
    printed = {"stdout": run.stdout, "stderr": run.stderr, "stdout.strip()": run.stdout.strip()}
    if "equals" in detail:
        name, text = detail["equals"]
        if printed[name.removeprefix("result.run_result.")] != text:
            return f"{text!r} as its {name.removeprefix('result.run_result.')}, printed {run.stdout[-60:]!r}"
    missing = [f"{text!r} in {name}" for name, text in detail.get("contains", ()) if text not in printed[name]]
    return f"{', '.join(missing)}, printed {(run.stdout + run.stderr)[-60:]!r}" if missing else ""


async def report(row: Row, sandbox: Sandbox) -> Report:
    """Run a row's program and compare what happened with what is known."""
    result = await sandbox.run(job_of(row))
    if isinstance(result, SandboxFailure):
        if result.kind == "unsupported":
            return Report(row["id"], row["language"], left_out=result.detail)
        return Report(row["id"], row["language"], disagreement=f"the sandbox failed: {result.kind}: {result.detail}")
    run = result.runs[0]
    found = outcome(run)
    last_words = " ".join((run.stderr or run.stdout).split())[-160:]
    text = f"expected {row['expected']}, got {found} ({run.ended.value}, exit code {run.exit_code}): {last_words!r}"
    disagreement = "" if found == row["expected"] else text
    output = "" if disagreement else missing_output(row["expected_detail"], run)
    return Report(row["id"], row["language"], disagreement=disagreement, output=output)


async def reports_on(rows: list[Row], sandbox: Sandbox) -> list[Report]:
    """Run all rows, as many at a time as the sandbox takes."""
    try:
        await sandbox.start()
        return await asyncio.gather(*(report(row, sandbox) for row in rows))
    finally:
        await sandbox.close()


def run_known(path: Path, sandbox: Sandbox) -> float:
    """Print every disagreement and what was left out; return the share that agrees of the rows that were run."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    reports = asyncio.run(reports_on(rows, sandbox))
    for each in reports:
        if each.disagreement or each.output:
            print(f"  {each.id}: {each.disagreement or f'should print {each.output}'}")
    for (language, why), count in sorted(Counter((each.language, each.left_out) for each in reports).items()):
        if why:
            print(f"  {count} in {language} not run: {why}")
    ran = [each for each in reports if not each.left_out]
    agreed = sum(not each.disagreement for each in ran)
    printed = sum(not each.disagreement and not each.output for each in ran)
    languages = len({each.language for each in ran})
    counts = f"{len(ran)} of {len(reports)} rows run, in {languages} languages, {agreed} agree"
    print(f"{path.stem}: {counts} ({agreed / len(ran):.2%}), {printed} in what they print as well", flush=True)
    return agreed / len(ran)
