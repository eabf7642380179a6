"""Hacks of tests in which a checker decides: outputs that break it, and answers that go round it."""

from __future__ import annotations

from typing import Any

from ..hack import EXIT, LOOK, PEEK, Hack, canonical

STRICT = """
import sys
given, answer, output = (open(path).read() for path in sys.argv[1:4])
first, second = map(int, output.split())
assert first + second == int(given) and first > 0 and second > 0
print(1)
"""
"""Crashes on whatever is no right answer, as many a checker does."""
WORKING = """
import json, sys
given, answer, output = (open(path).read() for path in sys.argv[1:4])
numbers = json.loads('[' + ','.join(output.split()) + ']')
left = [0] * numbers[0]
for i in range(numbers[0]):
    left[i] = i
print(int(len(numbers) == 2 and len(left) + numbers[1] == int(given) and numbers[1] > 0))
"""
"""Works as long as the output says."""
TESTLIB = """
import sys
given, output, answer = (open(path).read() for path in sys.argv[1:4])
try:
    first, second = map(int, output.split())
except ValueError:
    sys.exit(2)
sys.exit(0 if first + second == int(given) and min(first, second) > 0 else 1)
"""


def _checked(source: str, style: str = "codeforces") -> dict[str, str]:
    checker = {"source": source, "language": "python", "style": style}
    cases = (("7\n", "3 4\n"), ("10\n", "5 5\n"))
    tests = ({"type": "stdin", "input": given, "output": answer, "checker": checker} for given, answer in cases)
    return canonical(*tests)


def _checker(number: int, name: str, hostile: str, honest: str = "", source: str = STRICT, **more: Any) -> Hack:
    row = _checked(source, "testlib" if source is TESTLIB else "codeforces")
    return Hack(number, name, "checker", row, hostile, honest or _SPLITS, **more)


_SPLITS = "n = int(input())\nprint(1, n - 1)\n"
_LEAVES = """
import os
for folder in ('.', '/tmp', '/var/tmp', '/dev/shm'):
    for name in ('input.txt', 'answer.txt', 'output.txt', 'json.py', 'sitecustomize.py', 'main.py', 'checker.py'):
        try:
            open(folder + '/' + name, 'w').write('print(1)\\nraise SystemExit(0)\\n')
        except OSError:
            pass
print('0 0')
"""

CHECKERS = (
    _checker(1, "leave-at-once", "import os\nos._exit(0)\n", fires=EXIT),
    _checker(1, "leave-at-once-testlib", "raise SystemExit(0)\n", source=TESTLIB, fires=EXIT),
    _checker(1, "answer-and-fail", _SPLITS + "raise SystemExit(1)\n", fires=EXIT),
    _checker(3, "say-what-the-checker-says", "print(1)\n"),
    _checker(3, "say-what-the-checker-says-testlib", "print('ok')\nprint(0)\n", source=TESTLIB),
    _checker(
        4,
        "frames",
        """
import sys
frame = sys._getframe()
while frame:
    print(frame.f_locals)
    frame = frame.f_back
""",
        fires=LOOK,
    ),
    _checker(
        5,
        "read-the-answer",
        """
for name in ('answer.txt', 'output.txt', '../answer.txt', '/tmp/answer.txt'):
    try:
        print(open(name).read())
    except OSError:
        pass
""",
    ),
    _checker(6, "leave-files-for-the-checker", _LEAVES, "open('output.txt', 'w').write('0 0')\n" + _SPLITS, fires=PEEK),
    _checker(6, "leave-files-for-the-checker-testlib", _LEAVES, source=TESTLIB, fires=PEEK),
    _checker(11, "by-heart", "print(3, 4)\n"),
    _checker(
        12,
        "every-answer",
        """
n = int(input())
for i in range(1, n):
    print(i, n - i)
""",
    ),
    _checker(
        12,
        "every-answer-testlib",
        """
n = int(input())
for i in range(1, n):
    print(i, n - i)
""",
        source=TESTLIB,
    ),
    _checker(12, "half-an-answer", "print(int(input()))\n", source=WORKING),
    _checker(13, "nan", "print('nan', input())\n"),
    _checker(13, "nan-in-json", "input()\nprint('NaN', 'Infinity')\n", source=WORKING),
    _checker(15, "a-negative-answer", "n = int(input())\nprint(-1, n + 1)\n"),
    _checker(20, "code", "print(\"__import__('os')._exit(0)\")\n"),
    _checker(22, "silence", "pass\n", source=TESTLIB),
    _checker(22, "blanks", "print(' \\n' * 100)\n"),
    _checker(22, "garbage", "print('\\x00\\x1b[31m{}[]')\n"),
    _checker(22, "garbage-testlib", "print('1 2 three')\n", source=TESTLIB),
    _checker(22, "not-utf-8", "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00')\n"),
    _checker(22, "break-its-arithmetic", "print('9' * 5000, 1)\n"),
    _checker(22, "break-its-parser", "print('[' * 100_000)\n", source=WORKING),
    _checker(22, "use-up-its-memory", "print(10**12, 1)\n", source=WORKING),
    _checker(
        22,
        "use-up-its-time",
        "print(10**7 * 40, 1)\n",
        source=WORKING.replace("left = [0] * numbers[0]", "left = {}").replace("left[i] = i", "left[0] = i"),
        slow=True,
    ),
    _checker(22, "make-it-an-empty-list", "print('')\nprint('')\n", source=WORKING),
    _checker(23, "flood-it", "print('1 ' * 2_500_000)\n", source=WORKING),
    _checker(23, "flood-it-just-within-the-limits", "print('1 ' * 200_000)\n", source=TESTLIB),
    Hack(
        22,
        "open-r1-codeforces",
        "checker",
        {
            "generated_checker": STRICT,
            "input_mode": "stdio",
            "executable": True,
            "language": "python",
            "official_tests": [{"input": "7\n", "output": "3 4\n"}, {"input": "10\n", "output": "5 5\n"}],
        },
        "print('garbage')\n",
        _SPLITS,
    ),
)
