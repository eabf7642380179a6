"""The set-up command's own process: unpack the archive, start the agent apart from this process, tell its greeting.

It runs from the archive itself.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from .commands import BLOBS, SETUP_WAIT_S, SOCKET, TRIPS, AgentPaths
from .greeting import LONGEST_GREETING, Greeting

KEPT_LOG_BYTES = 2000
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from rewards.sandboxes.agent.server import main; main()"


def main() -> None:
    """Do what `commands.setup_command` says."""
    archive, digest, directory, nonce, options = sys.argv[-5:]
    source, run = Path(archive).absolute(), Path(AgentPaths(digest, directory).run).absolute()
    code = run.with_name(digest)
    try:
        told = running_greeting(run, nonce)
        if told is None:
            unpack(source, code)
            told = nonce + started_greeting(code, run, options)
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        told = Greeting(f"{type(error).__name__}: {error}", "start").line(nonce)
    sys.stdout.write(told + "\n")


def running_greeting(run: Path, nonce: str) -> str | None:
    """Return the greeting of the agent that runs already; None where there is none."""
    if not run.is_dir():
        return None
    os.chdir(run)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(SETUP_WAIT_S)
        try:
            agent.connect(SOCKET)
            agent.sendall(f"greet {nonce}\n".encode())
            told = b"".join(iter(lambda: agent.recv(1 << 16), b""))
        except OSError:
            return None
    return told.decode().strip() or None


def unpack(archive: Path, target: Path) -> None:
    """Put the archive's files below *target*, all or none of them."""
    if target.is_dir():
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    with zipfile.ZipFile(archive) as file:
        file.extractall(unfinished)
    try:
        os.rename(unfinished, target)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not target.is_dir():  # another process was faster
            raise


def started_greeting(code: Path, run: Path, options: str) -> str:
    """Start an agent and return its greeting without the nonce; raises RuntimeError where it says nothing."""
    shutil.rmtree(run, ignore_errors=True)
    for folder in (run, run / BLOBS, run / TRIPS):
        folder.mkdir(mode=0o700)
    reading, writing = os.pipe()
    command = [
        os.path.realpath(sys.executable),
        "-I",
        "-S",
        "-X",
        "utf8",
        "-c",
        _BOOT,
        str(code),
        str(writing),
        options,
    ]
    with open(run / "log", "wb") as log:
        agent = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            cwd=run,
            start_new_session=True,
        )
    os.close(writing)
    told = _read(reading)
    if not told:
        agent.kill()
        complaint = (run / "log").read_bytes()[-KEPT_LOG_BYTES:].decode("utf-8", "replace").strip()
        raise RuntimeError(f"the agent did not come up within {SETUP_WAIT_S:.0f} s: {complaint}")
    agent.returncode = 0  # it lives on: `subprocess` is not to wait for it, nor to warn
    return told


def _read(pipe: int) -> str:
    """Return what is written to *pipe* until it is closed; nothing where that takes too long."""
    told, deadline = b"", time.monotonic() + SETUP_WAIT_S
    while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(pipe, LONGEST_GREETING)
        if not part:
            return told.decode()
        told += part
    return ""
