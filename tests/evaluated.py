"""Started by tests of evaluations: grades a file of samples into a folder, slowly enough to be killed on the way."""

from __future__ import annotations

import sys

from rewards import CodeReward, Extraction
from rewards.records import Job
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions, evaluate_dataset


def answer(job: Job) -> str:
    """Return what a program `print(n)` prints."""
    return job.program.source.strip().removeprefix("print(").removesuffix(")")


def graded(dataset: str, folder: str, *, latency_s: float = 0.0, batch_size: int = 16):
    """Evaluate with programs that are looked up, not run."""
    sandbox = FakeSandbox(answer, latency_s=latency_s, capacity=8)
    with CodeReward(sandbox=sandbox, extraction=Extraction(allow_bare=True)) as reward:
        found = evaluate_dataset(
            reward,
            dataset,
            output_dir=folder,
            labels=("difficulty",),
            options=EvaluationOptions(batch_size=batch_size, report=False, progress=False),
        )
    return found, len(sandbox.jobs)


if __name__ == "__main__":
    graded(sys.argv[1], sys.argv[2], latency_s=0.01)
