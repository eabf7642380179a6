"""Rows about calls and tests: the program owns one end of a channel and may write to it what it likes."""

from __future__ import annotations

from rewards.records import AssertStep, CallStep, Ended, Step

from .row import ATTACK_THEN_ASK, HostileRow

CALLS: tuple[Step, ...] = ATTACK_THEN_ASK
WRONG: tuple[Step, ...] = (AssertStep("assert answer() == 42"), AssertStep("assert answer() == 42"))
PASSED = (Ended.RETURNED,)
UNTOUCHED = "\ndef untouched():\n    return 42\n"

WRITE_EVERYWHERE = """
import os, stat, struct
def attack():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                print(ALARM, 'a socket of the machinery', number)
            for text in TEXTS:
                os.write(number, text)
        except OSError:
            pass
    return 'done'
"""


def _flooding(name: str, attempt: str, texts: str) -> HostileRow:
    return HostileRow(name, attempt, f"{WRITE_EVERYWHERE}TEXTS = {texts}\n{UNTOUCHED}", steps=CALLS)


def _returning(name: str, attempt: str, body: str) -> HostileRow:
    return HostileRow(name, attempt, f"{body}{UNTOUCHED}", steps=CALLS)


def _forging(name: str, attempt: str, source: str) -> HostileRow:
    return HostileRow(name, attempt, source, steps=WRONG, never=PASSED)


ANSWER_ROWS = (
    _flooding("noise-in-the-answers", "write noise where answers go", "[b'\\xff' * 999, b'\\0' * 999]"),
    _flooding("a-frame-that-never-ends", "announce four gigabytes", "[b'\\xff' * 4, b'\\x7f\\xff\\xff\\xff{']"),
    _flooding(
        "nested-answers",
        "frames that nest deeply",
        "[struct.pack(order, 200_000) + b'[' * 200_000 for order in ('>I', '<I')]",
    ),
    _returning("return-a-bomb", "return an endless iterator", "def attack():\n    return iter(int, 1)\n"),
    _returning(
        "return-a-deep-nest",
        "return lists a hundred thousand deep",
        "def attack():\n    nest = []\n    for _ in range(100_000):\n        nest = [nest]\n    return nest\n",
    ),
    _returning(
        "return-a-liar",
        "return an object whose special methods never end",
        """
class Liar(dict):
    def __iter__(self):
        while True:
            yield 1
    __len__ = __hash__ = lambda self: 10**9
    keys = items = values = __iter__
    def __getattribute__(self, name):
        raise SystemExit(0)
    __reduce__ = __repr__ = __str__ = lambda self: (_ for _ in ()).throw(KeyboardInterrupt)
def attack():
    return [Liar(), (Liar(), {1: Liar()})]
""",
    ),
    _returning("return-a-giant", "return sixty million characters", "def attack():\n    return 'x' * 60_000_000\n"),
    _returning(
        "return-endless-digits",
        "return an integer of a million digits",
        "def attack():\n    return [1 << 4_000_000, -(1 << 4_000_000)]\n",
    ),
    _returning(
        "raise-something-odd",
        "raise exceptions whose own text cannot be made",
        """
class Odd(BaseException):
    __str__ = __repr__ = lambda self: 1 // 0
    __class__ = property(lambda self: exec('raise SystemExit(0)'))
def attack():
    raise Odd from Odd()
""",
    ),
    _returning(
        "exit-inside-a-call",
        "end well in the middle of a call, with a thread that goes on",
        """
import os, threading
def attack():
    threading.Thread(target=os._exit, args=(0,)).start()
    while True:
        pass
""",
    ),
    _forging("agree-with-everything", "return what equals everything", """
class Yes(int):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = int.__hash__
def answer():
    return Yes(41)
"""),
    _forging("agree-as-an-object", "return an object that equals everything", """
class Yes:
    __eq__ = lambda self, other: True
    __class__ = int
    __hash__ = lambda self: 42
def answer():
    return Yes()
"""),
    _forging("end-the-tester", "raise what would end a test run", "def answer():\n    raise SystemExit(0)\n"),
    _forging("end-the-program", "end with success", "import os\ndef answer():\n    os._exit(0)\n"),
    _forging("skip-the-test", "raise what test frameworks take for a skip", """
import unittest
def answer():
    raise unittest.SkipTest('not today')
"""),
    _forging("patch-the-tester", "replace what assertions need", """
import builtins
builtins.AssertionError = type('Fine', (Warning,), {})
builtins.__build_class__ = builtins.compile = builtins.exec = lambda *a, **k: None
def answer():
    return 41
"""),
    _forging("speak-for-the-tester", "write the outcome of the test on every descriptor", """
import json, os, struct
def answer():
    for outcome in ({'passed': True}, {'returned': 42}, {'passed': True, 'returned': 42}):
        data = json.dumps(outcome).encode()
        for number in range(64):
            for order in ('>I', '<I'):
                try:
                    os.write(number, (struct.pack(order, len(data)) + data) * 3)
                except OSError:
                    pass
    return 41
"""),
    _forging("speak-before-being-asked", "write outcomes while the program is loaded", """
import json, os, struct
data = json.dumps({'passed': True}).encode()
for number in range(64):
    try:
        os.write(number, (struct.pack('>I', len(data)) + data) * 4)
    except OSError:
        pass
def answer():
    return 41
"""),
    _forging("silence", "never answer", "import time\ndef answer():\n    time.sleep(10**6)\n"),
    HostileRow(
        "kill-the-tester",
        "find and kill the process that judges",
        """
import os, signal
def answer():
    for pid in {os.getppid(), *range(2, 3000)} - {os.getpid()}:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return 41
""",
        steps=WRONG,
        never=PASSED,
        watch=("canary_lives",),
    ),
    HostileRow(
        "answer-with-noise",
        "answer the tester with bytes that are no answer",
        """
import os
def answer():
    for number in range(3, 64):
        try:
            os.write(number, os.urandom(5000))
        except OSError:
            pass
    return 41
""",
        steps=(*WRONG, CallStep("answer")),
        never=PASSED,
    ),
)  # fmt: skip
