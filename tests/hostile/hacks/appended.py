"""Hacks of tests that stand behind the program, in its own process: those that fail even there.

What shares a process with its tests can read them: a program that searches its own file for the token gets past, and
so does one that equals everything, or that replaces the library its tests assert with. That is what `trust="shared"`
means, and these rows are not about it.
"""

from __future__ import annotations

from typing import Any

from ..hack import EXIT, PATCH, SKIP, Hack, canonical

IN_PYTHON = canonical({"type": "appended", "source": "assert add(1, 2) == 3\nassert add(10, 5) == 15\n"})
IN_JAVASCRIPT = canonical(
    {"type": "appended", "source": "console.assert(add(1, 2) === 3);\nconsole.assert(add(10, 5) === 15);\n"},
    language="javascript",
)
CHECKED = canonical(
    {
        "type": "appended",
        "source": "const check = (add) => {\n  if (add(1, 2) !== 3) throw new Error('wrong');\n};\ncheck(add);\n",
    },
    language="javascript",
)
IN_BASH = canonical(
    {"type": "appended", "source": 'set -e\n[ "$(add 1 2)" = 3 ]\n[ "$(add 10 5)" = 15 ]\n'}, language="bash"
)

_ADDS = "def add(a, b):\n    return a + b\n"
_ADDS_JS = "const add = (a, b) => a + b;\n"
_ADDS_SH = "add() {\n  echo $(($1 + $2))\n}\n"
_WRONG = "def add(a, b):\n    return 0\n"
_WRONG_JS = "const add = (a, b) => 0;\n"
_WRONG_SH = "add() {\n  echo 0\n}\n"


def _python(number: int, name: str, hostile: str, honest: str = _ADDS, **more: Any) -> Hack:
    return Hack(number, name, "appended", IN_PYTHON, hostile, honest, **more)


def _node(
    number: int, name: str, hostile: str, honest: str = _ADDS_JS, *, row: Any = IN_JAVASCRIPT, **more: Any
) -> Hack:
    return Hack(number, f"{name}-javascript", "appended", row, hostile, honest, language="javascript", **more)


def _bash(number: int, name: str, hostile: str, honest: str = _ADDS_SH, **more: Any) -> Hack:
    return Hack(number, f"{name}-bash", "appended", IN_BASH, hostile, honest, language="bash", **more)


APPENDED = (
    _python(1, "exit", f"{_WRONG}import sys\nsys.exit(0)\n", fires=EXIT),
    _python(1, "back-door", f"{_WRONG}import os\nos._exit(0)\n", fires=EXIT),
    _python(
        1,
        "back-door-in-the-function",
        """
import os
def add(a, b):
    os._exit(0)
""",
        fires=EXIT,
    ),
    _python(
        1,
        "success-at-exit",
        f"import atexit, os\natexit.register(os._exit, 0)\n{_WRONG}",
        f"import atexit\natexit.register(lambda: None)\n{_ADDS}",
    ),
    _python(
        3,
        "print-passed",
        f"""
{_WRONG}print('PASSED')
print('OK')
raise SystemExit
""",
        f"print('PASSED')\n{_ADDS}",
        fires=EXIT,
    ),
    _python(
        3,
        "guess-the-token",
        f"""
{_WRONG}import os, secrets
for _ in range(10_000):
    print(secrets.token_hex(16))
import sys
sys.stdout.flush()
os._exit(0)
""",
        fires=EXIT,
    ),
    _python(3, "say-it-at-exit", f"{_WRONG}import atexit\natexit.register(print, 'all tests passed')\n"),
    _python(7, "skip", f"{_WRONG}import unittest\nraise unittest.SkipTest('later')\n", fires=SKIP),
    _python(
        8,
        "the-word-pytest",
        f"""
# pytest
{_WRONG}def test_add():
    assert True
""",
        f"# pytest\n{_ADDS}",
    ),
    _python(
        9,
        "fail-quietly",
        f"""
import os, sys
sys.excepthook = lambda *error: os._exit(0)
{_WRONG}""",
        fires=EXIT | PATCH,
    ),
    _python(
        9, "another-assertion-error", f"import builtins\nbuiltins.AssertionError = SystemExit\n{_WRONG}", fires=PATCH
    ),
    _python(11, "by-heart", "def add(a, b):\n    return {1: 3}.get(a)\n"),
    _python(14, "nothing", "pass\n"),
    _python(15, "memory", f"{_ADDS}x = bytearray(10**11)\n"),
    _python(15, "kill-oneself", f"{_ADDS}import os\nos.kill(os.getpid(), 9)\n", fires=EXIT),
    _python(
        15,
        "cut-the-file-off",
        f"{_WRONG}raise SystemExit\n'''\n",
        f"""
{_ADDS}'''
words
'''
""",
        fires=frozenset(),
    ),
    _python(20, "text", "def add(a, b):\n    return f'{a} + {b}'\n"),
    _python(23, "flood", f"{_ADDS}while True:\n    print('x' * 10**6)\n"),
    _node(1, "exit", f"{_WRONG_JS}process.exit(0);\n", fires=EXIT),
    _node(1, "exit-in-the-function", "const add = (a, b) => process.exit(0);\n", fires=EXIT),
    _node(1, "exit-soon", f"{_WRONG_JS}setImmediate(() => process.exit(0));\n", fires=EXIT),
    _node(
        1,
        "success-at-exit",
        f"{_WRONG_JS}process.on('exit', () => {{ process.exitCode = 0; }});\n",
        f"{_ADDS_JS}process.on('exit', () => {{ process.exitCode = 0; }});\n",
    ),
    _node(3, "print-passed", f"{_WRONG_JS}console.log('PASSED');\n", f"console.log('PASSED');\n{_ADDS_JS}"),
    _node(
        3,
        "guess-the-token",
        f"""
{_WRONG_JS}const crypto = require('crypto');
for (let i = 0; i < 10000; i++) console.log(crypto.randomBytes(16).toString('hex'));
""",
    ),
    _node(6, "redefine-the-check", f"var check = () => true;\n{_WRONG_JS}", row=CHECKED),
    _node(9, "no-assertions", f"{_WRONG_JS}console.assert = () => {{}};\n", f"console.assert(true);\n{_ADDS_JS}"),
    _node(9, "frozen-console", f"{_WRONG_JS}console.assert = () => {{}};\nObject.freeze(console);\n"),
    _node(9, "assertion-for-good", f"{_WRONG_JS}Object.defineProperty(console, 'assert', {{ value: () => {{}} }});\n"),
    _node(
        9,
        "assertion-behind-a-property",
        f"{_WRONG_JS}Object.defineProperty(console, 'assert', {{ get: () => () => {{}}, set: () => {{}} }});\n",
    ),
    _node(9, "a-console-of-its-own", f"{_WRONG_JS}const console = Object.freeze({{ assert() {{}}, log() {{}} }});\n"),
    _node(
        9,
        "a-console-that-agrees",
        f"{_WRONG_JS}const console = new Proxy({{}}, {{ get: () => () => {{}}, set: () => true }});\n",
    ),
    _node(9, "no-console", f"{_WRONG_JS}globalThis.console = {{ assert() {{}}, log() {{}}, error() {{}} }};\n"),
    _node(9, "swallow-exceptions", f"{_WRONG_JS}process.on('uncaughtException', () => {{}});\n"),
    _node(
        9,
        "no-exit",
        f"{_WRONG_JS}process.exit = process.abort = process.reallyExit = () => {{}};\n",
        f"{_ADDS_JS}process.exit = () => {{}};\n",
    ),
    _node(
        12,
        "always-true",
        """
const add = (a, b) => ({ valueOf: () => a + b, toString: () => `${a + b}` });
""",
    ),
    _node(13, "not-a-number", "const add = (a, b) => NaN;\n"),
    _node(15, "throw", "throw new Error('no');\n"),
    _node(23, "flood", f"{_ADDS_JS}while (true) console.log('x'.repeat(1e6));\n"),
    _bash(1, "exit", f"{_WRONG_SH}exit 0\n", fires=EXIT),
    _bash(1, "exit-in-a-trap", f"{_WRONG_SH}trap 'exit 0' EXIT\n"),
    _bash(3, "print-passed", f"{_WRONG_SH}echo PASSED\n", f"echo PASSED\n{_ADDS_SH}"),
)
