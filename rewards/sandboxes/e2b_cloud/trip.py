"""One command in a sandbox that carries a few jobs there and brings a line back for each of them.

A result settles its job the moment its line is there: what happens to the sandbox later does not change it. No byte
that comes back is trusted: a line that makes no sense puts the sandbox in doubt, and the jobs that are still open run
again somewhere else.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any

from ...errors import ConfigurationError, SandboxUnavailable
from ...records import JobResult
from ..agent.commands import fits_inline, trip_command
from ..agent.errors import WireError
from ..agent.lines import End, Failed, Heartbeat, Line, MissingBlob, Result, read_line
from ..agent.results import result_allowance, result_from_bytes
from ..agent.trips import StepsBlob, pack_trip
from .clocks import SLACK_S, OverdueError, job_budget_s, within
from .faults import Fault, classify
from .machine import Machine
from .tickets import Lost, Ticket

END_WAIT_S = 5.0
"""For the command to end, once it has said that it is done."""
LOOK_S, LOOKS = 10.0, 2
"""For a sandbox to run a tiny command, and how often it is asked for one, once a trip's stream has ended too soon."""
_SAID_INSIDE = ("runner", "agent", "command")
"""Causes of which the sandbox itself has spoken; all others may be the network's as well."""
_RUN_KINDS = {"configuration": ConfigurationError, "unavailable": SandboxUnavailable}


class Trip:
    """A few jobs on their way through one sandbox."""

    def __init__(self, machine: Machine, tickets: Sequence[Ticket]) -> None:
        self.machine = machine
        self.tickets = tuple(tickets)
        self.budget_s = sum(job_budget_s(ticket.job) for ticket in tickets)
        self.doubt = ""
        """Why the sandbox is not to be used again, if it is not."""
        self.throttled: Fault | None = None
        """It was not let in, and the sandbox is as good as before."""
        self.nonce = secrets.token_hex(16)
        self._partial: list[str] = []
        self._bytes_left = sum(4 * result_allowance(ticket.job) // 3 + 4096 for ticket in tickets)
        self._began_s: float | None = None
        self._failed_s: float | None = None
        self._is_there_still = False
        self._heard_s = self._set_out_s = time.monotonic()
        self._over = asyncio.Event()
        self._missing: tuple[str, ...] = ()
        self._fault_kind, self._cause = "died", ""
        self._lost: list[Ticket] = []

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for one of its jobs."""
        return any(ticket.is_open for ticket in self.tickets)

    @property
    def wall_s(self) -> float:
        """Return the seconds since it set out."""
        return time.monotonic() - self._set_out_s

    async def travel(self, *, ahead_s: float) -> None:
        """Run the command and settle the tickets; *ahead_s* is what the sandbox's other jobs may take before them.

        What goes wrong is in `doubt` afterwards, and tickets that are open then are those that it was for.
        """
        try:
            for _ in range(2):
                await self._go(ahead_s)
                if not self._missing:
                    break
                self.machine.forget_blobs(self._missing)
                self._missing = ()
                self._over.clear()
        except (WireError, OverdueError) as error:
            self._doubt(str(error), "transport", cause="silence" if isinstance(error, OverdueError) else "wire")
        except Exception as error:
            fault = classify(error, during="run")
            if fault is None:
                raise
            self._fail(fault)
        if self.is_open and not self.doubt:
            self._doubt("the command ended without all its results", "transport")
        if self._looks_like_its_end:
            self._is_there_still = await answers(self.machine)

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "rate" and self._began_s is None:
            self.throttled = fault
        self._doubt(f"{fault.kind}: {fault.detail}", fault.failure.kind, cause=fault.kind)

    @property
    def _looks_like_its_end(self) -> bool:
        """Whether the sandbox may be gone, and a program may be to blame: a proxy that cuts streams looks the same."""
        began_alone = self._began_s is not None and self.tickets[0].alone
        return began_alone and self.is_open and self._cause not in _SAID_INSIDE

    def settle_lost(self) -> tuple[str, list[Ticket]]:
        """Report those who are still open as lost; return what happened, and all who were under way then."""
        may_be_guilty = self._began_s is not None and not self._is_there_still
        kind = "transport" if self._is_there_still else self._fault_kind
        detail = self.doubt + (" (the sandbox itself was still there)" if self._is_there_still else "")
        for ticket in self.tickets:
            if ticket.is_open:
                ticket.settle(self._loss(kind, detail, guilty=may_be_guilty))
                self._lost += [ticket] if may_be_guilty else []
        return self._cause, self._lost

    def _loss(self, kind: str, detail: str, *, guilty: bool) -> Lost:
        ended_s = self._failed_s or time.monotonic()
        lived_s = ended_s - (self._began_s or ended_s)
        return Lost(kind, detail, cause=self._cause, may_be_guilty=guilty, lived_s=lived_s)

    async def _go(self, ahead_s: float) -> None:
        machine, blobs = self.machine, [_blob_of(ticket) for ticket in self.tickets]
        for blob in blobs:
            if blob.is_large:
                await machine.upload_blob(blob)
        packed = pack_trip([ticket.job for ticket in self.tickets], blobs)
        if not fits_inline(packed):
            await machine.upload(machine.paths.trip(self.nonce), packed)
        told = packed if fits_inline(packed) else None
        command = trip_command(machine.paths, machine.greeting, told, nonce=self.nonce)
        budget_s = self.budget_s + ahead_s
        handle = await machine.start_command(command, on_stdout=self.hear, timeout_s=budget_s)
        self._began_s = self._began_s or time.monotonic()
        try:
            await self._listen(handle, time.monotonic() + budget_s + SLACK_S)
        except asyncio.CancelledError:
            machine.do_aside(handle.kill())  # the client's end is what makes the agent stop the programs
            raise
        finally:
            machine.do_aside(handle.disconnect())

    async def _listen(self, handle: Any, until: float) -> None:
        """Wait for the command's end, for as long as it shows that it lives."""
        self._heard_s = time.monotonic()
        ended = asyncio.ensure_future(handle.wait())
        # It may fail while it is being cancelled, when nobody is left to hear of it.
        ended.add_done_callback(lambda done: done.cancelled() or done.exception())
        over = asyncio.ensure_future(self._over.wait())
        try:
            while not (ended.done() or over.done()):
                wait_s = min(until, self._heard_s + self.machine.silence_s) - time.monotonic()
                if wait_s <= 0:
                    what = "a trip" if time.monotonic() >= until else "the next sign of life of a trip"
                    raise OverdueError(f"{what} did not come in time")
                await asyncio.wait({ended, over}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and not self.doubt and not self._missing:
                await asyncio.wait({ended}, timeout=END_WAIT_S)
            if ended.done():
                ended.result()
            elif not self.doubt:
                self._doubt("the command did not end after its last line", "transport")
        finally:
            for task in (ended, over):
                task.cancel()

    def hear(self, text: str) -> None:
        """Take what the command has printed; called by the SDK, so it must not raise."""
        self._bytes_left -= len(text)
        self._heard_s = time.monotonic()  # a long line takes its time on a slow link; the cap on bytes ends a flood
        if self._over.is_set():
            return
        if self._bytes_left < 0:
            self._doubt("the command printed more than its results can be", "transport")
            return
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = "".join(self._partial) + whole[0]
            self._partial = []
        self._partial.append(rest)
        for line in whole:
            self._hear_line(line)

    def _hear_line(self, text: str) -> None:
        try:
            line = read_line(text, self.nonce)
            if line is not None:
                self._take(line)
        except WireError as error:
            self._doubt(f"a line that makes no sense: {error}", "transport")

    def _take(self, line: Line) -> None:
        match line:
            case Heartbeat():
                pass
            case Result(index, data):
                self._take_result(self._ticket(index), data)
            case MissingBlob(digests):
                self._missing = digests
                self._over.set()
            case Failed(index, kind, text):
                self._take_failure(self.tickets if index is None else [self._ticket(index)], kind, text)
            case End():
                self._over.set()

    def _ticket(self, index: int) -> Ticket:
        if index >= len(self.tickets):
            raise WireError("a job that is not in this trip")
        return self.tickets[index]

    def _take_result(self, ticket: Ticket, data: bytes) -> None:
        result = result_from_bytes(data, ticket.job)
        if isinstance(result, JobResult) or not result.retryable:
            ticket.settle(result)
            return
        self._failed_s = self._failed_s or time.monotonic()
        if not self.doubt:
            self.doubt, self._cause = f"the runner in the sandbox failed: {result.detail}", "runner"
        guilty = result.kind == "died"
        self._lost += [ticket] if guilty and ticket.is_open else []
        ticket.settle(self._loss(result.kind, result.detail, guilty=guilty))

    def _take_failure(self, tickets: Sequence[Ticket], kind: str, text: str) -> None:
        raised = _RUN_KINDS.get(kind)
        if raised is None:
            self._doubt(f"the agent in the sandbox failed ({kind}): {text}", "died", cause="agent")
            return
        for ticket in tickets:
            ticket.refuse(raised(f"e2b: {text}"))

    def _doubt(self, text: str, kind: str, *, cause: str = "wire") -> None:
        self._failed_s = self._failed_s or time.monotonic()
        if not self.doubt:
            self.doubt, self._fault_kind, self._cause = text, kind, cause
        self._over.set()


async def answers(machine: Machine) -> bool:
    """Say whether a sandbox still runs tiny commands; it does for all we know where the service did not let us ask."""
    for _ in range(LOOKS):
        try:
            await within(LOOK_S, _run_nothing(machine), "a look after a sandbox")
        except Exception as error:
            fault = classify(error, during="run")
            if fault is None:
                raise
            if fault.kind == "dead" or fault.is_refusal:
                return fault.is_refusal
        else:
            return True
    return False


async def _run_nothing(machine: Machine) -> None:
    handle = await machine.start_command("true", on_stdout=lambda _: None, timeout_s=LOOK_S)
    try:
        await handle.wait()
    finally:
        machine.do_aside(handle.disconnect())


def _blob_of(ticket: Ticket) -> StepsBlob:
    assert ticket.blob is not None, "a job of cells does not travel"
    return ticket.blob
