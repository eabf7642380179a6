"""The parent of all kernels of the service: it has imported ipykernel once, and forks a kernel whenever it is told to.

A kernel so made costs a seventh of a second of CPU instead of a whole one. Orders come as JSON lines on stdin,
``{"connection_file", "cwd", "environment", "memory_mb", "number"}``; lines on stdout say what became of them,
``{"number", "pid"}``, and ``{"died": pid}`` for each kernel that ended. When stdin ends, so do this process and every
kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Mapping
from typing import Any

import kernel_mimes  # beside this file, which runs as a program
from ipykernel import debugger, zmqshell  # noqa: F401 - each kernel would import them at its start
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve orders until stdin ends."""
    os.setpgid(0, 0)  # a Ctrl-C in the terminal is for the service
    alarm, ring = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()  # the collector of a kernel need not look at, and so copy, what it inherited
    pending = b""
    while True:
        ready = select.select([0, alarm], [], [])[0]
        if alarm in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(alarm, 4096)
            report_deaths()
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                os._exit(0)  # each kernel is killed by the kernel (of the other sort) when its parent ends
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                serve(json.loads(line), (alarm, ring))


def report_deaths() -> None:
    """Reap what ended, and say so."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            say({"died": pid})


def say(message: Mapping[str, Any]) -> None:
    """Write a line that the service reads."""
    os.write(1, json.dumps(message).encode() + b"\n")


def serve(order: Mapping[str, Any], own_descriptors: tuple[int, int]) -> None:
    """Fork a kernel and say its pid."""
    pid = os.fork()
    if pid != 0:
        say({"number": order["number"], "pid": pid})
        return
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for descriptor in own_descriptors:
            os.close(descriptor)
        be_kernel(order)
        status = 0
    finally:
        os._exit(status)


def be_kernel(order: Mapping[str, Any]) -> None:
    """Become the kernel that was ordered; return when it is told to shut down."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    most = order["memory_mb"] << 20  # a cell that wants more than the VM has must not get it from this computer
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path[0] = ""
    sys.argv = ["kernel"]
    gc.unfreeze()

    settings = Config()
    settings.InteractiveShell.colors = "NoColor"
    settings.HistoryManager.enabled = False  # a database that nobody reads
    settings.PlainTextFormatter.max_seq_length = 0
    app = IPKernelApp.instance(config=settings)
    app.initialize(["-f", order["connection_file"]])
    kernel_mimes.install(app.shell.display_formatter)
    app.start()


if __name__ == "__main__":
    main()
