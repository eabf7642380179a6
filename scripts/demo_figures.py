"""Run the CPU demos with several seeds each, and print what was learned and where the time of a step went.

python scripts/demo_figures.py --seeds 0 1 2
python scripts/demo_figures.py --demos grpo agent
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[1]
PPO_PYTHON = ROOT / ".venv-trl-ppo/bin/python"
RATES = ("before", "after", "control", "other data")
PHASES = ("generation", "reward", "update")
_LEAST_GAIN = 0.3


@dataclass(frozen=True)
class Demo:
    """A run on the CPU, and what it promises."""

    script: str
    config: str
    before: tuple[float, float] = (0.1, 0.4)
    """The lowest and the highest mean rate that leaves something to learn, and something to learn from."""
    after: float = 0.75
    """The lowest mean rate at the end."""
    options: tuple[str, ...] = ()
    python: Path = Path(sys.executable)

    def keeps_its_promise(self, means: dict[str, float]) -> bool:
        """Whether the model learned, more than by what its run is compared with."""
        lowest, highest = self.before
        least = max(self.after, means["before"] + _LEAST_GAIN, means.get("control", 0.0))
        return lowest <= means["before"] <= highest and means["after"] >= least and means.get("other data", 0.0) <= 0.1


DEMOS = {
    "grpo": Demo("scripts/train_grpo.py", "configs/grpo_cpu_demo.yaml", options=("--control", "true")),
    "rloo": Demo("scripts/train_rloo.py", "configs/rloo_cpu_demo.yaml", after=0.6),
    "agent": Demo("scripts/train_grpo.py", "configs/grpo_agent_cpu_demo.yaml"),
    "ppo": Demo("scripts/train_ppo.py", "configs/ppo_cpu_demo.yaml", after=0.5, python=PPO_PYTHON),
}


def figures_of(name: str, seed: int, options: list[str]) -> dict[str, float]:
    """Return the rates of one run, the seconds of its steps, and its seconds in all but those of its control."""
    demo, output = DEMOS[name], ROOT / f"runs/demo_figures/{name}_seed{seed}"
    command = [str(demo.python), demo.script, "--config", demo.config, "--seed", str(seed), "--output_dir", str(output)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--disable_tqdm", "true", *demo.options, *options], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{name}, seed {seed} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    run_s = time.monotonic() - began
    summary = json.loads((output / "summary.json").read_text())
    rates, phases = summary["held_out_pass_rate"], summary.get("seconds_per_step", {})
    found = {column: rates[column] for column in RATES if column in rates}
    found |= {f"{phase} s": phases[phase] for phase in PHASES if phase in phases}
    return found | {"run s": run_s - summary["seconds"].get("control", 0.0)}


def cells(found: dict[str, float]) -> Iterator[str]:
    """Give the cells of one row: rates as percentages, seconds to as many places as they deserve."""
    for column in (*RATES, *(f"{phase} s" for phase in PHASES), "run s"):
        if column not in found:
            yield "-"
        elif column in RATES:
            yield f"{found[column]:.1%}"
        else:
            yield f"{found[column]:.{0 if column == 'run s' else 2}f}"


def show(name: str, row: object, values: list[str]) -> None:
    """Print one row of the table."""
    print(f"| {name:5} | {row!s:4} | " + " | ".join(f"{value:>12}" for value in values) + " |", flush=True)


def learned(name: str, seeds: list[int], options: list[str]) -> bool:
    """Print a line a seed and the means, and say whether the demo learned as promised."""
    rows = []
    for seed in seeds:
        rows.append(figures_of(name, seed, options))
        show(name, seed, list(cells(rows[-1])))
    means = {column: mean(row[column] for row in rows) for column in rows[0]}
    show(name, "mean", list(cells(means)))
    return DEMOS[name].keeps_its_promise(means)


def main() -> None:
    """Print the table; exit with 1 where a demo does not learn as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--demos", nargs="+", choices=DEMOS, default=list(DEMOS))
    chosen, options = parser.parse_known_args()
    missing = [name for name in chosen.demos if not DEMOS[name].python.exists()]
    columns = [*RATES, *(f"{phase} s" for phase in PHASES), "run s"]
    show("demo", "seed", columns)
    print("|---|---|" + "---|" * len(columns))
    failed = [name for name in chosen.demos if name not in missing and not learned(name, chosen.seeds, options)]
    for name in missing:
        print(f"left out: {name}, which needs the environment {DEMOS[name].python.relative_to(ROOT).parents[1]}")
    print(f"DO NOT LEARN AS PROMISED: {', '.join(failed)}" if failed else "all learn as promised")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
