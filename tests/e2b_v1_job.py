"""Run a program and a cell in E2B sandboxes, with whatever SDK this interpreter has, and print what came of it as JSON.

Started by test_e2b_v1_pair.py in an environment of its own; the address and the key come from the environment.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout, whatever is installed

from rewards.records import CellStep, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep
from rewards.sandboxes.e2b_cloud import E2BSandbox

LIMITS = Limits(cpu_s=5.0, wall_s=20.0)
PROGRAM = Job(Program("print(2 * input())\n"), (ScriptStep("a"), ScriptStep("b")), LIMITS)
CELL = Job(Program("n = 6"), (CellStep("n * 7"),), LIMITS)


def shown(answer: JobResult | SandboxFailure) -> list[str]:
    """Return what each step gave, or why nothing is known."""
    if isinstance(answer, SandboxFailure):
        return [f"{answer.kind}: {answer.detail}"]
    return [run.stdout or str([dict(result.data) for result in run.results]) for run in answer.runs]


async def main() -> None:
    """Use a pool of two sandboxes once."""
    sandbox = E2BSandbox(max_sandboxes=2, creates_per_s=20, jobs_per_sandbox=1)
    try:
        await sandbox.start()
        found = {"program": shown(await sandbox.run(PROGRAM)), "cell": shown(await sandbox.run(CELL))}
        found["level"] = [sandbox.describe().level]
    finally:
        await sandbox.close()
    versions = {name: metadata.version(name) for name in ("e2b", "e2b-code-interpreter")}
    print(json.dumps({**found, "versions": versions}))


if __name__ == "__main__":
    asyncio.run(main())
