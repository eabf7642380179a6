"""Evaluate many streamed samples twice: once in one go, and once killed on the way and gone on with.

    python scripts/bench_evaluation.py --samples 20000

Prints samples a second, the peak memory of the evaluating process, and whether both came to the same figures.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARK = "--worker"


def write_samples(path: Path, count: int) -> None:
    """Write *count* different problems with one program each, of which a fifth is wrong."""
    with open(path, "w") as file:
        for i in range(count):
            right = i if i % 5 else i + 1
            source = f"def answer(values):\n    # {i}\n    return sum(values) + {right}\n"
            tests = [
                {"type": "call", "function": "answer", "args": [[1, 2, k]], "expected": 3 + k + i} for k in range(3)
            ]
            row = {"task_id": f"t/{i}", "tests": json.dumps(tests), "completion": f"```python\n{source}```"}
            file.write(json.dumps(row) + "\n")


def work(dataset: str, folder: str) -> None:
    """Evaluate in this process, and print what it took as JSON."""
    from rewards import CodeReward, Limits
    from trainers.evaluation import EvaluationOptions, evaluate_dataset

    base_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.monotonic()
    with CodeReward(sandbox="local", limits=Limits(cpu_s=2, memory_mb=256)) as reward:
        reward.grade(completions=["print(1)"], expected_output=["1"])
        started = time.monotonic()
        options = EvaluationOptions(report=False, progress=False)
        found = evaluate_dataset(reward, dataset, output_dir=folder, options=options)
        seconds = time.monotonic() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"judged": found.summary["judged_now"], "s": seconds, "start s": started - began}
    print(json.dumps({**told, "base MB": base_mb, "peak MB": peak_mb, "verdicts": found.summary["verdicts"]}))


def start(dataset: Path, folder: Path) -> subprocess.Popen:
    """Start an evaluation in a process of its own."""
    return subprocess.Popen(
        [sys.executable, __file__, MARK, str(dataset), str(folder)], stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen) -> dict:
    """Return what an evaluation has printed at its end."""
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"the evaluation failed with {process.returncode}")
    return json.loads(out.splitlines()[-1])


def show(name: str, told: dict) -> None:
    """Print one line about an evaluation."""
    rate = told["judged"] / told["s"]
    print(f"{name:24} {told['judged']:7} judged in {told['s']:6.1f} s = {rate:6.0f}/s", end="")
    print(f", peak {told['peak MB']:.0f} MB ({told['base MB']:.0f} MB before)  {told['verdicts']}", flush=True)


def lines_of(path: Path) -> int:
    """Return how many results are on disk."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main() -> None:
    """Run both, and compare."""
    if sys.argv[1:2] == [MARK]:
        return work(*sys.argv[2:4])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--kill_at", type=float, default=0.6, help="share of the samples after which it is killed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-evaluation-") as folder:
        dataset, whole, killed = (Path(folder) / name for name in ("samples.jsonl", "whole", "killed"))
        write_samples(dataset, chosen.samples // 10)
        show("a tenth", finish(start(dataset, Path(folder) / "tenth")))
        write_samples(dataset, chosen.samples)
        first = finish(start(dataset, whole))
        show("all in one go", first)
        process = start(dataset, killed)
        results = killed / "results.jsonl"
        while lines_of(results) < chosen.kill_at * chosen.samples:
            time.sleep(0.2)
        process.kill()
        process.communicate()
        print(f"killed with {lines_of(results)} of {chosen.samples} on disk")
        again = finish(start(dataset, killed))
        show("gone on with", again)
        same = first["verdicts"] == again["verdicts"]
        print("the same figures" if same else "OTHER FIGURES")
        sys.exit(not same)


if __name__ == "__main__":
    main()
