"""Scripts that leave something for the next program, attack the grader, or bury it."""

from __future__ import annotations

from ..hack import EXIT, LOW, PATCH
from .scripts import SUMS, output, stdin

SCRIPTS_THAT_POISON = (
    stdin(
        16,
        "count-the-runs",
        """
import os
answers = ['3', '15', '0']
runs = 0
for folder in ('.', '/tmp', '/var/tmp', '/dev/shm', os.path.expanduser('~')):
    path = folder + '/runs-of-mine'
    try:
        runs = max(runs, os.path.getsize(path) if os.path.exists(path) else 0)
        open(path, 'a').write('x')
    except OSError:
        pass
print(answers[runs % 3])
""",
    ),
    stdin(
        16,
        "leave-a-daemon",
        """
import os
try:
    if os.fork() == 0:
        os.setsid()
        while True:
            for folder in ('.', '/tmp', '/dev/shm'):
                open(folder + '/main.py', 'w').write('print(3)')
except OSError:
    pass
print(0)
""",
    ),
    stdin(
        16,
        "overwrite-the-interpreter",
        """
import json, os, sys
for path in (json.__file__, os.__file__, sys.executable, '/bin/sh', '/bin/bash', '/usr/bin/env'):
    write = lambda: open(path, 'w').write('print(3)')
    for attempt in (write, lambda: os.replace('main.py', path), lambda: os.remove(path)):
        try:
            attempt()
        except OSError:
            pass
print(0)
""",
    ),
    stdin(
        16,
        "poison-modules",
        """
import builtins, sys
builtins.print(0)
for module in list(sys.modules.values()):
    for name in ('dumps', 'loads', 'encode', 'write', 'send', 'compare'):
        try:
            setattr(module, name, lambda *a, **k: '3')
        except (AttributeError, TypeError):
            pass
""",
        fires=PATCH,
    ),
    stdin(
        17,
        "kill-the-parent",
        """
import os, signal
for pid in (os.getppid(), 1, -1, 0, *range(2, 500)):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            pass
print(0)
""",
        fires=EXIT,
    ),
    stdin(
        17,
        "trace-the-parent",
        """
import ctypes, os
libc = ctypes.CDLL(None)
for pid in (os.getppid(), 1):
    libc.ptrace(16, pid, 0, 0)
    libc.process_vm_readv(pid, 0, 0, 0, 0, 0)
print(0)
""",
        fires=LOW,
    ),
    stdin(23, "flood", "while True:\n    print('x' * 10**6)\n", "print(' ' * 1000)\n" + SUMS),
    stdin(23, "answer-and-flood", SUMS + "while True:\n    print('\\n' * 10**6)\n"),
    stdin(23, "digits", "print('9' * 500_000)\n"),
    stdin(23, "nested", "print('[' * 300_000)\n"),
    stdin(23, "a-token-a-byte", "print('1 ' * 400_000)\n"),
    output(23, "flood", "while True:\n    print('hello')\n"),
)
