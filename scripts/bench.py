"""Measure the local sandbox against what others do, in one run: `python scripts/bench.py [--quick]`.

Every figure is a rate in programs (or call tests) a second, the median of interleaved rounds; trust the ratios.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rewards.records import CallStep, Job, Limits, Program, ScriptStep
from rewards.sandboxes.local import LocalSandbox

BASELINES = Path(__file__).with_name("bench_baselines.py")
LEVELS = ("A", "B")


def scripts(count: int) -> list[Job]:
    """Return jobs of one tiny program each, all different."""
    return [Job(Program(f"n = int(input())\nprint(n * n)  # {i}\n"), (ScriptStep("7\n"),)) for i in range(count)]


def calls(count: int, tests: int = 20) -> list[Job]:
    """Return jobs of one tiny function with many calls each."""
    steps = tuple(CallStep("f", ([i, i + 1, 3],)) for i in range(tests))
    return [Job(Program(f"def f(xs):\n    return sorted(xs)[1] + {i}\n"), steps) for i in range(count)]


async def rate(level: str, jobs: list[Job], *, slots: int | None = None) -> float:
    """Return jobs a second, on a sandbox that is warm."""
    sandbox = LocalSandbox(level=level, slots=slots)
    try:
        await asyncio.gather(*(sandbox.run(job) for job in jobs[:8]))
        started = time.perf_counter()
        results = await asyncio.gather(*(sandbox.run(job) for job in jobs))
        seconds = time.perf_counter() - started
    finally:
        await sandbox.close()
    for result in results:
        assert all(run.exit_code == 0 or run.value is not None for run in result.runs), result
    return len(jobs) / seconds


def baseline_rate(name: str, count: int, ballast_mb: int = 0) -> float:
    """Return programs a second of one of the baselines, in a process of its own."""
    command = [sys.executable, str(BASELINES), name, str(count), str(ballast_mb)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return count / float(json.loads(done.stdout)["seconds"])


def throughput(rounds: int, scale: float) -> dict[str, list[float]]:
    """Return the rates of every method, interleaved."""
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for level in LEVELS:
            rates.setdefault(f"local, level {level}", []).append(asyncio.run(rate(level, scripts(int(1200 * scale)))))
        for name, count in (("subprocess", 150), ("bare_fork", 1200), ("manager_and_fork", 120)):
            rates.setdefault(name, []).append(baseline_rate(name, max(8, int(count * scale))))
        rates.setdefault("manager_and_fork, caller holds 2 GB", []).append(baseline_rate("manager_and_fork", 12, 2048))
    return rates


def call_tests(rounds: int, scale: float) -> dict[str, list[float]]:
    """Return call tests a second on one slot, for jobs of 20 tests."""
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for level in LEVELS:
            jobs = calls(int(300 * scale))
            rates.setdefault(f"level {level}", []).append(20 * asyncio.run(rate(level, jobs, slots=1)))
    return rates


def flood_memory(programs: int) -> tuple[int, int]:
    """Return the caller's peak memory in MB before and after a batch of programs that print 10 MB each."""
    from rewards import CodeReward

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

    source = "import sys\nfor _ in range(160):\n    sys.stdout.write('x' * 65536)\n"
    with CodeReward(sandbox="local", limits=Limits(output_kb=16384), name="bench") as reward:
        batches = []
        for count in (programs // 10, programs):
            completions = [f"```python\n{source}# {i}\n```" for i in range(count)]
            scores = reward(prompts=[""] * count, completions=completions, expected_output=["x"] * count)
            assert scores == [0.0] * count
            batches.append(peak())
    return batches[0], batches[1]


def show(title: str, rates: dict[str, list[float]], base: str) -> None:
    """Print a table of medians and their ratio to *base*."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"\n{title}\n{'method':<40}{'per second':>12}{'ratio':>9}")
    for name, value in medians.items():
        print(f"{name:<40}{value:>12.0f}{value / medians[base]:>9.2f}")


def main() -> None:
    """Run all of it and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round: a smoke test")
    rounds, scale = (1, 0.1) if parser.parse_args().quick else (3, 1.0)
    show("Tiny programs, one a job", throughput(rounds, scale), "subprocess")
    show("Call tests on one slot, 20 a job", call_tests(rounds, scale), "level A")
    before, after = flood_memory(int(2000 * scale))
    print(f"\nCaller's peak memory, programs that print 10 MB: {before} MB after a tenth, {after} MB after all")


if __name__ == "__main__":
    main()
