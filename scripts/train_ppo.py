# /// script
# requires-python = ">=3.11"
# dependencies = ["code-rewards[train]", "trl==1.12.0", "requests"]
# ///
"""Train a language model by PPO to write programs that pass their tests.

TRL 1.12.0 is the last one with PPO, so this needs an environment of its own:

    python3 -m venv .venv-trl-ppo
    .venv-trl-ppo/bin/python -m pip install -e ".[train]" trl==1.12.0 requests

A small model, made and trained on the CPU in a few minutes, nothing downloaded:

    .venv-trl-ppo/bin/python scripts/train_ppo.py --config configs/ppo_cpu_demo.yaml

A real model on a GPU:

    accelerate launch scripts/train_ppo.py --config configs/ppo_qwen_local.yaml

Every key of the YAML file can be given on the command line, which wins: --max_steps 50 --seed 1. `--help` lists them;
`--dry_run true` tries everything but the training. `train_rloo.py` takes the same file without its part for PPO alone.
"""

from trainers.launch import main

if __name__ == "__main__":
    main("ppo")
