"""Run the CPU demo with several seeds, each beside its control, and print what was learned.

python scripts/demo_figures.py --seeds 0 1 2 3
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[1]


def run_seed(seed: int, options: list[str]) -> dict[str, float]:
    """Return the pass rates of one run, and its seconds without those of its control."""
    output = ROOT / f"runs/demo_figures/seed{seed}"
    command = [sys.executable, "scripts/train_grpo.py", "--config", "configs/grpo_cpu_demo.yaml", "--seed", str(seed)]
    command += ["--output_dir", str(output), "--control", "true", "--disable_tqdm", "true", *options]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"seed {seed} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    summary = json.loads((output / "summary.json").read_text())
    seconds = summary["seconds"]
    run_s = time.monotonic() - began - seconds["control"]
    return {**summary["held_out_pass_rate"], "run s": run_s, "grpo s": seconds["grpo"], "ctrl s": seconds["control"]}


def line(name: object, values: dict[str, float]) -> str:
    """Return one line of the table: rates as percentages, times in seconds."""
    return f"{name:>4}  " + "  ".join(f"{v:7.0f}" if k.endswith(" s") else f"{v:7.1%}" for k, v in values.items())


def main() -> None:
    """Print one line a seed and the means; exit with 1 where the demo does not learn as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    chosen, options = parser.parse_known_args()
    rows = []
    for seed in chosen.seeds:
        rows.append(run_seed(seed, options))
        if len(rows) == 1:
            print("seed  " + "  ".join(f"{name:>7}" for name in rows[0]))
        print(line(seed, rows[-1]), flush=True)
    means = {name: mean(row[name] for row in rows) for name in rows[0]}
    print(line("mean", means))
    learns = 0.1 <= means["before"] <= 0.4 and means["after"] >= max(0.75, 2 * means["before"], means["control"])
    print("learns as promised" if learns else "DOES NOT LEARN AS PROMISED")
    sys.exit(not learns)


if __name__ == "__main__":
    main()
