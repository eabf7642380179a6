"""Measure what a reward costs beside the programs it runs: `python scripts/bench_overhead.py [--rounds 5]`.

A batch is 64 completions, all different, of 8 tests that burn 20 ms of CPU each. Overhead is the share of the cores'
time that the tests did not use: 1 - CPU of the tests / (cores x wall). Reading the completions and the rows, starting
processes and judging are all in it. Other work on the machine is, too: what it took is printed with each round.

Two figures tell what counts as the tests': only the 20 ms that each burns, or all that its process used by the kernel's
account. The second is larger where a test has a process of its own, which starts, compiles the program and ends.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewards import CodeReward
from rewards.reports.listening import GradedBatch
from rewards.sandboxes.local import LocalSandbox
from rewards.sandboxes.local.capacity import usable_cores

CPU_S = 0.02
TICKS = os.sysconf("SC_CLK_TCK")
BURN = f"""import time

def burn():
    until = time.process_time() + {CPU_S}
    while time.process_time() < until:
        sum(range(200))

"""
NUMBERS = "n = int(input())\nburn()\nprint(n * n)\n"
FUNCTION = "def square(n):\n    burn()\n    return n * n\n"


@dataclass(frozen=True)
class Workload:
    """A batch of one kind of tests."""

    program: str
    column: str
    tests_of: Callable[[int], Any]


def _stdin_tests(n: int) -> str:
    return json.dumps([{"type": "stdin", "input": f"{i}\n", "output": f"{i * i}\n"} for i in range(n)])


def _call_tests(n: int) -> str:
    return json.dumps([{"type": "call", "function": "square", "args": [i], "expected": i * i} for i in range(n)])


def _asserts(n: int) -> list[str]:
    return [f"assert square({i}) == {i * i}" for i in range(n)]


WORKLOADS = {
    "stdin": Workload(NUMBERS, "tests", _stdin_tests),
    "calls": Workload(FUNCTION, "tests", _call_tests),
    "asserts": Workload(FUNCTION, "test_list", _asserts),
}


def batch_of(workload: Workload, *, completions: int, tests: int) -> dict[str, Any]:
    """Return what a trainer would call the reward with: eight completions a prompt, none like another."""
    texts = [f"Here it is.\n```python\n{BURN}{workload.program}# {i}\n```\n" for i in range(completions)]
    rows = [workload.tests_of(tests) for _ in range(completions)]
    return {"prompts": ["square a number"] * completions, "completions": texts, workload.column: rows}


def wall_of(reward: CodeReward, batch: Mapping[str, Any]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    scores = reward(**batch)
    wall_s = time.perf_counter() - began
    assert scores == [1.0] * len(scores), reward.explain(batch["completions"][0], **_row(batch))
    return wall_s


def _row(batch: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[0] for name, values in batch.items() if name not in ("prompts", "completions")}


@dataclass(frozen=True)
class Round:
    """One batch: its wall time, and who had the cores meanwhile."""

    wall_s: float
    tests_s: float
    """CPU that the tests burn, and nothing else."""
    programs_s: float
    """CPU that the processes of the tests used: what a program's verdict is decided by."""
    ours_s: float
    """CPU of this process and all below it, the tests included."""
    others_s: float
    """CPU of everything else on the machine."""

    @property
    def overhead(self) -> float:
        """Return the share of the cores' time that the tests did not have."""
        return 1 - self.tests_s / (usable_cores() * self.wall_s)

    @property
    def overhead_alone(self) -> float:
        """Return the same without the time that other work on the machine took: what a quiet machine would show."""
        return 1 - self.tests_s / (usable_cores() * self.wall_s - self.others_s)

    @property
    def overhead_beside_programs(self) -> float:
        """Return the share of the cores' time that the tests' processes did not have."""
        return 1 - self.programs_s / (usable_cores() * self.wall_s)

    def __str__(self) -> str:
        return (
            f"wall {self.wall_s:6.3f} s, overhead {self.overhead:6.1%}; CPU: tests {self.tests_s:.2f} s, "
            f"their processes {self.programs_s:.2f} s ({self.overhead_beside_programs:.1%}), "
            f"beside them {self.ours_s - self.tests_s:.2f} s, other work {self.others_s:.2f} s; "
            f"without that {self.overhead_alone:6.1%}"
        )


def measured(reward: CodeReward, batch: Mapping[str, Any], *, tests: int) -> Round:
    """Return how a round on a warm sandbox went."""
    graded: list[GradedBatch] = []
    reward.listen(graded.append)
    ours_s, busy_s = tree_cpu_s(os.getpid()), machine_cpu_s()
    wall_s = wall_of(reward, batch)
    ours_s, busy_s = tree_cpu_s(os.getpid()) - ours_s, machine_cpu_s() - busy_s
    programs_s = sum(test.cpu_s for grade in graded[0].grade.grades for test in grade.tests)
    burnt_s = CPU_S * tests * len(batch["completions"])
    return Round(wall_s, burnt_s, programs_s, ours_s, max(0.0, busy_s - ours_s))


def tree_cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and everything below it, with what has ended there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except OSError:  # gone meanwhile
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(map(tree_cpu_s, children))


def _children(task: Path) -> list[int]:
    try:
        return list(map(int, (task / "children").read_text().split()))
    except OSError:
        return []


def machine_cpu_s() -> float:
    """Return the CPU seconds that this machine was busy since it started, stolen ones included."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS


def main() -> None:
    """Run all of it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--completions", type=int, default=64)
    parser.add_argument("--tests", type=int, default=8)
    parser.add_argument("--kinds", nargs="*", default=list(WORKLOADS), choices=WORKLOADS)
    parser.add_argument("--slots", type=int, nargs="*", default=[usable_cores(), usable_cores() + 1])
    parser.add_argument("--profile", action="store_true", help="one more round a row, with the caller's functions")
    given = parser.parse_args()
    table = []
    for kind in given.kinds:
        batch = batch_of(WORKLOADS[kind], completions=given.completions, tests=given.tests)
        for slots in given.slots:
            print(f"{kind}, {slots} slots on {usable_cores()} cores", flush=True)
            with CodeReward(sandbox=LocalSandbox(slots=slots), name="bench") as reward:
                wall_of(reward, batch)
                found = []
                for _ in range(given.rounds):
                    found.append(measured(reward, batch, tests=given.tests))
                    print(f"    {found[-1]}", flush=True)
                if given.profile:
                    show_profile(reward, batch)
            table.append((kind, slots, found))
    print(f"\n{'tests':<10}{'slots':>6}{'best':>9}{'median':>9}{'without other work':>20}{'beside processes':>18}")
    for kind, slots, found in table:
        raw, alone = [one.overhead for one in found], [one.overhead_alone for one in found]
        beside = statistics.median(one.overhead_beside_programs for one in found)
        print(
            f"{kind:<10}{slots:>6}{min(raw):>9.1%}{statistics.median(raw):>9.1%}{statistics.median(alone):>20.1%}"
            f"{beside:>18.1%}"
        )


def show_profile(reward: CodeReward, batch: Mapping[str, Any]) -> None:
    """Print where the calling thread spends its time in a round."""
    with cProfile.Profile() as profile:
        wall_of(reward, batch)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(25)


if __name__ == "__main__":
    main()
