"""Rows that take more time, memory, disk or output than they may, or crash."""

from __future__ import annotations

from .row import DISK, ERROR, FAILED, GOOD, MEMORY, OUTPUT, SIGNAL, STOPPED, TIME, HostileRow

RESOURCE_ROWS = (
    HostileRow(
        "threads-for-ever",
        "start threads until something gives",
        """
import os, threading, time
count = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(50,), daemon=True).start()
        count += 1
except (RuntimeError, MemoryError):
    os.write(1, f'stopped at {count}'.encode())
os._exit(0)
""",
        frozenset({GOOD, TIME, SIGNAL, MEMORY}),
        ("no_orphans",),
    ),
    HostileRow(
        "threads-on-one-stack",
        "threads that share one small stack: kernel memory that no address-space limit sees",
        """
import mmap, os
stack = mmap.mmap(-1, 1 << 16, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
top = ctypes.addressof(ctypes.c_char.from_buffer(stack)) + (1 << 16) - 64
wait = ctypes.cast(libc.pause, ctypes.c_void_p)
libc.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
count = 0
while count < 15000 and libc.clone(wait, top, 0x10F00, None) > 0:
    count += 1
os.write(1, (ALARM if count > 8192 else f'stopped at {count}').encode())
os._exit(0)
""",
        frozenset({GOOD, TIME, SIGNAL, MEMORY, DISK}),
        ("no_orphans",),
    ),
    HostileRow(
        "memory-bit-by-bit",
        "allocate until something gives",
        "hoard = []\nwhile True:\n    hoard.append(bytearray(8_000_000))\n",
        FAILED,
        memory_below_mb=700,
        in_a_call=True,
    ),
    HostileRow(
        "memory-at-once",
        "one object larger than the machine",
        "hoard = [None] * (10**11)\n",
        FAILED,
    ),
    HostileRow(
        "memory-outside-the-heap",
        "map memory that the interpreter does not manage",
        """
import mmap
hoard = []
while True:
    block = mmap.mmap(-1, 50_000_000, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.write(b'y' * 50_000_000)
    hoard.append(block)
""",
        FAILED,
        memory_below_mb=700,
    ),
    HostileRow(
        "memory-that-was-let-go",
        "pages shared with nobody, all but one of them unmapped: they stay, and count as one page",
        """
import mmap
hoard = []
for _ in range(15):
    block = mmap.mmap(-1, 50_000_000)
    block.write(b'y' * 50_000_000)
    block.resize(4096)
    hoard.append(block)
print(ALARM, len(hoard))
""",
        FAILED,
    ),
    HostileRow(
        "zeros-that-were-let-go",
        "the same with a device that gives zeros",
        """
import mmap
with open('/dev/zero', 'r+b') as zeros:
    mmap.mmap(zeros.fileno(), 4096)
print(ALARM)
""",
        FAILED,
    ),
    HostileRow(
        "memory-in-files",
        "memory that is not in the address space: anonymous files",
        """
import os
count = 0
block = bytes(1 << 20)
try:
    for count in range(3000):
        number = libc.syscall(NR['memfd_create'], b'hoard', 0)
        if number < 0 or os.write(number, block) < len(block):
            break
except OSError:
    pass
print(ALARM if count > 200 else 'refused', count)
""",
    ),
    HostileRow(
        "endless-loop",
        "never end",
        "while True:\n    pass\n",
        STOPPED,
        in_a_call=True,
    ),
    HostileRow(
        "endless-in-c",
        "never end, inside one call that holds the interpreter lock",
        "import re\nre.fullmatch('(b+)+', 'b' * 70 + 'c')\n",
        STOPPED,
        in_a_call=True,
    ),
    HostileRow(
        "endless-sleep",
        "never end, and use no CPU time",
        "import time\ntime.sleep(10**7)\n",
        STOPPED,
        in_a_call=True,
    ),
    HostileRow(
        "deaf-to-signals",
        "ignore and block every signal that can be, then loop",
        """
import signal
for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True:
    pass
""",
        STOPPED,
        in_a_call=True,
    ),
    HostileRow(
        "hang-at-the-end",
        "hang in an exit handler, in a thread that is waited for, and in a finaliser",
        """
import atexit, threading
def spin():
    while True:
        pass
class Tomb:
    def __del__(self):
        spin()
tomb = Tomb()
atexit.register(spin)
threading.Thread(target=spin).start()
""",
        STOPPED,
    ),
    HostileRow(
        "stop-itself",
        "stop without ending, so that whoever waits, waits",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
        STOPPED | {ERROR},
        in_a_call=True,
    ),
    HostileRow(
        "fill-the-disk",
        "many large files",
        """
block = bytes(1 << 20)
written = 0
try:
    for number in range(400):
        with open(str(number), 'wb') as file:
            written += file.write(block)
    print(ALARM)
except OSError:
    print('refused after', written >> 20)
""",
        frozenset({GOOD, ERROR, TIME, DISK}),
        ("no_litter",),
    ),
    HostileRow(
        "fill-the-inodes",
        "very many empty folders",
        """
import os
try:
    for number in range(900_000):
        os.mkdir(str(number))
    print(ALARM)
except OSError:
    print('refused after', number)
""",
        frozenset({GOOD, TIME, DISK}),
        ("no_litter",),
    ),
    HostileRow(
        "use-up-descriptors",
        "open descriptors without end",
        """
import os
count = 0
try:
    for count in range(60_000):
        os.dup(0)
    print(ALARM)
except OSError:
    print('refused after', count)
""",
    ),
    HostileRow(
        "flood-stdout",
        "print without end",
        "while True:\n    print('w' * 70_000)\n",
        frozenset({OUTPUT, ERROR, TIME}),
        output_below=1_100_000,
        in_a_call=True,
    ),
    HostileRow(
        "flood-stderr",
        "write to stderr without end, past the interpreter",
        "import os\nwhile True:\n    os.write(2, b'w' * 70_000)\n",
        frozenset({OUTPUT, ERROR, TIME, SIGNAL}),
        output_below=1_100_000,
    ),
    HostileRow(
        "sparse-output",
        "make the captured output look enormous",
        """
import os
try:
    os.ftruncate(1, 1 << 44)
    print(ALARM)
except OSError:
    pass
try:
    os.lseek(1, 1 << 43, os.SEEK_SET)
    os.write(1, b'.')
except OSError:
    pass
""",
        output_below=1_100_000,
    ),
    HostileRow(
        "bottomless-recursion",
        "recurse with the interpreter's limit lifted, until the stack is gone",
        """
import sys
sys.setrecursionlimit(2**31 - 1)
def down():
    down()
down()
""",
        STOPPED | FAILED,
        in_a_call=True,
    ),
    HostileRow(
        "read-nothing",
        "dereference a null pointer",
        "libc.strlen(None)\n",
        frozenset({SIGNAL, ERROR}),
        in_a_call=True,
    ),
    HostileRow("abort", "abort as a C program does", "libc.abort()\n", frozenset({SIGNAL}), in_a_call=True),
    HostileRow(
        "exit-code-of-the-harness",
        "end with a code that the machinery may use for itself",
        "import os\nos._exit(251)\n",
        frozenset({ERROR}),
        in_a_call=True,
    ),
)
