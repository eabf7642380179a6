"""The warm process of a slot: it confines itself once, imports what programs need, and forks a child for each order.

It reads nothing that a program wrote, so that no program can reach the next one through it: results lie in memory
files that the host reads. It holds the only socket to the host and closes it in every child before the program runs.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import NoReturn

from . import entry, limits, notebook, preload
from .confinement import confine, load_allow_list, needs_new_user, program_filter
from .handshake import Greeting, Kind, Setup
from .kernel import libc
from .messages import LARGEST_GREETING, ORDER, REPLY, Order, Reply, Stop
from .modes import CHANNEL, ENTER, FIRST_OWN, MODES, RETURNED, EnterJob, RunJob, hand_over_files
from .namespaces import unshare
from .processes import ProcessTree, kill_all
from .scratch import wipe
from .signals import INTERRUPTION, block, reset_signals
from .supervisor import PID, supervise
from .warming import warm_up
from .watch import Watch, disk_check, wait

SETUP_FAILED = 251
CANNOT_CLEAN = 99
SHARED_MEMORY = ".shm"
_fork, _enter, _closerange, _exit = libc.fork, entry.enter, os.closerange, os._exit
"""What a child uses first, in one place: it copies every page of the dictionaries that it looks through."""


def main() -> None:
    """Serve the host that started this process, until it closes the socket."""
    reset_signals()
    control, job, returned = (_move_up(int(word)) for word in sys.argv.pop().split(","))
    sys.path[:] = [path for path in sys.path[1:] if path]
    setup = Setup.from_bytes(os.read(control, LARGEST_GREETING))
    try:
        host = os.pidfd_open(setup.host_pid)
        if os.getppid() != setup.host_pid:
            os._exit(0)
        if setup.namespaces:
            unshare(new_user=needs_new_user(setup))
        watched, watch = os.pipe() if _threads_are_unlimited(setup) else (-1, -1)
        pid = os.fork()
        if pid:
            supervise(pid, host, setup, watched)
        os.close(host)
        zygote = Zygote(setup, control, job, returned, watch)
    except preload.PreloadError as error:
        os.write(control, Greeting(error=str(error), preload_failed=True).to_bytes())
        os._exit(1)
    except (OSError, ImportError, ValueError) as error:
        os.write(control, Greeting(error=f"{type(error).__name__}: {error}").to_bytes())
        os._exit(1)
    zygote.serve()


def _mapped_bytes(state: int) -> int:
    threads, mapped = limits.read_state(state)
    if threads > 1:
        raise preload.PreloadError(f"preload: a module started threads ({threads} now): they do not survive a fork")
    return mapped


def _threads_are_unlimited(setup: Setup) -> bool:
    return os.geteuid() == 0 and not setup.pool_uid


class Zygote:
    """The confined process that forks programs."""

    def __init__(self, setup: Setup, control: int, job: int, returned: int, watch: int) -> None:
        os.dup2(returned, RETURNED)
        self._job, self._control = job, socket.socket(fileno=control)
        self._watch_threads = _move_up(watch) if watch >= 0 else -1
        self._failed, self._report_failure = os.pipe()
        os.set_blocking(self._failed, False)
        self._failed, self._report_failure = _move_up(self._failed), _move_up(self._report_failure)
        self._setup = setup
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        os.environ.update(HOME=setup.scratch, TMPDIR=setup.scratch)
        os.environ.pop("LD_BIND_NOW", None)  # the host's wish for this process alone
        os.umask(0o022)
        self._held = confine(setup)
        self._held_state = _move_up(self._held.own_state)
        self._procfs = _move_up(self._held.processes) if self._held.processes >= 0 else -1
        sys.path.extend(setup.search_path)
        preload.preload(setup.preload)
        if setup.kind in (Kind.NOTEBOOKS, Kind.SESSIONS):
            notebook.prepare(setup.scratch, notebook.USEFUL if setup.kind is Kind.NOTEBOOKS else ())
        warm_up()
        entry.warm_up(self._job)
        self._kept = preload.hide_runner(__package__ or "runner")
        self._own_bytes = _mapped_bytes(self._held_state)
        sys.path.insert(0, "")  # the working directory, as for `python main.py`
        block(INTERRUPTION)  # a program of this pid namespace may send it here, where only the handler is of use
        signal.signal(signal.SIGINT, signal.default_int_handler)
        one, several = (program_filter(setup, self._held, processes=processes) for processes in (False, True))
        self._entry = entry.Entry(self._own_bytes, one, several, own_pids=self._held.own_pids)
        load_allow_list(setup)
        self._greet()

    def _greet(self) -> None:
        greeting = Greeting(landlock_abi=self._held.landlock_abi, uid=os.geteuid(), counts_processes=self._procfs >= 0)
        self._control.send(greeting.to_bytes())

    def serve(self) -> NoReturn:
        """Fork a child for each order until the host closes the socket."""
        preload.settle()
        while True:
            data, channel = self._receive()
            if not data:
                os._exit(0)
            if len(data) == ORDER.size:
                reply = self._execute(Order(*ORDER.unpack(data)), channel)
                self._control.send(REPLY.pack(*reply))

    def _receive(self) -> tuple[bytes, int]:
        """Return the host's next message and the channel that came with it, or -1."""
        data, ancillary, _, _ = self._control.recvmsg(ORDER.size, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        for _, _, content in ancillary:
            received: int = struct.unpack("=i", content[:4])[0]
            if received != CHANNEL:
                os.dup2(received, CHANNEL)
                os.close(received)
            return data, CHANNEL
        return data, -1

    def _receive_interruption(self) -> int:
        data = self._control.recv(ORDER.size)
        return data[0] if data else 0

    def _execute(self, order: Order, channel: int) -> Reply:
        started = time.monotonic()
        if order.processes > 1:
            os.mkdir(f"{self._setup.scratch}/{SHARED_MEMORY}")
        watch, calls = self._watch(order), self._entry.calls_for(order)
        job, size, failed, mode = self._job, order.size, self._report_failure, MODES[order.mode]
        enter_job = ENTER.get(order.mode, _enter)
        pid: int = _fork()
        if pid == 0:
            _become_program(calls, job, size, failed, mode, enter_job)
        if channel >= 0:
            os.close(channel)
        if pid < 0:
            return Reply(Stop.SETUP_FAILED, order.number, 0, 0.0, 0.0, 0)
        watch.pid = pid
        stop = wait(watch, self._poll, self._receive_interruption)
        if watch.told:
            self._tell_supervisor(0)
        _, status, usage = os.wait4(pid, 0)
        left_s = kill_all() if self._held.own_pids else 0.0
        stop = self._settle(stop, status, order, calls)
        cpu_s = usage.ru_utime + usage.ru_stime + left_s
        return Reply(stop, order.number, status, cpu_s, time.monotonic() - started, usage.ru_maxrss)

    def _settle(self, stop: Stop, status: int, order: Order, calls: tuple[entry.Call, ...]) -> Stop:
        """Hand over what is wanted and clean up behind a program that is gone; return why it ended."""
        failed = status == SETUP_FAILED << 8 and self._failure_reported()
        if order.fetch_bytes and stop is Stop.ENDED and not failed:
            failed = not self._hand_over(order, calls)
        full = self._clean(order)
        if failed:
            return Stop.SETUP_FAILED
        return Stop.DISK if full and stop is Stop.ENDED and status else stop

    def _hand_over(self, order: Order, calls: tuple[entry.Call, ...]) -> bool:
        """Have a fresh child read the files that the job names: what a program wrote is not read in this process."""
        pid: int = _fork()
        if pid == 0:
            code = 1
            try:
                hand_over_files(calls, self._job, order.size, scratch=self._setup.scratch, limit=order.fetch_bytes)
                code = 0
            finally:
                _exit(code)
        return pid > 0 and os.waitpid(pid, 0)[1] == 0

    def _tell_supervisor(self, pid: int) -> None:
        os.write(self._watch_threads, PID.pack(pid))

    def _watch(self, order: Order) -> Watch:
        own_file_system = self._held.own_pids
        # A tool that was executed shares nothing with this process.
        shared = 0 if self._setup.kind is Kind.COMMANDS else self._own_bytes
        full_at_once = own_file_system and order.disk_bytes >= self._setup.disk_mb << 20
        return Watch(
            order,
            tree=ProcessTree(self._procfs, shared) if order.processes > 1 else None,
            is_full=None
            if full_at_once
            else disk_check(self._setup.scratch, order.disk_bytes, own_file_system=own_file_system),
            answered=lambda: os.fstat(RETURNED).st_size,
            tell=self._tell_supervisor if self._watch_threads >= 0 else None,
        )

    def _failure_reported(self) -> bool:
        try:
            return bool(os.read(self._failed, 1))
        except BlockingIOError:
            return False

    def _clean(self, order: Order) -> bool:
        """Empty the scratch directory; tell whether it was full."""
        scratch = self._setup.scratch
        try:
            if not self._left_in_scratch():
                return False
            full = disk_check(scratch, order.disk_bytes, own_file_system=self._held.own_pids)()
            wipe(scratch)
        except OSError:
            os._exit(CANNOT_CLEAN)  # the next program would find something of this one
        return full

    def _left_in_scratch(self) -> list[str]:
        try:
            return os.listdir(self._setup.scratch)
        except PermissionError:
            os.chmod(self._setup.scratch, 0o700)
            return os.listdir(self._setup.scratch)


def _become_program(
    calls: tuple[entry.Call, ...], descriptor: int, size: int, failed: int, mode: RunJob, enter_job: EnterJob
) -> NoReturn:
    try:
        job = enter_job(calls, descriptor, size)
    except BaseException:  # noqa: BLE001 - the boundary before the program: the host must learn that it did not run
        os.write(failed, b"F")
        _exit(SETUP_FAILED)
    code = 1
    run, ranges = mode
    try:
        for first, last in ranges:
            _closerange(first, last)
        code = run(job)
    finally:
        _exit(code)


def _move_up(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_OWN)
    os.close(descriptor)
    return moved
