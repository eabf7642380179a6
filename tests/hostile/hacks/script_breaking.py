"""Scripts that use up limits, crash, hang, and call that an accident of the machine."""

from __future__ import annotations

from ..hack import EXIT, LOW, PATCH
from .scripts import BRIEF_SUM, GREETS, QUICK_SUM, SUMS, output, stdin

_LOOP = "while True:\n    pass\n"


SCRIPTS_THAT_BREAK = (
    stdin(
        10,
        "no-alarms",
        SUMS
        + """
import signal, sys, time
sys.stdout.flush()
for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGPROF, signal.SIGVTALRM, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
signal.alarm(0)
signal.setitimer(signal.ITIMER_REAL, 0)
time.time = time.monotonic = time.process_time = lambda: 0.0
"""
        + _LOOP,
        """
import signal
signal.alarm(0)
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
"""
        + SUMS,
        QUICK_SUM,
        fires=PATCH,
        honest_fires=PATCH,
    ),
    stdin(
        10,
        "higher-limits",
        SUMS
        + """
import resource
for what in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
    try:
        resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        pass
"""
        + _LOOP,
        "import resource\nresource.getrlimit(resource.RLIMIT_CPU)\n" + SUMS,
        QUICK_SUM,
    ),
    stdin(
        10,
        "a-thread-that-goes-on",
        SUMS
        + """
import threading, time
threading.Thread(target=time.sleep, args=(99,)).start()
""",
        SUMS
        + """
import threading, time
threading.Thread(target=time.sleep, args=(0.01,)).start()
""",
        BRIEF_SUM,
    ),
    output(
        10,
        "sleep",
        GREETS + "import time\ntime.sleep(99)\n",
        GREETS + "import time\ntime.sleep(0.01)\n",
        {"tests": '{"tests": [{"type": "output", "output": "hello world"}], "limits": {"cpu_s": 0.5, "wall_s": 1.5}}'},
    ),
    stdin(15, "memory", SUMS + "x = bytearray(10**11)\n", "x = bytearray(10**7)\n" + SUMS),
    stdin(
        15,
        "hoard",
        SUMS
        + """
x = []
while True:
    x.append(bytearray(10**7))
""",
    ),
    stdin(
        15,
        "fill-the-disk",
        SUMS
        + """
with open('big', 'wb') as file:
    while True:
        file.write(bytes(10**7))
""",
        "with open('small', 'wb') as file:\n    file.write(bytes(10**6))\n" + SUMS,
    ),
    stdin(
        15,
        "fork-without-end",
        """
import os
print(0)
while True:
    try:
        os.fork()
    except OSError:
        break
""",
    ),
    stdin(
        15,
        "use-up-the-descriptors",
        """
held = []
while True:
    held.append(open(0, closefd=False) and open('/dev/null'))
""",
    ),
    stdin(
        15,
        "threads-without-end",
        """
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
""",
        row=BRIEF_SUM,
    ),
    stdin(
        15,
        "crash",
        "import ctypes\nctypes.string_at(0)\n",
        "import ctypes\nctypes.sizeof(ctypes.c_int)\n" + SUMS,
        fires=LOW,
        honest_fires=LOW,
    ),
    stdin(15, "kill-oneself", "import os\nos.kill(os.getpid(), 9)\n", fires=EXIT),
    stdin(15, "stop-oneself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n", row=BRIEF_SUM, fires=EXIT),
    stdin(15, "abort", "import os\nos.abort()\n", fires=EXIT),
    stdin(
        15,
        "hang-up",
        SUMS
        + """
import os
os.closerange(0, 100)
os._exit(1)
""",
        fires=EXIT,
    ),
    stdin(
        15,
        "cut-the-output",
        SUMS
        + """
import os, sys
sys.stdout.flush()
os.ftruncate(1, 0)
os.write(1, b'0')
""",
        "import os\nos.write(1, b'%d' % sum(map(int, input().split())))\n",
    ),
    stdin(
        15,
        "wait-for-more-input",
        """
import sys
while True:
    sys.stdin.read()
""",
        row=QUICK_SUM,
    ),
    stdin(15, "not-utf-8", "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe3\\n')\n"),
    output(15, "no-program", "def main(:\n    print('hello')\n"),
)
