"""Promise: a program reaches no network, no host environment, no host file and no other job."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ...records import AssertStep, Ended
from ..base import Sandbox
from .probe import BrokenPromiseError, demand, demand_output, run_script, run_steps, seen, together

HARMLESS = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME", "PWD", "TERM", "SHLVL", "USER", "SHELL", "TMPDIR"}
"""Variables whose values are the same on most machines and tell nothing."""

BREAKING_OUT = """
import sys
def attempt(name, action):
    try:
        print('WORKED', name, str(action())[:200])
    except Exception as error:
        print('blocked', name, type(error).__name__, file=sys.stderr)
"""


async def no_network(sandbox: Sandbox) -> None:
    """Neither this machine's loopback nor an address outside answers, by TCP, UDP or name."""
    with _listener(socket.SOCK_STREAM) as (tcp, tcp_port), _listener(socket.SOCK_DGRAM) as (udp, udp_port):
        source = BREAKING_OUT + (
            "import socket\n"
            f"attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {tcp_port}), 1))\n"
            "attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
            f".connect(('127.0.0.1', {udp_port})))\n"
            "attempt('outside', lambda: socket.create_connection(('1.1.1.1', 53), 1))\n"
            "attempt('name', lambda: socket.gethostbyname('example.com'))\n"
        )
        run = await run_script(sandbox, source)
        demand_output(run, "")
        demand(run.stderr.count("blocked") == 4, f"not refused: {seen(run)}")
        for server in (tcp, udp):
            with contextlib.suppress(BlockingIOError):
                server.recvfrom(1) if server is udp else server.accept()
                raise BrokenPromiseError("a program reached a port of the host")


@contextlib.contextmanager
def _listener(kind: socket.SocketKind) -> Iterator[tuple[socket.socket, int]]:
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        if kind is socket.SOCK_STREAM:
            server.listen()
        yield server, server.getsockname()[1]


async def no_host_environment(sandbox: Sandbox) -> None:
    """No variable of the calling process is handed on, whether or not it looks like a secret."""
    source = (
        "import os\nprint('environment:', dict(os.environ))\n"
        "try:\n    print(open('/proc/self/environ').read())\nexcept OSError:\n    pass\n"
    )
    run = await run_script(sandbox, source)
    demand(run.stdout.startswith("environment: {"), f"the environment could not be printed: {seen(run)}")
    shown = [
        name
        for name, value in os.environ.items()
        if name not in HARMLESS and len(value) > 7 and repr(value)[1:-1] in run.stdout
    ]
    demand(not shown, f"the program sees the values of {', '.join(sorted(shown))}")


async def no_host_files(sandbox: Sandbox) -> None:
    """A world-readable file and a world-writable folder of the host are out of reach, and its identity is."""
    with tempfile.TemporaryDirectory(prefix="reach-") as folder:
        path, needle = Path(folder, "readable"), secrets.token_hex(16)
        path.write_text(needle)
        Path(folder).chmod(0o777)
        identity = [file for file in ("/etc/machine-id", "/etc/passwd", "/etc/ssh/ssh_host_rsa_key") if _text(file)]
        source = BREAKING_OUT + (
            "import os\n"
            f"path = {str(path)!r}\n"
            "attempt('read', lambda: open(path).read())\n"
            "attempt('list', lambda: os.listdir(os.path.dirname(path)))\n"
            "attempt('write', lambda: open(os.path.dirname(path) + '/planted', 'w').write('x'))\n"
            "attempt('truncate', lambda: os.truncate(path, 0))\n"
            "attempt('rename', lambda: os.rename(path, path + '2'))\n"
            "attempt('link', lambda: os.link(path, 'here'))\n"
            "os.symlink(path, 'way')\nattempt('through a link', lambda: open('way').read())\n"
            f"for file in {identity!r}:\n    attempt(file, lambda: open(file).read())\n"
        )
        run = await run_script(sandbox, source)
        told = [file for file in identity if (_text(file) or "")[:60] in run.stdout]
        demand(not told, f"the program read the host's {', '.join(told)}")
        demand(needle not in run.stdout + run.stderr, "the program read a file of the host")
        demand("blocked read" in run.stderr and "blocked write" in run.stderr, f"not refused: {seen(run)}")
        whole = path.exists() and path.read_text() == needle and os.listdir(folder) == ["readable"]
        demand(whole, "the program changed files of the host")


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return None


async def no_other_job_is_visible(sandbox: Sandbox) -> None:
    """While another job runs, a program finds no process but its own, and can signal none."""
    spy = (
        "import os\nme = {os.getpid(), os.getppid(), 0, 1}\nfound = []\n"
        "for pid in range(2, 33000):\n"
        "    try:\n        if pid not in me:\n            os.kill(pid, 0)\n            found.append(pid)\n"
        "    except OSError:\n        pass\n"
        "try:\n    found += [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in me]\n"
        "except OSError:\n    pass\nprint(found)\n"
    )
    neighbour = "import time\ntime.sleep(0.4)\nprint('unharmed')\n"
    spies = [spy] * max(1, sandbox.capacity - 1)
    beside, *runs = await together(run_script(sandbox, source) for source in (neighbour, *spies))
    demand_output(beside, "unharmed\n")
    for run in runs:
        demand_output(run, "[]\n")


async def a_program_cannot_see_its_tester(sandbox: Sandbox) -> None:
    """Frames, objects, memory and descriptors of the program hold nothing of the test that is being run."""
    needle = secrets.token_hex(16)
    program = (
        "import gc, os, sys\n"
        "def spy():\n"
        "    frame, found = sys._getframe(), []\n"
        "    while frame:\n        found += [repr(dict(frame.f_locals))[:9000]]\n        frame = frame.f_back\n"
        "    found += [repr(x)[:9000] for x in gc.get_objects() if isinstance(x, (str, bytes, dict, list, tuple))]\n"
        "    for name in ('cmdline', 'environ'):\n"
        "        for pid in ('self', '1', str(os.getppid())):\n"
        "            try:\n                found += [open(f'/proc/{pid}/{name}').read()]\n"
        "            except OSError:\n                pass\n"
        "    return ''.join(found)\n"
        "def hidden(part):\n    return part[::-1] in spy()\n"
    )
    test = f"expected = {needle!r}\nassert hidden({needle[::-1]!r}) is False\n"
    run, other = await run_steps(sandbox, program, [AssertStep(test), AssertStep("assert hidden('x') == 7")])
    demand(other.ended is Ended.FAILED, f"a test that does not hold: {seen(other)}")
    demand(run.ended is Ended.RETURNED, f"a program saw the test that judges it, or could not look: {seen(run)}")


CHECKS = (no_network, no_host_environment, no_host_files, no_other_job_is_visible, a_program_cannot_see_its_tester)
