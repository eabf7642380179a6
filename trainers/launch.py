"""What the training scripts do with their command line."""

from __future__ import annotations

import os
import sys
import time
import warnings
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the tokenizer's threads and a fork do not go together
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # every trainer of TRL's reports itself otherwise

from rewards import RewardError

from .arguments import DEMO, RunArguments
from .config import parse_arguments
from .training import train


def main(method: str) -> None:
    """Run what the command line asks for, by *method*, and say what came of it; an error of the user's is one line."""
    began = time.monotonic()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # about options that TRL sets
    try:
        run = parse_arguments(method=method)
        if run.data.dataset != DEMO:
            train(run)
            return
        from .demo import run_demo

        summary = run_demo(run, say=_say)
    except RewardError as error:
        sys.exit(f"error: {error}")
    _show(run, summary)
    _say(f"{time.monotonic() - began:.0f} s in all; reward curve and summary in {run.training.output_dir}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what a script is for


def _show(run: RunArguments, summary: dict[str, Any]) -> None:
    rates, seconds, name = summary["held_out_pass_rate"], summary["seconds"], run.method.upper()
    _say(f"\nheld-out pass rate, {run.demo.held_out_exercises} prompts never trained on, sampled as in training:")
    _say(f"  before {name:12} {rates['before']:7.1%}")
    _say(f"  after {name:12}  {rates['after']:7.1%}   ({seconds[run.method]:.0f} s, {summary['steps']} steps)")
    if "control" in rates:
        _say(f"  more warm-up instead {rates['control']:6.1%}   ({seconds['control']:.0f} s)")
