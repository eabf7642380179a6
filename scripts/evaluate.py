# /// script
# requires-python = ">=3.11"
# dependencies = ["code-rewards[train]"]
# ///
"""Grade completions for a data set with the reward of training: pass@k, every sample's verdict, and a report.

python scripts/evaluate.py data/HumanEval.jsonl.gz --samples samples.jsonl --output_dir runs/humaneval

python scripts/evaluate.py openai/openai_humaneval --model Qwen/Qwen2.5-Coder-1.5B-Instruct --output_dir runs/qwen

python scripts/evaluate.py compare runs/before runs/after

python scripts/evaluate.py validate data/mine.jsonl --output_dir runs/mine_checked
"""

from trainers.evaluation.command import main

if __name__ == "__main__":
    main()
