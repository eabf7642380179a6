"""Whole files of tests in the tester, by the framework that they were written for.

A file is accepted when every test that the framework found in it has passed, and it has found one at least. A test
that was skipped, or is expected to fail, tells nothing of the program, and so the file is not accepted either.
"""

from __future__ import annotations

import itertools
import linecache
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

from .outcome import SUITE_FILE, Outcome, outcome_of
from .proxies import Proxy
from .wire import MAX_ITERATED

FRAMEWORKS = ("pytest", "unittest")
HOOKS = frozenset(
    f"{when}{what}" for when in ("setup", "teardown") for what in ("", "_module", "_function", "_class", "_method")
) | {"setUpModule", "tearDownModule", "load_tests"}
"""Names by which a module tells a framework what to do: `import *` must not bring them from a program."""
_SHOWN_TROUBLES, _SHOWN_OF_EACH = 3, 300
_PHASES = {"setup", "call", "teardown"}
_LEFT_OUT = (
    # What writes for people or for machines that are not here, and what would look for faults of the tester's.
    "terminal cacheprovider faulthandler unraisableexception threadexception "
    "junitxml pastebin setuponly setupplan doctest"
)
_OPTIONS = (
    *(f"-pno:{name}" for name in _LEFT_OUT.split()),
    "--assert=plain",
    "--capture=sys",
    f"--config-file={os.devnull}",
    "--rootdir=.",
    "--confcutdir=.",
    "--basetemp=tmp",
    "--noconftest",
)


@dataclass
class Tally:
    """What a framework has reported so far."""

    missing: Sequence[str]
    """Names that the program lacks."""
    expected: int = 0
    """Tests that were found before the first one ran."""
    passed: int = 0
    troubles: list[tuple[str, str, Outcome]] = field(default_factory=list)
    """The test's name, what it did instead of passing, and the details."""

    def add(self, test: str, word: str, reason: BaseException | str) -> None:
        """Note that *test* has not passed."""
        found = Outcome("error", reason) if isinstance(reason, str) else outcome_of(reason, self.missing)
        self.troubles.append((test, word, found))

    def outcome(self) -> Outcome:
        """Return what became of the file as a whole."""
        if not self.troubles and self.passed == self.expected > 0:
            return Outcome("passed")
        words = Counter(word for _, word, _ in self.troubles)
        counts = ", ".join(f"{count} {word}" for word, count in {"passed": self.passed, **words}.items())
        shown = [f"{test}: {found.detail[:_SHOWN_OF_EACH]}" for test, _, found in self.troubles[:_SHOWN_TROUBLES]]
        if not self.troubles:
            lost = self.expected - self.passed
            shown = [f"{lost} did not come to their end" if lost else "no tests were found"]
        failed = any(found.kind == "failed" for _, _, found in self.troubles)
        by_program = any(found.program for _, _, found in self.troubles)
        return Outcome("failed" if failed else "error", f"{counts}: {'; '.join(shown)}", program=by_program)


def run_file(framework: str, source: str, module: ModuleType, missing: Sequence[str]) -> Outcome:
    """Execute *source* in *module*, run the tests that *framework* finds there, and return the outcome.

    Whatever is raised beside the tests is let through.
    """
    import unittest  # here: of the processes that have this module, few run such files

    # A file may call it at its end, and what it would do is what is done here.
    unittest.main = lambda *args, **kwargs: None  # type: ignore[assignment]
    tally, path = Tally(missing), os.path.abspath(SUITE_FILE)
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    with open(path, "wb") as file:
        file.write(source.encode("utf-8", "surrogatepass"))
    {"pytest": _run_pytest, "unittest": _run_unittest}[framework](code, module, tally)
    return tally.outcome()


def _run_unittest(code: CodeType, module: ModuleType, tally: Tally) -> None:
    import unittest

    class Result(unittest.TestResult):
        """Counts, and keeps no traceback."""

        def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - the framework's names, here and below
            tally.passed += 1

        def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
            tally.add(test.id(), "failed", err[1])

        addError = addFailure  # noqa: N815

        def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
            if err is not None:
                tally.add(subtest.id(), "failed", err[1])

        def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
            tally.add(test.id(), "skipped", f"skipped: {reason}")

        def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
            tally.add(test.id(), "expected to fail", "it failed, as it was expected to")

        def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
            tally.add(test.id(), "expected to fail", "it passed, and was expected to fail")

    exec(code, module.__dict__)
    suite = unittest.TestLoader().loadTestsFromModule(module)
    tally.expected = suite.countTestCases()
    suite.run(Result())


def _run_pytest(code: CodeType, module: ModuleType, tally: Tally) -> None:
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest  # here: it is there only in a tester that was started for such files

    sys.modules.pop(module.__name__, None)  # the framework looks whether the file is there, and imports it by name
    sys.meta_path.insert(0, _Prepared(code, module))
    _compare_items(type(pytest.approx([0.0])))
    main, recorder = pytest.main, _Recorder(tally, pytest.TestReport)
    pytest.main = lambda *args, **kwargs: 0  # a file that calls it at its end must not run itself again
    ended = main([*_OPTIONS, SUITE_FILE], plugins=[recorder])
    recorder.finish()
    if ended != 0 and tally.expected and not tally.troubles:
        tally.add(SUITE_FILE, "failed", f"pytest ended with {ended!r}")


def _compare_items(kind: Any) -> None:
    """Have *kind*, which compares sequences approximately, take what is in the program's, not the length they tell."""
    begin, equals = kind.__init__, kind.__eq__

    def items_of(thing: object) -> object:
        return list(itertools.islice(thing, MAX_ITERATED)) if isinstance(thing, Proxy) else thing

    kind.__init__ = lambda self, expected, *args, **kwargs: begin(self, items_of(expected), *args, **kwargs)
    kind.__eq__ = lambda self, actual: equals(self, items_of(actual))


class _Prepared:
    """Imports one file of tests into a module that knows the program's names already."""

    def __init__(self, code: CodeType, module: ModuleType) -> None:
        self._code, self._module = code, module

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return how to import the file, and nothing else."""
        if fullname != self._module.__name__:
            return None
        return spec_from_file_location(fullname, os.path.abspath(SUITE_FILE), loader=self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the file."""
        exec(self._code, module.__dict__)


class _Recorder:
    """A plugin of pytest's that counts; what it is told comes from this process, where the program is not."""

    def __init__(self, tally: Tally, report_type: type[Any]) -> None:
        self._tally, self._report_type = tally, report_type
        self._phases: dict[str, set[str]] = {}
        self._stumbled: list[tuple[str, str]] = []
        self._raised: dict[str, BaseException] = {}
        self._ended_by: BaseException | None = None

    def pytest_configure(self, config: Any) -> None:
        """Set what the terminal's plugin would have set, and older versions read without it."""
        config.option.verbose = 0

    def pytest_pycollect_makeitem(self, obj: object) -> list[Any] | None:
        """Find no tests in what the program has, whatever it is called."""
        return [] if isinstance(obj, Proxy) else None

    def pytest_collection_finish(self, session: Any) -> None:
        """Note how many tests there are."""
        self._tally.expected = len(session.items)

    def pytest_deselected(self, items: Sequence[Any]) -> None:
        """Note tests that are not to be run."""
        for item in items:
            self._tally.add(item.nodeid, "left out", "it was left out")

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file or a class that could not be read, or was skipped."""
        if not report.passed:
            self._stumble(report)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note one of the three phases of a test."""
        if hasattr(report, "wasxfail"):
            self._tally.add(_short(report.nodeid), "expected to fail", f"expected to fail: {report.wasxfail}")
        elif not report.passed:
            self._stumble(report)
        elif report.__class__ is self._report_type:  # and not a part of a test
            self._phases.setdefault(report.nodeid, set()).add(report.when)

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Note the first exception of a test, or of reading a file."""
        error = call.excinfo.value
        # What was raised by an import comes wrapped in an error that has the text of its traceback.
        self._raised.setdefault(node.nodeid, error if error.__cause__ is None else error.__cause__)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Note what has ended the whole run."""
        self._ended_by = excinfo.value

    def pytest_internalerror(self, excinfo: Any) -> bool:
        """Note what has ended the whole run, and keep the framework from printing it."""
        self._ended_by = excinfo.value
        return True

    def finish(self) -> None:
        """Bring together what came in pieces."""
        for nodeid, reason in self._stumbled:
            error = self._raised.get(nodeid)
            skipped = reason.startswith("skipped")
            self._tally.add(_short(nodeid), "skipped" if skipped else "failed", reason if error is None else error)
        # A file that cannot be read ends the run, too, and has been told.
        if self._ended_by is not None and not (self._stumbled and type(self._ended_by).__name__ == "Interrupted"):
            self._tally.add(SUITE_FILE, "ended", self._ended_by)
        stumbled = {nodeid for nodeid, _ in self._stumbled}
        self._tally.passed += sum(
            phases == _PHASES and nodeid not in stumbled for nodeid, phases in self._phases.items()
        )

    def _stumble(self, report: Any) -> None:
        reason = report.longrepr
        if report.skipped and isinstance(reason, tuple):
            text = f"skipped: {str(reason[2]).removeprefix('Skipped: ')}"
        else:
            text = str(reason)[-1000:]
        self._stumbled.append((report.nodeid, text))


def _short(nodeid: str) -> str:
    return nodeid.removeprefix(f"{SUITE_FILE}::")
