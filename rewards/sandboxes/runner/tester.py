"""The tester: runs test code in a process of its own, in which the program's names are proxies.

Only this process writes verdicts, and the program never runs in it. A source that comes to its end has passed.

What remains the program's word: what its functions, methods, attributes and conversions return, from arguments that a
test had better not compute the answer into (`f(x).issubset(expected)` asks the program); and, for classes that the test
names, the operators between their objects and the attributes by which these are compared. `V(1, 2) + V(3, 4) ==
V(4, 6)` compares nothing but objects of the program's, which may share one state, or be one object: a test that wants
certainty compares their attributes with data.
"""

from __future__ import annotations

import builtins
import json
import linecache
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from .channel import ChannelBroken
from .frames import read_frames, write_frame
from .names import (
    classes_of_test,
    helpers_of_test,
    import_afresh,
    names_bound,
    names_of_program,
    own_things,
    written_as_class,
)
from .outcome import MODULE, Outcome, outcome_of
from .solution import NAME, flush_output, message_of
from .tester_peer import TesterPeer
from .unit_tests import HOOKS, run_file

_ALSO = ("main", "your_module")
"""Other names under which files of tests import the program."""
_SHOWN = 1000


def pack_tests(setup: str, sources: Iterable[str], names: Iterable[str], *, framework: str = "") -> bytes:
    """Return the job for `run_tests`; *names* mean the program's even where they hide a builtin.

    With a *framework* each source is a whole file of tests.
    """
    job = {"setup": setup, "sources": list(sources), "names": list(names), "framework": framework}
    return json.dumps(job).encode("ascii")


def run_tests(job: bytes, channel_fd: int, returned_fd: int) -> None:
    """Run the set-up and each source against the program at the other end, with one frame for each source."""
    asked = json.loads(job)
    peer = TesterPeer(channel_fd, sources=[asked["setup"], *asked["sources"]])
    session = _Session(peer, asked["setup"], asked["sources"], asked["names"])
    outcome, framework = session.prepare(asked["setup"]), asked["framework"]
    for number, source in enumerate(asked["sources"], 1):
        if outcome.kind != "passed":
            result = outcome
        elif framework:
            result = session.run_file(source, framework)
        else:
            result = session.run(source, f"<test {number}>")
        shown = {"kind": result.kind, "detail": result.detail[:_SHOWN], "program": result.program}
        write_frame(returned_fd, json.dumps(shown).encode("ascii"))
    flush_output()


def read_outcomes(data: bytes, *, limit: int = 1 << 16) -> list[Outcome]:
    """Return the first *limit* outcomes; any bytes are something, and only what a tester wrote is `passed`."""
    return [_read_outcome(frame) for frame in read_frames(data, limit=limit)]


def _read_outcome(frame: bytes) -> Outcome:
    try:
        shown = json.loads(frame) if len(frame) < 20 * _SHOWN else None
    except (ValueError, RecursionError):
        shown = None
    match shown:
        case {"kind": "passed" | "failed" | "error" as kind, "detail": str(detail), "program": bool(program)}:
            return Outcome(kind, detail, program)
    return Outcome("malformed", "not an outcome")


class _Session:
    """One program, one namespace of test code."""

    def __init__(self, peer: TesterPeer, setup: str, sources: list[str], names: list[str]) -> None:
        self._peer = peer
        self._names = names
        self._module = ModuleType(MODULE)
        self._namespace = self._module.__dict__
        self._namespace["__builtins__"] = builtins
        self._fetched: dict[str, object] = {}
        sys.modules[MODULE] = self._module
        sys.modules[NAME] = _Solution(self)
        # All of them at once: a name that one source binds is not free in the next.
        everything = [setup, *sources]
        self._own = own_things(everything, listed=names)
        self._helpers = helpers_of_test(everything, listed=names)
        self._bound = names_bound(everything)
        self._classes = classes_of_test(everything, listed=names)

    def prepare(self, setup: str) -> Outcome:
        """Wait until the program is loaded, then run the set-up."""
        try:
            reason = self._peer.wait_for_program()
            lent = self._ask_names(self._helpers) if reason is None and self._helpers else {}
        except (ChannelBroken, Exception) as problem:  # noqa: BLE001 - the boundary to bytes of the program's: too many, say
            return Outcome(
                "error", f"the program was not loaded: {message_of(problem) or type(problem).__name__}", program=True
            )
        if reason is not None:
            return Outcome("error", f"the program was not loaded: {reason}", program=True)
        # A helper that the program does not have either is a name that the test forgot to import.
        missing = set(self._helpers) - lent.keys()
        own = {name: thing for name, thing in self._own.items() if thing is not None and name not in missing}
        self._namespace.update(own)
        return self.run(setup, "<setup>")

    def run(self, source: str, file: str) -> Outcome:
        """Run one source to its end."""
        return self._judge(source, lambda missing: self._execute(source, file))

    def run_file(self, source: str, framework: str) -> Outcome:
        """Run one file of tests, with what the set-up has left."""
        sys.modules |= dict.fromkeys(_ALSO, sys.modules[NAME])
        return self._judge(source, lambda missing: run_file(framework, source, self._module, missing))

    def _judge(self, source: str, run: Callable[[list[str]], Outcome]) -> Outcome:
        missing: list[str] = []
        try:
            missing = self._fetch_names(source)
            outcome = run(missing)
        except BaseException as error:  # noqa: BLE001 - the boundary to test code: it may raise anything, SystemExit too
            outcome = outcome_of(error, missing)
        if self._peer.broken is not None:  # whatever the test has made of it
            return Outcome("error", f"the program did not answer: {self._peer.broken}", program=True)
        return outcome

    def _execute(self, source: str, file: str) -> Outcome:
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        # Assertions stay in whatever the interpreter was told to leave out.
        exec(compile(source, file, "exec", dont_inherit=True, optimize=0), self._namespace)
        return Outcome("passed")

    def program_value(self, name: str) -> Any:
        """Return what the program has under *name*; raises AttributeError when there is nothing."""
        found = self._ask_names([name])
        if name not in found:
            raise AttributeError(f"module {NAME!r} has no attribute {name!r}")
        return found[name]

    def public_names(self) -> list[str]:
        """Return what `from solution import *` binds: nothing that the test has for itself, unless it is listed."""
        offered = self._peer.ask("public names")
        names = [name for name in offered if type(name) is str] if type(offered) is list else []
        kept = self._bound | self._own.keys() | sys.stdlib_module_names | vars(builtins).keys() | HOOKS
        return [name for name in names if name in self._names or not (name in kept or name.startswith("pytest"))]

    def _fetch_names(self, source: str) -> list[str]:
        wanted = names_of_program([source], listed=self._names)
        # A value is fetched again for each source, unless the test has bound its name meanwhile.
        asked = [name for name in wanted if self._namespace.get(name) is self._fetched.get(name)]
        asked = [name for name in asked if name not in self._own and not name.startswith("__")]
        found = self._ask_names(asked) if asked else {}
        self._namespace.update(found)
        self._fetched.update(found)
        return [name for name in asked if name not in found]

    def _ask_names(self, names: list[str]) -> dict[str, object]:
        answers = self._peer.ask("names", *names)
        found: dict[str, object] = {}
        for name, answer in zip(names, answers, strict=True):
            match answer:
                case ["value", value]:
                    if name in self._classes or (written_as_class(name) and name not in self._names):
                        self._peer.name_class(value)
                    found[name] = value
                case ["module", str(module)] if (own := import_afresh(module)) is not None:
                    found[name] = own
        return found


class _Solution(ModuleType):
    """The module `solution`, for tests that import the program."""

    def __init__(self, session: _Session) -> None:
        super().__init__(NAME)
        self.__dict__["_session"] = session

    def __getattr__(self, name: str) -> Any:
        session: _Session = self.__dict__["_session"]
        if name == "__all__":
            return session.public_names()
        if name.startswith("__"):
            raise AttributeError(name)
        return session.program_value(name)

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("the program runs in another process: a test cannot patch its module")

    def __delattr__(self, name: str) -> None:
        raise TypeError("the program runs in another process: a test cannot patch its module")
