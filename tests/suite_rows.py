"""Files of tests, and programs that are tested by them: what `test_suites` runs.

PASSING accept PROGRAM; REFUSED do not, whatever the program; ASKING are put to the programs of LEAVING, which leave,
lie or patch their own process, and know no answer.
"""

from __future__ import annotations

import asyncio

import pytest

from rewards.records import AssertStep, Job, JobResult, Limits, Program, TestRun
from rewards.sandboxes.local import LocalSandbox

PROGRAM = """
import json, math

class TooLarge(ValueError):
    def __init__(self, n):
        super().__init__(f"{n} is too large")
        self.n = n

def square(x):
    if x < 0:
        raise ValueError(f"negative: {x}")
    if x > 100:
        raise TooLarge(x)
    return x * x

class Stack:
    def __init__(self, items=()):
        self.items = list(items)
    def push(self, item):
        self.items.append(item)
        return self
    def pop(self):
        if not self.items:
            raise IndexError("pop from an empty stack")
        return self.items.pop()
    def __len__(self):
        return len(self.items)
    def __eq__(self, other):
        return isinstance(other, Stack) and self.items == other.items

def count_to(n):
    yield from range(n)

def parse(text):
    return json.loads(text)

def apply(function, *args):
    return function(*args)

def test_of_the_programs_own():
    assert False
"""
IMPORTS = "import pytest\nimport unittest\nfrom solution import *\nfrom solution import Stack, TooLarge, square\n"
CASE = IMPORTS.replace("import pytest\n", "") + "class T(unittest.TestCase):\n"

PASSING = [
    pytest.param("pytest", "from solution import square\ndef test_a():\n    assert square(2) == 4\n", id="a function"),
    pytest.param("pytest", "import solution\ndef test_a():\n    assert solution.square(2) == 4\n", id="the module"),
    pytest.param("pytest", "def test_a():\n    assert square(2) == 4 and math.pi > 3\n", id="no import at all"),
    pytest.param("pytest", "from main import square\ndef test_a():\n    assert square(2) == 4\n", id="another name"),
    pytest.param(
        "pytest",
        IMPORTS + "@pytest.mark.parametrize('x, y', [(1, 1), (2, 4)])\ndef test_a(x, y):\n    assert square(x) == y\n",
        id="parameters",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "def test_a():\n    with pytest.raises(ValueError, match=r'negative: -\\d'):\n        square(-1)\n",
        id="a builtin exception and its text",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "def test_a():\n    with pytest.raises(TooLarge) as raised:\n        square(101)\n"
        "    assert raised.value.n == 101 and str(raised.value) == '101 is too large'\n",
        id="an exception of the program's",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "def test_a():\n    assert square(0.1) == pytest.approx(0.01)\n"
        "    assert [square(0.1)] == pytest.approx([0.01])\n",
        id="approx",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "@pytest.fixture(autouse=True)\ndef stack(tmp_path):\n    (tmp_path / 'a').write_text('1')\n"
        "    stack = Stack([1])\n    yield stack\n    assert len(stack) == 0\n"
        "def test_a(stack, tmp_path, monkeypatch, capsys):\n    monkeypatch.setenv('A', 'b')\n    print('hi')\n"
        "    assert stack.pop() == 1 and capsys.readouterr().out == 'hi\\n'\n"
        "    assert (tmp_path / 'a').read_text() == '1'\n",
        id="fixtures",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "pytest_plugins = []\nclass TestStack:\n    def setup_method(self):\n        self.stack = Stack()\n"
        "    def test_a(self):\n        assert self.stack.push(1) == Stack([1]) != Stack([2])\n"
        "    def test_b(self):\n        with pytest.raises(IndexError):\n            self.stack.pop()\n",
        id="a class, with comparisons of objects",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "def test_a():\n    assert list(count_to(3)) == [0, 1, 2] and apply(lambda x: x + 1, 1) == 2\n",
        id="generators and callbacks",
    ),
    pytest.param("pytest", CASE + "    def test_a(self):\n        self.assertEqual(square(2), 4)\n", id="both"),
    pytest.param(
        "pytest",
        IMPORTS
        + "def test_a():\n    assert square(2) == 4\nif __name__ == '__main__':\n    pytest.main()\npytest.main([])",
        id="a file that runs itself",
    ),
    pytest.param(
        "unittest",
        CASE + "    @classmethod\n    def setUpClass(cls):\n        cls.stack = Stack([3])\n"
        "    def test_a(self):\n        self.assertEqual(self.stack.pop(), 3)\n"
        "    def test_b(self):\n        for n in range(3):\n            with self.subTest(n=n):\n"
        "                self.assertAlmostEqual(square(n), n * n)\n"
        "    def test_c(self):\n        with self.assertRaises(TooLarge) as raised:\n            square(101)\n"
        "        self.assertEqual(raised.exception.n, 101)\n"
        "        self.assertRaisesRegex(ValueError, 'negative', square, -1)\n"
        "        self.assertIsInstance(Stack(), Stack)\n"
        "        self.assertCountEqual(count_to(3), [2, 1, 0])\n"
        "unittest.main()\n",
        id="unittest",
    ),
    pytest.param(
        "unittest",
        CASE.replace("TestCase", "IsolatedAsyncioTestCase")
        + "    async def test_a(self):\n        self.assertEqual(square(2), 4)\n",
        id="an asynchronous test",
    ),
]

LEAVING = {
    "os._exit": "import os\ndef square(x):\n    os._exit(0)\n",
    "sys.exit": "import sys\ndef square(x):\n    sys.exit(0)\n",
    "an interrupt": "def square(x):\n    raise KeyboardInterrupt\n",
    "SkipTest": "import unittest\ndef square(x):\n    raise unittest.SkipTest('no')\n",
    "a class called Skipped": "class Skipped(BaseException): pass\nSkipped.__module__ = '_pytest.outcomes'\n"
    "def square(x):\n    raise Skipped('no')\n",
    "an end of iteration": "def square(x):\n    raise StopIteration\n",
    "leaving while it is loaded": "import os\nos._exit(0)\n",
    "no such function": "def other(): pass\n",
    "patched frameworks": "import builtins, sys, unittest\nclass Yes:\n"
    "    def __getattr__(self, name): return lambda *a, **k: self\n    def __eq__(self, other): return True\n"
    "sys.modules['pytest'] = sys.modules['_pytest'] = Yes()\nunittest.TestCase.assertEqual = lambda *a: None\n"
    "unittest.TestCase.run = lambda self, result: result.addSuccess(self)\n"
    "builtins.AssertionError = StopIteration\ndef square(x):\n    return Yes()\n",
    "hooks": "pytestmark = []\ndef pytest_runtest_makereport(item, call): return True\npytest_plugins = 'solution'\n"
    "def load_tests(loader, tests, pattern):\n    return type(tests)()\n"
    "def setup_module(module=None):\n    raise SystemExit(0)\nsetUpModule = setup_module\n"
    "def test_always(): pass\ndef square(x):\n    return 5\n"
    "import unittest\nclass TestAlways(unittest.TestCase):\n    def test_a(self): pass\n",
    "a callback that it was never given": "def square(x):\n    return type('F', (), {'__call__': lambda s: 4})()\n",
}
ASKING = {
    "pytest": IMPORTS.replace(", TooLarge", "").replace("Stack, ", "")
    + "def test_a():\n    assert square(2) == 4\ndef test_b():\n    assert True\n",
    "pytest, caught": IMPORTS.replace("from solution import Stack, TooLarge, square\n", "")
    + "def test_a():\n    try:\n        x = square(2)\n    except Exception:\n        raise\n    assert x == 4\n",
    "unittest": CASE.replace("Stack, TooLarge, ", "")
    + "    def test_a(self):\n        self.assertEqual(square(2), 4)\n    def test_b(self):\n        pass\n",
}

REFUSED = [
    pytest.param("pytest", "x = square(2)\n", "no tests were found", id="no tests"),
    pytest.param("unittest", "x = square(2)\n", "no tests were found", id="no test cases"),
    pytest.param(
        "pytest", IMPORTS + "@pytest.mark.skip\ndef test_a(): pass\ndef test_b(): pass\n", "skip", id="a skip"
    ),
    pytest.param(
        "pytest", IMPORTS + "pytest.skip('no', allow_module_level=True)\n", "skip", id="a file that is skipped"
    ),
    pytest.param("pytest", IMPORTS + "pytestmark = pytest.mark.skip\ndef test_a(): pass\n", "skip", id="all skipped"),
    pytest.param(
        "pytest", IMPORTS + "@pytest.mark.xfail\ndef test_a(): assert 0\n", "expected", id="an expected failure"
    ),
    pytest.param("pytest", IMPORTS + "@pytest.mark.xfail\ndef test_a(): pass\n", "expected", id="an unexpected pass"),
    pytest.param(
        "pytest", IMPORTS + "def test_a():\n    pytest.exit('enough', 0)\n", "Exit", id="a test that ends the run"
    ),
    pytest.param("pytest", "def test_a(): pass\nraise SystemExit(0)\n", "SystemExit", id="a file that leaves"),
    pytest.param(
        "pytest", "import os\ndef test_a():\n    raise SystemExit(0)\n", "SystemExit", id="a test that leaves"
    ),
    pytest.param("pytest", "def test_a(nothing): pass\n", "nothing", id="a fixture that is nowhere"),
    pytest.param("pytest", "def test_a(:\n", "SyntaxError", id="no Python"),
    pytest.param("pytest", "import no_such\ndef test_a(): pass\n", "No module named 'no_such'", id="a missing module"),
    pytest.param(
        "pytest",
        IMPORTS + "@pytest.fixture\ndef thing():\n    yield 1\n    assert 0, 'left a mess'\ndef test_a(thing): pass\n",
        "1 failed: test_a: [line 8: assert 0, 'left a mess'] left a mess",
        id="a failure in the teardown",
    ),
    pytest.param(
        "pytest",
        IMPORTS + "@pytest.mark.parametrize('x, y', [(1, 1), (2, 5), (3, 9)])\ndef test_a(x, y):\n"
        "    assert square(x) == y\n",
        "2 passed, 1 failed: test_a[2-5]: [line 7: assert square(x) == y]",
        id="one parameter of three",
    ),
    pytest.param(
        "pytest",
        "import solution\ndef test_a(monkeypatch):\n    monkeypatch.setattr(solution, 'square', lambda x: 4)\n"
        "    assert solution.square(2) == 4\n",
        "cannot patch",
        id="a patch of the program",
    ),
    pytest.param("unittest", CASE + "    def test_a(self):\n        self.skipTest('no')\n", "1 skipped", id="skipTest"),
    pytest.param(
        "unittest", CASE + "    @unittest.expectedFailure\n    def test_a(self): 1 / 0\n", "it failed", id="xfail"
    ),
    pytest.param(
        "unittest", CASE + "    @unittest.expectedFailure\n    def test_a(self): pass\n", "it passed", id="xpass"
    ),
    pytest.param(
        "unittest",
        CASE + "    @classmethod\n    def setUpClass(cls): 1 / 0\n    def test_a(self): pass\n",
        "ZeroDivisionError",
        id="a class that cannot be set up",
    ),
    pytest.param(
        "unittest",
        CASE + "    def tearDown(self): self.fail('left a mess')\n    def test_a(self): pass\n",
        "left a mess",
        id="a failure in tearDown",
    ),
    pytest.param(
        "unittest",
        CASE + "    def test_a(self):\n        for n in (1, 2):\n            with self.subTest(n=n):\n"
        "                self.assertEqual(square(n), 1)\n    def test_b(self): pass\n",
        "1 passed, 1 failed: tests.T.test_a (n=2): [line 8: self.assertEqual(square(n), 1)] 4 != 1",
        id="a part of a test",
    ),
    pytest.param("unittest", CASE + "    def test_a(self): pass\nraise SystemExit(0)\n", "SystemExit", id="leaving"),
    pytest.param("unittest", "def load_tests(*args):\n    1 / 0\n", "ZeroDivisionError", id="a loader that raises"),
]


def run_of(
    sandbox: LocalSandbox, loop: asyncio.Runner, program: str, *files: AssertStep, cpu_s: float = 10.0
) -> list[TestRun]:
    result = loop.run(sandbox.run(Job(Program(program), files, Limits(cpu_s=cpu_s))))
    assert isinstance(result, JobResult), result
    return list(result.runs)
