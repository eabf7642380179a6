"""Compare verdicts with known ones: `python scripts/agreement.py --data FOLDER [--sandbox local|e2b] [SUITE ...]`.

The folder holds `datasets/HumanEval.jsonl.gz`, `datasets/mbpp.jsonl`, replies of models with official verdicts
(`llm_humaneval.jsonl`, `llm_check.jsonl`, `llm_lcb.jsonl`, `multipl_e_llm.jsonl`) and programs whose verdict other
graders' own tests or a contest's jury tell (`peers.jsonl`, `kattis_stdio.jsonl`, `sandboxfusion_submit.jsonl`), each as
a row of the public set that has its kind of test; programs that are only run (`sandboxfusion_run.jsonl`); and replies
with the code that official extractors took (`extract_lcb.jsonl`, `extract_sandboxfusion.jsonl`). What is in a
language whose tool is not here is left out. Exits with 1 when a suite stays below its bound.
"""

import argparse
import ast
import contextlib
import functools
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from known_rows import columns_of, completion_of, with_all_columns
from known_runs import run_known
from official_extractors import extract_lcb, extract_sandboxfusion

from rewards import CodeReward
from rewards.grades import Grade, Verdict
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.local import LocalSandbox
from rewards.toolchains import advice

Row = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A completion, the dataset columns it is graded by, and what is known of it."""

    id: str
    completion: str
    row: Row
    passes: bool
    per_test: Sequence[str] = ()
    """Of each test, `pass` or something else, where that is known."""


class _Emptied(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = [ast.Pass()]
        return node


def rows(path: Path) -> list[Row]:
    """Read a JSONL file, compressed or not."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.splitlines()]


def humaneval(data: Path, *, emptied: bool = False) -> Iterator[Sample]:
    """Yield the canonical solutions of HumanEval."""
    for row in rows(data / "datasets/HumanEval.jsonl.gz"):
        columns = {"code_prompt": row["prompt"], "test": row["test"], "entry_point": row["entry_point"]}
        completion = "    pass\n" if emptied else row["canonical_solution"]
        yield Sample(row["task_id"], completion, columns, not emptied)


def mbpp(data: Path, *, emptied: bool = False) -> Iterator[Sample]:
    """Yield the canonical solutions of MBPP."""
    for row in rows(data / "datasets/mbpp.jsonl"):
        columns = {"test_list": row["test_list"], "test_setup_code": row["test_setup_code"]}
        code = ast.unparse(_Emptied().visit(ast.parse(row["code"]))) if emptied else row["code"]
        yield Sample(f"MBPP/{row['task_id']}", code, columns, not emptied)


def llm_humaneval(data: Path) -> Iterator[Sample]:
    """Yield continuations that models wrote for HumanEval."""
    problems = {sample.id: sample.row for sample in humaneval(data)}
    for row in rows(data / "llm_humaneval.jsonl"):
        yield Sample(row["id"], row["completion"], problems[row["task_id"]], row["expected"] == "pass")


def llm_check(data: Path) -> Iterator[Sample]:
    """Yield functions that models wrote for HumanEval and MBPP problems."""
    for row in rows(data / "llm_check.jsonl"):
        columns = {"code_prompt": row["prompt"], "test": row["test"], "entry_point": row["entry_point"]}
        yield Sample(row["id"], row["completion"], columns, row["expected"] == "pass")


def llm_lcb(data: Path) -> Iterator[Sample]:
    """Yield chat replies to the stdin problems of LiveCodeBench; its rule compares numbers without tolerance."""
    for row in rows(data / "llm_lcb.jsonl"):
        if row["kind"] == "stdio":
            tests = [{"type": "stdin", "input": test["input"], "output": test["output"]} for test in row["tests"]]
            yield Sample(
                row["id"],
                row["completion"],
                {"tests": json.dumps(tests), "comparison": "float:0"},
                row["expected"] == "pass",
            )


def humaneval_js(data: Path) -> Iterator[Sample]:
    """Yield the canonical solutions of HumanEval-X in JavaScript; a plain run of three of them fails their tests."""
    for row in rows(data / "datasets/humaneval_js.jsonl.gz"):
        columns = {"code_prompt": row["prompt"], **{name: row[name] for name in ("task_id", "declaration", "test")}}
        number = int(row["task_id"].partition("/")[2])
        yield Sample(row["task_id"], f"```js\n{row['canonical_solution']}\n```", columns, number not in (112, 155, 162))


def known(data: Path, name: str, *, kinds: tuple[str, ...] = (), by_the_clock: bool = False) -> list[Sample]:
    """Return programs with known verdicts; *by_the_clock* where the time limit meant sleep as well."""
    found = [row for row in rows(data / name) if not kinds or row["kind"] in kinds]
    columns = [columns_of(row) | ({"wall_s": row["timeout_s"]} if by_the_clock else {}) for row in found]
    return [
        Sample(row["id"], completion_of(row), column, row["expected"] == "pass", row.get("expected_per_test") or ())
        for row, column in zip(found, with_all_columns(columns), strict=True)
    ]


def multipl_e(data: Path, language: str) -> list[Sample]:
    """Return chat replies to MultiPL-E's problems in one language."""
    return [sample for sample in known(data, "multipl_e_llm.jsonl") if sample.row["language"] == language]


MULTIPL_E = {"javascript": 1.0, "typescript": 1.0, "bash": 1.0, "r": 1.0, "java": 0.64}
"""Bounds; a third of the programs in Java import a library that is not the language's own."""
SUITES: dict[str, tuple[Callable[[Path], Iterator[Sample] | list[Sample]], float]] = {
    "humaneval": (humaneval, 1.0),
    "humaneval-emptied": (lambda data: humaneval(data, emptied=True), 1.0),
    "mbpp": (mbpp, 1.0),
    "mbpp-emptied": (lambda data: mbpp(data, emptied=True), 1.0),
    "llm_humaneval": (llm_humaneval, 0.995),
    "llm_check": (llm_check, 0.995),
    "llm_lcb": (llm_lcb, 0.995),
    "humaneval_js": (humaneval_js, 1.0),
    "llm_lcb-calls": (lambda data: known(data, "llm_lcb.jsonl", kinds=("leetcode",)), 0.995),
    "sandboxfusion_submit": (lambda data: known(data, "sandboxfusion_submit.jsonl"), 1.0),
    "kattis_stdio": (lambda data: known(data, "kattis_stdio.jsonl"), 0.98),
    "peers": (lambda data: known(data, "peers.jsonl", by_the_clock=True), 0.97),
    **{f"multipl_e-{name}": (functools.partial(multipl_e, language=name), MULTIPL_E[name]) for name in MULTIPL_E},
}
LANGUAGES = {"humaneval_js": "javascript", **{f"multipl_e-{name}": name for name in MULTIPL_E}}
"""What suites need beyond Python."""
RUNS_AND_EXTRACTORS: dict[str, tuple[Callable[[argparse.Namespace, CodeReward], float], float]] = {
    "sandboxfusion_run": (
        lambda arguments, reward: run_known(arguments.data / "sandboxfusion_run.jsonl", sandbox_for(arguments)),
        0.9,
    ),
    "extract_lcb": (lambda arguments, reward: extract_lcb(arguments.data, reward), 0.995),
    "extract_sandboxfusion": (lambda arguments, reward: extract_sandboxfusion(arguments.data), 0.5),
}


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep so many processes busy beside the sandbox."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def agreement(reward: CodeReward, samples: list[Sample], name: str) -> float:
    """Grade the samples, print every disagreement, return the share that agrees of those whose row can be graded."""
    columns = {key: [sample.row.get(key) for sample in samples] for key in samples[0].row}
    batch = reward.grade(completions=[sample.completion for sample in samples], **columns)
    agreed, refused = 0, 0
    for sample, grade in zip(samples, batch.grades, strict=True):
        agrees = grade.score == float(sample.passes)
        agreed += agrees
        refused += grade.detail.startswith("bad row")
        if not agrees:
            expected = "pass" if sample.passes else "fail"
            print(f"  {sample.id}: expected {expected}, got {grade.verdict.value}: {grade.detail[:160]!r}")
        if disagreeing := tests_that_disagree(sample, grade):
            print(f"  {sample.id}: of its tests, {', '.join(disagreeing)}")
    accepted = sum(grade.score == 1.0 for grade in batch.grades)
    share = agreed / (len(samples) - refused)
    counts = (
        f"{accepted} accepted of {len(samples)}, {refused} rows refused, {agreed} agree ({share:.2%} of the graded)"
    )
    print(f"{name}: {counts}", flush=True)
    return share


def tests_that_disagree(sample: Sample, grade: Grade) -> list[str]:
    """Return what became of the tests whose verdict is known to be another one."""
    if not sample.per_test or len(grade.tests) != len(sample.per_test):
        return []
    pairs = enumerate(zip(sample.per_test, grade.tests, strict=True), start=1)
    return [
        f"test {i} expected {wanted}, got {test.verdict.value}"
        for i, (wanted, test) in pairs
        if (wanted == "pass") != (test.verdict is Verdict.ACCEPTED)
    ]


def sandbox_for(arguments: argparse.Namespace) -> Sandbox:
    """Return the sandbox that was asked for; one reply in 219 imports numpy, which E2B's own template has as well."""
    if arguments.sandbox == "local":
        return LocalSandbox(level=arguments.level, site_packages=True)
    return E2BSandbox(plan=arguments.plan, max_sandboxes=arguments.sandboxes, site_packages=True)


def main() -> int:
    """Grade the suites that were asked for, or all."""
    names = [*SUITES, *RUNS_AND_EXTRACTORS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sandbox", default="local", choices=["local", "e2b"], help="E2B takes the SDK's E2B_API_KEY")
    parser.add_argument("--plan", default="hobby", help="of the E2B account")
    parser.add_argument("--sandboxes", type=int, help="of E2B, at most; by default what the plan allows")
    parser.add_argument("--level", default="auto", help="of the local sandbox")
    parser.add_argument("--busy", type=int, default=0, help="busy loops to run beside")
    arguments = parser.parse_args()
    short = 0
    sandbox = sandbox_for(arguments)
    with (
        busy_loops(arguments.busy),
        CodeReward(
            sandbox=sandbox, batch_deadline_s=None, on_bad_row="none", trust="shared"
        ) as reward,  # HumanEval-X knows no other tests than those behind the program
    ):
        for name in arguments.suites or names:
            language = LANGUAGES.get(name, "python")
            if sandbox.languages is not None and language not in sandbox.languages:
                print(f"{name}: left out, the tool is missing{advice(language)}", flush=True)
            elif name in SUITES:
                suite, bound = SUITES[name]
                short += agreement(reward, list(suite(arguments.data)), name) < bound
            else:
                measure, bound = RUNS_AND_EXTRACTORS[name]
                short += measure(arguments, reward) < bound
    return int(short > 0)


if __name__ == "__main__":
    sys.exit(main())
