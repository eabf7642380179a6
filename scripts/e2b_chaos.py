"""Let everything go wrong that can at a stand-in of E2B, and count what becomes of completions whose score is known.

python scripts/e2b_chaos.py
python scripts/e2b_chaos.py --completions 500 --seed 7

Runs from a checkout and needs no account. Afterwards a second process is killed in its middle.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests")]  # the service and the known completions are there

from e2b_chaos.killing import kill_in_the_middle  # noqa: E402 - needs the line above
from e2b_chaos.run import Plan, run_chaos  # noqa: E402


def main() -> int:
    """Return 0 when no score was wrong, nothing was late and nothing is left, else 1."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=plan.completions)
    parser.add_argument("--sandboxes", type=int, default=plan.sandboxes)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--strength", type=float, default=plan.strength, help="multiplies how often faults strike")
    plan = dataclasses.replace(plan, **vars(parser.parse_args()))
    figures = run_chaos(plan)
    print(figures, flush=True)
    aftermath = kill_in_the_middle(plan)
    print(aftermath)
    return 0 if figures.is_good and aftermath.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
