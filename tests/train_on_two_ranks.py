"""Started by torchrun on two ranks: `train_on_two_ranks.py STORY FOLDER`; each rank writes what it has seen.

A story is what the sandbox of the second rank does, step by step.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tiny_policy import grpo_trainer
from transformers import TrainerCallback

from rewards import CodeReward, Extraction
from rewards.records import Job, SandboxFailure
from rewards.reports.listening import GradedBatch
from rewards.sandboxes.e2b_cloud.options import E2BOptions
from rewards.sandboxes.e2b_cloud.shares import find_rank, share_of
from rewards.sandboxes.fake import FakeSandbox
from rewards.sandboxes.local import LocalSandbox
from rewards.scoring import all_passed
from trainers.arguments import RewardArguments
from trainers.reward import build_reward
from trainers.stopping import stopping_together

RANK = int(os.environ["RANK"])
DDP_TIMEOUT_S = 24
LOST = SandboxFailure("died", "this rank has lost its sandbox", retryable=False)
TESTS = json.dumps([{"type": "stdin", "input": "1\n", "output": "1\n"}])
COLUMNS = {"prompt": [f"print one, {i}: " for i in range(4)], "tests": [TESTS] * 4}
STORIES = {
    "sandbox": ("works", "is lost", "hangs", "works", "is lost", "is lost", "is lost", "is never reached"),
    "scorer": ("works", "is scored by a bug", "is never reached"),
}


class Sandbox(FakeSandbox):
    """Takes any text for a program that prints 1 or 2, as its length is, and has moods on the second rank."""

    mood = "works"

    def __init__(self) -> None:
        super().__init__(self._word, latency_s=lambda job: float("inf") if self.mood == "hangs" else 0.0)

    def _word(self, job: Job) -> str | SandboxFailure:
        return LOST if self.mood == "is lost" else str(1 + len(job.program.source) % 2)


class Telling(TrainerCallback):
    """Changes the sandbox's mood as the story says, and writes down what is seen, step by step."""

    def __init__(self, sandbox: Sandbox, story: tuple[str, ...], folder: Path) -> None:
        self.sandbox, self.story, self.folder = sandbox, story, folder
        self.scores: list[list[float | None]] = []
        self.seconds: list[float] = []

    def see(self, batch: GradedBatch) -> None:
        self.scores.append(batch.grade.scores)
        self.seconds.append(batch.ended_s - batch.began_s)

    def on_step_begin(self, args, state, control, **kwargs):
        if RANK == 1:
            self.sandbox.mood = self.story[state.global_step]

    def on_log(self, args, state, control, **kwargs):
        seen = {
            "scores": self.scores,
            "seconds": self.seconds,
            "slots": LocalSandbox().capacity,
            "e2b": share_of(E2BOptions(max_sandboxes=9), find_rank()).max_sandboxes,
            "history": [entry for entry in state.log_history if "reward" in entry],
        }
        (self.folder / f"rank{RANK}.json").write_text(json.dumps(seen))


def reward_of(sandbox: Sandbox) -> CodeReward:
    """Return the reward that a YAML without any word on it has, but for its sandbox."""

    def score(tests) -> float | None:
        return 1 / 0 if sandbox.mood == "is scored by a bug" else all_passed(tests)

    with build_reward(RewardArguments(sandbox="local"), ddp_timeout_s=DDP_TIMEOUT_S, ranks=2) as plain:
        return plain.but(sandbox=sandbox, scoring=score, extraction=Extraction(allow_unparsed=True))


def start_local_sandbox() -> CodeReward:
    """Return a reward whose real sandbox has started: nothing of it may be left, however the story ends."""
    reward = CodeReward(sandbox="local", name="real")
    assert reward(prompts=[""], completions=["```python\nprint(1)\n```"], tests=[TESTS]) == [1.0]
    return reward


def main(story: str, folder: Path) -> None:
    """Train as *story* goes."""
    sandbox = Sandbox()
    telling = Telling(sandbox, STORIES[story], folder)
    with reward_of(sandbox) as reward, start_local_sandbox():
        reward.listen(telling.see)
        options = {"per_device_train_batch_size": 2, "num_generations": 4, "ddp_timeout": DDP_TIMEOUT_S}
        trainer = grpo_trainer(reward, COLUMNS, str(folder), steps=len(STORIES[story]), **options)
        trainer.add_callback(telling)
        trainer.train()


if __name__ == "__main__":
    with stopping_together():
        main(sys.argv[1], Path(sys.argv[2]))
