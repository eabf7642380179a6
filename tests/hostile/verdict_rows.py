"""Rows that go for the verdict: the channels, what the machinery knows, what later programs see."""

from __future__ import annotations

from .row import ERROR, GOOD, HostileRow

VERDICT_ROWS = (
    HostileRow(
        "inherited-descriptors",
        "find descriptors of the machinery",
        """
import os
for number in range(3, 5000):
    try:
        os.fstat(number)
        print(ALARM, number)
    except OSError:
        pass
""",
    ),
    HostileRow(
        "close-everything",
        "close every descriptor and end well",
        "import os\nos.closerange(0, 5000)\nraise SystemExit\n",
        frozenset({GOOD, ERROR}),
        in_a_call=True,
    ),
    HostileRow(
        "swap-descriptors",
        "put one channel in another's place",
        "import os\nos.dup2(0, 1)\nos.dup2(1, 2)\nos.dup2(2, 0)\nprint('where')\n",
        in_a_call=True,
    ),
    HostileRow(
        "rewrite-the-channels",
        "rewrite, cut, seal and lease the files behind stdin and stdout",
        """
import fcntl, os
for number in (0, 1, 2):
    try:
        os.pwrite(number, b'rewritten by an earlier program', 0)
    except OSError:
        pass
    F_ADD_SEALS, F_SETLEASE = 1033, 1024
    for command, value in ((F_ADD_SEALS, 15), (F_SETLEASE, 1), (fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)):
        try:
            fcntl.fcntl(number, command, value)
        except OSError:
            pass
os.ftruncate(1, 0)
""",
        in_a_call=True,
    ),
    HostileRow(
        "print-success",
        "print what test runners print when all is well",
        """
import json, sys
for line in ('ok', 'OK', 'PASSED', 'passed', '1 passed in 0.01s', json.dumps({'passed': True, 'score': 1}), '\\0'):
    print(line)
    print(line, file=sys.stderr)
sys.exit(0)
""",
        frozenset({GOOD}),
        ("not_the_answer",),
    ),
    HostileRow(
        "leave-early-and-well",
        "end with success before any test",
        "import os\nos._exit(0)\n",
        frozenset({GOOD}),
        ("not_the_answer",),
    ),
    HostileRow(
        "walk-the-frames",
        "search frames and objects for answers, tests and sockets of the machinery",
        """
import gc, socket, sys
needle = NEEDLE_BACKWARDS[::-1]
frame, names = sys._getframe().f_back, []
while frame is not None:
    names += [name for name, value in frame.f_locals.items() if needle in repr(value)[:20_000]]
    frame = frame.f_back
own = {id(needle), id(globals())}
known = [thing for thing in gc.get_objects() if isinstance(thing, (list, tuple, dict, set)) and id(thing) not in own]
holding = [thing for thing in known if any(type(item) in (str, bytes) and needle in str(item) for item in thing
    if item is not needle)]
print(ALARM if names or holding else 'nothing', names, len(known))
if any(isinstance(thing, socket.socket) for thing in gc.get_objects()):
    print(ALARM, 'a socket')
""",
    ),
    HostileRow(
        "scan-the-memory",
        "search the own memory for what an earlier program of the same slot knew",
        """
import gc, os
head, tail = NEEDLE_BACKWARDS[:12:-1].encode(), NEEDLE_BACKWARDS[12::-1].encode()
try:
    with open('/proc/self/maps') as file:
        lines = [line.split() for line in file]
    spans = [line[0].split('-') for line in lines if line[1][0] == 'r' and not line[-1].startswith('[v')]
    spans = [(int(first, 16), int(last, 16)) for first, last in spans]
except OSError:
    bases = {id(thing) >> 20 << 20 for thing in gc.get_objects()}
    spans = [(base, base + (1 << 20)) for base in sorted(bases)]
reading, writing = os.pipe()
os.set_blocking(writing, False)
hits = pages = 0
for first, last in spans:
    for address in range(first, last, 4096):
        if libc.write(writing, ctypes.c_void_p(address), ctypes.c_size_t(4096)) == 4096:
            pages += 1
            page = os.read(reading, 4096)
            at = page.find(head)
            hits += at >= 0 and page[at + len(head):].startswith(tail)
print(ALARM if hits else 'nothing', pages)
""",
    ),
    HostileRow(
        "patch-the-checks",
        "replace what checks in the same process would use",
        """
import builtins, sys, unittest
class Agreeable:
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = lambda self, *other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __hash__ = lambda self: 1
builtins.AssertionError = type('Fine', (Warning,), {})
builtins.isinstance = builtins.all = lambda *what: True
for name in dir(unittest.TestCase):
    if name.startswith('assert'):
        setattr(unittest.TestCase, name, lambda *a, **k: None)
sys.excepthook = lambda *a: None
def answer(*a):
    return Agreeable()
sys.modules['__main__'].answer = answer
""",
        frozenset({GOOD}),
        ("not_the_answer",),
    ),
    HostileRow(
        "code-in-the-output",
        "print a pickle that plants a file when somebody loads it",
        """
import sys
sys.stdout.buffer.write(b"cposix\\nsystem\\n(S'touch " + OPEN_FOLDER.encode() + b"/planted'\\ntR.")
""",
        watch=("files_unchanged",),
    ),
    HostileRow(
        "output-that-hurts-parsers",
        "deep nesting, endless digits, broken UTF-8, control characters",
        """
import sys
noise = b'\\xc3\\x28\\xff\\x00\\x1b]0;x\\x07' + 'NaN'.encode('utf-16')
sys.stdout.buffer.write(b'{"a":' * 60_000 + b'9' * 150_000 + noise)
""",
        frozenset({GOOD}),
    ),
    HostileRow(
        "change-the-interpreter",
        "change whatever a later program would use",
        """
import atexit, builtins, codecs, gc, heapq, json, linecache, math, os, random, sys
builtins.print = builtins.input = lambda *a, **k: 'patched'
builtins.sum = lambda *a: 13
math.pi = 4
heapq.nsmallest = lambda *a: [0]
json.loads = lambda *a: {}
sys.modules['json'] = None
sys.path.insert(0, '/nowhere')
sys.setrecursionlimit(70)
os.environ['PYTHONPATH'] = '/nowhere'
gc.disable()
random.seed(0)
linecache.cache['main.py'] = ()
codecs.register(lambda name: None)
atexit.register(lambda: os.write(1, b'late'))
os.umask(0o777)
os.chdir('/')
""",
        in_a_call=True,
    ),
    HostileRow(
        "leave-locks-and-flags",
        "leave files, locks and flags on what the next program shares",
        """
import fcntl, os
open('left', 'w').close()
for number in (0, 1, 2):
    for attempt in (
        lambda: os.lseek(number, 777, os.SEEK_SET),
        lambda: fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB),
        lambda: fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB),
        lambda: fcntl.fcntl(number, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK),
    ):
        try:
            attempt()
        except OSError:
            pass
""",
        watch=("no_litter",),
        in_a_call=True,
    ),
    HostileRow(
        "spy-on-the-one-before",
        "read what an earlier program left in folders and in its output",
        """
import os
for folder in ('.', '/tmp', '/var/tmp', '/dev/shm', '/run'):
    try:
        for name in os.listdir(folder):
            print(ALARM, folder, name)
    except OSError:
        pass
if os.pread(1, 50, 0):
    print(ALARM, 'output')
if len(os.pread(0, 50, 0)) > 2:
    print(ALARM, 'input')
""",
    ),
    HostileRow(
        "spy-on-the-neighbours",
        "find the programs that run at the same time",
        """
import os
mine = {os.getpid(), os.getppid()}
found = 0
for pid in set(range(2, 33_000)) - mine:
    try:
        os.kill(pid, 0)
        found += 1
    except OSError:
        pass
print(ALARM if found else 'nobody', found)
""",
        watch=("canary_lives",),
        in_a_call=True,
    ),
    HostileRow(
        "nothing-hostile",
        "use only ordinary things: a sandbox in which these fail protects nobody",
        """
import asyncio, collections, decimal, json, os, random, re, tempfile, threading, time
worker = threading.Thread(target=time.sleep, args=(0.001,))
worker.start()
worker.join()
asyncio.run(asyncio.sleep(0.001))
os.makedirs('one/two')
with open('one/file', 'w') as file:
    file.write('text')
os.rename('one/file', 'one/two/file')
assert os.listdir('one/two') == ['file']
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, 'x'), 'w').close()
assert json.loads(json.dumps({'k': [1, None]})) == {'k': [1, None]}
assert re.sub('a+', 'b', 'caat') == 'cbt' and decimal.Decimal('0.1') * 3 == decimal.Decimal('0.3')
random.seed(3)
assert input() == 'x'
print('all', 'fine')
""",
        frozenset({GOOD}),
        prints="all fine",
    ),
)
