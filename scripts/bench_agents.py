"""Seconds that a batch of rollouts takes in TRL's own loop, which runs tool calls one by one, and with parallel turns.

python scripts/bench_agents.py --rollouts 32 --turns 3

The model is scripted and writes in no time, so that what is measured are the calls, the chat template and the tokens.
"""

import argparse
import contextlib
import io
import logging
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the scripted trainer is a part of the tests

from scripted_trainer import says, scripted_trainer

from rewards import Interpreters
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from rewards.sandboxes.local import LocalSandbox
from trainers.environments import CodeInterpreterEnvironment
from trainers.environments.reward import AgentReward
from trainers.environments.rollouts import QuietEnvironment, Rollouts

SLEEP = "import time\ntime.sleep(0.05)"
COMPUTE = "import time\nend = time.process_time() + 0.02\nwhile time.process_time() < end: pass"
WORKLOADS: dict[str, tuple[Callable[[], Sandbox], str]] = {
    "a fake sandbox that answers after 50 ms": (
        lambda: FakeSandbox({}, sessions=FakeSessions(lambda source: "done", latency_s=0.05)),
        SLEEP,
    ),
    "local, calls that sleep 50 ms": (lambda: LocalSandbox(slots=2), SLEEP),
    "local, as many slots as rollouts": (lambda: LocalSandbox(slots=32), SLEEP),
    "local, calls of 20 ms CPU": (lambda: LocalSandbox(slots=2), COMPUTE),
}


def even(completions: list[Any], **columns: Any) -> list[float]:
    """Return the same score for everybody: nothing is learned here."""
    return [0.0] * len(completions)


def seconds(sandbox: Sandbox, code: str, *, rollouts: int, turns: int, steps: int, is_parallel: bool) -> list[float]:
    """Return how long the turns of each batch took, the first left out: it starts what later ones find ready."""
    with Interpreters(sandbox) as interpreters, tempfile.TemporaryDirectory() as folder:
        environment = partial(CodeInterpreterEnvironment, interpreters=interpreters)
        parts: dict[str, Any] = {"environment_factory": environment}
        if is_parallel:
            parts = {"environment_factory": partial(QuietEnvironment, environment), "rollout_func": Rollouts(turns)}
        trainer = scripted_trainer(
            lambda task, i, turn: says("", code) if turn < turns else says("done"),
            folder,
            tasks=rollouts,
            rewards=AgentReward(even),
            per_device_eval_batch_size=rollouts,
            num_generations_eval=1,
            max_tool_calling_iterations=turns,
            max_completion_length=2048,
            **parts,
        )
        for _ in range(steps + 1):
            with contextlib.redirect_stdout(io.StringIO()):
                trainer.evaluate(eval_dataset=trainer.train_dataset)
        return list(trainer.generation_s[1:])


def main() -> None:
    """Print a row for each workload."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3, help="turns with one call each")
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{arguments.rollouts} rollouts of {arguments.turns} calls, seconds a batch (median of {arguments.steps})")
    print(f"{'':42}{'serial':>8}{'parallel':>10}{'ratio':>8}")
    for name, (make, code) in WORKLOADS.items():
        serial, parallel = (
            statistics.median(seconds(make(), code, **vars(arguments), is_parallel=is_parallel))
            for is_parallel in (False, True)
        )
        print(f"{name:42}{serial:8.2f}{parallel:10.2f}{serial / parallel:8.1f}", flush=True)


if __name__ == "__main__":
    main()
