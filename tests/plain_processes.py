"""Run the runner's parts in ordinary processes, with no sandbox around them: only for programs written out in tests."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rewards.sandboxes.runner.calls import Call, Reply, pack_calls, pack_program, read_replies
from rewards.sandboxes.runner.tester import Outcome, pack_tests, read_outcomes

SANDBOXES = Path(__file__).parent.parent / "rewards" / "sandboxes"

_CALLS = """
import sys
sys.path.insert(0, sys.argv[1])
from runner.calls import answer_calls
fd = int(sys.argv[2])
answer_calls(sys.stdin.buffer.read(), fd)
"""
_SPLIT = """
import os, resource, socket, sys
sys.path.insert(0, sys.argv[1])
from runner.calls import serve_program
from runner.tester import run_tests
fd, size = int(sys.argv[2]), int(sys.argv[3])
job = sys.stdin.buffer.read()
ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    os.close(fd)
    serve_program(job[:size], theirs.fileno())
    os._exit(0)
theirs.close()
memory = int(sys.argv[4]) << 20
if memory:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
run_tests(job[size:], ours.fileno(), fd)
ours.close()
os.wait()
"""


def call_replies(source: str, calls: Iterable[Call], *, reply_limit: int = 1 << 20) -> list[Reply]:
    """Return the replies of a program to *calls*."""
    return read_replies(_run(_CALLS, pack_calls(source, calls, reply_limit=reply_limit)))


def split_outcomes(
    source: str, tests: Iterable[str], *, setup: str = "", names: Iterable[str] = (), memory_mb: int = 0
) -> list[Outcome]:
    """Return the outcomes of *tests* in one process, with so much memory if any is given, and a program in another."""
    program = pack_program(source)
    job = program + pack_tests(setup, tests, names)
    return read_outcomes(_run(_SPLIT, job, str(len(program)), str(memory_mb)))


def _run(script: str, job: bytes, *args: str) -> bytes:
    with tempfile.TemporaryFile() as returned:
        command = [sys.executable, "-I", "-c", script, str(SANDBOXES), str(returned.fileno()), *args]
        subprocess.run(command, input=job, capture_output=True, pass_fds=[returned.fileno()], timeout=60, check=False)
        returned.seek(0)
        return returned.read()
