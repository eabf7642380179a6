"""The task of the CPU demo: short instructions, each asking for another Python program, with tests.

Half of them want a program that reads standard input and prints, the other half a function. What is asked is composed
of two steps, so that a prompt nobody has trained on still asks for something that can be worked out.
"""

from __future__ import annotations

import itertools
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One thing to do to the value at hand: in words, as a statement, and as what it really does."""

    words: str
    statement: str
    apply: Callable[[Any, int], Any]


@dataclass(frozen=True)
class Family:
    """A kind of value, how a program gets one, and what can be done to it."""

    noun: str
    variable: str
    read: str
    first: tuple[Operation, ...]
    second: tuple[Operation, ...]
    largest_constant: int


_ARITHMETIC = (
    Operation("plus {k}", "n += {k}", lambda n, k: n + k),
    Operation("minus {k}", "n -= {k}", lambda n, k: n - k),
    Operation("times {k}", "n *= {k}", lambda n, k: n * k),
    Operation("divided by {k}", "n //= {k}", lambda n, k: n // k),
    Operation("modulo {k}", "n %= {k}", lambda n, k: n % k),
)
_SELECTION = (
    Operation("those above {k}", "v = [x for x in v if x > {k}]", lambda v, k: [x for x in v if x > k]),
    Operation("those below {k}", "v = [x for x in v if x < {k}]", lambda v, k: [x for x in v if x < k]),
    Operation("those from {k} up", "v = [x for x in v if x >= {k}]", lambda v, k: [x for x in v if x >= k]),
    Operation("those up to {k}", "v = [x for x in v if x <= {k}]", lambda v, k: [x for x in v if x <= k]),
    Operation("multiples of {k}", "v = [x for x in v if x % {k} == 0]", lambda v, k: [x for x in v if x % k == 0]),
    Operation("all without {k}", "v = [x for x in v if x != {k}]", lambda v, k: [x for x in v if x != k]),
)
_SUMMARY = (
    Operation("their sum", "v = sum(v)", lambda v, k: sum(v)),
    Operation("how many", "v = len(v)", lambda v, k: len(v)),
    Operation("the largest", "v = max(v)", lambda v, k: max(v)),
    Operation("the smallest", "v = min(v)", lambda v, k: min(v)),
)
_EDITING = (
    Operation("reversed", "s = s[::-1]", lambda s, k: s[::-1]),
    Operation("in capitals", "s = s.upper()", lambda s, k: s.upper()),
    Operation("the first {k} letters", "s = s[:{k}]", lambda s, k: s[:k]),
    Operation("the last {k} letters", "s = s[-{k}:]", lambda s, k: s[-k:]),
    Operation("without the first {k} letters", "s = s[{k}:]", lambda s, k: s[k:]),
    Operation("{k} times over", "s = s * {k}", lambda s, k: s * k),
)
NUMBER = Family("a number", "n", "int(input())", _ARITHMETIC, _ARITHMETIC, 99)
LIST = Family("some numbers", "v", "[int(x) for x in input().split()]", _SELECTION, _SUMMARY, 99)
TEXT = Family("a word", "s", "input()", _EDITING, _EDITING, 12)
FAMILIES = (NUMBER, LIST, TEXT)


@dataclass(frozen=True)
class Exercise:
    """What is asked: a family, two operations with their constants, and whether a function is wanted."""

    family: Family
    operations: tuple[Operation, Operation]
    constants: tuple[int, int]
    as_function: bool

    @property
    def prompt(self) -> str:
        """Return the instruction that the model reads."""
        steps = ", then ".join(o.words.format(k=k) for o, k in zip(self.operations, self.constants, strict=True))
        if self.as_function:
            return f"Write f({self.family.variable}) for {self.family.noun}: {steps}.\n"
        return f"Read {self.family.noun} and print: {steps}.\n"

    @property
    def program(self) -> str:
        """Return a program that does what is asked."""
        name = self.family.variable
        steps = [o.statement.format(k=k) for o, k in zip(self.operations, self.constants, strict=True)]
        if self.as_function:
            return "\n    ".join([f"def f({name}):", *steps, f"return {name}"])
        return "\n".join([f"{name} = {self.family.read}", *steps, f"print({name})"])

    def answer(self, value: Any) -> Any:
        """Return what a right program makes of *value*."""
        for operation, k in zip(self.operations, self.constants, strict=True):
            value = operation.apply(value, k)
        return value

    def cases(self) -> list[tuple[Any, Any]]:
        """Return three inputs with their answers; the inputs depend on the prompt alone."""
        rng = random.Random(self.prompt)
        return [(value, self.answer(value)) for value in _inputs(self.family, self.constants[0], rng)]

    @property
    def is_telling(self) -> bool:
        """Whether the tests notice every single operation or constant that is not the one asked for."""
        inputs = [value for value, _ in self.cases()]
        answers = [self.answer(value) for value in inputs]
        return all([other.answer(value) for value in inputs] != answers for other in self._neighbours())

    def _neighbours(self) -> Iterator[Exercise]:
        for i, pool in enumerate((self.family.first, self.family.second)):
            yield from (self._with(i, operation=o) for o in pool if o is not self.operations[i])
            if "{k}" in self.operations[i].words:
                yield from (self._with(i, constant=self.constants[i] + d) for d in (-1, 1))

    def _with(self, i: int, *, operation: Operation | None = None, constant: int | None = None) -> Exercise:
        operations = [self.operations[j] if j != i or operation is None else operation for j in range(2)]
        constants = [self.constants[j] if j != i or constant is None else constant for j in range(2)]
        return replace(self, operations=(operations[0], operations[1]), constants=(constants[0], constants[1]))

    def flawed_program(self, rng: random.Random) -> str:
        """Return what a careless author would have written: one thing is wrong."""
        i = rng.randrange(2)
        pool = (self.family.first, self.family.second)[i]
        kinds = ["operation", "form", "typo"] + ["constant"] * ("{k}" in self.operations[i].words)
        kind = rng.choice(kinds)
        if kind == "operation":
            return self._with(i, operation=rng.choice([o for o in pool if o is not self.operations[i]])).program
        if kind == "constant":
            others = [k for k in range(2, self.family.largest_constant + 1) if k != self.constants[i]]
            return self._with(i, constant=rng.choice(others)).program
        if kind == "form":
            return replace(self, as_function=not self.as_function).program
        at = rng.choice([j for j, character in enumerate(self.program) if character in "()[]:"])
        return self.program[:at] + self.program[at + 1 :]


def _inputs(family: Family, k: int, rng: random.Random) -> list[Any]:
    if family is NUMBER:
        return [rng.randint(2, 99), rng.randint(1_000, 9_999), rng.randint(10**6, 10**7)]
    if family is TEXT:
        return ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(15, 25))) for _ in range(3)]
    around = [k - 3, k - 1, k, k + 1, k + 2, 2 * k, 3 * k]  # every selection finds something, and its border matters
    return [rng.sample(around, len(around)) + [rng.randint(-99, 199) for _ in range(3)] for _ in range(3)]


def make_exercises(n: int, *, seed: int) -> list[Exercise]:
    """Return *n* exercises with different prompts, in random order, each with tests that tell right from wrong.

    The three families have equal shares. Raises ValueError where a family has fewer prompts than that.
    """
    rng = random.Random(seed)
    found: dict[str, Exercise] = {}
    for family in itertools.cycle(FAMILIES):
        if len(found) == n:
            break
        draws = (_draw(family, rng) for _ in range(1_000))
        exercise = next((e for e in draws if e.prompt not in found and e.is_telling), None)
        if exercise is None:
            raise ValueError(f"{n} exercises are more than there are: {family.noun} gave out after {len(found)}")
        found[exercise.prompt] = exercise
    exercises = list(found.values())
    rng.shuffle(exercises)
    return exercises


def _draw(family: Family, rng: random.Random) -> Exercise:
    return Exercise(
        family,
        (rng.choice(family.first), rng.choice(family.second)),
        (rng.randint(2, family.largest_constant), rng.randint(2, family.largest_constant)),
        as_function=rng.random() < 0.5,
    )


def written_tests(exercise: Exercise) -> str:
    """Return the tests of *exercise* as the JSON text of a `tests` column."""
    if exercise.as_function:
        return json.dumps(
            [
                {"type": "call", "function": "f", "args": [value], "expected": answer}
                for value, answer in exercise.cases()
            ]
        )
    return json.dumps(
        [{"type": "stdin", "input": _stdin(value), "output": f"{answer}\n"} for value, answer in exercise.cases()]
    )


def _stdin(value: Any) -> str:
    return (" ".join(map(str, value)) if isinstance(value, list) else str(value)) + "\n"
