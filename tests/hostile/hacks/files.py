"""Hacks of tests that look at a file which a program was to write."""

from __future__ import annotations

from typing import Any

from ..hack import EXIT, NET, PATCH, SKIP, Hack, canonical

REPORT = canonical({"type": "file", "path": "report.csv", "content": "a,b\n1,2\n3,4\n"})
QUICK_REPORT = canonical(
    {"type": "file", "path": "report.csv", "content": "a,b\n1,2\n3,4\n"}, limits={"cpu_s": 0.5, "wall_s": 1.5}
)
SUMMED = canonical(
    *(
        {"type": "file", "path": "out/sum.txt", "content": wanted, "files": {"in.txt": given}}
        for given, wanted in (("1 2\n", "3\n"), ("10 5\n", "15\n"))
    )
)
EXISTS = canonical({"type": "file", "path": "plot.png"})
OUTPUT_FILE = canonical(
    *(
        {"type": "stdin", "input": "", "files": {"sum.in": given}, "output_file": "sum.out", "output": wanted}
        for given, wanted in (("1 2\n", "3\n"), ("10 5\n", "15\n"))
    )
)
NEAR = canonical({"type": "file", "path": "third.txt", "content": "0.333333\n", "comparison": "float:1e-4"})

_WRITES = "with open('report.csv', 'w') as file:\n    file.write('a,b\\n1,2\\n3,4\\n')\n"
_SUMS = (
    "import os\nos.mkdir('out')\nopen('out/sum.txt', 'w').write(str(sum(map(int, open('in.txt').read().split()))))\n"
)
_DRAWS = "open('plot.png', 'wb').write(bytes([137, 80, 78, 71]))\n"
_SUMS_TO_FILE = "total = sum(map(int, open('sum.in').read().split()))\nprint(total, file=open('sum.out', 'w'))\n"
_THIRD = "open('third.txt', 'w').write(f'{1 / 3:.9f}')\n"


def _file(number: int, name: str, hostile: str, honest: str = _WRITES, row: Any = REPORT, **more: Any) -> Hack:
    return Hack(number, name, "file", row, hostile, honest, **more)


FILES = (
    _file(
        1,
        "leave-before-writing",
        f"import sys\nsys.exit(0)\n{_WRITES}",
        f"import sys\n{_WRITES}sys.exit(0)\n",
        fires=EXIT,
        honest_fires=EXIT,
    ),
    _file(1, "write-and-fail", f"{_WRITES}raise SystemExit(3)\n", fires=EXIT),
    _file(
        3,
        "print-it-instead",
        "print('report.csv: a,b\\n1,2\\n3,4')\nprint('PASSED')\n",
        "print('wrote report.csv')\n" + _WRITES,
        fools="prints",
    ),
    _file(
        5,
        "look-for-the-answer",
        """
import glob, shutil
for path in glob.glob('/**/report.csv') + glob.glob('/tmp/*'):
    try:
        shutil.copy(path, 'report.csv')
    except OSError:
        pass
""",
        "import shutil\n" + _WRITES.replace("report", "draft") + "shutil.copy('draft.csv', 'report.csv')\n",
    ),
    _file(
        5,
        "link-to-the-hosts-files",
        "import os\nos.symlink('/etc/passwd', 'report.csv')\n",
        _WRITES.replace("report", "draft") + "import os\nos.replace('draft.csv', 'report.csv')\n",
    ),
    _file(
        5,
        "link-to-the-answer",
        _SUMS.replace("out/sum", "elsewhere") + "os.symlink('../elsewhere.txt', 'out/sum.txt')\n",
        _SUMS,
        SUMMED,
    ),
    _file(5, "a-folder-that-is-a-link", "import os\nos.symlink('/etc', 'out')\n", _SUMS, SUMMED),
    _file(
        6,
        "write-next-to-it",
        """
for folder in ('..', '/', '/etc', '/home', '../..'):
    try:
        open(folder + '/report.csv', 'w').write('a,b\\n1,2\\n3,4\\n')
    except OSError:
        pass
""",
    ),
    _file(7, "skip", "import unittest\nraise unittest.SkipTest('no report')\n", fires=SKIP),
    _file(
        8,
        "the-word-pytest",
        """
# pytest
def test_report():
    open('report.csv', 'w').write('a,b')
""",
        "# pytest: def test_report(): ...\n" + _WRITES,
    ),
    _file(
        10,
        "go-on-for-ever",
        f"""
{_WRITES}import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
""",
        f"{_WRITES}import signal\nsignal.alarm(0)\n",
        QUICK_REPORT,
        honest_fires=PATCH,
    ),
    _file(
        11,
        "by-heart",
        """
import os
os.mkdir('out')
open('out/sum.txt', 'w').write('3\\n')
""",
        _SUMS,
        SUMMED,
    ),
    _file(
        12,
        "every-answer",
        """
import os
os.mkdir('out')
print(*range(100), file=open('out/sum.txt', 'w'))
""",
        _SUMS,
        SUMMED,
    ),
    _file(12, "the-first-line", "open('report.csv', 'w').write('a,b\\n')\n"),
    _file(
        12,
        "more-lines",
        f"{_WRITES}open('report.csv', 'a').write('5,6\\n')\n",
        """
for line in ('a,b', '1,2', '3,4'):
    print(line, file=open('report.csv', 'a'))
""",
    ),
    _file(13, "nan", "open('third.txt', 'w').write('nan')\n", _THIRD, NEAR),
    _file(13, "infinity", "open('third.txt', 'w').write('1e999')\n", _THIRD, NEAR),
    _file(14, "empty", "open('report.csv', 'w').close()\n"),
    _file(14, "nothing-at-all", "pass\n", _DRAWS, EXISTS),
    _file(14, "a-folder-for-a-file", "import os\nos.mkdir('plot.png')\n", _DRAWS, EXISTS),
    _file(14, "a-link-to-nothing", "import os\nos.symlink('nothing', 'plot.png')\n", _DRAWS, EXISTS),
    _file(14, "a-link-to-something-of-the-hosts", "import os\nos.symlink('/etc/passwd', 'plot.png')\n", _DRAWS, EXISTS),
    _file(14, "a-device-for-a-file", "import os\nos.symlink('/dev/zero', 'plot.png')\n", _DRAWS, EXISTS),
    _file(15, "a-pipe-that-nobody-fills", "import os\nos.mkfifo('report.csv')\n"),
    _file(15, "a-socket", "import socket\nsocket.socket(socket.AF_UNIX).bind('report.csv')\n", fires=NET),
    _file(15, "endless-zeros", "import os\nos.symlink('/dev/zero', 'report.csv')\n"),
    _file(15, "a-file-of-a-terabyte", "open('report.csv', 'w').truncate(1 << 40)\n"),
    _file(
        15,
        "fill-the-disk",
        f"""
{_WRITES}with open('more', 'wb') as file:
    while True:
        file.write(bytes(10**7))
""",
    ),
    _file(
        15,
        "not-utf-8",
        """
open('report.csv', 'wb').write('a,b\\n1,2\\n3,4\\n'.encode('utf-16'))
""",
    ),
    _file(15, "kill-oneself", f"{_WRITES}import os\nos.kill(os.getpid(), 9)\n", fires=EXIT),
    _file(15, "memory", f"{_WRITES}x = bytearray(10**11)\n"),
    _file(16, "left-by-the-one-before", "import os\nprint(os.listdir('.'))\n"),
    _file(
        16,
        "written-by-a-daemon",
        """
import os, time
try:
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.05)
        while True:
            open('report.csv', 'w').write('a,b\\n1,2\\n3,4\\n')
except OSError:
    pass
""",
    ),
    _file(
        17,
        "kill-the-reader",
        """
import os, signal
for pid in (os.getppid(), *range(2, 500)):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
""",
        fires=EXIT,
    ),
    _file(
        18,
        "fetch",
        """
import urllib.request
try:
    urllib.request.urlretrieve('http://127.0.0.1:8000/report.csv', 'report.csv')
except OSError:
    pass
""",
        fires=NET,
    ),
    _file(
        20,
        "code",
        """
open('out.txt', 'w').close()
import os
os.mkdir('out')
open('out/sum.txt', 'w').write('1 + 2')
""",
        _SUMS,
        SUMMED,
    ),
    _file(23, "a-large-file", "open('report.csv', 'w').write('a,b\\n1,2\\n3,4\\n' * 10**6)\n"),
    _file(23, "many-files", "for i in range(20_000):\n    open(str(i), 'w').close()\n"),
    _file(
        24,
        "tell-tales",
        """
import os
if any('pytest' in word.lower() or 'e2b' in word.lower() for word in os.environ):
    """
        + _WRITES.replace("\n    ", " "),
    ),
    _file(1, "leave-before-writing-the-output", "import os\nos._exit(0)\n", _SUMS_TO_FILE, OUTPUT_FILE, fires=EXIT),
    _file(
        3, "output-printed-instead", "print(sum(map(int, open('sum.in').read().split())))\n", _SUMS_TO_FILE, OUTPUT_FILE
    ),
    _file(5, "input-for-output", "import os\nos.link('sum.in', 'sum.out')\n", _SUMS_TO_FILE, OUTPUT_FILE),
    _file(12, "every-output", "print(*range(100), file=open('sum.out', 'w'))\n", _SUMS_TO_FILE, OUTPUT_FILE),
)
