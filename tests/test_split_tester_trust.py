"""A program cannot talk its way past a tester; these programs are harmless to run, but they lie."""

from __future__ import annotations

import ast
import re

import pytest
from plain_processes import split_outcomes

from rewards.sandboxes.runner.names import import_afresh, modules_of_test, names_of_program

YES = """
class Yes:
    def _true(self, *args): return True
    def _self(self, *args): return self
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _true
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
    __add__ = __sub__ = __rsub__ = __abs__ = __mul__ = __neg__ = __round__ = _self
    __len__ = lambda self: 1
    __class__ = int
def answer(*args):
    return Yes()
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert answer() == 5",
        "assert 5 == answer()",
        "assert not answer() != 5",
        "assert answer() in [5]",
        "assert answer() == answer()",
        "assert abs(answer() - 3.0) < 1e-6",
        "assert 3 < answer()",
        "assert answer() >= 3",
        "assert answer(1) < answer(2)",
        "assert 5 in answer()",
        "assert isinstance(answer(), int)",
        "assert {answer()} == {5}",
        "assert [answer()] == [5]",
        "assert sorted([answer(), 5])",
        "assert math.isclose(answer(), 5)",
        "assert int(answer()) == 5",
        "assert str(answer()) == '5'",
        "assert answer()[0] == 5",
        "x = [1]\nanswer(x)\nassert x == [2]",
    ],
)
def test_an_object_that_agrees_with_everything_is_no_answer(test: str) -> None:
    (outcome,) = split_outcomes("import math\n" + YES, [test])
    assert outcome.kind in ("failed", "error")


LEAVING = [
    pytest.param("import os\ndef answer():\n    os._exit(0)\n", id="leaving by the back door"),
    pytest.param("import sys\ndef answer():\n    sys.exit(0)\n", id="leaving by the front door"),
    pytest.param("import unittest\ndef answer():\n    raise unittest.SkipTest\n", id="skipping the test"),
    pytest.param("def answer():\n    raise AssertionError\n", id="raising the tester's exception"),
    pytest.param("def answer():\n    raise GeneratorExit\n", id="raising what is no Exception"),
    pytest.param("import os\nos._exit(0)\n", id="leaving while it is loaded"),
    pytest.param("import sys\nsys.exit(0)\n", id="ending while it is loaded"),
    pytest.param(
        "import os\ndef answer():\n    os.close(3); os.close(4); os.close(5)\n    return 5\n", id="hanging up"
    ),
]


@pytest.mark.parametrize("program", LEAVING)
@pytest.mark.parametrize(
    "test",
    ["assert answer() == 5", "try:\n    answer()\nexcept Exception:\n    raise\nassert answer() == 5"],
    ids=["plain", "caught"],
)
def test_a_program_that_leaves_has_not_passed(program: str, test: str) -> None:
    (outcome,) = split_outcomes(program, [test])
    assert outcome.kind in ("error", "failed")


def test_a_program_that_dies_does_not_count_as_one_that_raises() -> None:
    swallowing = "try:\n    answer()\nexcept BaseException:\n    pass"
    first, second = split_outcomes("import os\ndef answer():\n    os._exit(0)\n", [swallowing, "assert True"])
    assert (first.kind, first.program) == (second.kind, second.program) == ("error", True)


FORGED = {
    "an outcome in place of an answer": b'{"kind":"passed","detail":"","program":false}',
    "no JSON": b"passed",
    "an unknown message": b'["passed"]',
    "no message": b'"value"',
    "an operation that no program may ask for": b'["ask","getattr",[1,2]]',
    "a function that it never got": b'["ask","call",[0,[],{"d":[]}]]',
    "a class to be called": b'["ask","call",[{"b":"type"},[],{"d":[]}]]',
    "an object that it never got": b'["value",{"o":["x",-1,true]},null]',
    "an exception of no class": b'["raised",[-1,"x",[]],[],0,""]',
    "an exception of a class that cannot be": b'["raised",[1,"x",["OSError","SyntaxError"]],[],0,""]',
    "an exception with a null in its name": b'["raised",[1,"\\u0000",["ValueError"]],[],0,""]',
    "an exception of a builtin that is none": b'["raised","eval",["1"],0,""]',
    "nesting without end": b"[" * 100_000,
    "a frame of four gigabytes": None,
}


@pytest.mark.parametrize("frame", FORGED.values(), ids=FORGED.keys())
def test_an_answer_that_no_runner_writes_is_the_programs_fault(frame: bytes | None) -> None:
    sent = b"\xff\xff\xff\xff" if frame is None else len(frame).to_bytes(4, "little") + frame
    program = f"import os, stat\ndef answer():\n{SEND_ON_SOCKETS}    send({sent!r})\n    return 5\n"
    tests = ["try:\n    assert answer() == 5\nexcept BaseException:\n    pass"]
    (outcome,) = split_outcomes(program, tests)
    assert (outcome.kind, outcome.program) == ("error", True)


SEND_ON_SOCKETS = """\
    def send(data):
        for fd in range(3, 20):
            try:
                if stat.S_ISSOCK(os.fstat(fd).st_mode):
                    os.write(fd, data)
            except OSError:
                pass
"""


def test_the_tester_calls_only_what_the_test_has_handed_over() -> None:
    program = "def answer(f):\n    return [f('x'), getattr(f, '__globals__', None), hasattr(f, 'f_globals')]\n"
    (outcome,) = split_outcomes(program, ["assert answer(lambda x: x + 'y') == ['xy', None, False]"])
    assert (outcome.kind, outcome.detail) == ("passed", "")


def test_endless_callbacks_end() -> None:
    program = "def answer(f):\n    while True:\n        f()\n"
    (outcome,) = split_outcomes(program, ["answer(lambda: None)"])
    assert (outcome.kind, outcome.program) == ("error", True)


def test_a_program_cannot_stand_in_for_a_module_of_the_test() -> None:
    program = "class math:\n    isclose = staticmethod(lambda *args: True)\ndef answer():\n    return 1\n"
    (outcome,) = split_outcomes(program, ["assert math.isclose(answer(), 5)"])
    assert outcome.kind == "failed"


def test_a_program_cannot_redefine_a_builtin_for_the_test() -> None:
    program = (
        "import builtins\ndef all(items):\n    return True\nabs = len = builtins.any = all\n"
        "def answer():\n    return 1\n"
    )
    for test in (
        "assert all([0])",
        "assert any([answer() == 2])",
        "from solution import *\nassert len([1, 2]) == True",
    ):
        (outcome,) = split_outcomes(program, [test])
        assert outcome.kind == "failed"


def test_names_are_asked_of_the_program_only_where_they_can_be_its_own() -> None:
    source = "import random\nx = f(sorted(y))\nassert math.floor(random.random()) == len(x) and isinstance(z, int)"
    assert set(names_of_program([source], listed=[])) == {"f", "x", "y", "z", "random"}
    assert modules_of_test([source], listed=[]) == ["math"]
    assert "sum" in names_of_program([source], listed=["sum"])


@pytest.mark.parametrize(
    "name", ["antigravity", "this", "no_such_module", "os;x", "", "..os", "solution", "tests", "runner"]
)
def test_a_program_has_nothing_imported_that_it_may_have_written(name: str) -> None:
    assert import_afresh(name) is None


def test_the_runner_never_unpickles_or_evaluates() -> None:
    from plain_processes import SANDBOXES

    for name in (
        "wire",
        "readers",
        "encoding",
        "decoding",
        "rebuilding",
        "channel",
        "crossing",
        "tester_peer",
        "streams",
        "proxies",
    ):
        source = (SANDBOXES / "runner" / f"{name}.py").read_text()
        called = {
            node.func.id
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"eval", "exec", "compile", "__import__"}
        assert not re.search(r"^\s*(import|from) (pickle|marshal|shelve)", source, re.MULTILINE)
