"""Promise: one run for each step, in order; what calls return is data; tests run beside the program, not in it."""

from __future__ import annotations

from typing import Any

from ...records import AssertStep, CallStep, Ended, ScriptStep, Step
from ..base import Sandbox
from .probe import demand, demand_output, run_script, run_steps, seen, together

RETURNED_DATA: tuple[tuple[str, Any], ...] = (
    ("[1, 2.5, 'text', None, True]", [1, 2.5, "text", None, True]),
    ("(1, (2, [3]))", (1, (2, [3]))),
    ("{'a': {1: 2}}", {"a": {1: 2}}),
    ("{1, 2}", {1, 2}),
    ("b'\\x00\\xff'", b"\x00\xff"),
    ("10 ** 4000", 10**4000),
    ("collections.Counter('aab')", {"a": 2, "b": 1}),
    ("collections.OrderedDict(x=1)", {"x": 1}),
    ("Lying(7)", 7),
    ("'\\ud800'", "\ud800"),
    ("float('inf')", float("inf")),
)

FORGERIES: tuple[tuple[str, str], ...] = (
    ("always equal", "class Y:\n    __eq__ = lambda s, o: True\ndef answer():\n    return Y()\n"),
    ("an exit with success", "import os\ndef answer():\n    os._exit(0)\n"),
    ("SystemExit", "def answer():\n    raise SystemExit(0)\n"),
    ("a patched AssertionError", "import builtins\nbuiltins.AssertionError = Warning\ndef answer():\n    return 41\n"),
    ("frames of its own", "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\0\\0\\0\\x10"
     '{"passed": true}\' * 3)\n    except OSError:\n        pass\ndef answer():\n    return 41\n'),
)  # fmt: skip


async def stdin_is_a_real_file(sandbox: Sandbox) -> None:
    """`input`, `sys.stdin.buffer`, `open(0)` and the end of the file behave as in `python main.py`."""
    for reading in (
        "sys.stdin.buffer.read().decode()",
        "open(0).read()",
        "''.join(sys.stdin)",
        "os.read(0, 99).decode()",
    ):
        run = await run_script(sandbox, f"import os, sys\nprint({reading}, end='')\n", stdin="a\nb\n")
        demand_output(run, "a\nb\n")
    ends = "first = input()\ntry:\n    input()\nexcept EOFError:\n    print(first, 'and no more')\n"
    demand_output(await run_script(sandbox, ends, stdin="x"), "x and no more\n")


async def every_step_has_its_run_in_order(sandbox: Sandbox) -> None:
    """Scripts, calls and tests of one job come back one for one, in the order in which they were asked."""
    source = "def double(n):\n    return 2 * n\nif __name__ == '__main__':\n    print('read', open(0).read())\n"
    steps: list[Step] = [
        ScriptStep("0"),
        CallStep("double", (1,)),
        CallStep("double", (), (("n", 2),)),
        AssertStep("assert double(3) == 6"),
        AssertStep("assert double(4) == 9"),
        ScriptStep("5"),
        CallStep("double", (6,)),
    ]
    runs = await run_steps(sandbox, source, steps)
    demand_output(runs[0], "read 0\n")
    demand_output(runs[5], "read 5\n")
    for n in (1, 2, 6):
        demand(runs[n].ended is Ended.RETURNED and runs[n].value == 2 * n, f"call {n}: {seen(runs[n])}")
    demand(runs[3].ended is Ended.RETURNED, f"a test that holds: {seen(runs[3])}")
    demand(runs[4].ended is Ended.FAILED, f"a test that does not hold: {seen(runs[4])}")


async def a_job_without_steps_has_no_runs(sandbox: Sandbox) -> None:
    """Nothing asked, nothing run."""
    await run_steps(sandbox, "while True:\n    pass\n", [])


async def the_rest_of_a_job_can_be_left_out(sandbox: Sandbox) -> None:
    """Once the caller has seen enough, the remaining steps come back as `NOT_RUN`."""
    for steps in ([ScriptStep("x")] * 4, [CallStep("f")] * 4):
        runs = await run_steps(sandbox, "def f():\n    return 1\n", steps, keep_going=lambda n, _: n < 1)
        ends = [run.ended for run in runs]
        demand(Ended.NOT_RUN not in ends[:2], f"the steps that were wanted: {ends}")
        demand(ends[2:] == [Ended.NOT_RUN] * 2, f"the steps that were not: {ends}")


async def returned_values_are_data(sandbox: Sandbox) -> None:
    """A call's value arrives as exact builtin types; subclasses are read as what they extend, whatever they claim."""
    source = (
        "import collections\n"
        "class Lying(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__\n"
        "    __index__ = lambda s: 9\n    __class__ = str\n"
        "def value(n):\n    return [" + ", ".join(f"lambda: {text}" for text, _ in RETURNED_DATA) + "][n]()\n"
    )
    runs = await run_steps(sandbox, source, [CallStep("value", (n,)) for n in range(len(RETURNED_DATA))])
    for (text, expected), run in zip(RETURNED_DATA, runs, strict=True):
        same = type(run.value) is type(expected) and run.value == expected
        demand(run.ended is Ended.RETURNED and same, f"{text} came back as {type(run.value).__name__}: {seen(run)}")


async def what_is_not_data_equals_nothing(sandbox: Sandbox) -> None:
    """An object, a cycle or an endless iterator is no value that a test could take for its own."""
    source = (
        "import itertools\n"
        "class Equal:\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: hash(41)\n"
        "def plain():\n    return [41]\n"
        "def thing():\n    return Equal()\n"
        "def nested():\n    return [Equal()]\n"
        "def cycle():\n    x = []\n    x.append(x)\n    return x\n"
        "def endless():\n    return itertools.count()\n"
    )
    names = ("plain", "thing", "nested", "cycle", "endless")
    plain, *runs = await run_steps(sandbox, source, [CallStep(name) for name in names])
    demand(plain.value == [41], f"data: {seen(plain)}")
    for run in runs:
        demand(not (run.value == 41 or run.value == [41] or run.value == []), f"it equals data: {seen(run)}")
        demand(run.ended is not Ended.SIGNALLED, f"a value that is not data: {seen(run)}")


async def a_huge_value_is_too_much_output(sandbox: Sandbox) -> None:
    """A value larger than the output limit is not carried to the caller."""
    source = "def big():\n    return 'x' * 50_000_000\ndef small():\n    return 1\n"
    runs = await run_steps(sandbox, source, [CallStep("big"), CallStep("small")])
    demand(runs[0].ended is Ended.OUTPUT_LIMIT, f"50 MB came back: {seen(runs[0])}")
    demand(runs[1].value == 1, f"the call after it: {seen(runs[1])}")


async def tests_judge_the_program_from_outside(sandbox: Sandbox) -> None:
    """No trick that a program plays in its own process makes a test pass that does not hold."""
    honest = "class Box:\n    def __init__(self, n):\n        self.n = n\n    def get(self):\n        return self.n\n"
    steps = [AssertStep("assert Box(3).get() == 3"), AssertStep("assert Box(3).n == 4"), AssertStep("Box(1).missing()")]
    runs = await run_steps(sandbox, honest, steps)
    demand(runs[0].ended is Ended.RETURNED, f"a test that holds: {seen(runs[0])}")
    demand(runs[1].ended is Ended.FAILED, f"a test that does not: {seen(runs[1])}")
    demand(runs[2].ended is Ended.RAISED, f"a test that the program makes raise: {seen(runs[2])}")
    for name, source in FORGERIES:
        (run,) = await run_steps(sandbox, source, [AssertStep("assert answer() == 42")])
        demand(run.ended is not Ended.RETURNED, f"{name} made a wrong answer pass: {seen(run)}")


async def answers_are_not_mixed_up(sandbox: Sandbox) -> None:
    """Many jobs at once each get their own output."""
    count = 4 * sandbox.capacity + 1
    jobs = (run_script(sandbox, f"print({n}, input())\n", stdin=f"in {n}") for n in range(count))
    for n, run in enumerate(await together(jobs)):
        demand_output(run, f"{n} in {n}\n")


CHECKS = (
    stdin_is_a_real_file,
    every_step_has_its_run_in_order,
    a_job_without_steps_has_no_runs,
    the_rest_of_a_job_can_be_left_out,
    returned_values_are_data,
    what_is_not_data_equals_nothing,
    a_huge_value_is_too_much_output,
    tests_judge_the_program_from_outside,
    answers_are_not_mixed_up,
)
