"""What every new slot must fail to do before it gets a program: refusals that were seen are trusted, not set rules."""

from __future__ import annotations

import os
from pathlib import Path

from ...records import Ended, Limits, Program, ScriptStep, TestRun
from ..runner.handshake import Kind

HOST_FILE = str(Path(__file__).resolve())
PROBE = """
import os, socket, sys, ctypes

def read_passwd():
    open("/etc/passwd").read(1)

def read_host_file():
    open(sys.stdin.readline().strip()).read(1)

def write_outside():
    directory = sys.stdin.readline().strip()
    for place in (directory, "/var/tmp", "/tmp/..", "/dev/shm"):
        try:
            descriptor = os.open(os.path.join(place, "code-rewards-probe"), os.O_CREAT | os.O_WRONLY)
        except OSError:
            continue
        os.unlink(os.path.join(place, "code-rewards-probe"))
        return
    raise OSError

def fork():
    if os.fork() == 0:
        os._exit(0)

def execute():
    os.execv(sys.executable, [sys.executable, "-c", "print(['execute'])"])

def make_socket():
    socket.socket()

def new_user_namespace():
    if ctypes.CDLL(None).unshare(0x10000000):
        raise OSError

possible, allowed = [], sys.stdin.readline().split()
for probe in (read_host_file, write_outside, read_passwd, fork, make_socket, new_user_namespace, execute):
    if probe.__name__ in allowed:
        continue
    try:
        probe()
    except Exception:
        continue
    possible.append(probe.__name__)
print(possible)
"""
PROGRAM = Program(PROBE)
LIMITS = Limits(cpu_s=10.0, job_cpu_s=10.0)


def self_test_step(kind: Kind) -> ScriptStep:
    """Return the input of the probes: what a worker of this *kind* may do, and a file and a directory of the host's."""
    allowed = "fork execute" if kind is Kind.COMMANDS else ""
    try:
        directory = os.getcwd()
    except OSError:
        directory = "/"  # somebody has deleted the working directory
    return ScriptStep(f"{allowed}\n{HOST_FILE}\n{directory}\n")


def refusal(run: TestRun) -> str | None:
    """Return what is wrong with a slot that gave this answer, or None."""
    if run.ended is Ended.EXITED and run.exit_code == 0 and run.stdout == "[]\n":
        return None
    return f"the self-test found: {run.stdout.strip() or run.ended.value} {run.stderr.strip()[-300:]}".strip()
