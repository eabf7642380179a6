# /// script
# requires-python = ">=3.11"
# dependencies = ["code-rewards[train]"]
# ///
"""Train a language model by GRPO to write programs that pass their tests.

A small model, made and trained on the CPU in a few minutes, nothing downloaded:

    python scripts/train_grpo.py --config configs/grpo_cpu_demo.yaml

A real model on a GPU:

    accelerate launch scripts/train_grpo.py --config configs/grpo_qwen_local.yaml

Every key of the YAML file can be given on the command line, which wins: --max_steps 50 --seed 1. `--help` lists them;
`--dry_run true` tries everything but the training.
"""

from trainers.launch import main

if __name__ == "__main__":
    main("grpo")
