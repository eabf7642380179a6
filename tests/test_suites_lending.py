"""What a file of tests and a program lend each other beside data: streams, objects, coroutines, threads."""

from __future__ import annotations

import asyncio

import pytest
from suite_rows import run_of

from rewards.records import AssertStep, Ended
from rewards.sandboxes.local import LocalSandbox

TOGETHER = [
    pytest.param(
        "def greet(name):\n    print('Hello, ' + name)\n",
        "def test_a(capsys):\n    greet('Bob')\n    assert capsys.readouterr().out == 'Hello, Bob\\n'\n",
        id="what is printed",
    ),
    pytest.param(
        "def greet(name):\n    print('Hello, ' + name)\n",
        "import contextlib, io\ndef test_a():\n    out = io.StringIO()\n    with contextlib.redirect_stdout(out):\n"
        "        greet('Bob')\n    greet('Eve')\n    assert out.getvalue() == 'Hello, Bob\\n'\n",
        id="what is printed, elsewhere",
    ),
    pytest.param(
        "def total():\n    return int(input('n? ')) + int(input())\n",
        "def test_a(monkeypatch):\n    words = iter(['1', '2'])\n"
        "    monkeypatch.setattr('builtins.input', lambda *prompt: next(words))\n    assert total() == 3\n",
        id="what is typed in",
    ),
    pytest.param(
        "import sys\ndef total():\n    return int(input()) + int(sys.stdin.readline())\n",
        "import io\ndef test_a(monkeypatch):\n    monkeypatch.setattr('sys.stdin', io.StringIO('1\\n2\\n3\\n'))\n"
        "    assert total() == 3\n    import sys\n    assert sys.stdin.read() == '3\\n'\n",
        id="what lies in stdin",
    ),
    pytest.param(
        "def depth(node):\n    return 1 + max(depth(node.left), depth(node.right)) if node else 0\n"
        "def mirror(node):\n    node.left, node.right = node.right, node.left\n    node.seen = True\n    return node\n",
        "class Node:\n    def __init__(self, left=None, right=None):\n        self.left, self.right = left, right\n"
        "def test_a():\n    leaf = Node()\n    root = Node(leaf)\n    assert depth(root) == 2 and depth(None) == 0\n"
        "    assert mirror(root) is root and root.right is leaf and root.left is None and root.seen\n",
        id="objects of the test's own class",
    ),
    pytest.param(
        "import asyncio\nasync def double(x):\n    await asyncio.sleep(0)\n    return 2 * x\n"
        "async def fail():\n    raise ValueError('no')\n",
        "import asyncio, pytest\ndef test_a():\n    assert asyncio.run(double(2)) == 4\n"
        "    with pytest.raises(ValueError, match='no'):\n        asyncio.run(fail())\n"
        "    async def both():\n        return await asyncio.gather(double(1), double(2)), await double(3)\n"
        "    assert asyncio.run(both()) == ([2, 4], 6)\n",
        id="coroutines",
    ),
    pytest.param(
        "import os\ndef count(path):\n    with open(path) as file:\n        return len(file.readlines())\n"
        "def save(folder, *, name, text):\n    path = os.path.join(folder, name)\n"
        "    with open(path, 'w') as file:\n        file.write(text)\n    return path\n"
        "def drop(path):\n    path.unlink()\n",
        "import os, pytest, tempfile\ndef test_a(tmp_path):\n    path = tmp_path / 'a.txt'\n"
        "    path.write_text('1\\n2')\n"
        "    assert count(path) == count(str(path)) == 2\n    save(str(tmp_path), name='b.txt', text='hi')\n"
        "    assert (tmp_path / 'b.txt').read_text() == 'hi' and path.exists()\n    drop(path)\n"
        "    assert not path.exists()\n    with pytest.raises(FileNotFoundError):\n        count(tmp_path / 'c.txt')\n"
        "    with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:\n        file.write('x')\n"
        "        file.flush()\n        assert count(file.name) == 1\n",
        id="files",
    ),
    pytest.param(
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def inner(x):\n        return f(f(x))\n"
        "    return inner\n",
        "def test_a():\n    @twice\n    def add(x):\n        return x + 1\n"
        "    assert add(1) == 3 and add.__name__ == 'add'\n",
        id="a decorator",
    ),
    pytest.param(
        "import threading\nclass Counter:\n    def __init__(self):\n        self.n, self.lock = 0, threading.Lock()\n"
        "    def add(self):\n        with self.lock:\n            self.n += 1\n",
        "import threading\ndef test_a():\n    counter = Counter()\n"
        "    threads = [threading.Thread(target=counter.add) for _ in range(8)]\n"
        "    for thread in threads:\n        thread.start()\n    for thread in threads:\n        thread.join()\n"
        "    assert counter.n == 8\n",
        id="threads of the test's",
    ),
    pytest.param(
        "class Node:\n    def __init__(self, value):\n        self.value, self.children, self.names = value, [], {}\n"
        "    def total(self):\n        return self.value + sum(child.total() for child in self.children)\n",
        "def test_a():\n    root, leaf = Node(1), Node(2)\n    root.children.append(leaf)\n"
        "    root.children.append(Node(3))\n    leaf.names['a'] = [1]\n    assert root.total() == 6\n"
        "    assert root.children[0] is leaf and leaf.names == {'a': [1]}\n    root.children.clear()\n"
        "    assert root.total() == 1 and root.children == []\n",
        id="containers that are attributes of the program's objects",
    ),
]


@pytest.mark.parametrize(("program", "file"), TOGETHER)
def test_what_a_test_lends_to_a_program_works_as_in_one_process(
    sandbox: LocalSandbox, loop: asyncio.Runner, program: str, file: str
) -> None:
    (run,) = run_of(sandbox, loop, program, AssertStep(file, framework="pytest"))
    assert (run.ended, run.stderr) == (Ended.RETURNED, "")


def test_a_test_case_that_is_handed_over_is_not_to_be_changed(sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    file = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        f(self)\n"
    file += "        self.assertEqual(f(1), 4)\n"
    program = "def f(x):\n    try:\n        x.assertEqual = print\n    except AttributeError:\n        return 5\n"
    (run,) = run_of(sandbox, loop, program, AssertStep(file, framework="unittest"))
    assert run.ended is Ended.FAILED
    (run,) = run_of(sandbox, loop, "def f(x):\n    return 4\n", AssertStep(file, framework="unittest"))
    assert run.ended is Ended.RETURNED


def test_a_program_looks_into_nothing_but_plain_objects_of_the_tests(
    sandbox: LocalSandbox, loop: asyncio.Runner
) -> None:
    program = """
def seen_in(thing):
    found = []
    for name in ("__globals__", "__dict__", "__class__", "__init__", "__self__", "x"):
        try:
            found.append((name, thing._peer.ask("getattr", thing._number, name)))
        except AttributeError:
            pass
    return [name for name, _ in found]
"""
    file = """
class Node:
    def __init__(self):
        self.x = 5
class TestA:
    x = 5
    def test_a(self):
        assert seen_in(Node()) == ["x"]
        assert seen_in(Node().__init__) == seen_in(lambda: 5) == seen_in(self) == seen_in(self.test_a) == []
"""
    (run,) = run_of(sandbox, loop, program, AssertStep(file, framework="pytest"))
    assert (run.ended, run.stderr) == (Ended.RETURNED, "")


def test_a_program_writes_only_the_files_that_it_was_lent(sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    patched = """
import os, sys
def f(path):
    frame = sys._getframe()
    while frame:
        if "OPERATIONS" in frame.f_globals:
            files = [["../../c", b"1"], ["/d", b"1"], ["a/../../c", b"1"], [5, b"1"], "x", ["", b"2"], ["\\0", b""]]
            frame.f_globals["OPERATIONS"]["collect files"] = lambda below: files
        frame = frame.f_back
    return os.path.exists("tests.py"), sorted(os.listdir(os.path.dirname(path)))
"""
    file = """
import os
def test_a(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    other.write_text("not lent")
    before = {name for name, _, _ in os.walk(".")}, os.listdir(".")
    assert f(str(path)) == (False, [])
    assert path.read_text() == "2" and other.read_text() == "not lent"
    assert ({name for name, _, _ in os.walk(".")}, os.listdir(".")) == before
def test_b():
    try:
        assert not f(__file__)[0]
    except OSError:
        pass
"""
    (run,) = run_of(sandbox, loop, patched, AssertStep(file, framework="pytest"))
    assert (run.ended, run.stderr) == (Ended.RETURNED, "")


def test_what_a_program_says_it_has_printed_is_text(sandbox: LocalSandbox, loop: asyncio.Runner) -> None:
    """A program that patches its half of the talk about streams has broken the channel, whatever the test catches."""
    patched = """
import sys
def f():
    frame = sys._getframe()
    while frame:
        if "Streams" in frame.f_globals:
            frame.f_globals["Streams"].close = lambda self: [1, 2, 3]
        frame = frame.f_back
    return 4
"""
    file = "def test_a(capsys):\n    try:\n        f()\n    except BaseException:\n        pass\n"
    (run,) = run_of(sandbox, loop, patched, AssertStep(file, framework="pytest"))
    assert run.ended is Ended.RAISED
    assert "did not answer" in run.stderr
