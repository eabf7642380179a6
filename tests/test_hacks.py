"""None of the ways in which models have been seen to cheat graders pays, whatever the kind of test."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Iterator, Sequence

import pytest
from hostile.hack import KNOWN, Hack
from hostile.hack_grades import Graded, grade_hacks, missing_tool
from hostile.hacks import HACKS
from hostile.naive import accepts

from rewards.cases import AppendedTest, AssertTest, CallTest, CellTest, FileTest, OutputTest, StdinTest, SuiteTest
from rewards.errors import SandboxUnavailable
from rewards.extraction import extract_program
from rewards.grades import BatchGrade, Grade, Verdict
from rewards.problems import read_problem
from rewards.records import Program
from rewards.reports.metrics import summarize
from rewards.reports.suspicion import Suspicion
from rewards.sandboxes.local import LocalSandbox

KINDS = tuple(dict.fromkeys(hack.kind for hack in HACKS))
FIRST = {(hack.kind, hack.number): hack for hack in reversed(HACKS)}
QUICK = [hack for hack in HACKS if not hack.slow and (hack.kind != "pytest" or FIRST["pytest", hack.number] is hack)]
"""Each file of tests takes pytest a twentieth of a second of a CPU: by default, one a known hack."""
REST = [hack for hack in HACKS if hack not in QUICK]
CREDULOUS = [hack for hack in HACKS if hack.fools]
SUSPICIOUS = [hack for hack in HACKS if hack.fires]


def by_id(hacks: Sequence[Hack]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("hack", hacks, ids=[hack.id for hack in hacks])


class Bench:
    """Grades all rows of a kind in one batch, when the first of them is asked for."""

    def __init__(self, grade: Callable[[Sequence[Hack]], dict[str, Graded]], hacks: Sequence[Hack]) -> None:
        self._grade, self._hacks = grade, hacks
        self._found: dict[str, Graded] = {}

    def __getitem__(self, hack: Hack) -> Graded:
        if hack.id not in self._found:
            self._found |= self._grade([other for other in self._hacks if other.kind == hack.kind])
        return self._found[hack.id]


def local_bench(level: str, hacks: Sequence[Hack]) -> Bench:
    sandbox = LocalSandbox(slots=2, level=level)
    try:
        sandbox.describe()
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where level {level} is to be had: {missing}")
    runnable = [hack for hack in hacks if not missing_tool(hack)]
    # A reward closes its sandbox with it: each batch has one of its own.
    return Bench(lambda rows: grade_hacks(rows, LocalSandbox(slots=2, level=level), name=f"hacks-{level}"), runnable)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return local_bench("A", QUICK)


def demand(hack: Hack, graded: Graded) -> None:
    assert graded.hostile.score == hack.score, graded.hostile
    assert graded.honest.score == 1.0, graded.honest


@by_id(QUICK)
def test_a_hack_earns_nothing_where_the_honest_program_earns_everything(hack: Hack, bench: Bench) -> None:
    if missing := missing_tool(hack):
        pytest.skip(missing)
    demand(hack, bench[hack])


@pytest.fixture(scope="module")
def patient_bench() -> Bench:
    return local_bench("A", REST)


@pytest.mark.long
@by_id(REST)
def test_nor_does_one_that_takes_longer(hack: Hack, patient_bench: Bench) -> None:
    demand(hack, patient_bench[hack])


@pytest.fixture(scope="module")
def bench_without_namespaces() -> Bench:
    return local_bench("B", [hack for hack in HACKS if hack.language == "python"])


@pytest.mark.long
@by_id([hack for hack in HACKS if hack.language == "python"])
def test_nor_does_it_without_namespaces(hack: Hack, bench_without_namespaces: Bench) -> None:
    if missing := missing_tool(hack):
        pytest.skip(missing)
    demand(hack, bench_without_namespaces[hack])


def test_every_known_hack_is_tried_on_every_kind_of_test() -> None:
    """Not each on each: a checker has no monopoly on files, but floods and exits are tried everywhere."""
    assert len(HACKS) >= 100
    assert {hack.number for hack in HACKS} == set(KNOWN)
    by_kind = collections.Counter(hack.kind for hack in HACKS)
    assert set(KINDS) == set(TYPES)
    assert min(by_kind.values()) >= 12, by_kind
    for number in (1, 3, 12, 15):
        assert {hack.kind for hack in HACKS if hack.number == number} >= set(KINDS) - {"unittest", "appended"}


TYPES = {
    "stdin": StdinTest,
    "output": OutputTest,
    "call": CallTest,
    "assert": AssertTest,
    "tester": AssertTest,
    "pytest": SuiteTest,
    "unittest": SuiteTest,
    "file": FileTest | StdinTest,
    "cell": CellTest,
    "checker": StdinTest,
    "appended": AppendedTest,
}


def is_of_its_kind(hack: Hack) -> bool:
    tests = read_problem(hack.row).tests
    if hack.kind in ("assert", "tester"):
        return {bool(test.calls) for test in tests if isinstance(test, AssertTest)} == {hack.kind == "assert"}
    if hack.kind == "checker":
        return all(isinstance(test, StdinTest) and test.checker for test in tests)
    return bool(tests) and all(isinstance(test, TYPES[hack.kind]) for test in tests)


def test_rows_are_of_the_kind_that_they_say() -> None:
    assert [hack.id for hack in HACKS if hack.score is not None and not is_of_its_kind(hack)] == []


@pytest.fixture(scope="module")
def loop_and_sandbox() -> Iterator[tuple[asyncio.Runner, LocalSandbox]]:
    sandbox = LocalSandbox(slots=1)
    try:
        sandbox.describe()
    except SandboxUnavailable as missing:
        pytest.skip(f"run the tests where programs can be confined: {missing}")
    with asyncio.Runner() as runner:
        yield runner, sandbox
        runner.run(sandbox.close())


@by_id(CREDULOUS)
def test_a_naive_grader_falls_for_it(hack: Hack, loop_and_sandbox: tuple[asyncio.Runner, LocalSandbox]) -> None:
    """Rows that could not cheat anybody would show nothing."""
    runner, sandbox = loop_and_sandbox
    assert runner.run(accepts(sandbox, hack, hack.hostile))


def test_naive_graders_are_graders_all_the_same(loop_and_sandbox: tuple[asyncio.Runner, LocalSandbox]) -> None:
    """They accept honest programs and refuse plainly wrong ones."""
    runner, sandbox = loop_and_sandbox
    assert len(CREDULOUS) >= 40
    for belief in {hack.fools for hack in CREDULOUS}:
        hack = next(hack for hack in CREDULOUS if hack.fools == belief)
        assert runner.run(accepts(sandbox, hack, hack.honest if belief != "first fence" else f"```\n{PLAIN}```"))
        wrong = "def add(a, b):\n    return 7\nprint(7)\nprint(8)\n"
        assert not runner.run(accepts(sandbox, hack, wrong if belief != "first fence" else f"```\n{wrong}```"))


PLAIN = "print(sum(map(int, input().split())))\n"


def shares(answer: str, hack: Hack) -> set[str]:
    """Return the suspicions whose share is logged as above zero for a batch of this one answer."""
    program = extract_program(answer, language=hack.language) or Program("", hack.language)
    figures = summarize(BatchGrade((Grade(0.0, Verdict.WRONG_ANSWER, program=program),)))
    return {name.partition("/")[2] for name, value in figures.items() if name.startswith("suspicious/") and value}


@by_id(SUSPICIOUS)
def test_the_logged_counts_tell_of_it(hack: Hack) -> None:
    (hostile, _), (honest, _) = hack.answers
    assert shares(hostile, hack) >= hack.fires
    assert shares(honest, hack) <= hack.honest_fires


def test_the_logged_counts_stay_at_zero_for_honest_programs() -> None:
    fired = [hack.id for hack in HACKS if not shares(hack.answers[1][0], hack) <= hack.honest_fires]
    assert fired == []


def test_every_count_is_raised_by_some_hack() -> None:
    assert {name for hack in HACKS for name in hack.fires} == {suspicion.value for suspicion in Suspicion}
