"""The interpreter of a session while it lives: one child of a zygote, which is asked over a socket."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from dataclasses import replace

from ...records import Ended, Limits, TestRun
from ..runner.frames import read_frames
from ..runner.messages import Mode, Reply, Stop
from ..runner.wire import MAX_FRAME
from .cells import LEFT, MALFORMED
from .outcomes import KEPT_STDERR_BYTES, Sizes, order_for, read_run
from .wall_clock import WallClock
from .worker import CLOSE_TIMEOUT_S, Outcome, Worker, WorkerDiedError

LENGTH = struct.Struct("=I")
JUNK_BYTES = 64
GRACE_S = 0.5
"""For a process that has hung up to end, before it is stopped for that."""
BEFORE = "the interpreter had ended before this cell, which was not run"


class SessionChild:
    """One child, from its fork to its end; whatever it does is an answer."""

    def __init__(self, worker: Worker, limits: Limits, *, left_s: float) -> None:
        """Have it forked; raises `WorkerDiedError`. *left_s* is the CPU time that the session has left."""
        self._worker, self._limits = worker, limits
        self._sizes = Sizes.of(limits)
        self.told_cpu_s = 0.0
        """What its cells have used, by its own word."""
        self._is_fresh = True
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        order = order_for(Mode.SESSION, limits, self._sizes, left_s=left_s)
        try:
            self._ended = worker.begin(order._replace(backstop_s=math.inf), b"", b"", channel=theirs)
        except BaseException:
            self._channel.close()
            theirs.close()
            raise

    async def ask(self, request: bytes) -> bytes | TestRun:
        """Return the frame that answers *request*, or the run in which the child came to its end; then it is gone.

        Raises `WorkerDiedError`. When cancelled, the child is being stopped, and `end` tells when it is gone.
        """
        began = asyncio.get_running_loop().time()
        if self._is_out_of_step():
            run = await self._last_run(began)
            return replace(run, stderr=f"{run.stderr}\n{BEFORE}".strip())
        self._worker.files.prepare(b"", b"")
        self._worker.report_progress()
        clock = self._worker.clock(self._limits.wall_limit_s, is_fresh=self._is_fresh)
        self._is_fresh = False
        try:
            frame = await self._answer_to(request)
            return await self._last_run(began, clock) if frame is None else frame
        except asyncio.CancelledError:
            self._worker.kill_program()
            raise
        finally:
            clock.cancel()

    def _is_out_of_step(self) -> bool:
        """Say whether the child has ended, or has said something that nobody has asked for."""
        if self._ended.done():
            return True
        try:
            self._channel.recv(JUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    async def _answer_to(self, request: bytes) -> bytes | None:
        """Return the child's answer; None where it ends, hangs up, or says that it has answered and has not."""
        asking = asyncio.create_task(self._exchange(request))
        try:
            await asyncio.wait((asking, self._ended), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            await asyncio.wait((asking,))  # the loop must have let go of the socket before that is closed

    async def _exchange(self, request: bytes) -> bytes | None:
        loop, files = asyncio.get_running_loop(), self._worker.files
        try:
            await loop.sock_sendall(self._channel, LENGTH.pack(len(request)) + request)
            told = await loop.sock_recv(self._channel, JUNK_BYTES)
        except OSError:
            return None
        if not told:
            await asyncio.wait((self._ended,), timeout=GRACE_S)  # who hangs up is about to end
            return None
        frames = read_frames(files.head(files.returned, MAX_FRAME + LENGTH.size), limit=1)
        return frames[0] if frames else None

    async def _last_run(self, began: float, clock: WallClock | None = None) -> TestRun:
        """Return the run in which the child has ended, or is stopped because it does not play by the rules."""
        has_ended = self._ended.done()
        reply = await self.end()
        files = self._worker.files
        run = read_run(Outcome(reply, clock is not None and clock.starved), files, self._sizes)
        if not has_ended and reply.stop == Stop.KILLED:
            run = replace(run, ended=Ended.SIGNALLED, stderr=f"{run.stderr}{MALFORMED}")
        elif run.ended is Ended.EXITED:  # with whatever code: it was not asked to end
            run = replace(run, ended=Ended.SIGNALLED, stderr=f"{run.stderr}{LEFT}")
        files.empty()
        return replace(
            run,
            stderr=run.stderr[-KEPT_STDERR_BYTES:],
            cpu_s=max(reply.cpu_s - self.told_cpu_s, 0.0),
            wall_s=asyncio.get_running_loop().time() - began,
        )

    async def end(self) -> Reply:
        """Stop the child if it still runs, and return how it ended when it is gone; raises `WorkerDiedError`."""
        if not self._ended.done():
            self._worker.kill_program()
        self._channel.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                reply = await asyncio.shield(self._ended)
        except TimeoutError as error:
            raise WorkerDiedError("a program could not be stopped") from error
        if reply.stop == Stop.SETUP_FAILED:
            raise WorkerDiedError("a child could not be set up")
        return reply
