# /// script
# requires-python = ">=3.11"
# dependencies = ["code-rewards[train]"]
# ///
"""Train a language model by GRPO to write programs that pass their tests.

A small model, made and trained on the CPU in a few minutes, nothing downloaded:

    python scripts/train_grpo.py --config configs/grpo_cpu_demo.yaml

A real model on a GPU:

    accelerate launch scripts/train_grpo.py --config configs/grpo_qwen_local.yaml

Every key of the YAML file can be given on the command line, which wins: --max_steps 50 --seed 1. `--help` lists them.
"""

import os
import sys
import time
import warnings

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the tokenizer's threads and a fork do not go together
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # every trainer of TRL's reports itself otherwise

from rewards import RewardError
from trainers.config import DEMO, parse_arguments


def main() -> None:
    """Run what the command line asks for, and say what came of it."""
    began = time.monotonic()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # about options that TRL sets
    try:
        run = parse_arguments()
        if run.data.dataset != DEMO:
            from trainers.grpo import train_grpo

            train_grpo(run)
            return
        from trainers.demo import run_demo

        summary = run_demo(run, say=lambda line: print(line, flush=True))
    except RewardError as error:
        sys.exit(f"error: {error}")
    rates, seconds = summary["held_out_pass_rate"], summary["seconds"]
    print(f"\nheld-out pass rate, {run.demo.held_out_exercises} prompts never trained on, sampled as in training:")
    print(f"  before GRPO           {rates['before']:6.1%}")
    print(f"  after GRPO            {rates['after']:6.1%}   ({seconds['grpo']:.0f} s, {summary['steps']} steps)")
    if "control" in rates:
        print(f"  more warm-up instead  {rates['control']:6.1%}   ({seconds['control']:.0f} s)")
    print(f"{time.monotonic() - began:.0f} s in all; reward curve and summary in {run.training.output_dir}")


if __name__ == "__main__":
    main()
