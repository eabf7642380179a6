"""The kinds of test, and the problem that is made of them.

Frozen and picklable. A test's `steps()` is what a program gets to see of it; everything else of a test stays on our
side of the sandbox's wall. Tests of one `group` are a subtask: they bear one weight together, and pass or fail as one
where scores are weighted.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .comparison import Comparison
from .errors import DatasetError
from .languages import canonical_language
from .records import AssertStep, CallStep, CellStep, File, Limits, Program, ScriptStep, Step


@dataclass(frozen=True)
class StdinTest:
    """Feed `stdin`, compare stdout."""

    __test__: ClassVar[bool] = False
    stdin: str
    expected: str
    comparison: Comparison | None = None
    weight: float = 1.0
    name: str = ""
    group: str = ""
    accepted: tuple[str, ...] = ()
    """Other outputs that are right, too."""
    checker: Checker | None = None
    """Decides instead of a comparison, where there is one."""
    files: tuple[File, ...] = ()
    output_file: str = ""
    """The file that holds the output, where the problem wants it there rather than on stdout."""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        fetch = (self.output_file,) if self.output_file else ()
        output_kb = _output_kb(self.expected, *self.accepted)
        return (ScriptStep(self.stdin, output_kb=output_kb, files=self.files, fetch=fetch),)


@dataclass(frozen=True)
class OutputTest:
    """Run the program without input, compare stdout."""

    __test__: ClassVar[bool] = False
    expected: str
    comparison: Comparison | None = None
    weight: float = 1.0
    name: str = ""
    group: str = ""
    accepted: tuple[str, ...] = ()
    """Other outputs that are right, too."""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (ScriptStep("", output_kb=_output_kb(self.expected, *self.accepted)),)


@dataclass(frozen=True)
class CallTest:
    """Call a function, compare the returned value with `expected`."""

    __test__: ClassVar[bool] = False
    function: str
    args: tuple[Any, ...]
    expected: Any
    kwargs: tuple[tuple[str, Any], ...] = ()
    from_json: bool = True
    """The row came as JSON: a tuple stands for a list, and a mapping's keys may be text where they were numbers."""
    weight: float = 1.0
    name: str = ""
    wrapped: bool = False
    """The row does not tell whether its outputs are wrapped in lists of one: `expected` and `[expected]` are right."""
    group: str = ""
    accepted: tuple[Any, ...] = ()
    """Other values that are right, too."""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (CallStep(self.function, self.args, self.kwargs),)


@dataclass(frozen=True)
class AssertTest:
    """Test code in assert style.

    Where it could be lowered, `calls` are what the program is asked, and `condition` is an expression over the names
    `_0`, `_1`, ... of what the calls returned, evaluated on our side. Otherwise `calls` is empty and the whole source
    runs in a tester process.
    """

    __test__: ClassVar[bool] = False
    source: str
    calls: tuple[CallStep, ...] = ()
    condition: str = ""
    setup: str = ""
    names: tuple[str, ...] = ()
    weight: float = 1.0
    name: str = ""
    group: str = ""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return self.calls or (AssertStep(self.source, self.setup, self.names),)


@dataclass(frozen=True)
class SuiteTest:
    """A file of pytest or unittest tests, run in the tester process; `solution` is the program there."""

    __test__: ClassVar[bool] = False
    source: str
    framework: str = "pytest"
    weight: float = 1.0
    name: str = ""
    group: str = ""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (AssertStep(self.source, framework=self.framework),)


@dataclass(frozen=True)
class AppendedTest:
    """Test code in the program's own language, in its own process: the program has the means to fake its success.

    `epilogue` prints `token` as the last line when all of `source` has run; both stand behind the program.
    """

    __test__: ClassVar[bool] = False
    source: str
    epilogue: str
    token: str
    weight: float = 1.0
    name: str = ""
    group: str = ""
    closes: int = 0
    """How many of the blocks that a whole program closes at its end are closed by `source` instead: tests in Java stand
    in the program's last class."""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (ScriptStep(append=f"{self.source}\n{self.epilogue}"),)

    def opened(self, program: Program) -> Program:
        """Return *program* with the blocks left open that the test closes."""
        return replace(program, source=_without_last_braces(program.source, self.closes)) if self.closes else program


@dataclass(frozen=True)
class FileTest:
    """Run the program, look at a file that it was to write."""

    __test__: ClassVar[bool] = False
    path: str
    expected: str | None = None
    """None: that it exists is enough."""
    comparison: Comparison | None = None
    stdin: str = ""
    files: tuple[File, ...] = ()
    weight: float = 1.0
    name: str = ""
    group: str = ""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (ScriptStep(self.stdin, files=self.files, fetch=(self.path,)),)


@dataclass(frozen=True)
class CellTest:
    """Run a cell in the state that the program left; its last value, or else what it printed, is compared.

    A cell that ends in an assignment to a name is asked for that name.
    """

    __test__: ClassVar[bool] = False
    source: str
    expected: str
    comparison: Comparison | None = None
    files: tuple[File, ...] = ()
    weight: float = 1.0
    name: str = ""
    group: str = ""

    def steps(self) -> tuple[Step, ...]:
        """Return what goes in."""
        return (CellStep(with_value_shown(self.source), self.files),)


@dataclass(frozen=True)
class Checker:
    """A program that says whether an output is right.

    It is run in a sandbox of its own as `checker <input> <expected output> <output>` (Codeforces' `generated_checker`)
    or as `checker <input> <output> <expected output>` (testlib), with the names of files. Whatever it includes beyond
    its language's own library, such as `testlib.h`, has to stand in `source`.
    """

    source: str
    language: str = "python"
    style: str = "codeforces"
    """`codeforces` prints a number, and 1 or more means right; `testlib` ends with exit code 0 for right, 1 or 2 for
    wrong, 7 for a share of the points, and anything else is a fault of its own. Only a checker in
    C or C++ is believed without its calling the expected output right: elsewhere a crash ends with such codes, too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", canonical_language(self.language))
        if self.style not in CHECKER_STYLES:
            known = ", ".join(CHECKER_STYLES)
            raise DatasetError(f"a checker's style must be one of {known}, found {self.style!r:.60}")
        if not self.source.strip():
            raise DatasetError("an empty checker has no opinion")


CHECKER_STYLES = ("codeforces", "testlib")

TestCase = StdinTest | OutputTest | CallTest | AssertTest | SuiteTest | AppendedTest | FileTest | CellTest


def with_value_shown(cell: str) -> str:
    """Return *cell* with the name behind it that its last statement assigns to, if it does, as the value to show."""
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return cell  # a magic command of notebooks, or the program's own mistake
    match body[-1:]:
        case [ast.Assign(targets=[ast.Name(id=name)])]:
            return f"{cell}\n{name}"
    return cell


def _without_last_braces(source: str, count: int) -> str:
    """Return *source* without its last closing braces; those in lines that are comments do not count."""
    lines = source.splitlines(keepends=True)
    for i in reversed(range(len(lines))):
        code = lines[i].partition("//")[0]
        while count and not code.lstrip().startswith(("*", "/*")) and (at := code.rfind("}")) >= 0:
            lines[i], code, count = lines[i][:at] + lines[i][at + 1 :], code[:at], count - 1
    return "".join(lines)


def _output_kb(*expected: str) -> int:
    return 4 * max(len(text.encode("utf-8", "replace")) for text in expected) // 1024 + 1


IN_ANY_LANGUAGE = (StdinTest, OutputTest, FileTest, AppendedTest)
"""The kinds of test for programs in any language; the others reach into programs in Python."""


@dataclass(frozen=True)
class Problem:
    """What a program is graded against.

    Raises `DatasetError` for tests that cannot stand side by side, or not beside the language.
    """

    tests: tuple[TestCase, ...]
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    comparison: Comparison = Comparison()  # noqa: RUF009 - frozen
    language: str = "python"
    entry_point: str | None = None
    """The function or class that a program must define, where the row tells."""
    code_prompt: str = ""
    """Source that stands before the program: HumanEval's prompt, with its imports, helpers and open function."""
    schema: str = ""

    def __post_init__(self) -> None:
        if self.language != "python" and not all(isinstance(test, IN_ANY_LANGUAGE) for test in self.tests):
            raise DatasetError(
                f"tests that call functions or look into cells need programs in Python, but the language is "
                f"{self.language!r}: what a program in it prints or writes can be tested"
            )
        cells = sum(isinstance(test, CellTest) for test in self.tests)
        if 0 < cells < len(self.tests):
            raise DatasetError("tests that run cells cannot stand beside tests of other kinds: make two rows of them")
        if len({test.closes if isinstance(test, AppendedTest) else 0 for test in self.tests}) > 1:
            raise DatasetError("tests that close the program's last blocks stand alone: make two rows of them")
        weights = {test.group: test.weight for test in self.tests}
        unequal = [test.group for test in self.tests if test.group and test.weight != weights[test.group]]
        if unequal:
            raise DatasetError(
                f"the tests of the group {unequal[0]!r:.60} must have one weight, which they bear together"
            )
