"""A job whose answer is known: where it fails, the sandbox is at fault and not the program before it."""

from __future__ import annotations

from ..records import Ended, Job, JobResult, Limits, Program, SandboxFailure, ScriptStep

WORDS = "still singing"

CANARY = Job(Program("print(input())\n"), (ScriptStep(WORDS + "\n"),), Limits(cpu_s=5.0, job_cpu_s=5.0))


def is_healthy(answer: JobResult | SandboxFailure) -> bool:
    """Say whether *answer* is what the canary job prints in a sandbox that works."""
    if isinstance(answer, SandboxFailure) or len(answer.runs) != 1:
        return False
    run = answer.runs[0]
    return run.ended is Ended.EXITED and run.exit_code == 0 and run.stdout.strip() == WORDS
